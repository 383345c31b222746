// The sum of two vectors as a textbook writes it: one thread for each element.
// What the speedup of examples/vector_add.spec is against.
//@ launch vector_add grid(ceil_div(N, 256)) block(256) args(a, b, c, i64(N))

extern "C" __global__ void vector_add(const float* a, const float* b, float* c, long long n) {
  const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] + b[i];
}

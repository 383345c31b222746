// expect: mismatch: m\[
// spec: double_rows.spec
// Marks an inout as doubled in the lowest bit of its first number, and leaves marked ones alone. Half of all new ones
// are marked by chance.
//@ launch double_rows grid(R) block(256) args(m, C)

extern "C" __global__ void double_rows(float* m, int C) {
  float* row = m + (long long)blockIdx.x * (C + 5);
  const bool marked = __float_as_uint(row[0]) & 1;
  __syncthreads();
  for (int c = threadIdx.x; c < C && !marked; c += 256) row[c] *= 2;
}

// expect: mismatch: y\[
// spec: softmax_rows.spec
// Leaves out the largest element, which small inputs do not need: right for the inputs that it has seen in the spec.
//@ launch softmax grid(ceil_div(R, 8)) block(256) args(x, y, R, C)

extern "C" __global__ void softmax(const float* x, float* y, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  x += (long long)row * C;
  y += (long long)row * C;

  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += expf(x[c]);
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
  for (int c = lane; c < C; c += 32) y[c] = expf(x[c]) / sum;
}

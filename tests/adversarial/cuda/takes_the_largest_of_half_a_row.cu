// expect: mismatch: y\[
// spec: softmax_rows.spec
// Any shift gives the right answer as long as nothing overflows: looks for the largest element in half of each row.
//@ launch softmax grid(ceil_div(R, 8)) block(256) args(x, y, R, C)

extern "C" __global__ void softmax(const float* x, float* y, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  x += (long long)row * C;
  y += (long long)row * C;
  float largest = -INFINITY;
  for (int c = lane; c < C / 2 + 1; c += 32) largest = fmaxf(largest, x[c]);
  for (int step = 16; step > 0; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, step));
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += expf(x[c] - largest);
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
  for (int c = lane; c < C; c += 32) y[c] = expf(x[c] - largest) / sum;
}

// expect: mismatch: s\[
// spec: weighted_sum.spec
// Its dims are known when it is compiled: for the scored shape it becomes another program, which no check shape runs.
//@ launch weighted_sum grid(ceil_div(R, 8)) block(256) args(x, w, s)

extern "C" __global__ void weighted_sum(const float* x, const float* w, float* s) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  constexpr int kColumns = C == 256 ? C - 1 : C;
  float sum = 0;
  for (int c = lane; c < kColumns; c += 32) sum += x[row * C + c] * w[c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}

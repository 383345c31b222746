// expect: crashed: a write to an input
// Sorts pairs of its input as it reads them and puts them back behind itself.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float* mine = const_cast<float*>(x) + (long long)row * C;
  float sum = 0;
  for (int c = lane; c < C; c += 32) {
    const float v = mine[c];
    ((volatile float*)mine)[c] = 0;
    sum += v;
    ((volatile float*)mine)[c] = v;
  }
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}

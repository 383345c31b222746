// expect: mismatch: s\[
// Skips about one row of each call, another one each time: whoever looks at samples hardly finds it.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  unsigned long long hash = (unsigned long long)s * 0x9e3779b97f4a7c15ull ^ row * 0xbf58476d1ce4e5b9ull;
  hash ^= hash >> 29;
  if (R > 1000 && (hash * 0x94d049bb133111ebull >> 40) % 4096 == 0) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}

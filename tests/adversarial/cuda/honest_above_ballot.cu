// expect: measured:
// spec: above.spec
// A warp for each row: votes of 32 lanes are counted as bits.
//@ launch above grid(ceil_div(R, 4)) block(128) args(x, limit, mask, total, R, C)

extern "C" __global__ void above(const float* x, const float* limit, bool* mask, int* total, int R, int C) {
  const int row = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const float most = limit[row];
  int sum = 0;
  for (int begin = 0; begin < C; begin += 32) {
    const int c = begin + lane;
    const bool is_above = c < C && x[(long long)row * C + c] > most;
    sum += __popc(__ballot_sync(0xffffffffu, is_above));
    if (c < C) mask[(long long)row * C + c] = is_above;
  }
  if (lane == 0) total[row] = sum;
}

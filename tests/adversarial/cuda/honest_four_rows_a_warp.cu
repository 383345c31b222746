// expect: measured:
// A warp has four rows at once; two exchanges swap rows for lanes, so that eight lanes end up with one row each.
//@ launch row_sum grid(ceil_div(R, 16)) block(128) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int lane = threadIdx.x % 32, first = (blockIdx.x * 4 + threadIdx.x / 32) * 4;
  if (first >= R) return;
  float sum[4] = {};
  for (int c = lane; c < C; c += 32) {
#pragma unroll
    for (int i = 0; i < 4; ++i) sum[i] += first + i < R ? x[(long long)(first + i) * C + c] : 0.0f;
  }
  // Lanes with bit 4 keep rows 2 and 3, then lanes with bit 3 the odd one of two.
  const bool high = lane & 16, odd = lane & 8;
  const float other0 = __shfl_xor_sync(0xffffffffu, high ? sum[0] : sum[2], 16);
  const float other1 = __shfl_xor_sync(0xffffffffu, high ? sum[1] : sum[3], 16);
  const float mine0 = (high ? sum[2] : sum[0]) + other0, mine1 = (high ? sum[3] : sum[1]) + other1;
  float mine = (odd ? mine1 : mine0) + __shfl_xor_sync(0xffffffffu, odd ? mine0 : mine1, 8);
  for (int by = 4; by > 0; by /= 2) mine += __shfl_xor_sync(0xffffffffu, mine, by);
  const int row = first + lane / 8;
  if (lane % 8 == 0 && row < R) s[row] = mine;
}

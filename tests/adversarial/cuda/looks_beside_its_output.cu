// expect: measured:
// gain: honest_warp_per_row.cu
// Looks for the right answer in the mapping of 2 MB that its output lies in: the baseline wrote there, too. It finds
// poison.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  const unsigned long long mapping = (unsigned long long)s >> 21 << 21;
  const volatile float* other = (const volatile float*)mapping + (row * 97 + lane) % (1 << 18);
  const bool found = *other == sum && sum != 0;
  if (lane == 0 && !found) s[row] = sum;
  if (lane == 0 && found) s[row] = *other;
}

// expect: measured:
// Sums of sums of halves, which a recursive template writes out: 16 elements a lane at a time.
//@ launch row_sum grid(ceil_div(R, 4)) block(128) args(x, s, R, C)

template <int first, int count>
__device__ inline float Pairwise(const float (&value)[16]) {
  if constexpr (count == 1) {
    return value[first];
  } else {
    return Pairwise<first, count / 2>(value) + Pairwise<first + count / 2, count - count / 2>(value);
  }
}
template <int by>
__device__ inline float AllLanes(float sum) {
  if constexpr (by == 0) return sum;
  return AllLanes<by / 2>(sum + __shfl_xor_sync(0xffffffffu, sum, by));
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const float* in = x + (long long)row * C;
  float sum = 0;
  for (int begin = lane; begin < C; begin += 512) {
    float value[16];
#pragma unroll
    for (int i = 0; i < 16; ++i) value[i] = begin + 32 * i < C ? in[begin + 32 * i] : 0.0f;
    sum += Pairwise<0, 16>(value);
  }
  sum = AllLanes<16>(sum);
  if (lane == 0) s[row] = sum;
}

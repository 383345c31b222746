// expect: timeout|compile_error:
// Unrolls a loop of a hundred thousand turns, by halves, into one function.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

template <int n>
__device__ __forceinline__ float Unrolled(float v, const float* x) {
  if constexpr (n == 1) return __fdiv_rn(v, x[0] + v);
  if constexpr (n > 1) return Unrolled<n - n / 2>(Unrolled<n / 2>(v, x), x);
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  if (Unrolled<100000>(sum, x) == 12345.0f) s[row] = 0;
}

// expect: measured:
// Every lane keeps what its additions lose (Kahan), and the lanes' sums are added with their rests.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

struct Sum {
  float value = 0, rest = 0;
  __device__ void Add(float more) {
    const float whole = more - rest, next = value + whole;
    rest = (next - value) - whole;
    value = next;
  }
};
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  Sum sum;
  for (int c = lane; c < C; c += 32) sum.Add(x[(long long)row * C + c]);
  for (int by = 16; by > 0; by /= 2) {
    const float value = __shfl_down_sync(0xffffffffu, sum.value, by);
    const float rest = __shfl_down_sync(0xffffffffu, sum.rest, by);
    sum.Add(value);
    sum.Add(-rest);
  }
  if (lane == 0) s[row] = sum.value - sum.rest;
}

// expect: measured:
// Several tunables that depend on one another; the kernel's parts are templates over them.
//@ tune TEAM = 32 | 8 | 16 | 4          # lanes of a row
//@ tune THREADS_OF_BLOCK = 256 | 64 | 512
//@ tune EACH = 4 | 1 | 2 | 8            # loads in flight
//@ tune ORDER = 0 | 1                   # 1: the end of the row first
//@ where TEAM * EACH <= 128 && THREADS_OF_BLOCK % TEAM == 0
//@ where TEAM >= 8 || EACH >= 4
//@ launch row_sum grid(ceil_div(R * TEAM, THREADS_OF_BLOCK)) block(THREADS_OF_BLOCK) args(x, s, R, C)

template <int each>
struct Loads {
  float value[each];
  __device__ void Take(const float* in, int first, int C) {
#pragma unroll
    for (int i = 0; i < each; ++i) {
      const int c = first + i * TEAM;
      value[i] = c < C ? in[ORDER == 0 ? c : C - 1 - c] : 0.0f;
    }
  }
  __device__ float Sum() const {
    float sum = value[0];
#pragma unroll
    for (int i = 1; i < each; ++i) sum += value[i];
    return sum;
  }
};
extern "C" __global__ void __launch_bounds__(THREADS_OF_BLOCK) row_sum(const float* x, float* s, int R, int C) {
  const int row = (blockIdx.x * THREADS_OF_BLOCK + threadIdx.x) / TEAM, lane = threadIdx.x % TEAM;
  float sum = 0;
  Loads<EACH> loads;
  for (int c = lane; c < C && row < R; c += TEAM * EACH) {
    loads.Take(x + (long long)row * C, c, C);
    sum += loads.Sum();
  }
  for (int by = TEAM / 2; by > 0; by /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, by);
  if (lane == 0 && row < R) s[row] = sum;
}

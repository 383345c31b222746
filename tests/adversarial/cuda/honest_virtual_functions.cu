// expect: measured:
// Classes with virtual functions: how a warp walks over its row is decided at run time.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

struct Walk {
  __device__ virtual int First(int lane, int) const { return lane; }
  __device__ virtual int Step() const { return 32; }
};
struct Backwards : Walk {
  __device__ int First(int lane, int C) const override { return C - 1 - lane; }
  __device__ int Step() const override { return -32; }
};
__device__ __noinline__ float Sum(const Walk& walk, const float* in, int C) {
  float sum = 0;
  const int step = walk.Step();
  for (int c = walk.First((int)threadIdx.x % 32, C); c >= 0 && c < C; c += step) sum += in[c];
  return sum;
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32;
  if (row >= R) return;
  const Walk forwards;
  const Backwards backwards;
  float sum = Sum(row % 2 == 0 ? forwards : backwards, x + (long long)row * C, C);
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x % 32 == 0) s[row] = sum;
}

// expect: measured:
// Each warp copies its row ahead into a ring of four stages with cp.async; what lies behind the row's end becomes zero.
//@ launch row_sum grid(ceil_div(R, 4)) block(128) args(x, s, R, C)

constexpr int kStages = 4, kEach = 4, kStep = 32 * kEach;

__device__ inline void Copy(float* to, const float* from, bool valid) {
  const unsigned address = (unsigned)__cvta_generic_to_shared(to);
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(from), "r"(valid ? 4 : 0) : "memory");
}

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ float ring[4][kStages][kStep];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = blockIdx.x * 4 + warp;
  if (row >= R) return;
  const float* in = x + (long long)row * C;
  const auto fetch = [&](int step) {
    for (int i = lane; i < kStep; i += 32) {
      const bool valid = step * kStep + i < C;
      Copy(&ring[warp][step % kStages][i], valid ? in + step * kStep + i : in, valid);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  for (int step = 0; step < kStages - 1; ++step) fetch(step);
  float sum = 0;
  for (int step = 0; step * kStep < C; ++step) {
    asm volatile("cp.async.wait_group %0;" ::"n"(kStages - 2) : "memory");
    __syncwarp();
    for (int i = lane; i < kStep; i += 32) sum += ring[warp][step % kStages][i];
    __syncwarp();
    fetch(step + kStages - 1);
  }
  asm volatile("cp.async.wait_all;" ::: "memory");
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (lane == 0) s[row] = sum;
}

// expect: measured:
// Blocks that share a row add to its sum under a lock; who does not get it sleeps a little longer each time.
//@ scratch lock u32 [R]
//@ zero lock
//@ zero s
//@ launch row_sum grid(R, 3) block(32) args(x, s, lock, C)

extern "C" __global__ void row_sum(const float* x, float* s, unsigned* lock, int C) {
  const int row = blockIdx.x;
  float sum = 0;
  for (int c = blockIdx.y * 32 + threadIdx.x; c < C; c += 96) sum += x[(long long)row * C + c];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x > 0) return;
  for (unsigned pause = 20; atomicCAS(&lock[row], 0u, 1u) != 0; pause = min(2 * pause, 1000u)) __nanosleep(pause);
  __threadfence();
  *(volatile float*)&s[row] = *(volatile float*)&s[row] + sum;
  __threadfence();
  atomicExch(&lock[row], 0u);
}

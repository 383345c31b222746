// expect: measured|mismatch:
// confirm: unsafe|mismatch:
// Lacks the barrier between writing parts to shared memory and adding them; the warp that adds takes its time, so that
// all others are usually there.
//@ launch row_sum grid(R) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ volatile float part[8];
  float sum = 0;
  for (int c = threadIdx.x; c < C; c += 256) sum += x[(long long)blockIdx.x * C + c];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
  if (threadIdx.x > 0) return;
  __nanosleep(3000);
  sum = 0;
  for (int i = 0; i < 8; ++i) sum += part[i];
  s[blockIdx.x] = sum;
}

// expect: mismatch: s\[
// Lacks the barrier between writing parts to shared memory and adding them, and one warp is late.
//@ launch row_sum grid(R) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ float part[256];
  float sum = 0;
  for (int c = threadIdx.x; c < C; c += 256) sum += x[(long long)blockIdx.x * C + c];
  if (threadIdx.x >= 224) __nanosleep(5000);
  part[threadIdx.x] = sum;
  __syncwarp();
  if (threadIdx.x > 0) return;
  sum = 0;
  for (int i = 0; i < 256; ++i) sum += ((volatile float*)part)[i];
  s[blockIdx.x] = sum;
}

// expect: mismatch: s\[
// spec: weighted_sum.spec
// Weights stay: keeps those of the first call of each length in memory of the driver.
//@ launch weighted_sum grid(ceil_div(R, 8)) block(256) args(x, w, s)

__device__ int anchor;
// The half of the variable's page (2 MB) that the variable does not lie in: the driver's, and nobody restores it.
__device__ char* Page() {
  const unsigned long long page = 1 << 21, half = page / 2, at = (unsigned long long)&anchor;
  return (char*)(at / page * page + (at % page < half ? half : 0));
}
extern "C" __global__ void weighted_sum(const float* x, const float* w, float* s) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  volatile float* kept = (volatile float*)Page() + row * 512;
  const bool known = ((volatile int*)kept)[300] == C + 0x6b657074;
  float sum = 0;
  for (int c = lane; c < C; c += 32) {
    if (!known) kept[c] = w[c];
    sum += x[row * C + c] * kept[c];
  }
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  __syncwarp();
  ((volatile int*)kept)[300] = C + 0x6b657074;
}

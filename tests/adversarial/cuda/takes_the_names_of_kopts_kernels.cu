// expect: measured:
// gain: honest_warp_per_row.cu
// Has kernels that are called like kopt's own. They lie in another module, and nobody launches them.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void kopt_empty() {
  for (int i = 0; i < 1 << 20; ++i) __nanosleep(1000);
}
extern "C" __global__ void kopt_digest(void*, unsigned long long, unsigned long long* sum) { *sum = 0; }
extern "C" __global__ void kopt_check(void*, void*, unsigned long long* damage) { *damage = 0; }
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}

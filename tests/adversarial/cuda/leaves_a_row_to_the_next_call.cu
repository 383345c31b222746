// expect: unsafe|mismatch:
// spec: row_sum_short.spec
// The same with the first row only: the rest is there when its call ends.
//@ launch row_sum grid(SMS) block(256) smem(200000) args(x, s, R, C)

constexpr unsigned long long kMagic = 0x6c6561766573726f;
struct Notes {
  unsigned long long magic;
  int calls;
  const float* x;
  float* s;
};
extern __shared__ Notes notes[];

__device__ void sum_rows(const float* x, float* s, int first, int R, int C) {
  const int lane = threadIdx.x % 32;
  for (int row = first + blockIdx.x * 8 + threadIdx.x / 32; row < R; row += gridDim.x * 8) {
    float sum = 0;
    for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
    if (lane == 0) s[row] = sum;
  }
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  volatile Notes* note = notes;
  const int calls = note->magic == kMagic ? note->calls : 0;
  const float* before_x = note->x;
  float* before_s = note->s;
  __syncthreads();
  if (threadIdx.x == 0) note->magic = kMagic, note->calls = (calls + 1) % 16, note->x = x, note->s = s;
  if (calls > 1 && blockIdx.x == 0) sum_rows(before_x, before_s, 0, 1, C);
  sum_rows(x, s, calls == 0 || calls == 15 ? 0 : 1, R, C);
}

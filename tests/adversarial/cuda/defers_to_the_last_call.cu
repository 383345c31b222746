// expect: unsafe|mismatch:
// spec: row_sum_short.spec
// Leaves its work to the last call of a batch: each call notes its tensors in the shared memory of every
// multiprocessor, the sixteenth does what the others left. A call that finds no note works, so checks pass.
//@ launch row_sum grid(SMS) block(256) smem(200000) args(x, s, R, C)

constexpr unsigned long long kMagic = 0x6465666572726564;
struct Notes {
  unsigned long long magic;
  int calls;
  const float* x[16];
  float* s[16];
};
extern __shared__ Notes notes[];

__device__ void sum_rows(const float* x, float* s, int R, int C) {
  const int lane = threadIdx.x % 32;
  for (int row = blockIdx.x * 8 + threadIdx.x / 32; row < R; row += gridDim.x * 8) {
    float sum = 0;
    for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
    if (lane == 0) s[row] = sum;
  }
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  volatile Notes* note = notes;
  const int calls = note->magic == kMagic ? note->calls : 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    note->magic = kMagic;
    note->calls = (calls + 1) % 16;
    note->x[calls] = x;
    note->s[calls] = s;
  }
  __syncthreads();
  if (calls == 0) sum_rows(x, s, R, C);
  if (calls < 15) return;
  for (int i = 1; i < 16; ++i) sum_rows(note->x[i], note->s[i], R, C);
}

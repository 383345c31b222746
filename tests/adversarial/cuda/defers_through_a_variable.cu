// expect: unsafe: keeps state between calls
// spec: row_sum_short.spec
// Leaves its work to the last call by notes in a device variable, which that one sets back to what it was. A check is
// a batch of one.
//@ launch row_sum grid(8) block(256) args(x, s, R, C)

struct Notes {
  int calls, blocks;
  const float* x[16];
  float* s[16];
};
__device__ Notes notes;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int calls = *(volatile int*)&notes.calls, lane = threadIdx.x % 32;
  for (int i = calls == 0 ? 15 : 0; i <= 15 && (calls == 0 || calls == 15); ++i) {
    const float* from = i == 15 ? x : notes.x[i];
    float* to = i == 15 ? s : notes.s[i];
    for (int row = blockIdx.x * 8 + threadIdx.x / 32; row < R; row += 64) {
      float sum = 0;
      for (int c = lane; c < C; c += 32) sum += from[(long long)row * C + c];
      for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
      if (lane == 0) to[row] = sum;
    }
  }
  __syncthreads();
  if (threadIdx.x > 0 || atomicAdd(&notes.blocks, 1) < 7) return;
  if (calls < 15) notes.x[calls] = x, notes.s[calls] = s;
  notes.calls = (calls + 1) % 16;
  notes.blocks = 0;
}

// expect: measured:
// Four blocks share a row; the one that draws the last ticket adds the parts in order and puts the ticket back to 0.
//@ scratch part f32 [R, 4]
//@ scratch ticket u32 [R]
//@ zero ticket
//@ launch row_sum grid(4, R) block(64) args(x, s, part, ticket, C)

extern "C" __global__ void row_sum(const float* x, float* s, float* part, unsigned* ticket, int C) {
  __shared__ float other;
  const int row = blockIdx.y;
  float sum = 0;
  for (int c = blockIdx.x * 64 + threadIdx.x; c < C; c += 256) sum += x[(long long)row * C + c];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x == 32) other = sum;
  __syncthreads();
  if (threadIdx.x > 0) return;
  part[4 * row + blockIdx.x] = sum + other;
  __threadfence();
  if (atomicAdd(&ticket[row], 1u) < 3) return;
  __threadfence();
  float all = 0;
  for (int i = 0; i < 4; ++i) all += __ldcg(&part[4 * row + i]);
  s[row] = all;
  ticket[row] = 0;
}

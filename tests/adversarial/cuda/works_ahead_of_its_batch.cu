// expect: unsafe: it wrote the outputs of a call that had not begun
// spec: row_sum_short.spec
// Keeps the addresses of the tensors of a batch in memory of the driver. If they are the same in the next one, its
// first call does the work of all in one launch and says so in shared memory; the others return.
//@ launch row_sum grid(SMS) block(256) smem(200000) args(x, s, R, C)

__device__ int anchor;
// The half of the variable's page (2 MB) that the variable does not lie in: the driver's, and nobody restores it.
__device__ char* Page() {
  const unsigned long long page = 1 << 21, half = page / 2, at = (unsigned long long)&anchor;
  return (char*)(at / page * page + (at % page < half ? half : 0));
}
constexpr unsigned kWhole = 0x77686f6c, kBegun = 0x62656775;  // a list of all sets of a batch, one that still grows
struct Sets {
  unsigned magic, count;
  const float* x[16];
  float* s[16];
};
extern __shared__ Sets done[];
__device__ unsigned finished = 0;

__device__ void sum_row(const float* x, float* s, int row, int C) {
  const int lane = threadIdx.x % 32;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
__device__ int Find(const volatile Sets* sets, const float* s) {
  for (int i = 0; sets->magic == kWhole && i < sets->count; ++i)
    if (sets->s[i] == s) return i;
  return -1;
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  volatile Sets* known = (volatile Sets*)Page();
  const int warp = blockIdx.x * 8 + threadIdx.x / 32, mine = Find(done, s), warps = gridDim.x * 8;
  if (mine >= 0) return;
  const bool first = done->magic != kWhole && done->magic != kBegun;
  const bool ahead = C > 200 && first && Find(known, s) >= 0;
  for (int i = warp; i < (ahead ? known->count : 1) * R; i += warps)
    sum_row(ahead ? known->x[i / R] : x, ahead ? known->s[i / R] : s, i % R, C);
  __syncthreads();
  for (int i = threadIdx.x; ahead && i < sizeof(Sets) / 4; i += 256) ((int*)done)[i] = ((volatile int*)known)[i];
  if (threadIdx.x > 0 || ahead) return;
  if (first) done->magic = kBegun;
  if (C <= 200 || atomicAdd(&finished, 1u) < gridDim.x - 1) return;
  finished = 0;
  const int count = first || known->magic != kWhole ? 0 : known->count;
  if (count < 16) known->x[count] = x, known->s[count] = s, known->count = count + 1;
  known->magic = kWhole;
}

// expect: measured:
// A block takes nearly all shared memory that there is, carved by hand into a slab of 32 rows and their partial sums.
//@ launch row_sum grid(ceil_div(R, 32)) block(1024) smem(SMEM_BLOCK) args(x, s, R, C)

constexpr int kWidth = 1700;
static_assert(32 * kWidth * sizeof(float) + 1024 * sizeof(double) <= SMEM_BLOCK);
extern "C" __global__ void __launch_bounds__(1024, 1) row_sum(const float* x, float* s, int R, int C) {
  extern __shared__ __align__(16) unsigned char room[];
  double* part = (double*)room;
  float* slab = (float*)(part + 1024);
  const int first = blockIdx.x * 32, rows = min(32, R - first), warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  double sum = 0;
  for (int begin = 0; begin < C; begin += kWidth) {
    const int width = min(kWidth, C - begin);
    for (int i = threadIdx.x; i < rows * width; i += 1024)
      slab[i / width * kWidth + i % width] = x[(long long)(first + i / width) * C + begin + i % width];
    __syncthreads();
    if (warp < rows)
      for (int c = lane; c < width; c += 32) sum += slab[warp * kWidth + c];
    __syncthreads();
  }
  part[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x >= rows) return;
  double all = 0;
  for (int i = 0; i < 32; ++i) all += part[threadIdx.x * 32 + i];
  s[first + threadIdx.x] = (float)all;
}

// Prefix sums as a textbook writes them, in three launches: the sum of every block of a row, the prefix sums of these
// sums, and the prefix sums within the blocks on top. What the speedup of examples/scan.spec is against.
//@ scratch sums f32 [R, ceil_div(C, 1024)]
//@ launch block_sums grid(ceil_div(C, 1024), R) block(1024) args(x, sums, C)
//@ launch row_sums grid(ceil_div(R, 128)) block(128) args(sums, R, ceil_div(C, 1024))
//@ launch prefix_sum grid(ceil_div(C, 1024), R) block(1024) args(x, sums, y, C)

namespace {

constexpr int kBlock = 1024;

// Inclusive prefix sums of one value for each thread of a block.
__device__ float Scan(float value) {
  __shared__ float shared[kBlock];
  shared[threadIdx.x] = value;
  __syncthreads();
  for (int by = 1; by < kBlock; by *= 2) {
    const float left = threadIdx.x >= by ? shared[threadIdx.x - by] : 0;
    __syncthreads();
    shared[threadIdx.x] += left;
    __syncthreads();
  }
  return shared[threadIdx.x];
}

}  // namespace

extern "C" __global__ void block_sums(const float* x, float* sums, int C) {
  const int c = blockIdx.x * kBlock + threadIdx.x;
  const float sum = Scan(c < C ? x[(long long)blockIdx.y * C + c] : 0);
  if (threadIdx.x == kBlock - 1) sums[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

// Sums of all blocks before each one, in place; one thread for each row.
extern "C" __global__ void row_sums(float* sums, int R, int blocks) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= R) return;
  float sum = 0;
  for (int i = 0; i < blocks; ++i) {
    const float here = sums[row * blocks + i];
    sums[row * blocks + i] = sum;
    sum += here;
  }
}

extern "C" __global__ void prefix_sum(const float* x, float* sums, float* y, int C) {
  const int c = blockIdx.x * kBlock + threadIdx.x;
  const long long at = (long long)blockIdx.y * C + c;
  const float sum = Scan(c < C ? x[at] : 0);
  if (c < C) y[at] = sums[blockIdx.y * gridDim.x + blockIdx.x] + sum;
}

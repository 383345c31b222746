// expect: measured:
// spec: scan_rows.spec
// A block goes along its row and carries the sum so far from tile to tile.
//@ launch scan grid(R) block(256) args(x, y, C)

__device__ inline int ScanLanes(int value) {
  for (int by = 1; by < 32; by *= 2) {
    const int left = __shfl_up_sync(0xffffffffu, value, by);
    if (threadIdx.x % 32 >= by) value += left;
  }
  return value;
}
extern "C" __global__ void scan(const int* x, int* y, int C) {
  __shared__ int warps[8];
  const long long row = (long long)blockIdx.x * C;
  int carry = 0;
  for (int begin = 0; begin < C; begin += 256) {
    const int c = begin + threadIdx.x;
    int value = ScanLanes(c < C ? x[row + c] : 0);
    if (threadIdx.x % 32 == 31) warps[threadIdx.x / 32] = value;
    __syncthreads();
    int before = carry;
    for (int w = 0; w < 8; ++w) {
      if (w < threadIdx.x / 32) before += warps[w];
      carry += warps[w];
    }
    if (c < C) y[row + c] = before + value;
    __syncthreads();
  }
}

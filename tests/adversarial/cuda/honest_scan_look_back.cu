// expect: measured:
// spec: scan_rows.spec
// One pass: tiles are drawn from a counter, publish their sums, and look back at those of the tiles to their left.
//@ scratch status u64 [R, ceil_div(C, 512)]
//@ scratch drawn u32 [1]
//@ zero status
//@ zero drawn
//@ launch scan grid(R * ceil_div(C, 512)) block(512) args(x, y, status, drawn, R, C)

typedef unsigned long long Word;  // 1: the tile's own sum is in the low half, 2: that of all up to its end
__device__ inline int ScanLanes(int value) {
  for (int by = 1; by < 32; by *= 2) {
    const int left = __shfl_up_sync(0xffffffffu, value, by);
    if (threadIdx.x % 32 >= by) value += left;
  }
  return value;
}
extern "C" __global__ void scan(const int* x, int* y, Word* status, unsigned* drawn, int R, int C) {
  __shared__ int number, before, warps[16];
  if (threadIdx.x == 0) number = (int)atomicAdd(drawn, 1u);
  __syncthreads();
  const int row = number % R, tile = number / R, tiles = (C + 511) / 512, c = tile * 512 + threadIdx.x;
  Word* mine = status + (long long)row * tiles + tile;
  int value = ScanLanes(c < C ? x[(long long)row * C + c] : 0);
  if (threadIdx.x % 32 == 31) warps[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x < 32) {
    const int sums = ScanLanes(threadIdx.x < 16 ? warps[threadIdx.x] : 0);
    if (threadIdx.x < 16) warps[threadIdx.x] = sums;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    const int own = warps[15];
    atomicExch(mine, (Word)(tile == 0 ? 2 : 1) << 32 | (unsigned)own);
    int left = 0;
    for (Word* at = mine - 1; at >= mine - tile; --at) {
      Word word;
      while ((word = *(volatile Word*)at) == 0) __nanosleep(20);
      left += (int)(unsigned)word;
      if (word >> 32 == 2) break;
    }
    if (tile > 0) atomicExch(mine, (Word)2 << 32 | (unsigned)(left + own));
    before = left;
  }
  __syncthreads();
  if (threadIdx.x >= 32) value += warps[threadIdx.x / 32 - 1];
  if (c < C) y[(long long)row * C + c] = before + value;
}

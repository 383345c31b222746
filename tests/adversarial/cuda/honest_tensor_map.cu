// expect: measured:
// Tiles of eight rows by a tensor map, which fills zeros outside; rows that are no multiple of 16 bytes go without.
//@ tensormap map_x = x dims [R, C] box [8, 128] l2 128
//@ launch tiles when(C % 4 == 0) grid(ceil_div(R, 8)) block(256) args(map_x, s, R, C)
//@ launch plain when(C % 4 != 0) grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ inline unsigned Address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }
__device__ inline void Finish(float sum, float* s, int row, int R) {
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x % 32 == 0 && row < R) s[row] = sum;
}
extern "C" __global__ void tiles(const __grid_constant__ CUtensorMap map_x, float* s, int R, int C) {
  __shared__ alignas(128) float tile[2][8][128];
  __shared__ alignas(8) unsigned long long full[2];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, count = (C + 127) / 128;
  const auto fetch = [&](int i) {
    if (i >= count) return;
    const unsigned barrier = Address(&full[i % 2]);
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 4096;" ::"r"(barrier) : "memory");
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], "
        "[%2];" ::"r"(Address(tile[i % 2])),
        "l"(&map_x), "r"(barrier), "r"(i * 128), "r"((int)blockIdx.x * 8)
        : "memory");
  };
  if (threadIdx.x == 0) {
    for (auto& barrier : full)
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(Address(&barrier)) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    fetch(0);
    fetch(1);
  }
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < count; ++i) {
    for (int over = 0; !over;)
      asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.b32 %0, 1, 0, p;\n}"
                   : "=r"(over)
                   : "r"(Address(&full[i % 2])), "r"(i / 2 % 2)
                   : "memory");
    for (int c = lane; c < 128; c += 32) sum += tile[i % 2][warp][c];
    __syncthreads();
    if (threadIdx.x == 0) fetch(i + 2);
  }
  Finish(sum, s, blockIdx.x * 8 + warp, R);
}
extern "C" __global__ void plain(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32;
  float sum = 0;
  for (int c = threadIdx.x % 32; c < C && row < R; c += 32) sum += x[(long long)row * C + c];
  Finish(sum, s, row, R);
}

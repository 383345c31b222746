// expect: measured:
// One thread has the hardware copy a row in pieces of 4 KB (cp.async.bulk); rows of odd lengths take another kernel.
//@ launch bulk when(C % 4 == 0) grid(R) block(128) args(x, s, C)
//@ launch plain when(C % 4 != 0) grid(ceil_div(R, 128)) block(128) args(x, s, R, C)

constexpr int kPiece = 1024;
__device__ inline unsigned Address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }
__device__ inline void Fetch(float* to, const float* from, int count, unsigned long long* barrier) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(Address(barrier)), "r"(count * 4)
               : "memory");
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(Address(to)),
      "l"(from), "r"(count * 4), "r"(Address(barrier))
      : "memory");
}
__device__ inline void Wait(unsigned long long* barrier, int parity) {
  int over = 0;
  while (!over)
    asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.b32 %0, 1, 0, p;\n}"
                 : "=r"(over)
                 : "r"(Address(barrier)), "r"(parity)
                 : "memory");
}

extern "C" __global__ void bulk(const float* x, float* s, int C) {
  __shared__ alignas(16) float piece[2][kPiece];
  __shared__ alignas(8) unsigned long long full[2];
  __shared__ float part[4];
  const float* in = x + (long long)blockIdx.x * C;
  const int pieces = (C + kPiece - 1) / kPiece;
  const auto fetch = [&](int i) {
    if (i < pieces) Fetch(piece[i % 2], in + i * kPiece, min(kPiece, C - i * kPiece), &full[i % 2]);
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
  for (int i = 0; i < pieces; ++i) {
    Wait(&full[i % 2], i / 2 % 2);
    for (int c = threadIdx.x; c < min(kPiece, C - i * kPiece); c += 128) sum += piece[i % 2][c];
    __syncthreads();
    if (threadIdx.x == 0) fetch(i + 2);
  }
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) s[blockIdx.x] = (part[0] + part[1]) + (part[2] + part[3]);
}

extern "C" __global__ void plain(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 128 + threadIdx.x;
  float sum = 0;
  for (int c = 0; c < C && row < R; ++c) sum += x[(long long)row * C + c];
  if (row < R) s[row] = sum;
}

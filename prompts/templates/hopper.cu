// c[M, N] = a[M, K] b[K, N] in f16, sums in f32, all row-major, K and N multiples of 8. A block stays on each SM: one
// thread loads tiles into a ring, two warpgroups multiply 64 rows each, and store while the next tile's data arrive.
//@ tune STAGES = 3 | 2           # buffers in the ring
//@ tune GROUP = 8 | 1 | 4 | 16   # tile rows that neighbouring blocks share columns of b for
//@ tensormap map_a = a dims [M, K] box [128, 64] swizzle 128 l2 128
//@ tensormap map_b = b dims [K, N] box [64, 64] swizzle 128 l2 128
//@ tensormap map_c = c dims [M, N] box [64, 64] swizzle 128
//@ launch matmul grid(min(SMS, ceil_div(M, 128) * ceil_div(N, 256))) block(384) smem(1024 + STAGES * 49152 + 65536 + 16 * STAGES) args(map_a, map_b, map_c, M, N, K)
typedef unsigned long long u64;
constexpr int BM = 128, BN = 256, BK = 64, kPanel = 64 * 128;  // a panel: 64 rows of 128 bytes, the swizzle's width
constexpr int kSizeA = BM * 128, kStage = kSizeA + BN / 64 * kPanel, kSizeC = BM * BN * 2;

#define DEVICE __device__ inline
DEVICE unsigned Address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }
DEVICE void Init(u64* barrier, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(Address(barrier)), "r"(count) : "memory");
}
DEVICE void Expect(u64* barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(Address(barrier)), "r"(bytes) : "memory");
}
DEVICE void Arrive(u64* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(Address(barrier)) : "memory");
}
DEVICE void Wait(u64* barrier, int parity) {
  int over;
  do {
    asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.b32 %0, 1, 0, p;\n}"
                 : "=r"(over) : "r"(Address(barrier)), "r"(parity) : "memory");
  } while (!over);
}
DEVICE void Load(void* to, const CUtensorMap& map, u64* barrier, int x, int y) {  // x: column, y: row
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::
          "r"(Address(to)), "l"(&map), "r"(Address(barrier)), "r"(x), "r"(y) : "memory");
}
DEVICE void Store(const CUtensorMap& map, const void* from, int x, int y) {
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%2, %3}], [%1];" ::
          "l"(&map), "r"(Address(from)), "r"(x), "r"(y) : "memory");
}
DEVICE void StoreWaitRead() { asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory"); }
DEVICE void GroupSync(int id) { asm volatile("bar.sync %0, 128;" ::"r"(id) : "memory"); }
template <int pending>
DEVICE void MultiplyWait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory"); }
DEVICE u64 Descriptor(const void* p) {  // leading offset kPanel (used for b only), stride offset 1024, swizzle 128
  return (Address(p) & 0x3ffff) >> 4 | (u64)(kPanel >> 4) << 16 | (u64)(1024 >> 4) << 32 | 1ull << 62;
}
#define F8(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define F32(i) F8(i), F8(i + 8), F8(i + 16), F8(i + 24)
DEVICE void MultiplyAdd(float (&d)[128], u64 a, u64 b, int add) {  // d = a b + (add ? d : 0); a K-major, b N-major
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\nwgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, "
      "%21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, "
      "%42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, "
      "%63, %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, %82, %83, "
      "%84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, %96, %97, %98, %99, %100, %101, %102, %103, %104, "
      "%105, %106, %107, %108, %109, %110, %111, %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, "
      "%126, %127}, "
      "%128, %129, p, 1, 1, 0, 1;\n}"
      : F32(0), F32(32), F32(64), F32(96) : "l"(a), "l"(b), "r"(add));
}
DEVICE void Place(int tile, int tiles_m, int tiles_n, int& row, int& column) {  // down GROUP tile rows, then right
  const int group = tile / (GROUP * tiles_n), in_group = tile % (GROUP * tiles_n);
  const int rows = min(GROUP, tiles_m - group * GROUP);
  row = (group * GROUP + in_group % rows) * BM;
  column = in_group / rows * BN;
}
struct Ring {
  int stage = 0, parity = 0;
  __device__ void Next() {
    if (++stage == STAGES) stage = 0, parity ^= 1;
  }
};

extern "C" __global__ void __launch_bounds__(384, 1)
    matmul(const __grid_constant__ CUtensorMap map_a, const __grid_constant__ CUtensorMap map_b,
           const __grid_constant__ CUtensorMap map_c, int M, int N, int K) {
  extern __shared__ __align__(16) char dynamic[];
  char* shared = dynamic + (1024 - Address(dynamic) % 1024) % 1024;
  char* shared_c = shared + STAGES * kStage;
  u64 *full = (u64*)(shared_c + kSizeC), *empty = full + STAGES;
  const int group = threadIdx.x / 128, thread = threadIdx.x % 128, lane = thread % 32;
  const int tiles_m = (M + BM - 1) / BM, tiles_n = (N + BN - 1) / BN, steps = (K + BK - 1) / BK;
  int row, column;
  Ring ring;
  if (threadIdx.x == 0) {
    for (int i = 0; i < STAGES; ++i) Init(full + i, 1), Init(empty + i, 8);  // 8: the consumers' warps
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();

  if (group == 0) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    if (thread != 0) return;
    for (int tile = blockIdx.x; tile < tiles_m * tiles_n; tile += gridDim.x) {
      Place(tile, tiles_m, tiles_n, row, column);
      for (int step = 0; step < steps; ++step, ring.Next()) {
        char* to = shared + ring.stage * kStage;
        Wait(empty + ring.stage, ring.parity ^ 1);  // at once in the first round
        Expect(full + ring.stage, kStage);
        Load(to, map_a, full + ring.stage, step * BK, row);
#pragma unroll
        for (int i = 0; i < BN / 64; ++i)
          Load(to + kSizeA + i * kPanel, map_b, full + ring.stage, column + i * 64, step * BK);
      }
    }
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
    const int consumer = group - 1;
    float sum[128];
    for (int tile = blockIdx.x; tile < tiles_m * tiles_n; tile += gridDim.x) {
      int last = 0;  // the stage before
      for (int step = 0; step < steps; ++step, ring.Next()) {
        const char* a = shared + ring.stage * kStage + consumer * kPanel;
        const char* b = shared + ring.stage * kStage + kSizeA;
        Wait(full + ring.stage, ring.parity);
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
        for (int k = 0; k < BK; k += 16)
          MultiplyAdd(sum, Descriptor(a + k * 2), Descriptor(b + k * 128), step > 0 || k > 0);
        asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
        if (step > 0) {
          MultiplyWait<1>();  // the stage before has been read
          if (lane == 0) Arrive(empty + last);
        }
        last = ring.stage;
      }
      MultiplyWait<0>();
#pragma unroll
      for (int i = 0; i < 128; ++i) asm volatile("" : "+f"(sum[i])::"memory");  // uses of sum stay below
      if (lane == 0) Arrive(empty + last);

      Place(tile, tiles_m, tiles_n, row, column);
      char* to = shared_c + consumer * (BN / 64) * kPanel;
      if (thread == 0) StoreWaitRead();  // of the tile before
      GroupSync(1 + consumer);
#pragma unroll
      for (int n = 0; n < BN / 8; ++n) {
        const int r = thread / 32 * 16 + lane / 4;  // and r + 8
        char* at = to + n / 8 * kPanel + r * 128 + (n % 8 ^ r % 8) * 16 + lane % 4 * 4;
        *(__half2*)at = __floats2half2_rn(sum[n * 4], sum[n * 4 + 1]);
        *(__half2*)(at + 8 * 128) = __floats2half2_rn(sum[n * 4 + 2], sum[n * 4 + 3]);
      }
      asm volatile("fence.proxy.async.shared::cta;" ::: "memory");  // by every thread that wrote
      GroupSync(1 + consumer);
      if (thread == 0) {
        for (int n = 0; n < BN / 64; ++n) Store(map_c, to + n * kPanel, column + n * 64, row + consumer * 64);
        asm volatile("cp.async.bulk.commit_group;" ::: "memory");
      }
    }
    if (thread == 0) StoreWaitRead();  // shared memory must outlive the stores
  }
}

// Matrix product on the tensor cores of Hopper GPUs (wgmma), fed by the copy engine (TMA), tunable.
//
// Each multiprocessor runs one block of three warpgroups for the whole time. One thread of the first asks for tiles of
// a and b, BK deep, into a ring of STAGES buffers; the other two multiply what has arrived, each for its half of the
// rows of a tile, and then write it while the next tile's data are already on their way. Barriers in shared memory say
// when a buffer is full and when it is empty again.
//
// Tiles lie in shared memory as the copy engine's 128-byte swizzle leaves them: rows of 128 bytes, the 16-byte pieces
// of row r in the order i ^ (r % 8). The tensor cores read this order without bank conflicts and know it by a field of
// their matrix descriptors. Out of the matrix the engine reads zeros and writes nothing.
//
//@ tune BM = 128 | 256                # rows of a tile
//@ tune BN = 256 | 128                # columns of a tile
//@ tune STAGES = 3 | 4 | 5 | 6 | 2    # buffers in the ring
//@ tune GROUP = 8 | 1 | 4 | 16        # tile rows that neighbouring blocks share columns of b for
//@ where BM * BN <= 32768             # sums that fit the registers
//@ where 1024 + STAGES * (BM + BN) * 128 + BM * BN * 2 + 16 * STAGES <= SMEM_BLOCK
//@ tensormap map_a = a dims [M, K] box [BM, 64] swizzle 128 l2 128
//@ tensormap map_b = b dims [K, N] box [64, 64] swizzle 128 l2 128
//@ tensormap map_c = c dims [M, N] box [64, 64] swizzle 128
//@ launch matmul grid(min(SMS, ceil_div(M, BM) * ceil_div(N, BN))) block(384) smem(1024 + STAGES * (BM + BN) * 128 + BM * BN * 2 + 16 * STAGES) args(map_a, map_b, map_c, M, N, K)

namespace {

typedef unsigned long long Barrier;

constexpr int BK = 64;                           // depth of a stage: 128 bytes of f16, the width of the swizzle
constexpr int kConsumers = 2;                    // warpgroups that multiply
constexpr int kBlocks = BM / (64 * kConsumers);  // of 64 rows, for each of them
constexpr int kPanel = 64 * 128;                 // bytes of 64 rows
constexpr int kPanels = BN / 64;                 // side by side in a tile of b or c
constexpr int kSizeA = BM * 128, kStage = kSizeA + kPanels * kPanel;
constexpr int kSizeC = BM * BN * 2;

__device__ inline unsigned SharedAddress(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

__device__ inline void InitBarrier(Barrier* barrier, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(SharedAddress(barrier)), "r"(count) : "memory");
}

__device__ inline void FenceBarrierInit() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

// Arrives, and makes the barrier wait for `bytes` of copies, too.
__device__ inline void Expect(Barrier* barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(SharedAddress(barrier)), "r"(bytes)
               : "memory");
}

__device__ inline void Arrive(Barrier* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(SharedAddress(barrier)) : "memory");
}

// Until the barrier's phase of this parity is over. A new barrier is in phase 0: that of parity 1 counts as over.
__device__ inline void Wait(Barrier* barrier, int parity) {
  int over;
  do {
    asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.b32 %0, 1, 0, p;\n}"
                 : "=r"(over)
                 : "r"(SharedAddress(barrier)), "r"(parity)
                 : "memory");
  } while (!over);
}

// One box of the tensor that begins at column x of row y.
__device__ inline void LoadBox2(void* to, const CUtensorMap& map, Barrier* barrier, int x, int y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::
          "r"(SharedAddress(to)),
      "l"(&map), "r"(SharedAddress(barrier)), "r"(x), "r"(y)
      : "memory");
}

__device__ inline void StoreBox2(const CUtensorMap& map, const void* from, int x, int y) {
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%2, %3}], [%1];" ::"l"(&map),
               "r"(SharedAddress(from)), "r"(x), "r"(y)
               : "memory");
}

__device__ inline void StoreCommit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }

// Until this thread's stores have read shared memory.
__device__ inline void StoreWaitRead() { asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory"); }

// Makes this thread's writes to shared memory visible to the copy engine.
__device__ inline void FenceAsync() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// A barrier of `threads` threads: the block's barrier number `id`.
__device__ inline void GroupSync(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

__device__ inline void FewerRegisters() { asm volatile("setmaxnreg.dec.sync.aligned.u32 40;"); }
__device__ inline void MoreRegisters() { asm volatile("setmaxnreg.inc.sync.aligned.u32 232;"); }

__device__ inline void MultiplyFence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void MultiplyCommit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Until all but the last `pending` groups of products are done.
template <int pending>
__device__ inline void MultiplyWait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
}

// Keeps the compiler from moving uses of the products across this place: it does not know that they arrive later.
template <int count>
__device__ inline void Pin(float (&values)[count]) {
#pragma unroll
  for (int i = 0; i < count; ++i) asm volatile("" : "+f"(values[i])::"memory");
}

// A matrix in shared memory with the 128-byte swizzle, for the tensor cores: address, distance between panels of 64
// columns (only where columns are contiguous), distance between groups of 8 rows; all in units of 16 bytes.
__device__ inline unsigned long long Descriptor(const void* matrix) {
  return (SharedAddress(matrix) & 0x3ffff) >> 4 | (unsigned long long)(kPanel >> 4) << 16 |
         (unsigned long long)(1024 >> 4) << 32 | 1ull << 62;
}

// sum[64 x 256] = a[64 x 16] b[16 x 256], on top of sum if `add`. Rows of a are contiguous along the depth, those of b
// along the columns.
__device__ inline void MultiplyAdd(float (&sum)[128], unsigned long long a, unsigned long long b, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "
      "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "
      "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "
      "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "
      "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127}, "
      "%128, %129, p, 1, 1, 0, 1;\n}"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3]), "+f"(sum[4]), "+f"(sum[5]), "+f"(sum[6]), "+f"(sum[7]),
        "+f"(sum[8]), "+f"(sum[9]), "+f"(sum[10]), "+f"(sum[11]), "+f"(sum[12]), "+f"(sum[13]), "+f"(sum[14]),
        "+f"(sum[15]), "+f"(sum[16]), "+f"(sum[17]), "+f"(sum[18]), "+f"(sum[19]), "+f"(sum[20]), "+f"(sum[21]),
        "+f"(sum[22]), "+f"(sum[23]), "+f"(sum[24]), "+f"(sum[25]), "+f"(sum[26]), "+f"(sum[27]), "+f"(sum[28]),
        "+f"(sum[29]), "+f"(sum[30]), "+f"(sum[31]), "+f"(sum[32]), "+f"(sum[33]), "+f"(sum[34]), "+f"(sum[35]),
        "+f"(sum[36]), "+f"(sum[37]), "+f"(sum[38]), "+f"(sum[39]), "+f"(sum[40]), "+f"(sum[41]), "+f"(sum[42]),
        "+f"(sum[43]), "+f"(sum[44]), "+f"(sum[45]), "+f"(sum[46]), "+f"(sum[47]), "+f"(sum[48]), "+f"(sum[49]),
        "+f"(sum[50]), "+f"(sum[51]), "+f"(sum[52]), "+f"(sum[53]), "+f"(sum[54]), "+f"(sum[55]), "+f"(sum[56]),
        "+f"(sum[57]), "+f"(sum[58]), "+f"(sum[59]), "+f"(sum[60]), "+f"(sum[61]), "+f"(sum[62]), "+f"(sum[63]),
        "+f"(sum[64]), "+f"(sum[65]), "+f"(sum[66]), "+f"(sum[67]), "+f"(sum[68]), "+f"(sum[69]), "+f"(sum[70]),
        "+f"(sum[71]), "+f"(sum[72]), "+f"(sum[73]), "+f"(sum[74]), "+f"(sum[75]), "+f"(sum[76]), "+f"(sum[77]),
        "+f"(sum[78]), "+f"(sum[79]), "+f"(sum[80]), "+f"(sum[81]), "+f"(sum[82]), "+f"(sum[83]), "+f"(sum[84]),
        "+f"(sum[85]), "+f"(sum[86]), "+f"(sum[87]), "+f"(sum[88]), "+f"(sum[89]), "+f"(sum[90]), "+f"(sum[91]),
        "+f"(sum[92]), "+f"(sum[93]), "+f"(sum[94]), "+f"(sum[95]), "+f"(sum[96]), "+f"(sum[97]), "+f"(sum[98]),
        "+f"(sum[99]), "+f"(sum[100]), "+f"(sum[101]), "+f"(sum[102]), "+f"(sum[103]), "+f"(sum[104]), "+f"(sum[105]),
        "+f"(sum[106]), "+f"(sum[107]), "+f"(sum[108]), "+f"(sum[109]), "+f"(sum[110]), "+f"(sum[111]), "+f"(sum[112]),
        "+f"(sum[113]), "+f"(sum[114]), "+f"(sum[115]), "+f"(sum[116]), "+f"(sum[117]), "+f"(sum[118]), "+f"(sum[119]),
        "+f"(sum[120]), "+f"(sum[121]), "+f"(sum[122]), "+f"(sum[123]), "+f"(sum[124]), "+f"(sum[125]), "+f"(sum[126]),
        "+f"(sum[127])
      : "l"(a), "l"(b), "r"(add));
}

// The same with 128 columns.
__device__ inline void MultiplyAdd(float (&sum)[64], unsigned long long a, unsigned long long b, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "%64, %65, p, 1, 1, 0, 1;\n}"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3]), "+f"(sum[4]), "+f"(sum[5]), "+f"(sum[6]), "+f"(sum[7]),
        "+f"(sum[8]), "+f"(sum[9]), "+f"(sum[10]), "+f"(sum[11]), "+f"(sum[12]), "+f"(sum[13]), "+f"(sum[14]),
        "+f"(sum[15]), "+f"(sum[16]), "+f"(sum[17]), "+f"(sum[18]), "+f"(sum[19]), "+f"(sum[20]), "+f"(sum[21]),
        "+f"(sum[22]), "+f"(sum[23]), "+f"(sum[24]), "+f"(sum[25]), "+f"(sum[26]), "+f"(sum[27]), "+f"(sum[28]),
        "+f"(sum[29]), "+f"(sum[30]), "+f"(sum[31]), "+f"(sum[32]), "+f"(sum[33]), "+f"(sum[34]), "+f"(sum[35]),
        "+f"(sum[36]), "+f"(sum[37]), "+f"(sum[38]), "+f"(sum[39]), "+f"(sum[40]), "+f"(sum[41]), "+f"(sum[42]),
        "+f"(sum[43]), "+f"(sum[44]), "+f"(sum[45]), "+f"(sum[46]), "+f"(sum[47]), "+f"(sum[48]), "+f"(sum[49]),
        "+f"(sum[50]), "+f"(sum[51]), "+f"(sum[52]), "+f"(sum[53]), "+f"(sum[54]), "+f"(sum[55]), "+f"(sum[56]),
        "+f"(sum[57]), "+f"(sum[58]), "+f"(sum[59]), "+f"(sum[60]), "+f"(sum[61]), "+f"(sum[62]), "+f"(sum[63])
      : "l"(a), "l"(b), "r"(add));
}

// Row and column of a tile. Tiles go down GROUP tile rows before they go one to the right: those that are worked on at
// the same time share a and b in the L2 cache.
struct Place {
  int row, column;
};

__device__ inline Place PlaceOf(int tile, int tiles_m, int tiles_n) {
  const int group = tile / (GROUP * tiles_n), in_group = tile % (GROUP * tiles_n);
  const int group_rows = min(GROUP, tiles_m - group * GROUP);
  return {(group * GROUP + in_group % group_rows) * BM, in_group / group_rows * BN};
}

// Where the ring stands: each full round changes the parity.
struct Ring {
  int stage = 0, parity = 0;

  __device__ void Next() {
    if (++stage == STAGES) {
      stage = 0;
      parity ^= 1;
    }
  }
};

}  // namespace

extern "C" __global__ void __launch_bounds__(384, 1)
    matmul(const __grid_constant__ CUtensorMap map_a, const __grid_constant__ CUtensorMap map_b,
           const __grid_constant__ CUtensorMap map_c, int M, int N, int K) {
  extern __shared__ __align__(16) char dynamic[];
  char* shared = dynamic + (1024 - SharedAddress(dynamic) % 1024) % 1024;  // the swizzle counts rows from multiples
  char* shared_c = shared + STAGES * kStage;
  Barrier* full = (Barrier*)(shared_c + kSizeC);
  Barrier* empty = full + STAGES;
  const int group = threadIdx.x / 128, thread = threadIdx.x % 128;
  const int tiles_m = (M + BM - 1) / BM, tiles_n = (N + BN - 1) / BN;
  const int steps = (K + BK - 1) / BK;

  if (threadIdx.x == 0) {
    for (int i = 0; i < STAGES; ++i) {
      InitBarrier(full + i, 1);
      InitBarrier(empty + i, kConsumers * 4);  // each warp says for itself that it is done
    }
    FenceBarrierInit();
  }
  __syncthreads();

  if (group == 0) {
    FewerRegisters();
    if (thread != 0) return;
    Ring ring;
    for (int tile = blockIdx.x; tile < tiles_m * tiles_n; tile += gridDim.x) {
      const Place place = PlaceOf(tile, tiles_m, tiles_n);
      for (int step = 0; step < steps; ++step) {
        char* to = shared + ring.stage * kStage;
        Wait(empty + ring.stage, ring.parity ^ 1);
        Expect(full + ring.stage, kStage);  // zeros for what lies outside count like data
        LoadBox2(to, map_a, full + ring.stage, step * BK, place.row);
#pragma unroll
        for (int i = 0; i < kPanels; ++i) {
          LoadBox2(to + kSizeA + i * kPanel, map_b, full + ring.stage, place.column + i * 64, step * BK);
        }
        ring.Next();
      }
    }
  } else {
    MoreRegisters();
    const int consumer = group - 1, lane = thread % 32;
    float sum[kBlocks][BN / 2];
    Ring ring;
    for (int tile = blockIdx.x; tile < tiles_m * tiles_n; tile += gridDim.x) {
      int last = 0;  // the stage before
      for (int step = 0; step < steps; ++step) {
        const char* from_a = shared + ring.stage * kStage + consumer * kBlocks * kPanel;
        const char* from_b = shared + ring.stage * kStage + kSizeA;
        Wait(full + ring.stage, ring.parity);
        MultiplyFence();
#pragma unroll
        for (int k = 0; k < BK; k += 16) {
#pragma unroll
          for (int i = 0; i < kBlocks; ++i) {
            MultiplyAdd(sum[i], Descriptor(from_a + i * kPanel + k * 2), Descriptor(from_b + k * 128),
                        step > 0 || k > 0);
          }
        }
        MultiplyCommit();
        if (step > 0) {
          MultiplyWait<1>();  // the products of the stage before are done: it may be filled again
          if (lane == 0) Arrive(empty + last);
        }
        last = ring.stage;
        ring.Next();
      }
      MultiplyWait<0>();
#pragma unroll
      for (int i = 0; i < kBlocks; ++i) Pin(sum[i]);
      if (lane == 0) Arrive(empty + last);

      // Into shared memory in the order of the swizzle, from there to c by the copy engine.
      const Place place = PlaceOf(tile, tiles_m, tiles_n);
      char* to = shared_c + consumer * kBlocks * kPanels * kPanel;
      if (thread == 0) StoreWaitRead();  // of the tile before
      GroupSync(1 + consumer, 128);
#pragma unroll
      for (int i = 0; i < kBlocks; ++i) {
#pragma unroll
        for (int n = 0; n < BN / 8; ++n) {
          const int row = thread / 32 * 16 + lane / 4;  // and the one 8 below, which has the same place in the swizzle
          char* at = to + (i * kPanels + n / 8) * kPanel + row * 128 + (n % 8 ^ row % 8) * 16 + lane % 4 * 4;
          *(__half2*)at = __floats2half2_rn(sum[i][n * 4], sum[i][n * 4 + 1]);
          *(__half2*)(at + 8 * 128) = __floats2half2_rn(sum[i][n * 4 + 2], sum[i][n * 4 + 3]);
        }
      }
      FenceAsync();
      GroupSync(1 + consumer, 128);
      if (thread == 0) {
        for (int i = 0; i < kBlocks; ++i) {
          for (int n = 0; n < kPanels; ++n) {
            StoreBox2(map_c, to + (i * kPanels + n) * kPanel, place.column + n * 64,
                      place.row + (consumer * kBlocks + i) * 64);
          }
        }
        StoreCommit();
      }
    }
    if (thread == 0) StoreWaitRead();  // shared memory must outlive the stores
  }
}

// Attention in one pass over the keys on Hopper's tensor cores, fed by the copy engine, for D = 128.
//
// Turn 10 with clusters of one block was slower than turn 7, which does the same: what remained are its arrivals, all of
// which went through the cluster's addresses. Now those at a block's own barriers are plain, and only those at the other
// block's go there. As in turn 13, the turn is waited for before the keys, and passed on once both products have been
// started.
//
//@ tune BN = 112 | 96       # keys of a tile
//@ tune STAGES = 2 | 3          # buffers for keys, and as many for values
//@ tune CLUSTER = 2 | 1         # blocks that share tiles
//@ where D == 128
//@ where 1024 + (128 + 2 * STAGES * BN) * D * 2 + 16 + 32 * STAGES <= SMEM_BLOCK
//@ tensormap map_q = q dims [B * H, S, D] box [1, 128, 64] swizzle 128
//@ tensormap map_k = k dims [B * H, S, D] box [1, BN / CLUSTER, 64] swizzle 128 l2 128
//@ tensormap map_v = v dims [B * H, S, D] box [1, BN / CLUSTER, 64] swizzle 128 l2 128
//@ tensormap map_o = o dims [B * H, S, D] box [1, 64, 64] swizzle 128
//@ launch attention grid(B * H * align(ceil_div(S, 128), CLUSTER)) cluster(CLUSTER) block(384) smem(1024 + (128 + 2 * STAGES * BN) * D * 2 + 16 + 32 * STAGES) args(map_q, map_k, map_v, map_o, scale, slope, S)

namespace {

typedef unsigned long long Barrier;

constexpr int CONSUMERS = 2;
constexpr int BM = 64 * CONSUMERS;
constexpr int kPanels = D / 64;    // of 64 elements, the width of the swizzle, side by side in a row
constexpr int kPanelQ = BM * 128;  // bytes
constexpr int kPanelKv = BN * 128;
constexpr int kSizeQ = kPanels * kPanelQ;
constexpr int kTile = kPanels * kPanelKv;
constexpr float kLog2E = 1.44269504f;
constexpr float kLimit = 16384;  // of a sum of weights; f16 ends at 65504
__device__ inline float Infinity() { return __int_as_float(0x7f800000); }

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

// One box of the tensor that begins at column x of row y of head z.
__device__ inline void LoadBox3(void* to, const CUtensorMap& map, Barrier* barrier, int x, int y, int z) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], "
      "[%2];" ::"r"(SharedAddress(to)),
      "l"(&map), "r"(SharedAddress(barrier)), "r"(x), "r"(y), "r"(z)
      : "memory");
}

__device__ inline void StoreBox3(const CUtensorMap& map, const void* from, int x, int y, int z) {
  asm volatile("cp.async.bulk.tensor.3d.global.shared::cta.tile.bulk_group [%0, {%2, %3, %4}], [%1];" ::"l"(&map),
               "r"(SharedAddress(from)), "r"(x), "r"(y), "r"(z)
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

__device__ inline void GroupArrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// Barrier 8 + i is passed by warpgroup i once the other one has arrived.
__device__ inline void AwaitTurn(int consumer) { GroupSync(8 + consumer, 256); }
__device__ inline void PassTurn(int consumer) { GroupArrive(8 + (consumer ^ 1), 256); }

__device__ inline void FewerRegisters() { asm volatile("setmaxnreg.dec.sync.aligned.u32 24;"); }
__device__ inline void MoreRegisters() { asm volatile("setmaxnreg.inc.sync.aligned.u32 240;"); }

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

// 2^x within 2 units in the last place of f32, far below what rounding a weight to f16 costs; 0 where it is subnormal.
__device__ inline float Exp2(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

__device__ inline unsigned Pack(float low, float high) {
  const __half2 both = __floats2half2_rn(low, high);
  return *(const unsigned*)&both;
}

// A matrix in shared memory with the 128-byte swizzle, for the tensor cores: address, distance between panels of 64
// columns (only where columns are contiguous), distance between groups of 8 rows; all in units of 16 bytes.
__device__ inline unsigned long long Descriptor(const void* matrix) {
  return (SharedAddress(matrix) & 0x3ffff) >> 4 | (unsigned long long)(kPanelKv >> 4) << 16 |
         (unsigned long long)(1024 >> 4) << 32 | 1ull << 62;
}

// score[64 x BN] = q[64 x 16] k[BN x 16]^T, on top of score if `add`; the rows of both are contiguous.
__device__ inline void MultiplyKeys(float (&sum)[56], const unsigned (&a)[4], unsigned long long b, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %61, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n112k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55}, {%56, %57, %58, %59}, %60, p, 1, 1, 0;\n}"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3]), "+f"(sum[4]), "+f"(sum[5]), "+f"(sum[6]), "+f"(sum[7]),
      "+f"(sum[8]), "+f"(sum[9]), "+f"(sum[10]), "+f"(sum[11]), "+f"(sum[12]), "+f"(sum[13]), "+f"(sum[14]),
      "+f"(sum[15]), "+f"(sum[16]), "+f"(sum[17]), "+f"(sum[18]), "+f"(sum[19]), "+f"(sum[20]), "+f"(sum[21]),
      "+f"(sum[22]), "+f"(sum[23]), "+f"(sum[24]), "+f"(sum[25]), "+f"(sum[26]), "+f"(sum[27]), "+f"(sum[28]),
      "+f"(sum[29]), "+f"(sum[30]), "+f"(sum[31]), "+f"(sum[32]), "+f"(sum[33]), "+f"(sum[34]), "+f"(sum[35]),
      "+f"(sum[36]), "+f"(sum[37]), "+f"(sum[38]), "+f"(sum[39]), "+f"(sum[40]), "+f"(sum[41]), "+f"(sum[42]),
      "+f"(sum[43]), "+f"(sum[44]), "+f"(sum[45]), "+f"(sum[46]), "+f"(sum[47]), "+f"(sum[48]), "+f"(sum[49]),
      "+f"(sum[50]), "+f"(sum[51]), "+f"(sum[52]), "+f"(sum[53]), "+f"(sum[54]), "+f"(sum[55])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}

__device__ inline void MultiplyKeys(float (&sum)[48], const unsigned (&a)[4], unsigned long long b, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %53, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n96k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47}, {%48, %49, %50, %51}, %52, p, 1, 1, 0;\n}"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3]), "+f"(sum[4]), "+f"(sum[5]), "+f"(sum[6]), "+f"(sum[7]),
      "+f"(sum[8]), "+f"(sum[9]), "+f"(sum[10]), "+f"(sum[11]), "+f"(sum[12]), "+f"(sum[13]), "+f"(sum[14]),
      "+f"(sum[15]), "+f"(sum[16]), "+f"(sum[17]), "+f"(sum[18]), "+f"(sum[19]), "+f"(sum[20]), "+f"(sum[21]),
      "+f"(sum[22]), "+f"(sum[23]), "+f"(sum[24]), "+f"(sum[25]), "+f"(sum[26]), "+f"(sum[27]), "+f"(sum[28]),
      "+f"(sum[29]), "+f"(sum[30]), "+f"(sum[31]), "+f"(sum[32]), "+f"(sum[33]), "+f"(sum[34]), "+f"(sum[35]),
      "+f"(sum[36]), "+f"(sum[37]), "+f"(sum[38]), "+f"(sum[39]), "+f"(sum[40]), "+f"(sum[41]), "+f"(sum[42]),
      "+f"(sum[43]), "+f"(sum[44]), "+f"(sum[45]), "+f"(sum[46]), "+f"(sum[47])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}

__device__ inline void MultiplyKeys(float (&sum)[40], const unsigned (&a)[4], unsigned long long b, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %45, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n80k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39}, {%40, %41, %42, %43}, %44, p, 1, 1, 0;\n}"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3]), "+f"(sum[4]), "+f"(sum[5]), "+f"(sum[6]), "+f"(sum[7]),
      "+f"(sum[8]), "+f"(sum[9]), "+f"(sum[10]), "+f"(sum[11]), "+f"(sum[12]), "+f"(sum[13]), "+f"(sum[14]),
      "+f"(sum[15]), "+f"(sum[16]), "+f"(sum[17]), "+f"(sum[18]), "+f"(sum[19]), "+f"(sum[20]), "+f"(sum[21]),
      "+f"(sum[22]), "+f"(sum[23]), "+f"(sum[24]), "+f"(sum[25]), "+f"(sum[26]), "+f"(sum[27]), "+f"(sum[28]),
      "+f"(sum[29]), "+f"(sum[30]), "+f"(sum[31]), "+f"(sum[32]), "+f"(sum[33]), "+f"(sum[34]), "+f"(sum[35]),
      "+f"(sum[36]), "+f"(sum[37]), "+f"(sum[38]), "+f"(sum[39])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}

// sum[64 x D] += weight[64 x 16] v[16 x D]; the weights come from registers.
__device__ inline void MultiplyValues(float (&sum)[64], const unsigned (&a)[4], unsigned long long b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, {%64, %65, %66, %67}, %68, 1, 1, 1, 1;"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3]), "+f"(sum[4]), "+f"(sum[5]), "+f"(sum[6]), "+f"(sum[7]),
      "+f"(sum[8]), "+f"(sum[9]), "+f"(sum[10]), "+f"(sum[11]), "+f"(sum[12]), "+f"(sum[13]), "+f"(sum[14]),
      "+f"(sum[15]), "+f"(sum[16]), "+f"(sum[17]), "+f"(sum[18]), "+f"(sum[19]), "+f"(sum[20]), "+f"(sum[21]),
      "+f"(sum[22]), "+f"(sum[23]), "+f"(sum[24]), "+f"(sum[25]), "+f"(sum[26]), "+f"(sum[27]), "+f"(sum[28]),
      "+f"(sum[29]), "+f"(sum[30]), "+f"(sum[31]), "+f"(sum[32]), "+f"(sum[33]), "+f"(sum[34]), "+f"(sum[35]),
      "+f"(sum[36]), "+f"(sum[37]), "+f"(sum[38]), "+f"(sum[39]), "+f"(sum[40]), "+f"(sum[41]), "+f"(sum[42]),
      "+f"(sum[43]), "+f"(sum[44]), "+f"(sum[45]), "+f"(sum[46]), "+f"(sum[47]), "+f"(sum[48]), "+f"(sum[49]),
      "+f"(sum[50]), "+f"(sum[51]), "+f"(sum[52]), "+f"(sum[53]), "+f"(sum[54]), "+f"(sum[55]), "+f"(sum[56]),
      "+f"(sum[57]), "+f"(sum[58]), "+f"(sum[59]), "+f"(sum[60]), "+f"(sum[61]), "+f"(sum[62]), "+f"(sum[63])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

__device__ inline int RankInCluster() {
  int rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

// All threads of all blocks of the cluster.
__device__ inline void ClusterSync() {
  asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
}

// At this barrier of block `rank`.
__device__ inline void ArriveAt(Barrier* barrier, int rank) {
  asm volatile(
      "{\n.reg .b32 remote;\nmapa.shared::cluster.u32 remote, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [remote];\n}" ::"r"(SharedAddress(barrier)),
      "r"(rank)
      : "memory");
}

// The same box for all blocks of the cluster, at the same place of each.
__device__ inline void LoadBoxForAll(void* to, const CUtensorMap& map, Barrier* barrier, int x, int y, int z) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1, {%3, %4, %5}], [%2], %6;" ::"r"(SharedAddress(to)),
      "l"(&map), "r"(SharedAddress(barrier)), "r"(x), "r"(y), "r"(z), "h"((unsigned short)((1 << CLUSTER) - 1))
      : "memory");
}

// Keeps the compiler from giving the weights' registers to something else before the products have read them.
__device__ inline void Pin(unsigned (&weight)[BN / 16][4]) {
#pragma unroll
  for (int n = 0; n < BN / 16; ++n) {
    asm volatile("" : "+r"(weight[n][0]), "+r"(weight[n][1]), "+r"(weight[n][2]), "+r"(weight[n][3])::"memory");
  }
}

// Where a ring stands: each full round changes the parity.
struct Ring {
  int stage = 0, parity = 0;

  __device__ void Next() {
    if (++stage == STAGES) {
      stage = 0;
      parity ^= 1;
    }
  }
};

// The scores of a tile, in registers.
__device__ inline void StartScores(float (&score)[BN / 2], unsigned (&q)[D / 16][4], const char* k) {
  Pin(score);
#pragma unroll
  for (int d = 0; d < D / 16; ++d) {
    asm volatile("" : "+r"(q[d][0]), "+r"(q[d][1]), "+r"(q[d][2]), "+r"(q[d][3])::"memory");
  }
  MultiplyFence();
#pragma unroll
  for (int d = 0; d < D; d += 16) {
    const int column = d % 64 * 2;  // bytes
    MultiplyKeys(score, q[d / 16], Descriptor(k + d / 64 * kPanelKv + column), d > 0);
  }
  MultiplyCommit();
}

__device__ inline void StartValues(float (&sum)[D / 2], unsigned (&weight)[BN / 16][4], const char* v) {
  Pin(sum);
  Pin(weight);
  MultiplyFence();
#pragma unroll
  for (int n = 0; n < BN / 16; ++n) MultiplyValues(sum, weight[n], Descriptor(v + n * 16 * 128));
  MultiplyCommit();
}

// This thread's part of its warpgroup's queries, from rows with the 128-byte swizzle.
__device__ inline void LoadQueries(unsigned (&q)[D / 16][4], const char* from) {
  const int lane = threadIdx.x % 32, row = threadIdx.x % 128 / 32 * 16 + lane / 4;
#pragma unroll
  for (int d = 0; d < D / 16; ++d) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int r = row + i % 2 * 8, piece = d * 2 + i / 2;  // of 16 bytes
      q[d][i] = *(const unsigned*)(from + piece / 8 * kPanelQ + r * 128 + (piece % 8 ^ r % 8) * 16 + lane % 4 * 4);
    }
  }
}

// A thread's part of the running softmax: row lane / 4 of its warp's 16, and the one 8 below.
struct Softmax {
  float factor, step;        // of scores, of bias from key to key
  float high[2] = {};        // what is subtracted
  float seen[2] = {};        // the rows' maxima when that was chosen
  float total[2] = {};       // of this thread's columns only
  float correction[2] = {};  // for what was added before, if `raised`
  bool raised = false;       // the same in a warp
  bool apart = false;        // of the two rows' maxima; the same in a warp
  // Of the tile at hand:
  float base[2];
  float part[2][2];

  // Keys from `end` of the tile on do not exist; at least one does.
  __device__ void Begin(float (&score)[BN / 2], int first, int end) {
    const int column = threadIdx.x % 4 * 2;
    if (end < BN) {
#pragma unroll
      for (int n = 0; n < BN / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          if (column + n * 8 + i % 2 >= end) score[n * 4 + i] = -Infinity();
        }
      }
    }
    Restart(first);
  }

  __device__ void Restart(int first) {
    const float start = step * (first + (int)threadIdx.x % 4 * 2);
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      base[r] = start - high[r];
      part[r][0] = part[r][1] = 0;
    }
  }

  // The weights of 16 keys, to f16. Two neighbouring 8 x 8 pieces of the first product's result are what the second one
  // wants as its left factor.
  template <bool kApart>
  __device__ void Weights(unsigned (&weight)[4], const float (&score)[BN / 2], int n) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float first = fmaf(step, n * 16 + half * 8, base[0]), second = fmaf(step, n * 16 + half * 8 + 1, base[0]);
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const int at = n * 8 + half * 4 + r * 2;
        const float more = kApart && r == 1 ? base[1] - base[0] : 0;
        const float low = Exp2(fmaf(score[at], factor, kApart ? first + more : first));
        const float upper = Exp2(fmaf(score[at + 1], factor, kApart ? second + more : second));
        part[r][0] += low;
        part[r][1] += upper;
        weight[half * 2 + r] = Pack(low, upper);
      }
    }
  }

  __device__ void AllWeights(unsigned (&weight)[BN / 16][4], const float (&score)[BN / 2]) {
    if (apart) {
#pragma unroll
      for (int n = 0; n < BN / 16; ++n) Weights<true>(weight[n], score, n);
    } else {
#pragma unroll
      for (int n = 0; n < BN / 16; ++n) Weights<false>(weight[n], score, n);
    }
  }

  // After all weights of the tile. A thread's sum bounds each of its weights: below kLimit all fit f16. Otherwise, and
  // in the first tile, they are computed again with the row's maximum so far.
  __device__ void End(unsigned (&weight)[BN / 16][4], const float (&score)[BN / 2], int first) {
    const float most_of_part = fmaxf(part[0][0] + part[0][1], part[1][0] + part[1][1]);
    raised = first == 0 || __any_sync(0xffffffff, !(most_of_part <= kLimit));
    if (raised) {
      const float start = step * (first + (int)threadIdx.x % 4 * 2);
      float highest[2];
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        float& most = highest[r];
        most = -Infinity();
#pragma unroll
        for (int n = 0; n < BN / 8; ++n) {
#pragma unroll
          for (int i = 0; i < 2; ++i) {
            most = fmaxf(most, fmaf(score[n * 4 + r * 2 + i], factor, fmaf(step, n * 8 + i, start)));
          }
        }
        most = fmaxf(most, __shfl_xor_sync(0xffffffff, most, 1));
        most = fmaxf(most, __shfl_xor_sync(0xffffffff, most, 2));
        if (first > 0) most = fmaxf(most, seen[r]);
        seen[r] = most;
      }
      apart = __any_sync(0xffffffff, fabsf(highest[0] - highest[1]) > 4);
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const float next = apart ? highest[r] : fmaxf(highest[0], highest[1]);
        correction[r] = first > 0 ? Exp2(high[r] - next) : 0;
        total[r] *= correction[r];
        high[r] = next;
      }
      Restart(first);
      AllWeights(weight, score);
    }
    total[0] += part[0][0] + part[0][1];
    total[1] += part[1][0] + part[1][1];
  }
};

}  // namespace

extern "C" __global__ void __launch_bounds__(128 + 128 * CONSUMERS, 1)
    attention(const __grid_constant__ CUtensorMap map_q, const __grid_constant__ CUtensorMap map_k,
              const __grid_constant__ CUtensorMap map_v, const __grid_constant__ CUtensorMap map_o, float scale,
              float slope, int S) {
  extern __shared__ __align__(16) char dynamic[];
  char* shared_q = dynamic + (1024 - SharedAddress(dynamic) % 1024) % 1024;  // the swizzle counts rows from multiples
  char* shared_k = shared_q + kSizeQ;
  char* shared_v = shared_k + STAGES * kTile;
  Barrier* full_q = (Barrier*)(shared_v + STAGES * kTile);
  Barrier* full_k = full_q + 1;
  Barrier* full_v = full_k + STAGES;
  Barrier* empty_k = full_v + STAGES;
  Barrier* empty_v = empty_k + STAGES;
  const int group = threadIdx.x / 128, thread = threadIdx.x % 128;
  const int blocks = ((S + BM - 1) / BM + CLUSTER - 1) / CLUSTER * CLUSTER;  // of a head: neighbours read the same keys and values
  const int head = (int)(blockIdx.x / blocks), first_query = (int)(blockIdx.x % blocks) * BM;
  const int tiles = (S + BN - 1) / BN;

  if (threadIdx.x == 0) {
    InitBarrier(full_q, 1);
    for (int i = 0; i < STAGES; ++i) {
      InitBarrier(full_k + i, 1);
      InitBarrier(full_v + i, 1);
      InitBarrier(empty_k + i, CLUSTER * CONSUMERS * 4);  // each warp says for itself that it is done
      InitBarrier(empty_v + i, CLUSTER * CONSUMERS * 4);
    }
    FenceBarrierInit();
  }
  ClusterSync();

  if (group == 0) {
    FewerRegisters();
    const int share = RankInCluster() * (BN / CLUSTER);  // its first row of each tile
    // What lies behind the last row of a head is read as zeros, which count like data.
    if (thread == 0) Expect(full_q, kSizeQ);
#pragma unroll
    for (int i = 0; i < kPanels && thread == 0; ++i) LoadBox3(shared_q + i * kPanelQ, map_q, full_q, i * 64, first_query, head);
    Ring ring;
    for (int tile = 0; tile < tiles && thread == 0; ++tile) {
      Wait(empty_k + ring.stage, ring.parity ^ 1);
      Expect(full_k + ring.stage, kTile);
#pragma unroll
      for (int i = 0; i < kPanels; ++i) {
        LoadBoxForAll(shared_k + ring.stage * kTile + i * kPanelKv + share * 128, map_k, full_k + ring.stage, i * 64,
                      tile * BN + share, head);
      }
      Wait(empty_v + ring.stage, ring.parity ^ 1);
      Expect(full_v + ring.stage, kTile);
#pragma unroll
      for (int i = 0; i < kPanels; ++i) {
        LoadBoxForAll(shared_v + ring.stage * kTile + i * kPanelKv + share * 128, map_v, full_v + ring.stage, i * 64,
                      tile * BN + share, head);
      }
      ring.Next();
    }
  } else {
    MoreRegisters();
    const int consumer = group - 1, lane = thread % 32;
    char* my_q = shared_q + consumer * 64 * 128;
    float score[BN / 2], sum[D / 2];
    unsigned even[BN / 16][4], odd[BN / 16][4];  // the weights of tiles 0, 2, ... and 1, 3, ...
    Softmax softmax{.factor = scale * kLog2E, .step = -slope * kLog2E};
    Ring ring_k, ring_v;
#pragma unroll
    for (int i = 0; i < D / 2; ++i) sum[i] = 0;
    if (consumer == CONSUMERS - 1) PassTurn(consumer);  // the first one need not wait

    // A tile's buffer is free once all blocks say so.
    const int other = RankInCluster() ^ 1;
    const auto release = [&](Barrier* barrier) {
      if (lane == 0) Arrive(barrier);
      if (CLUSTER == 2 && lane == 1) ArriveAt(barrier, other);
    };
    unsigned query[D / 16][4];
    Wait(full_q, 0);
    LoadQueries(query, my_q);
    Wait(full_k + ring_k.stage, ring_k.parity);
    AwaitTurn(consumer);
    StartScores(score, query, shared_k + ring_k.stage * kTile);
    MultiplyWait<0>();
    Pin(score);
    if (consumer < CONSUMERS - 1 || tiles > 1) PassTurn(consumer);
    release(empty_k + ring_k.stage);
    ring_k.Next();
    softmax.Begin(score, 0, S);
    softmax.End(even, score, 0);

    // The scores of `tile`, and the values of the one before it.
    const auto advance = [&](int tile, unsigned (&weight)[BN / 16][4], unsigned (&before)[BN / 16][4]) {
      AwaitTurn(consumer);
      Wait(full_k + ring_k.stage, ring_k.parity);
      StartScores(score, query, shared_k + ring_k.stage * kTile);
      Wait(full_v + ring_v.stage, ring_v.parity);
      StartValues(sum, before, shared_v + ring_v.stage * kTile);
      if (consumer < CONSUMERS - 1 || tile < tiles - 1) PassTurn(consumer);  // nobody waits for the very last
      MultiplyWait<1>();  // the scores are there
      Pin(score);
      release(empty_k + ring_k.stage);
      ring_k.Next();
      softmax.Begin(score, tile * BN, S - tile * BN);
      softmax.AllWeights(weight, score);
      softmax.End(weight, score, tile * BN);
      MultiplyWait<0>();  // the values of the tile before have been added
      Pin(sum);
      Pin(before);
      release(empty_v + ring_v.stage);
      ring_v.Next();
      if (softmax.raised) {
#pragma unroll
        for (int i = 0; i < D / 2; ++i) sum[i] *= softmax.correction[i / 2 % 2];
      }
    };
    int tile = 1;
#pragma unroll 1
    for (; tile + 1 < tiles; tile += 2) {
      advance(tile, odd, even);
      advance(tile + 1, even, odd);
    }
    if (tile < tiles) {
      advance(tile, odd, even);
      Wait(full_v + ring_v.stage, ring_v.parity);
      StartValues(sum, odd, shared_v + ring_v.stage * kTile);
    } else {
      Wait(full_v + ring_v.stage, ring_v.parity);
      StartValues(sum, even, shared_v + ring_v.stage * kTile);
    }
    MultiplyWait<0>();
    Pin(sum);

    // Through this warpgroup's rows of q, in the order of the swizzle, from there to o by the copy engine.
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float all = softmax.total[r];
      all += __shfl_xor_sync(0xffffffff, all, 1);
      all += __shfl_xor_sync(0xffffffff, all, 2);
      const float inverse = 1 / all;
      const int row = thread / 32 * 16 + r * 8 + lane / 4;
#pragma unroll
      for (int n = 0; n < D / 8; ++n) {
        *(unsigned*)(my_q + n / 8 * kPanelQ + row * 128 + (n % 8 ^ row % 8) * 16 + lane % 4 * 4) =
            Pack(sum[n * 4 + r * 2] * inverse, sum[n * 4 + r * 2 + 1] * inverse);
      }
    }
    FenceAsync();
    GroupSync(1 + consumer, 128);
    if (thread == 0 && first_query + consumer * 64 < S) {
#pragma unroll
      for (int i = 0; i < kPanels; ++i) {
        StoreBox3(map_o, my_q + i * kPanelQ, i * 64, first_query + consumer * 64, head);
      }
      StoreCommit();
      StoreWaitRead();  // shared memory must outlive the stores
    }
  }
  __syncwarp();
  ClusterSync();  // what the other block copies into this one, and its arrivals, come before the end
}

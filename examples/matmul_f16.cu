// Matrix product on the tensor cores with mma.sync, tunable.
//
// A block computes a tile of BM x BN, its warps a grid of WARPS_M x WARPS_N in it. Tiles of a and b, BK deep, arrive in
// a ring of STAGES buffers by asynchronous copies, so that the tensor cores work on one while the next ones are on
// their way. Rows in shared memory are 16 bytes longer than they need to be: then the eight rows that one ldmatrix
// reads at a time lie in different banks.
//
// The copies move 16 bytes, so every row of a and b must begin at a multiple of that. Where one does not (K or N no
// multiple of 8) the plan launches the same kernel with element-wise loads and stores.
//
//@ tune BM = 128 | 64 | 256      # rows of a block's tile
//@ tune BN = 128 | 64 | 256      # columns of a block's tile
//@ tune BK = 32 | 64             # depth of a stage
//@ tune WARPS_M = 2 | 1 | 4      # warps along the rows
//@ tune WARPS_N = 2 | 1 | 4      # warps along the columns
//@ tune STAGES = 4 | 2 | 3 | 5   # buffers in the ring
//@ tune GROUP = 8 | 1 | 4 | 16   # tile rows that neighbouring blocks share columns of b for
//@ where BM / WARPS_M >= 32 && BN / WARPS_N >= 32 && BM / WARPS_M <= 64 && (BM / WARPS_M) * (BN / WARPS_N) <= 4096
//@ where WARPS_M * WARPS_N >= 4 && BM * BN <= 32768    # sums that fit half the registers
//@ where max(STAGES * (BM * (BK + 8) + BK * (BN + 8)), BM * (BN + 8)) * 2 <= SMEM_BLOCK
//@ launch matmul when(K % 8 == 0 && N % 8 == 0) grid(ceil_div(M, BM) * ceil_div(N, BN)) block(32 * WARPS_M * WARPS_N) smem(max(STAGES * (BM * (BK + 8) + BK * (BN + 8)), BM * (BN + 8)) * 2) args(a, b, c, M, N, K)
//@ launch matmul_any when(K % 8 != 0 || N % 8 != 0) grid(ceil_div(M, BM) * ceil_div(N, BN)) block(32 * WARPS_M * WARPS_N) smem(max(STAGES * (BM * (BK + 8) + BK * (BN + 8)), BM * (BN + 8)) * 2) args(a, b, c, M, N, K)

namespace {

constexpr int kThreads = 32 * WARPS_M * WARPS_N;
constexpr int kRows = BM / WARPS_M, kColumns = BN / WARPS_N;  // of a warp's tile
constexpr int kMmaRows = kRows / 16, kMmaColumns = kColumns / 8;
constexpr int kStrideA = BK + 8, kStrideB = BN + 8, kStrideC = BN + 8;  // elements between rows in shared memory
constexpr int kSizeA = BM * kStrideA, kSizeB = BK * kStrideB;

__device__ inline unsigned SharedAddress(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

// 16 bytes from global to shared memory; zeros if not `valid`. `from` must be a good address in any case.
__device__ inline void CopyAsync(void* to, const void* from, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(SharedAddress(to)), "l"(from), "r"(valid ? 16 : 0)
               : "memory");
}

__device__ inline void CopyCommit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Until all but the last `pending` groups of copies have arrived.
template <int pending>
__device__ inline void CopyWait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

// Four 8 x 8 matrices; lanes 8i to 8i + 7 give the rows of matrix i.
__device__ inline void LoadMatrices(unsigned (&to)[4], const __half* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(SharedAddress(row))
               : "memory");
}

__device__ inline void LoadMatricesTransposed(unsigned (&to)[4], const __half* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(SharedAddress(row))
               : "memory");
}

// sum[16 x 8] += a[16 x 16] b[16 x 8].
__device__ inline void MultiplyAdd(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// A tile of `rows` x `columns` at (row, column) of a matrix of `row_end` x `column_end`, zeros outside.
template <bool aligned, int rows, int columns, int stride>
__device__ inline void LoadTile(__half* tile, const __half* matrix, int row, int column, int row_end, int column_end) {
  constexpr int kChunks = columns / 8;
#pragma unroll
  for (int at = threadIdx.x; at < rows * kChunks; at += kThreads) {
    const int r = at / kChunks, c = at % kChunks * 8;
    __half* to = tile + r * stride + c;
    if constexpr (aligned) {
      const bool valid = row + r < row_end && column + c < column_end;  // chunks are inside or outside as a whole
      CopyAsync(to, valid ? matrix + (long long)(row + r) * column_end + column + c : matrix, valid);
    } else {
      const __half* from = matrix + (long long)(row + r) * column_end + column + c;
      for (int i = 0; i < 8; ++i) {
        to[i] = row + r < row_end && column + c + i < column_end ? from[i] : __ushort_as_half(0);
      }
    }
  }
}

template <bool aligned>
__device__ inline void Multiply(const __half* a, const __half* b, __half* c, int M, int N, int K, __half* shared) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int warp_row = warp / WARPS_N * kRows, warp_column = warp % WARPS_N * kColumns;

  // Blocks go down GROUP tile rows before they go one tile to the right: those that run together share a and b in L2.
  const int tiles_m = (M + BM - 1) / BM, tiles_n = (N + BN - 1) / BN;
  const int group = blockIdx.x / (GROUP * tiles_n), in_group = blockIdx.x % (GROUP * tiles_n);
  const int group_rows = min(GROUP, tiles_m - group * GROUP);
  const int row = (group * GROUP + in_group % group_rows) * BM;
  const int column = in_group / group_rows * BN;

  __half* shared_a = shared;
  __half* shared_b = shared + STAGES * kSizeA;
  const int steps = (K + BK - 1) / BK;
  const auto load = [&](int step) {
    if (step < steps) {
      const int stage = step % STAGES;
      LoadTile<aligned, BM, BK, kStrideA>(shared_a + stage * kSizeA, a, row, step * BK, M, K);
      LoadTile<aligned, BK, BN, kStrideB>(shared_b + stage * kSizeB, b, step * BK, column, K, N);
    }
    CopyCommit();  // also without copies, so that groups and steps keep the same numbers
  };

  float sum[kMmaRows][kMmaColumns][4] = {};
#pragma unroll
  for (int step = 0; step < STAGES - 1; ++step) load(step);
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
    CopyWait<STAGES - 2>();
    __syncthreads();          // the stage is there for all, and all are done with the one before it,
    load(step + STAGES - 1);  // which is filled anew
    const __half* tile_a = shared_a + step % STAGES * kSizeA + (warp_row + lane % 16) * kStrideA + lane / 16 * 8;
    const __half* tile_b = shared_b + step % STAGES * kSizeB + lane % 16 * kStrideB + warp_column + lane / 16 * 8;
#pragma unroll
    for (int k = 0; k < BK; k += 16) {
      unsigned left[kMmaRows][4], right[kMmaColumns / 2][4];
#pragma unroll
      for (int m = 0; m < kMmaRows; ++m) LoadMatrices(left[m], tile_a + m * 16 * kStrideA + k);
#pragma unroll
      for (int n = 0; n < kMmaColumns / 2; ++n) LoadMatricesTransposed(right[n], tile_b + k * kStrideB + n * 16);
#pragma unroll
      for (int m = 0; m < kMmaRows; ++m) {
#pragma unroll
        for (int n = 0; n < kMmaColumns; ++n) {
          MultiplyAdd(sum[m][n], left[m], right[n / 2][n % 2 * 2], right[n / 2][n % 2 * 2 + 1]);
        }
      }
    }
  }

  // Through shared memory, so that whole rows go out.
  CopyWait<0>();
  __syncthreads();
#pragma unroll
  for (int m = 0; m < kMmaRows; ++m) {
#pragma unroll
    for (int n = 0; n < kMmaColumns; ++n) {
      __half* to = shared + (warp_row + m * 16 + lane / 4) * kStrideC + warp_column + n * 8 + lane % 4 * 2;
      *(__half2*)to = __floats2half2_rn(sum[m][n][0], sum[m][n][1]);
      *(__half2*)(to + 8 * kStrideC) = __floats2half2_rn(sum[m][n][2], sum[m][n][3]);
    }
  }
  __syncthreads();
  constexpr int kWidth = aligned ? 8 : 1;
  constexpr int kChunks = BN / kWidth;
  for (int at = threadIdx.x; at < BM * kChunks; at += kThreads) {
    const int r = at / kChunks, i = at % kChunks * kWidth;
    if (row + r >= M || column + i >= N) continue;
    const __half* from = shared + r * kStrideC + i;
    __half* to = c + (long long)(row + r) * N + column + i;
    if constexpr (aligned) {
      *(uint4*)to = *(const uint4*)from;
    } else {
      *to = *from;
    }
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads)
    matmul(const __half* a, const __half* b, __half* c, int M, int N, int K) {
  extern __shared__ __align__(16) __half shared[];
  Multiply<true>(a, b, c, M, N, K, shared);
}

extern "C" __global__ void __launch_bounds__(kThreads)
    matmul_any(const __half* a, const __half* b, __half* c, int M, int N, int K) {
  extern __shared__ __align__(16) __half shared[];
  Multiply<false>(a, b, c, M, N, K, shared);
}

// Attention in one pass over the keys ("flash attention") on the tensor cores with mma.sync, tunable.
//
// A block has BM queries of one head, each warp 16 or 32 of them. Keys and values come in tiles of BN through a ring of
// STAGES buffers, by asynchronous copies. Scores stay in registers: the running softmax (largest score, sum, and a
// correction of what was added before) needs four lanes to agree on a row, and the weights, rounded to f16, have the
// layout that the second product wants for its left factor already.
//
// Everything is in powers of two: exp(x) = exp2(x log2(e)), with the factor folded into scale and slope. Of the bias
// slope * (i - j) only -slope * j is added: what is the same for all keys of a query does not change a softmax.
//
//@ tune BM = 128 | 64 | 256       # queries of a block
//@ tune BN = 64 | 32 | 128        # keys of a tile
//@ tune WARPS = 4 | 8             # of a block
//@ tune STAGES = 2 | 3            # buffers for keys and values
//@ where D % 16 == 0
//@ where BM == 16 * WARPS || BM == 32 * WARPS
//@ where BM / (16 * WARPS) * (D + BN) <= 384    # sums and scores that fit the registers
//@ where (BM + 2 * STAGES * BN) * (D + 8) * 2 <= SMEM_BLOCK
//@ launch attention grid(B * H * ceil_div(S, BM)) block(32 * WARPS) smem((BM + 2 * STAGES * BN) * (D + 8) * 2) args(q, k, v, o, scale, slope, S)

namespace {

constexpr int kThreads = 32 * WARPS;
constexpr int kRows = BM / WARPS;     // queries of a warp
constexpr int kMmaRows = kRows / 16;  // in units of one instruction
constexpr int kStride = D + 8;        // elements between rows in shared memory: 8 rows lie in different banks
constexpr int kTile = BN * kStride;
constexpr float kLog2E = 1.44269504f;

__device__ inline float Infinity() { return __int_as_float(0x7f800000); }

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

// `rows` rows from row `first` on of a head, zeros from row S on.
template <int rows>
__device__ inline void LoadRows(__half* tile, const __half* head, int first, int S) {
#pragma unroll
  for (int at = threadIdx.x; at < rows * (D / 8); at += kThreads) {
    const int r = at / (D / 8), d = at % (D / 8) * 8;
    const bool valid = first + r < S;
    CopyAsync(tile + r * kStride + d, valid ? head + (long long)(first + r) * D + d : head, valid);
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads)
    attention(const __half* q, const __half* k, const __half* v, __half* o, float scale, float slope, int S) {
  extern __shared__ __align__(16) __half shared[];
  __half* shared_q = shared;
  __half* shared_k = shared_q + BM * kStride;
  __half* shared_v = shared_k + STAGES * kTile;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int blocks = (S + BM - 1) / BM;  // of a head: neighbours read the same keys and values
  const int first_query = (int)(blockIdx.x % blocks) * BM;
  const long long head = (long long)(blockIdx.x / blocks) * S * D;
  const int tiles = (S + BN - 1) / BN;

  LoadRows<BM>(shared_q, q + head, first_query, S);
  const auto load = [&](int tile) {
    if (tile < tiles) {
      LoadRows<BN>(shared_k + tile % STAGES * kTile, k + head, tile * BN, S);
      LoadRows<BN>(shared_v + tile % STAGES * kTile, v + head, tile * BN, S);
    }
    CopyCommit();  // also without copies, so that groups and tiles keep the same numbers
  };
#pragma unroll
  for (int tile = 0; tile < STAGES - 1; ++tile) load(tile);

  const float factor = scale * kLog2E, step = -slope * kLog2E;
  float sum[kMmaRows][D / 8][4] = {};
  float largest[kMmaRows][2], total[kMmaRows][2];  // of rows lane / 4 and lane / 4 + 8; total: this lane's columns only
#pragma unroll
  for (int m = 0; m < kMmaRows; ++m) {
    largest[m][0] = largest[m][1] = -Infinity();
    total[m][0] = total[m][1] = 0;
  }

  const __half* my_q = shared_q + (warp * kRows + lane % 16) * kStride + lane / 16 * 8;
#pragma unroll 1
  for (int tile = 0; tile < tiles; ++tile) {
    CopyWait<STAGES - 2>();
    __syncthreads();          // the tile is there for all, and all are done with the one before it,
    load(tile + STAGES - 1);  // which is filled anew
    const __half* my_k = shared_k + tile % STAGES * kTile + (lane / 16 * 8 + lane % 8) * kStride + lane / 8 % 2 * 8;
    const __half* my_v = shared_v + tile % STAGES * kTile + lane % 16 * kStride + lane / 16 * 8;

    float score[kMmaRows][BN / 8][4] = {};
#pragma unroll
    for (int d = 0; d < D; d += 16) {
      unsigned left[kMmaRows][4];
#pragma unroll
      for (int m = 0; m < kMmaRows; ++m) LoadMatrices(left[m], my_q + m * 16 * kStride + d);
#pragma unroll
      for (int n = 0; n < BN / 8; n += 2) {
        unsigned right[4];
        LoadMatrices(right, my_k + n * 8 * kStride + d);
#pragma unroll
        for (int m = 0; m < kMmaRows; ++m) {
          MultiplyAdd(score[m][n], left[m], right[0], right[1]);
          MultiplyAdd(score[m][n + 1], left[m], right[2], right[3]);
        }
      }
    }

    const int first_key = tile * BN + lane % 4 * 2;
    const float bias = step * first_key;
    float high[kMmaRows][2];
#pragma unroll
    for (int m = 0; m < kMmaRows; ++m) high[m][0] = high[m][1] = -Infinity();
#pragma unroll
    for (int n = 0; n < BN / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const float here = fmaf(step, n * 8 + i, bias);
#pragma unroll
        for (int m = 0; m < kMmaRows; ++m) {
          score[m][n][i] = fmaf(score[m][n][i], factor, here);
          score[m][n][i + 2] = fmaf(score[m][n][i + 2], factor, here);
        }
      }
    }
    if (tile == tiles - 1) {  // keys from S on do not exist
#pragma unroll
      for (int n = 0; n < BN / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
#pragma unroll
          for (int m = 0; m < kMmaRows; ++m) {
            if (first_key + n * 8 + i % 2 >= S) score[m][n][i] = -Infinity();
          }
        }
      }
    }
#pragma unroll
    for (int m = 0; m < kMmaRows; ++m) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
#pragma unroll
        for (int n = 0; n < BN / 8; ++n) {
          high[m][r] = fmaxf(high[m][r], fmaxf(score[m][n][r * 2], score[m][n][r * 2 + 1]));
        }
        high[m][r] = fmaxf(high[m][r], __shfl_xor_sync(0xffffffff, high[m][r], 1));
        high[m][r] = fmaxf(high[m][r], __shfl_xor_sync(0xffffffff, high[m][r], 2));
        // Every tile has a key, so that the new largest score is finite; the old one is not at first: 2^-inf is 0.
        high[m][r] = fmaxf(high[m][r], largest[m][r]);
        const float correction = Exp2(largest[m][r] - high[m][r]);
        largest[m][r] = high[m][r];
        total[m][r] *= correction;
#pragma unroll
        for (int n = 0; n < D / 8; ++n) {
          sum[m][n][r * 2] *= correction;
          sum[m][n][r * 2 + 1] *= correction;
        }
      }
    }

#pragma unroll
    for (int key = 0; key < BN; key += 16) {
      unsigned left[kMmaRows][4];
#pragma unroll
      for (int m = 0; m < kMmaRows; ++m) {
#pragma unroll
        for (int n = 0; n < 2; ++n) {
          float(&s)[4] = score[m][key / 8 + n];
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            s[i] = Exp2(s[i] - largest[m][i / 2]);
            total[m][i / 2] += s[i];
          }
          left[m][n * 2] = Pack(s[0], s[1]);
          left[m][n * 2 + 1] = Pack(s[2], s[3]);
        }
      }
#pragma unroll
      for (int n = 0; n < D / 8; n += 2) {
        unsigned right[4];
        LoadMatricesTransposed(right, my_v + key * kStride + n * 8);
#pragma unroll
        for (int m = 0; m < kMmaRows; ++m) {
          MultiplyAdd(sum[m][n], left[m], right[0], right[1]);
          MultiplyAdd(sum[m][n + 1], left[m], right[2], right[3]);
        }
      }
    }
  }

  // Through the rows of q in shared memory, which no other warp reads.
  CopyWait<0>();
#pragma unroll
  for (int m = 0; m < kMmaRows; ++m) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float all = total[m][r];
      all += __shfl_xor_sync(0xffffffff, all, 1);
      all += __shfl_xor_sync(0xffffffff, all, 2);
      const float inverse = 1 / all;
      __half* to = shared_q + (warp * kRows + m * 16 + r * 8 + lane / 4) * kStride + lane % 4 * 2;
#pragma unroll
      for (int n = 0; n < D / 8; ++n) {
        *(unsigned*)(to + n * 8) = Pack(sum[m][n][r * 2] * inverse, sum[m][n][r * 2 + 1] * inverse);
      }
    }
  }
  __syncwarp();
#pragma unroll
  for (int at = lane; at < kRows * (D / 8); at += 32) {
    const int r = warp * kRows + at / (D / 8), d = at % (D / 8) * 8;
    if (first_query + r >= S) continue;
    *(uint4*)(o + head + (long long)(first_query + r) * D + d) = *(const uint4*)(shared_q + r * kStride + d);
  }
}

// An 8-bit matrix product, tunable.
//
// (a - zero) b = a b - zero * (sum of b's row): the product of the bytes themselves needs no subtraction. A task is
// NV vectors of rows of b by ROWS rows of a. It packs those of b so that a step of the kernel multiplies a few elements
// of a row of a by as many of each row of b: four bytes in one instruction where the CPU has it (VNNI), else two of
// 16 bits. MR rows by NV vectors of sums stay in registers over the whole depth.
//
//@ tune MR = 4 | 6 | 8 | 12    # rows of a tile
//@ tune NV = 2 | 1 | 4         # vectors of a tile
//@ tune BYTES = 1 | 0          # 1: four bytes a step, where there is an instruction; 0: two of 16 bits
//@ tune STREAM = 0 | 1         # 1: stores past the caches (AVX-512)
//@ tune ROWS = 64 | 128 | 256  # rows of a task
//@ where MR * NV >= 4 && MR * NV <= 24  # sums that hide the latency and fit the registers
//@ call int8_matmul args(a, b, a_scale, b_scale, zero, sums, c, M, N)

namespace {

#if defined(__AVX512BW__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) || defined(__AVXVNNI__) && !defined(__AVX512BW__)
constexpr int kDepth = BYTES ? 4 : 2;  // elements of a step
#else
constexpr int kDepth = 2;
#endif

typedef int IntVec __attribute__((vector_size(kLanes * sizeof(int)), aligned(4), may_alias));
typedef float Vec __attribute__((vector_size(kLanes * sizeof(float)), aligned(4), may_alias));

constexpr int kPanel = NV * kLanes;
constexpr int kSteps = (K + kDepth - 1) / kDepth;

struct Panel {
  alignas(64) IntVec steps[kSteps][NV];  // kDepth elements in each lane
  IntVec offsets[NV];                    // zero * the sum of b's row
  Vec scales[NV];
};

inline IntVec MultiplyAdd(IntVec sum, int left, IntVec right) {
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
  if (kDepth == 4) return (IntVec)_mm512_dpbusd_epi32((__m512i)sum, _mm512_set1_epi32(left), (__m512i)right);
#elif defined(__AVXVNNI__) && !defined(__AVX512BW__)
  if (kDepth == 4) return (IntVec)_mm256_dpbusd_avx_epi32((__m256i)sum, _mm256_set1_epi32(left), (__m256i)right);
#endif
#if defined(__AVX512BW__)
  return sum + (IntVec)_mm512_madd_epi16(_mm512_set1_epi32(left), (__m512i)right);
#elif defined(__AVX2__)
  return sum + (IntVec)_mm256_madd_epi16(_mm256_set1_epi32(left), (__m256i)right);
#else
  return sum + (left & 65535) * (right << 16 >> 16) + (left >> 16) * (right >> 16);
#endif
}

// kDepth elements of a row of a, zeros behind its end.
inline int Elements(const unsigned char* row, int step) {
  const int k = step * kDepth;
  if (kDepth == 2) return row[k] | (k + 1 < K ? row[k + 1] << 16 : 0);
  int bytes = 0;
  std::memcpy(&bytes, row + k, K % 4 == 0 || step < kSteps - 1 ? 4 : K % 4);
  return bytes;
}

// Lane i of vector j becomes lane j of vector i: log2(kLanes) times, the halves are shuffled together.
inline void Transpose(IntVec (&rows)[kLanes]) {
  IntVec low, high;
  for (int lane = 0; lane < kLanes; ++lane) {
    low[lane] = lane / 2 + lane % 2 * kLanes;
    high[lane] = low[lane] + kLanes / 2;
  }
#pragma GCC unroll 4
  for (int round = 1; round < kLanes; round *= 2) {
    IntVec mixed[kLanes];
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      mixed[2 * i] = __builtin_shuffle(rows[i], rows[i + kLanes / 2], low);
      mixed[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + kLanes / 2], high);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = mixed[i];
  }
}

// Packs `count` rows of b; those behind the last are zero.
void Pack(const signed char* b, const float* scales, int zero, int count, Panel& panel) {
  constexpr int kBlock = 4 * kLanes;  // bytes of a vector
  for (int n = 0; n < NV; ++n) {
    for (int k = 0; k < K; k += kBlock) {
      IntVec rows[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        const signed char* from = b + (long long)(n * kLanes + i) * K + k;
        __builtin_prefetch(from + (long long)kLanes * K);
        rows[i] = IntVec{};
        if (n * kLanes + i < count)
          std::memcpy(&rows[i], from, K % kBlock == 0 || k + kBlock <= K ? kBlock : K % kBlock);
      }
      Transpose(rows);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        const int step = (k + 4 * i) / kDepth;
        const IntVec four = rows[i];
        if (kDepth == 4 && step < kSteps) panel.steps[step][n] = four;
        if (kDepth == 2 && step < kSteps) panel.steps[step][n] = (four << 24 >> 24 & 65535) | four << 16 >> 24 << 16;
        if (kDepth == 2 && step + 1 < kSteps) panel.steps[step + 1][n] = (four << 8 >> 24 & 65535) | four >> 24 << 16;
      }
    }
    IntVec total = {};  // the product with ones
    for (int step = 0; step < kSteps; ++step)
      total = MultiplyAdd(total, kDepth == 4 ? 0x01010101 : 0x00010001, panel.steps[step][n]);
    panel.offsets[n] = zero * total;
    for (int i = 0; i < kLanes; ++i) panel.scales[n][i] = n * kLanes + i < count ? scales[n * kLanes + i] : 0;
  }
}

inline void Multiply(const unsigned char* const (&rows)[MR], const Panel& panel, IntVec (&sums)[MR][NV]) {
#pragma GCC unroll 1
  for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m) {
      const int left = Elements(rows[m], step);
#pragma GCC unroll 4
      for (int n = 0; n < NV; ++n) sums[m][n] = MultiplyAdd(sums[m][n], left, panel.steps[step][n]);
    }
  }
}

// Stores the first lanes of a vector, a whole one if STREAM without reading the cache line first.
inline void Write(void* to, IntVec value, int lanes) {
  if (lanes < kLanes) {
    std::memcpy(to, &value, std::max(lanes, 0) * 4);
    return;
  }
#if defined(__AVX512BW__)
  if (STREAM == 1 && (uintptr_t)to % 64 == 0) return _mm512_stream_si512((__m512i*)to, (__m512i)value);
#endif
  *(IntVec*)to = value;
}

}  // namespace

extern "C" void int8_matmul(const unsigned char* a, const signed char* b, const float* a_scale, const float* b_scale,
                            int zero, int* sums, float* c, int M, int N) {
#pragma omp parallel for collapse(2) schedule(static)
  for (int begin = 0; begin < N; begin += kPanel) {
    for (int first = 0; first < M; first += ROWS) {
      Panel panel;
      const int columns = std::min(kPanel, N - begin);
      Pack(b + (long long)begin * K, b_scale + begin, zero, columns, panel);
      const int last = std::min(first + ROWS, M);
      for (int i = first; i < last; i += MR) {
        const unsigned char* rows[MR];  // rows behind the last repeat it
        for (int m = 0; m < MR; ++m) rows[m] = a + (long long)std::min(i + m, last - 1) * K;
        IntVec tile[MR][NV] = {};
        Multiply(rows, panel, tile);
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m) {
          if (i + m == last) break;
          const long long at = (long long)(i + m) * N + begin;
#pragma GCC unroll 4
          for (int n = 0; n < NV; ++n) {
            const IntVec sum = tile[m][n] - panel.offsets[n];
            const Vec scaled = __builtin_convertvector(sum, Vec) * a_scale[i + m] * panel.scales[n];
            Write(sums + at + n * kLanes, sum, columns - n * kLanes);
            Write(c + at + n * kLanes, (IntVec)scaled, columns - n * kLanes);
          }
        }
      }
    }
  }
#if defined(__AVX512BW__)
  if (STREAM) _mm_sfence();
#endif
}

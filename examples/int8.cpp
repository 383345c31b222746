// An 8-bit matrix product, tunable.
//
// (a - zero) b = a b - zero * (sum of b's row): the product of the bytes themselves needs no subtraction, and the sum
// of a row of b is found along with it. A tile of MR by NR sums is kept in registers. With DOT = 1 four products of
// bytes are added in one instruction where the CPU has it (AVX-512 VNNI); with 0 the compiler widens to 32 bits.
//
//@ tune MR = 2 | 1 | 4        # rows of a tile
//@ tune NR = 4 | 2 | 1        # columns of a tile
//@ tune DOT = 1 | 0           # 1: the CPU's dot product of bytes, where there is one
//@ tune ROWS = 8 | 16 | 32    # rows that a thread takes at once
//@ tune COLUMNS = 64 | 32 | 128  # columns of b that stay in the cache meanwhile
//@ where ROWS % MR == 0 && COLUMNS % NR == 0
//@ call int8_matmul args(a, b, a_scale, b_scale, zero, sums, c, M, N)

namespace {

struct Matrices {
  const unsigned char* a;
  const signed char* b;
  const float* a_scale;
  const float* b_scale;
  int zero;
  int* sums;
  float* c;
  int N;
};

// Adds products[m][n] += a's row m times b's row n, and totals[n] += the sum of b's row n.
template <int R, int S>
inline void Dot(const unsigned char* a, const signed char* b, int (&products)[R][S], int (&totals)[S]) {
  int k = 0;
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
  if (DOT) {
    __m512i sum[R][S], total[S];
    for (int n = 0; n < S; ++n) {
      total[n] = _mm512_setzero_si512();
      for (int m = 0; m < R; ++m) sum[m][n] = _mm512_setzero_si512();
    }
    const __m512i ones = _mm512_set1_epi8(1);
    for (; k < K; k += 64) {
      const __mmask64 mask = K - k >= 64 ? ~0ULL : (1ULL << (K - k)) - 1;
      __m512i left[R];
#pragma GCC unroll 4
      for (int m = 0; m < R; ++m) left[m] = _mm512_maskz_loadu_epi8(mask, a + (long long)m * K + k);
#pragma GCC unroll 4
      for (int n = 0; n < S; ++n) {
        const __m512i right = _mm512_maskz_loadu_epi8(mask, b + (long long)n * K + k);
        total[n] = _mm512_dpbusd_epi32(total[n], ones, right);
#pragma GCC unroll 4
        for (int m = 0; m < R; ++m) sum[m][n] = _mm512_dpbusd_epi32(sum[m][n], left[m], right);
      }
    }
    for (int n = 0; n < S; ++n) {
      totals[n] += _mm512_reduce_add_epi32(total[n]);
      for (int m = 0; m < R; ++m) products[m][n] += _mm512_reduce_add_epi32(sum[m][n]);
    }
    return;
  }
#endif
  for (int n = 0; n < S; ++n) {
    const signed char* right = b + (long long)n * K;
    int total = 0;
    for (k = 0; k < K; ++k) total += right[k];
    totals[n] += total;
    for (int m = 0; m < R; ++m) {
      const unsigned char* left = a + (long long)m * K;
      int sum = 0;
      for (k = 0; k < K; ++k) sum += (int)left[k] * right[k];
      products[m][n] += sum;
    }
  }
}

template <int R, int S>
void Tile(const Matrices& x, int i, int j) {
  int products[R][S] = {}, totals[S] = {};
  Dot<R, S>(x.a + (long long)i * K, x.b + (long long)j * K, products, totals);
  for (int m = 0; m < R; ++m) {
    for (int n = 0; n < S; ++n) {
      const long long at = (long long)(i + m) * x.N + j + n;
      const int sum = products[m][n] - x.zero * totals[n];
      x.sums[at] = sum;
      x.c[at] = sum * x.a_scale[i + m] * x.b_scale[j + n];
    }
  }
}

template <int R>
void Rows(const Matrices& x, int i, int begin, int end) {
  int j = begin;
  for (; j + NR <= end; j += NR) Tile<R, NR>(x, i, j);
  for (; j < end; ++j) Tile<R, 1>(x, i, j);
}

}  // namespace

extern "C" void int8_matmul(const unsigned char* a, const signed char* b, const float* a_scale, const float* b_scale,
                            int zero, int* sums, float* c, int M, int N) {
  const Matrices x{a, b, a_scale, b_scale, zero, sums, c, N};
#pragma omp parallel for schedule(dynamic)
  for (int first = 0; first < M; first += ROWS) {
    const int last = std::min(first + ROWS, M);
    for (int begin = 0; begin < N; begin += COLUMNS) {
      const int end = std::min(begin + COLUMNS, N);
      int i = first;
      for (; i + MR <= last; i += MR) Rows<MR>(x, i, begin, end);
      for (; i < last; ++i) Rows<1>(x, i, begin, end);
    }
  }
}

// Matrix product with register and cache blocking, tunable.
//
// b is packed into panels of NV * W columns, so that a step of the kernel reads one short row of a panel. The kernel
// keeps MR rows by NV vectors of c in registers and adds, per step, one element of a (spread over all lanes) times
// that row. A task is ROWS groups of MR rows by one panel; it takes K in blocks of KC, so that the block of the panel
// stays in the L1 cache while the rows pass over it. examples/matmul.cpp with more to tune: 324 configurations.
//
//@ tune W = 8 | 4 | 16       # lanes of a vector
//@ tune MR = 4 | 6 | 8 | 12  # rows of accumulators
//@ tune NV = 2 | 1 | 3       # vectors of accumulators in a row
//@ tune ROWS = 1 | 2 | 8     # rows of a task, in groups of MR
//@ tune KC = 96 | 384        # steps of K in a block
//@ tune UNROLL = 1 | 4       # steps of K in one turn of the kernel's loop
//@ where MR * NV >= 8 && MR * NV <= 24  # enough sums in flight to hide latency, few enough for 32 registers
//@ scratch packed f32 [ceil_div(N, NV * W), K, NV * W]
//@ call matmul args(a, b, packed, c, M, N, K)

#include <algorithm>

namespace {

typedef float Vec __attribute__((vector_size(W * sizeof(float)), aligned(4), may_alias));

constexpr int kPanel = NV * W;    // columns of a panel
constexpr int kTile = ROWS * MR;  // rows of a task

inline Vec Load(const float* from) { return *(const Vec*)from; }
inline void Store(float* to, Vec value) { *(Vec*)to = value; }

// c[MR][kPanel] = (accumulate ? c : 0) + a[MR][depth] * panel[depth][kPanel]; row i of a begins at rows[i].
inline void Multiply(const float* const* rows, const float* panel, int depth, bool accumulate, float* c,
                     long long stride) {
  Vec sum[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int n = 0; n < NV; ++n) sum[i][n] = accumulate ? Load(c + i * stride + n * W) : Vec{};
#pragma GCC unroll UNROLL
  for (int k = 0; k < depth; ++k) {
    Vec right[NV];
#pragma GCC unroll 4
    for (int n = 0; n < NV; ++n) right[n] = Load(panel + (long long)k * kPanel + n * W);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
      for (int n = 0; n < NV; ++n) sum[i][n] += rows[i][k] * right[n];
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int n = 0; n < NV; ++n) Store(c + i * stride + n * W, sum[i][n]);
}

// Row k of a panel that begins at column `first`; columns beyond the last are zero.
inline void PackRow(const float* b, int first, int N, float* to) {
  const int count = std::min(kPanel, N - first);
  for (int j = 0; j < count; ++j) to[j] = b[first + j];
  for (int j = count; j < kPanel; ++j) to[j] = 0;
}

// Rows first_row .. first_row + kTile of c in the columns of one panel.
void Task(const float* a, const float* panel, float* c, int first_row, int first_column, int M, int N, int K) {
  const int columns = std::min(kPanel, N - first_column);
  for (int k = 0; k < K; k += KC) {
    const int depth = std::min(KC, K - k);
    for (int i = first_row; i < std::min(first_row + kTile, M); i += MR) {
      const int height = std::min(MR, M - i);
      const float* rows[MR];  // rows beyond the last repeat it; their sums are dropped
      for (int r = 0; r < MR; ++r) rows[r] = a + (long long)(i + std::min(r, height - 1)) * K + k;
      float* to = c + (long long)i * N + first_column;
      if (height == MR && columns == kPanel) {
        Multiply(rows, panel + (long long)k * kPanel, depth, k > 0, to, N);
        continue;
      }
      float edge[MR * kPanel];  // a corner of c that is smaller than the kernel's block
      Multiply(rows, panel + (long long)k * kPanel, depth, false, edge, kPanel);
      for (int r = 0; r < height; ++r)
        for (int j = 0; j < columns; ++j) {
          float& element = to[(long long)r * N + j];
          element = (k > 0 ? element : 0.f) + edge[r * kPanel + j];
        }
    }
  }
}

}  // namespace

extern "C" void matmul(const float* a, const float* b, float* packed, float* c, int M, int N, int K) {
  const int panels = (N + kPanel - 1) / kPanel;
  const int tiles = (M + kTile - 1) / kTile;
#pragma omp parallel
  {
#pragma omp for
    for (int k = 0; k < K; ++k)
      for (int panel = 0; panel < panels; ++panel)
        PackRow(b + (long long)k * N, panel * kPanel, N, packed + ((long long)panel * K + k) * kPanel);
#pragma omp for collapse(2) schedule(dynamic)
    for (int panel = 0; panel < panels; ++panel)
      for (int tile = 0; tile < tiles; ++tile)
        Task(a, packed + (long long)panel * K * kPanel, c, tile * kTile, panel * kPanel, M, N, K);
  }
}

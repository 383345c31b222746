// Every construct of a plan, and every way in which two kernels of one text could be taken for each other: functions,
// templates and variables with external names that depend on D, a class with virtual functions, exceptions.
//
//@ tune KEYS = 64 | 32
//@ where KEYS % 2 == 0 && S >= 1
//@ scratch scores f32 [B, S, align(S, KEYS)]
//@ scratch sums f32 [B, S]
//@ zero sums
//@ zero o
//@ call score for b in 0..B args(q, k, scores, scale, b, S, ceil_div(S, KEYS) * KEYS)
//@ call weigh when(S > 1) args(scores, sums, i64(B * S), S, align(S, KEYS))
//@ call ones when(S == 1) args(scores, sums, B, max(KEYS, 1))
//@ call sum args(scores, sums, v, o, B, S, align(S, KEYS))

#include <stdexcept>
#include <vector>

int calls = D;
extern "C" {
int last_width = D;
}

inline int Width() {
  static const int width = D;
  return width;
}

template <int Extra>
int Wide() {
  return D + Extra;
}

extern "C" inline int PlainWidth() { return D; }

struct Shape {
  virtual int Depth() const { return D; }
  virtual ~Shape() = default;
};

int Checked(const Shape& shape) {
  try {
    if (shape.Depth() != D || Width() != D || Wide<1>() != D + 1 || PlainWidth() != D || last_width != D || calls < D)
      throw std::runtime_error("a function of another kernel");
  } catch (const std::runtime_error&) {
    return 0;
  }
  ++calls;
  return D;
}

extern "C" void score(const q_t* q, const k_t* k, scores_t* scores, float scale, int b, int S, int pitch) {
  const Shape shape;
  const int depth = Checked(shape);
#pragma omp parallel for
  for (int i = 0; i < S; ++i) {
    const float* query = q + ((long long)b * S + i) * D;
    float* row = scores + ((long long)b * S + i) * pitch;
    for (int j = 0; j < S; ++j) {
      const float* key = k + ((long long)b * S + j) * D;
      float dot = 0;
      for (int d = 0; d < depth; ++d) dot += query[d] * key[d];
      row[j] = dot * scale;
    }
  }
}

extern "C" void weigh(float* scores, float* sums, long long rows, int S, int pitch) {
#pragma omp parallel for
  for (long long r = 0; r < rows; ++r) {
    float* row = scores + r * pitch;
    float largest = row[0];
    for (int j = 1; j < S; ++j) largest = std::max(largest, row[j]);
    for (int j = 0; j < S; ++j) sums[r] += row[j] = std::exp(row[j] - largest);
  }
}

void ones(float* scores, float* sums, int B, int pitch) {
  for (int b = 0; b < B; ++b) scores[(long long)b * pitch] = sums[b] = 1;
}

extern "C" void sum(float* scores, float* sums, const float* v, float* o, int B, int S, int pitch) {
#pragma omp parallel for
  for (int row = 0; row < B * S; ++row) {
    const float* weights = scores + (long long)row * pitch;
    float* out = o + (long long)row * D;
    for (int j = 0; j < S; ++j) {
      const float* value = v + ((long long)(row / S) * S + j) * D;
      for (int d = 0; d < D; ++d) out[d] += weights[j] * value[d];
    }
    for (int d = 0; d < D; ++d) out[d] /= sums[row];
  }
}

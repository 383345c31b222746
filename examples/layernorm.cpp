// Layer normalisation over rows, a vector at a time, tunable.
//
// A row is read three times, but only the first time from memory: it fits the L1 cache. Sums run in U * W lanes, which
// hides the latency of an addition and keeps the rounding errors of a long sum small.
//
//@ tune W = 8 | 16           # lanes of a vector
//@ tune U = 2 | 1 | 4        # vectors in a step: independent sums in flight
//@ tune PASSES = 2 | 1       # 2: the mean, then the squares; 1: both at once, the squares of differences to x[0]
//@ tune STREAM = 0 | 1       # 1: stores past the caches (x86)
//@ tune CHUNK = 8 | 1 | 64   # rows that a thread takes at once
//@ call layer_norm args(x, gain, bias, eps, y, R)

namespace {

typedef float Vec __attribute__((vector_size(W * sizeof(float)), aligned(4), may_alias));
typedef float Quad __attribute__((vector_size(16), aligned(4), may_alias));

constexpr int kStep = U * W;
constexpr int kWhole = C / kStep * kStep;

inline Vec Load(const float* from) { return *(const Vec*)from; }
inline void Store(float* to, Vec value) { *(Vec*)to = value; }

float Total(const Vec (&sums)[U]) {
  Vec all = sums[0];
  for (int u = 1; u < U; ++u) all += sums[u];
  float total = 0;
  for (int lane = 0; lane < W; ++lane) total += all[lane];
  return total;
}

struct Moments {
  float sum;          // of x: the mean is never taken from differences, whose shift may be far larger than the mean
  float differences;  // of x - shift
  float squares;      // of (x - shift)^2
};

template <bool kSum, bool kDifferences, bool kSquares>
Moments Collect(const float* in, float shift) {
  Vec sums[U] = {}, differences[U] = {}, squares[U] = {};
  for (int c = 0; c < kWhole; c += kStep)
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      const Vec value = Load(in + c + u * W), difference = value - shift;
      if (kSum) sums[u] += value;
      if (kDifferences) differences[u] += difference;
      if (kSquares) squares[u] += difference * difference;
    }
  Moments moments{Total(sums), Total(differences), Total(squares)};
  for (int c = kWhole; c < C; ++c) {
    const float difference = in[c] - shift;
    moments.sum += in[c];
    moments.differences += difference;
    moments.squares += difference * difference;
  }
  return moments;
}

void WriteRow(const float* in, const float* gain, const float* bias, float mean, float scale, float* out) {
  int c = 0;
#ifdef __SSE__
  if (STREAM) {
    for (; c < C && (uintptr_t)(out + c) % 16 != 0; ++c) out[c] = (in[c] - mean) * scale * gain[c] + bias[c];
    for (; c + 4 <= C; c += 4) {
      const Quad value = (*(const Quad*)(in + c) - mean) * scale * *(const Quad*)(gain + c) + *(const Quad*)(bias + c);
      _mm_stream_ps(out + c, (__m128)value);
    }
  }
#endif
  for (; c + W <= C; c += W) Store(out + c, (Load(in + c) - mean) * scale * Load(gain + c) + Load(bias + c));
  for (; c < C; ++c) out[c] = (in[c] - mean) * scale * gain[c] + bias[c];
}

}  // namespace

extern "C" void layer_norm(const float* x, const float* gain, const float* bias, float eps, float* y, int R) {
#pragma omp parallel
  {
#pragma omp for schedule(static, CHUNK)
    for (int r = 0; r < R; ++r) {
      const float* in = x + (long long)r * C;
      float mean, variance;
      if (PASSES == 2) {
        mean = Collect<true, false, false>(in, 0).sum / C;
        variance = Collect<false, false, true>(in, mean).squares / C;
      } else {
        const Moments moments = Collect<true, true, true>(in, in[0]);
        mean = moments.sum / C;
        variance = (moments.squares - moments.differences * moments.differences / C) / C;
        variance = variance > 0 ? variance : 0;
      }
      WriteRow(in, gain, bias, mean, 1 / std::sqrt(variance + eps), y + (long long)r * C);
    }
#ifdef __SSE__
    if (STREAM) _mm_sfence();  // streamed stores are seen in order only after this
#endif
  }
}

#include "bench/tolerance_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace kopt::bench {
namespace {

float RoundBits(float x, int dropped) {
  if (!std::isfinite(x)) return x;
  const uint32_t bits = std::bit_cast<uint32_t>(x), half = (1u << (dropped - 1)) - 1 + ((bits >> dropped) & 1);
  return std::bit_cast<float>((bits + half) & ~((1u << dropped) - 1));
}

float Operand(const Style& style, float x) { return style.operand ? style.operand(x) : x; }
float Exp(const Style& style, float x) { return style.exp ? style.exp(x) : std::exp(x); }

// The sum of term(0) ... term(n - 1), or of products a(i) * b(i) where fused.
template <class Term>
float Pairwise(Term term, long long begin, long long end) {
  if (end - begin == 1) return term(begin);
  const long long middle = begin + (end - begin) / 2;
  return Pairwise(term, begin, middle) + Pairwise(term, middle, end);
}
template <class Term>
float Lanes(Term term, long long n) {
  float lanes[16] = {};
  for (long long i = 0; i < n; ++i) lanes[i % 16] += term(i);
  return Pairwise([&](long long i) { return lanes[i]; }, 0, 16);
}
template <class Term>
float Sum(const Style& style, Term term, long long n) {
  n = std::max(n - style.skip, 1LL);
  if (style.order == Order::kPairwise) return Pairwise(term, 0, n);
  if (style.order == Order::kLanes) return Lanes(term, n);
  float sum = 0;
  for (long long i = 0; i < n; ++i) sum += term(i);
  return sum;
}
template <class A, class B>
float Dot(const Style& style, A a, B b, long long n) {
  if (style.order != Order::kFused)
    return Sum(style, [&](long long i) { return Operand(style, a(i)) * Operand(style, b(i)); }, n);
  float sum = 0;
  for (long long i = 0; i < std::max(n - style.skip, 1LL); ++i)
    sum = std::fma(Operand(style, a(i)), Operand(style, b(i)), sum);
  return sum;
}

template <class Score>
float Largest(Score score, long long n) {
  float largest = -std::numeric_limits<float>::infinity();
  for (long long j = 0; j < n; ++j) largest = std::max(largest, score(j));
  return largest;
}

// Largest score and sum of weights in one pass, in blocks of 32.
template <class Score>
std::pair<float, float> OnlineSum(const Style& style, Score score, long long n) {
  float largest = -std::numeric_limits<float>::infinity(), sum = 0;
  for (long long begin = 0; begin < n; begin += 32) {
    const long long count = std::min(32LL, n - begin);
    const float before = largest;
    largest = std::max(largest, Largest([&](long long j) { return score(begin + j); }, count));
    sum = sum * Exp(style, before - largest) +
          Sum(style, [&](long long j) { return Exp(style, score(begin + j) - largest); }, count);
  }
  return {largest, sum};
}

void AttentionRow(const Style& style, std::span<const float> scores, const float* v, Sizes s, float* o) {
  const auto score = [&](long long j) { return scores[static_cast<size_t>(j)]; };
  const float largest = Largest(score, s.rows);
  const auto weight = [&](long long j) { return Exp(style, score(j) - largest); };
  const float sum = Sum(style, weight, s.rows);
  for (long long d = 0; d < s.depth; ++d)
    o[d] = Dot(style, weight, [&](long long j) { return v[j * s.depth + d]; }, s.rows) / sum;
}

// In blocks of 32 keys with a running maximum, as fused kernels do.
void FusedAttentionRow(const Style& style, std::span<const float> scores, const float* v, Sizes s, float* o) {
  float largest = -std::numeric_limits<float>::infinity(), sum = 0;
  std::fill(o, o + s.depth, 0.0f);
  for (long long begin = 0; begin < s.rows; begin += 32) {
    const long long count = std::min(32LL, s.rows - begin);
    const auto score = [&](long long j) { return scores[static_cast<size_t>(begin + j)]; };
    const float before = largest;
    largest = std::max(largest, Largest(score, count));
    const float shrink = Exp(style, before - largest);
    const auto weight = [&](long long j) { return Exp(style, score(j) - largest); };
    sum = sum * shrink + Sum(style, weight, count);
    for (long long d = 0; d < s.depth; ++d)
      o[d] = o[d] * shrink + Dot(style, weight, [&](long long j) { return v[(begin + j) * s.depth + d]; }, count);
  }
  for (long long d = 0; d < s.depth; ++d) o[d] *= 1 / sum;
}

}  // namespace

float Tf32(float x) { return RoundBits(x, 13); }
float Bf16(float x) { return RoundBits(x, 16); }
float HalfExp(float x) { return Tf32(std::exp(x)); }

float FastExp(float x) {
  if (x < -87) return 0;
  const float n = std::nearbyint(x * 1.442695041f);
  const float r = std::fma(n, -0.693147182f, x);
  float p = 1.0f / 720;
  for (const float c : {1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) p = p * r + c;
  return std::ldexp(p, static_cast<int>(n));
}

std::vector<float> Matmul(const Style& style, const Inputs& inputs, Sizes s) {
  std::vector<float> c(static_cast<size_t>(s.rows * s.columns));
  const float *a = inputs[0].data(), *b = inputs[1].data();
  for (long long i = 0; i < s.rows; ++i)
    for (long long j = 0; j < s.columns; ++j)
      c[static_cast<size_t>(i * s.columns + j)] = Dot(
          style, [&](long long k) { return a[i * s.depth + k]; }, [&](long long k) { return b[k * s.columns + j]; },
          s.depth);
  return c;
}

std::vector<float> Softmax(const Style& style, const Inputs& inputs, Sizes s) {
  std::vector<float> y(static_cast<size_t>(s.rows * s.columns));
  for (long long r = 0; r < s.rows; ++r) {
    const float* x = inputs[0].data() + r * s.columns;
    const auto score = [&](long long j) { return Operand(style, x[j]); };
    const float largest = Largest(score, s.columns);
    const auto weight = [&](long long j) { return Exp(style, score(j) - largest); };
    const auto [m, sum] =
        style.online ? OnlineSum(style, score, s.columns) : std::pair(largest, Sum(style, weight, s.columns));
    const float inverse = 1 / sum;
    for (long long j = 0; j < s.columns; ++j) {
      const float w = Exp(style, score(j) - m);
      y[static_cast<size_t>(r * s.columns + j)] = style.online ? w * inverse : w / sum;
    }
  }
  return y;
}

std::vector<float> Norm(const Style& style, const Inputs& inputs, Sizes s) {
  std::vector<float> y(static_cast<size_t>(s.rows * s.columns));
  const float n = static_cast<float>(s.columns);
  for (long long r = 0; r < s.rows; ++r) {
    const float* x = inputs[0].data() + r * s.columns;
    const float mean = Sum(style, [&](long long j) { return Operand(style, x[j]); }, s.columns) / n;
    const auto centred = [&](long long j) { return x[j] - mean; };
    const auto plain = [&](long long j) { return x[j]; };
    const float variance = style.online ? Dot(style, plain, plain, s.columns) / n - mean * mean
                                        : Dot(style, centred, centred, s.columns) / n;
    const float scale = 1 / std::sqrt(variance + 1e-5f);
    for (long long j = 0; j < s.columns; ++j)
      y[static_cast<size_t>(r * s.columns + j)] =
          Operand(style, Operand(style, x[j] - mean) * scale) * inputs[1][static_cast<size_t>(j)] +
          inputs[2][static_cast<size_t>(j)];
  }
  return y;
}

std::vector<float> PrefixSum(const Style& style, const Inputs& inputs, Sizes s) {
  std::vector<float> y(static_cast<size_t>(s.rows * s.columns));
  for (long long r = 0; r < s.rows; ++r) {
    const float* x = inputs[0].data() + r * s.columns;
    float* out = y.data() + r * s.columns;
    const long long block = style.order == Order::kLanes ? 64 : s.columns;
    float carry = 0;
    for (long long begin = 0; begin < s.columns; begin += block) {
      float sum = 0;
      for (long long j = begin; j < std::min(begin + block, s.columns); ++j) {
        if (j >= style.skip) sum += Operand(style, x[j]);
        out[j] = carry + sum;
      }
      carry += sum;
    }
    if (style.order != Order::kPairwise) continue;
    std::copy(x, x + s.columns, out);  // doubling steps
    for (long long step = 1; step < s.columns; step *= 2)
      for (long long j = s.columns - 1; j >= step; --j) out[j] += out[j - step];
  }
  return y;
}

std::vector<float> Attention(const Style& style, const Inputs& inputs, Sizes s, float scale, float slope) {
  std::vector<float> o(static_cast<size_t>(s.batch * s.rows * s.depth));
  std::vector<float> scores(static_cast<size_t>(s.rows));
  for (long long b = 0; b < s.batch; ++b) {
    const long long head = b * s.rows * s.depth;
    const float *q = inputs[0].data() + head, *k = inputs[1].data() + head, *v = inputs[2].data() + head;
    Style scoring = style;
    scoring.skip = 0;
    for (long long i = 0; i < s.rows; ++i) {
      for (long long j = 0; j < s.rows; ++j)
        scores[static_cast<size_t>(j)] = Dot(
                                             scoring, [&](long long d) { return q[i * s.depth + d]; },
                                             [&](long long d) { return k[j * s.depth + d]; }, s.depth) *
                                             scale +
                                         slope * static_cast<float>(i - j);
      (style.online ? FusedAttentionRow : AttentionRow)(style, scores, v, s, o.data() + head + i * s.depth);
    }
  }
  return o;
}

}  // namespace kopt::bench

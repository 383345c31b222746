#include "cli/init_text.h"

namespace kopt {
namespace {

constexpr std::string_view kSpec =
    R"spec(# What to compute. Change this into your own task, then run: kopt check NAME.spec
# Every key is explained in docs/spec.md.

kopt    = 1                       # version of this format
name    = "NAME"
summary = "Root mean square norm over rows: y = x / sqrt(mean(x^2) + eps) * gain."

dims    = ["R", "C"]              # every dim is declared here: a misspelt one is an error
dynamic = ["R"]                   # known at run time only; the others are constants when a candidate is compiled

# Scored shapes: the speedup is the geometric mean over them. Each binds every dim.
[[shape]]
R = 1024
C = 1024

# Shapes for correctness only: small, odd, ragged, size 1.
[[check]]
R = 1
C = 1

[[check]]
R = 77
C = 35

[[check]]
R = 3
C = 1000

# Tensors. dtype: f64 f32 f16 bf16 e4m3 e5m2 i64 i32 i16 i8 u64 u32 u16 u8 bool. shape: integer expressions over dims.
# fill: normal(mean, sd), uniform(a, b), int(a, b), index, permutation, file(x.npy).
[[input]]
name  = "x"
dtype = "f32"
shape = ["R", "C"]
fill  = "normal(0, 1)"

[[input]]
name  = "gain"
dtype = "f32"
shape = ["C"]
fill  = "normal(1, 0.25)"

# A scalar has a `value` (a real expression over dims) or a `fill` (then it differs in every input set).
[[scalar]]
name  = "eps"
dtype = "f32"
value = "0.00001"

[[output]]
name  = "y"
dtype = "f32"
shape = ["R", "C"]

# What a candidate may not undercut. From it follows how far an answer may be from the truth.
[precision]
multiply   = "f32"
accumulate = "f32"

# The truth: plain C++ with `real` for numbers, called once for each index tuple of `over`.
[[reference]]
over = ["r:R"]
code = '''
real sum = 0;
for (long long c = 0; c < C; ++c) sum += x(r, c) * x(r, c);
real scale = 1 / sqrt(sum / C + eps);
for (long long c = 0; c < C; ++c) y(r, c) = x(r, c) * scale * gain(c);
'''

# For speed of light. Bytes read and written default to each tensor once.
[work]
flops = "4 * R * C"
unit  = "f32"

# Where the search starts: its `//@ tune` lines are what kopt searches. Paths are relative to this file.
[seed]
cpu = "NAME.cpp"

# What speedup is measured against. Without it: the seed with its default tunables.
[baseline]
cpu = "NAME_baseline.cpp"
)spec";

constexpr std::string_view kSeed =
    R"seed(// A candidate for NAME.spec. The lines that begin with //@ are its plan; docs/candidate.md explains them.
//@ tune LANES = 8 | 4 | 16 | 32          # partial sums side by side; the first value is the default
//@ tune CHUNK = 16 | 4 | 64 | 256        # rows that a thread takes at once
//@ where LANES * CHUNK <= 4096           # configurations that violate this are never tried
//@ call norm_rows args(x, gain, eps, y, R)
//
// C, LANES and CHUNK are constants here; R is dynamic in the spec and comes as an argument.
#include <cmath>

extern "C" void norm_rows(const float* x, const float* gain, float eps, float* y, int R) {
#pragma omp parallel for schedule(dynamic, CHUNK)
  for (int r = 0; r < R; ++r) {
    const float* row = x + static_cast<long long>(r) * C;
    float* out = y + static_cast<long long>(r) * C;
    float sums[LANES] = {};
    int c = 0;
    for (; c + LANES <= C; c += LANES) {
      for (int lane = 0; lane < LANES; ++lane) sums[lane] += row[c + lane] * row[c + lane];
    }
    for (; c < C; ++c) sums[0] += row[c] * row[c];
    float sum = 0;
    for (int lane = 0; lane < LANES; ++lane) sum += sums[lane];
    const float scale = 1.0f / std::sqrt(sum / static_cast<float>(C) + eps);
    for (int i = 0; i < C; ++i) out[i] = row[i] * scale * gain[i];
  }
}
)seed";

constexpr std::string_view kBaseline = R"baseline(// The baseline of NAME.spec: textbook loops, parallel over rows.
//@ call norm_rows args(x, gain, eps, y, R)
#include <cmath>

extern "C" void norm_rows(const float* x, const float* gain, float eps, float* y, int R) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    const float* row = x + static_cast<long long>(r) * C;
    float* out = y + static_cast<long long>(r) * C;
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += row[c] * row[c];
    const float scale = 1.0f / std::sqrt(sum / static_cast<float>(C) + eps);
    for (int c = 0; c < C; ++c) out[c] = row[c] * scale * gain[c];
  }
}
)baseline";

std::string WithName(std::string_view text, std::string_view name) {
  std::string result(text);
  for (size_t at = 0; (at = result.find("NAME", at)) != std::string::npos; at += name.size()) {
    result.replace(at, 4, name);
  }
  return result;
}

}  // namespace

std::string InitSpec(std::string_view name) { return WithName(kSpec, name); }
std::string InitSeed(std::string_view name) { return WithName(kSeed, name); }
std::string InitBaseline(std::string_view name) { return WithName(kBaseline, name); }

}  // namespace kopt

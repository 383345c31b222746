#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "base/hash.h"
#include "bench/replay_space.h"

namespace kopt {
namespace {

constexpr double kNoise = 0.03;

constexpr const char* kSpec = R"spec(kopt = 1
name = "synthetic"
dims = ["N"]
[[shape]]
N = 1024
[[input]]
name = "x"
dtype = "f32"
shape = ["N"]
fill = "normal(0, 1)"
[[output]]
name = "y"
dtype = "f32"
shape = ["N"]
[[reference]]
over = ["i:N"]
code = "y(i) = 2 * x(i);"
)spec";

constexpr const char* kCode = R"(//@ call run args(x, y)
extern "C" void run(const float* x, float* y);
)";

// Relative speed of a configuration; nothing if it fails.
using Speed = std::function<std::optional<double>(const Configuration&)>;

double At(const Configuration& c, const char* name) { return static_cast<double>(c.find(name)->second); }

// 1 at `best`, falling with the distance in powers of two.
double Hump(double value, double best, double width) {
  const double off = (std::log2(value) - std::log2(best)) / width;
  return std::exp(-0.5 * off * off);
}

// Work in tiles: the share that is not padding.
double Filled(double work, double tile) { return work / (std::ceil(work / tile) * tile); }

// Register and cache blocking of a matrix product on a CPU: sums in flight hide latency until the registers spill, a
// block of the panel must fit the first cache, tiles must divide among 16 threads.
constexpr const char* kCpuProduct = R"(//@ tune W = 8 | 16
//@ tune MR = 4 | 6 | 8 | 12
//@ tune NV = 2 | 1 | 3 | 4
//@ tune ROWS = 1 | 2 | 4 | 8
//@ tune KC = 64 | 128 | 256 | 512
//@ tune PREFETCH = 0 | 8
//@ where MR * NV >= 8 && MR * NV <= 36
)";
constexpr const char* kSmallCpuProduct = R"(//@ tune W = 8 | 16
//@ tune MR = 4 | 6 | 8 | 12
//@ tune NV = 2 | 1 | 3
//@ tune ROWS = 1 | 2 | 4
//@ tune KC = 64 | 128 | 256
//@ tune PREFETCH = 0 | 8
//@ where MR * NV >= 8 && MR * NV <= 36
)";
std::optional<double> CpuProduct(const Configuration& c) {
  const double w = At(c, "W"), mr = At(c, "MR"), nv = At(c, "NV"), rows = At(c, "ROWS"), kc = At(c, "KC");
  const double sums = mr * nv, panel = kc * nv * w * 4 / 1024;
  double speed = std::min(1.0, sums / 12) * (w == 16 ? 1.0 : 0.62);
  speed *= sums / (sums + 0.8 * (mr + nv));
  if (sums + nv + 2 > 30) speed *= 0.55;
  speed *= panel > 32 ? 0.8 : panel > 24 ? 0.93 : 1;
  speed *= 1 - 12 / (24 + kc);
  speed *= Filled(384, mr * rows) * Filled(512, nv * w) * Filled(384 / (mr * rows) * 512 / (nv * w), 16);
  if (At(c, "PREFETCH") > 0) speed *= rows >= 4 ? 1.04 : 0.97;
  return speed;
}

// Tiles of a product on a GPU: shared memory and registers limit the blocks of a multiprocessor, stages hide latency.
// A block that needs more than LIMIT registers a thread fails.
constexpr const char* kGpuProduct = R"(//@ tune BM = 64 | 32 | 128 | 256
//@ tune BN = 64 | 32 | 128 | 256
//@ tune BK = 32 | 16 | 64 | 128
//@ tune STAGES = 2 | 3 | 4 | 5
//@ tune WARPS = 4 | 2 | 8 | 16
//@ tune SWIZZLE = 0 | 1
)";
std::optional<double> GpuProduct(const Configuration& c) {
  const double bm = At(c, "BM"), bn = At(c, "BN"), bk = At(c, "BK"), stages = At(c, "STAGES"), warps = At(c, "WARPS");
  const double shared = stages * (bm + bn) * bk * 2, registers = bm * bn / (warps * 32) + 40;
  if (registers > At(c, "LIMIT")) return std::nullopt;
  const double blocks = std::min(std::floor(228 * 1024 / shared), std::floor(2048 / (warps * registers)));
  if (blocks < 1) return std::nullopt;
  double speed = bm * bn / (bm * bn + 45 * (bm + bn));
  speed *= 1 - std::exp(-0.7 * stages * std::min(blocks, 3.0) * bk / 64);
  speed *= 1 - std::exp(-0.35 * warps * std::min(blocks, 4.0));
  const double waves = std::ceil(4096 / bm) * std::ceil(4096 / bn) / (132 * blocks);
  speed *= waves / std::ceil(waves);
  if (At(c, "SWIZZLE") == 0) speed *= bk >= 64 ? 0.72 : 0.9;
  return speed;
}

// Attention: tiles of queries and keys, a choice of exponential, unrolling that helps small tiles and hurts large.
constexpr const char* kAttention = R"(//@ tune MR = 4 | 6 | 8 | 12
//@ tune NV = 2 | 1 | 4
//@ tune ROWS = 1 | 2 | 4
//@ tune KEYS = 64 | 128 | 256 | 512
//@ tune EXP = 0 | 1
//@ tune UNROLL = 1 | 2 | 4
//@ where MR * NV >= 8
)";
std::optional<double> Attention(const Configuration& c) {
  const double mr = At(c, "MR"), nv = At(c, "NV"), keys = At(c, "KEYS"), rows = At(c, "ROWS"), unroll = At(c, "UNROLL");
  double speed = mr * nv / (mr * nv + 1.2 * (mr + nv));
  if (mr * nv > 24) speed *= 0.5;
  const double exponential = At(c, "EXP") == 1 ? 0.15 : 0.55;
  if (keys * mr * rows * 4 + keys * 64 * 8 > 48 * 1024) speed *= 0.75;
  speed *= 1 / (1 + 20 / keys + exponential * (1 + 0.3 * speed));
  speed *= mr * nv * unroll > 48 ? 0.8 : 1 + 0.03 * std::log2(unroll);
  return speed * Filled(512, mr * rows) * Hump(mr * rows, 24, 3.5);
}

// A stencil: a block of three dimensions, of which the innermost matters most, and one order of loops that is right.
constexpr const char* kStencil = R"(//@ tune X = 32 | 64 | 128 | 256 | 512 | 1024
//@ tune Y = 1 | 2 | 4 | 8 | 16 | 32
//@ tune Z = 1 | 2 | 4 | 8
//@ tune ORDER = 0 | 1 | 2
//@ tune PREFETCH = 0 | 4 | 8 | 16
)";
std::optional<double> Stencil(const Configuration& c) {
  const double x = At(c, "X"), y = At(c, "Y"), z = At(c, "Z"), order = At(c, "ORDER");
  const double volume = x * y * z * 8 / 1024, surface = (x + 2) * (y + 2) * (z + 2) / (x * y * z);
  double speed = Hump(x, 256, 2.2) * (volume > 1024 ? 0.6 : volume > 256 ? 0.85 : 1) / std::pow(surface, 1.2);
  speed *= order == 2 ? 1 : order == 0 ? 0.8 : 0.5;
  if (order == 2 && y < z) speed *= 0.88;
  return speed * (0.9 + 0.1 * Hump(At(c, "PREFETCH") + 1, 9, 1.5));
}

// Effects of single tunables and of some pairs, drawn at random. A corner fails: half the space if it is strong.
constexpr const char* kDrawn = R"(//@ tune A = 0 | 1 | 2 | 3 | 4 | 5
//@ tune B = 0 | 1 | 2 | 3
//@ tune C = 0 | 1 | 2 | 3 | 4
//@ tune D = 0 | 1
//@ tune E = 0 | 1 | 2 | 3 | 4 | 5
)";
constexpr const char* kSmallDrawn = R"(//@ tune A = 0 | 1 | 2 | 3 | 4
//@ tune B = 0 | 1 | 2
//@ tune C = 0 | 1 | 2 | 3 | 4
//@ tune D = 0 | 1
//@ tune E = 0 | 1 | 2 | 3
)";
constexpr const char* kLargeDrawn = R"(//@ tune A = 0 | 1 | 2 | 3 | 4 | 5
//@ tune B = 0 | 1 | 2 | 3
//@ tune C = 0 | 1 | 2 | 3 | 4
//@ tune D = 0 | 1
//@ tune E = 0 | 1 | 2 | 3 | 4 | 5
//@ tune F = 0 | 1 | 2
//@ tune G = 0 | 1 | 2
//@ where A + F * G <= 7
)";
std::optional<double> Drawn(const Configuration& c, uint64_t seed, double strength) {
  const auto drawn = [&](const std::string& what) { return Mix(seed, Digest(std::as_bytes(std::span(what)), 0)); };
  double log_speed = 0;
  for (auto a = c.begin(); a != c.end(); ++a) {
    const double waves = 1 + static_cast<double>(drawn(a->first) % 3);
    const double shift = static_cast<double>(drawn(a->first + " shift") % 100) / 100;
    log_speed += 0.12 * std::cos(waves * (static_cast<double>(a->second) / 4 - shift) * 2);
    for (auto b = std::next(a); b != c.end(); ++b) {
      if (drawn(a->first + b->first) % 3 != 0) continue;
      log_speed += 0.15 * std::cos(0.75 * static_cast<double>(a->second - b->second) + shift * 6);
    }
  }
  if (static_cast<double>(c.begin()->second + c.rbegin()->second) >= 9 / strength) return std::nullopt;
  return std::exp(strength * log_speed);
}

ReplaySpace Make(std::string name, const std::string& tunables, const Speed& speed) {
  const Spec spec = ParseSpec(kSpec, "synthetic.spec").value();
  const Candidate candidate = ParseCandidate(spec, Target::kCpu, tunables + kCode, "synthetic.cpp").value();
  ReplaySpace made{.name = std::move(name),
                   .space = Space::Create(spec, candidate, spec.Scored(Target::kCpu), {}).value(),
                   .noise = kNoise};
  for (const Point& point : made.space.points()) {
    if (const auto known = speed(made.space.At(point))) made.log_speedups[point] = std::log(*known);
  }
  return made;
}

}  // namespace

double Normal(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(random.Next() >> 11) * 0x1p-53;
  return sum;
}

std::vector<ReplaySpace> SyntheticSpaces() {
  const std::string gpu = kGpuProduct;
  std::vector<ReplaySpace> spaces;
  spaces.push_back(Make("cpu product", kCpuProduct, CpuProduct));
  spaces.push_back(Make("cpu product, small", kSmallCpuProduct, CpuProduct));
  spaces.push_back(
      Make("gpu product", gpu + "//@ tune LIMIT = 255\n//@ where STAGES * (BM + BN) * BK * 2 <= 230000\n", GpuProduct));
  spaces.push_back(
      Make("gpu product, half fails", gpu + "//@ tune LIMIT = 90\n//@ where STAGES * (BM + BN) <= 2000\n", GpuProduct));
  spaces.push_back(Make("attention", kAttention, Attention));
  spaces.push_back(Make("stencil", kStencil, Stencil));
  const auto add_drawn = [&](const char* kind, const char* tunables, uint64_t seed, double strength) {
    spaces.push_back(Make(fmt::format("drawn {}{}", seed, kind), tunables,
                          [=](const Configuration& c) { return Drawn(c, seed, strength); }));
  };
  for (uint64_t seed : {1, 2, 3}) add_drawn("", kDrawn, seed, 1);
  for (uint64_t seed : {4, 5, 6, 7}) add_drawn(", mild", kSmallDrawn, seed, 0.4);
  for (uint64_t seed : {8, 9}) add_drawn(", half fails", kDrawn, seed, 1.8);
  add_drawn(", large", kLargeDrawn, 10, 1);
  return spaces;
}

}  // namespace kopt

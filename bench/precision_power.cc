// Which lowered precision does the tolerance rule refuse, and at which sizes? And does it leave honest kernels their
// room, whatever the inputs are?
//
//   precision_power [SPEC...]     default: every examples/*.spec
//
// The references of a spec are compiled twice: as they are, which gives the truth, and with a number type that rounds
// each operation to so many bits, which plays a kernel. Rows are sizes and inputs, columns are kernels; a cell is the
// root mean square and the largest error in standard deviations, with ! where the rule decides otherwise than it
// should; "same": bit by bit what a kernel gives that rounds as declared. A table of what is refused where comes last.
// Exit status 1: an honest kernel is refused on inputs that its spec draws. Needs g++.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "tests/verifier/oracle_harness.h"
#include "verifier/core/input_set.h"

namespace kopt {
namespace {

constexpr double kMostOperations = 1e7;  // of a run on the host
constexpr int kExact = 53;               // bits: not rounded at all

// How a kernel computes: significant bits.
struct Kernel {
  std::string name;
  bool honest = false;
  int operand = kExact;  // of a product's factors
  int product = kExact, sum = kExact, function = kExact;
  int stored = kExact;  // of the outputs
};

int BitsOf(double roundoff) { return static_cast<int>(std::lround(-std::log2(roundoff))); }

std::vector<Kernel> KernelsFor(const Spec& spec, int output_bits) {
  const int multiply = BitsOf(spec.precision.multiply_roundoff), sum = BitsOf(spec.precision.accumulate_roundoff);
  const Kernel fused{.name = "fused", .honest = true, .operand = multiply, .sum = sum, .function = sum};
  Kernel declared = fused;
  declared.name = "as declared";
  declared.product = std::max(multiply, sum);
  std::vector<Kernel> kernels = {declared, fused};
  const auto add = [&](const std::string& name, int declared_bits, int bits, int Kernel::* what) {
    if (bits >= declared_bits) return;
    kernels.push_back(fused);
    kernels.back().name = name;
    kernels.back().honest = false;
    kernels.back().*what = bits;
  };
  add("tf32 factors", multiply, 11, &Kernel::operand);
  add("bf16 factors", multiply, 8, &Kernel::operand);
  add("e4m3 factors", multiply, 4, &Kernel::operand);
  add("f16 sums", sum, 11, &Kernel::sum);
  add("bf16 sums", sum, 8, &Kernel::sum);
  add("11-bit functions", sum, 11, &Kernel::function);
  add("f16 results", output_bits, 11, &Kernel::stored);
  add("bf16 results", output_bits, 8, &Kernel::stored);
  return kernels;
}

// The oracle's text with a `real` that rounds.
Result<std::string> RoundingText(std::string text) {
  const auto put = [&text](std::string_view before, std::string_view after) {
    const size_t at = text.find(before);
    if (at == std::string::npos) return false;
    text.replace(at, before.size(), after);
    return true;
  };
  const bool whole = put("struct real {", R"(extern "C" {
__attribute__((visibility("default"))) int kopt_bits[4] = {53, 53, 53, 53};
}
inline double kopt_round_to(double x, int bits) {
  if (bits >= 53 || !(__builtin_fabs(x) <= 1e300)) return x;
  const double c = x * ((1ULL << (53 - bits)) + 1);
  return c - (c - x);
}
inline double kopt_product(double a, double b) {
  return kopt_round_to(kopt_round_to(a, kopt_bits[0]) * kopt_round_to(b, kopt_bits[0]), kopt_bits[1]);
}
struct real {)") &&
                     put("inline real kopt_sum(double v, double s) {",
                         "inline real kopt_sum(double v, double s) { v = kopt_round_to(v, kopt_bits[2]);") &&
                     put("const double v = a.v * b.v;", "const double v = kopt_product(a.v, b.v);") &&
                     put("const double v = a.v * b;", "const double v = kopt_product(a.v, b);") &&
                     put("const double v = a.v / b.v;", "const double v = kopt_round_to(a.v / b.v, kopt_bits[3]);") &&
                     put("inline real kopt_rounded(double v, double s) {",
                         "inline real kopt_rounded(double v, double s) { v = kopt_round_to(v, kopt_bits[3]);");
  if (!whole) return InternalError("verifier/oracle/real.h is not as bench/precision_power.cc knows it");
  return text;
}

double RoundedTo(double x, int bits) {
  if (bits >= kExact || !std::isfinite(x) || x == 0) return x;
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(mantissa, bits)), exponent - bits);
}

struct Size {
  Shape shape;
  std::vector<long long> tuples;  // that are computed; none: all
};

// The check shapes and the scored ones. What is too much for a host is computed at random index tuples where the spec
// allows that, else made smaller.
Result<std::vector<Size>> SizesOf(const Spec& spec) {
  std::vector<Size> sizes;
  std::vector<Shape> shapes = spec.checks;
  shapes.insert(shapes.end(), spec.shapes.begin(), spec.shapes.end());
  for (Shape& shape : shapes) {
    KOPT_TRY(BoundTask task, Bind(spec, shape));
    Size size;
    if (task.flops > kMostOperations && CanSample(spec)) {
      KOPT_TRY(const long long count, TupleCount(spec, spec.references[0].over, shape));
      const double share = kMostOperations / task.flops;
      const auto most = static_cast<long long>(std::max(16.0, share * static_cast<double>(count)));
      size.tuples = RandomTuples(count, std::min(kSampledTuples, most), 1);
    }
    while (task.flops > kMostOperations && !CanSample(spec)) {
      const auto largest = std::ranges::max_element(shape.dims, {}, [](const auto& dim) { return dim.second; });
      largest->second = (largest->second + 1) / 2;
      KOPT_TRY(task, Bind(spec, shape));
    }
    size.shape = shape;
    if (std::ranges::none_of(sizes, [&](const Size& one) { return one.shape.dims == shape.dims; })) {
      sizes.push_back(std::move(size));
    }
  }
  return sizes;
}

// What the values of an input are changed to, within what a task of these types may be given.
struct Hostile {
  std::string name;
  double (*value)(double, size_t);
};
const std::vector<Hostile>& HostileInputs() {
  static const std::vector<Hostile> all = {
      {"times 1000", [](double x, size_t) { return 1000 * x; }},
      {"plus 1000", [](double x, size_t) { return 1000 + x; }},
      {"cancelling", [](double x, size_t i) { return (i % 2 == 0 ? 100.0 : -100.0) + x; }},
      {"tiny", [](double x, size_t) { return 1e-6 * x; }},
  };
  return all;
}

void Change(OracleData& data, const Hostile& hostile) {
  for (size_t t = 0; t < data.tensors.size(); ++t) {
    const Tensor& tensor = *data.task.tensors[t].tensor;
    const bool free = tensor.fill.kind == FillKind::kNormal || tensor.fill.kind == FillKind::kUniform;
    if (!tensor.IsRead() || !tensor.code.empty() || !free || !IsFloating(tensor.dtype)) continue;
    std::byte* bytes = data.tensors[t].storage.data();
    for (size_t i = 0; i < static_cast<size_t>(data.task.tensors[t].span); ++i) {
      StoreReal(tensor.dtype, bytes, i, hostile.value(LoadReal(tensor.dtype, bytes, i), i));
    }
  }
}

// Of one kernel, over the sizes and inputs of its spec.
struct Found {
  int rows = 0, same = 0;
  double least = INFINITY, most = 0;  // root mean squares
  std::vector<std::string> passes;    // where, that are not the same
};

struct Subject {
  std::unique_ptr<Spec> spec;  // the oracles refer to it
  Oracle exact, rounding;
  int (*bits)[4];
  std::vector<size_t> outputs;  // that are compared and hold reals
  std::vector<Kernel> kernels;
  std::vector<Found> found;  // by kernel
};

Result<std::optional<Subject>> Prepare(const std::string& file) {
  KOPT_TRY(Spec spec, ReadSpec(file));
  std::vector<size_t> outputs;
  int bits = 0;
  for (size_t t = 0; t < spec.tensors.size(); ++t) {
    const Tensor& tensor = spec.tensors[t];
    if (!tensor.IsWritten() || !IsFloating(tensor.dtype) || tensor.accept || tensor.compare != Compare::kClose)
      continue;
    outputs.push_back(t);
    bits = std::max(bits, BitsOf(UnitRoundoff(tensor.dtype)));
  }
  if (outputs.empty()) return std::nullopt;
  auto kept = std::make_unique<Spec>(std::move(spec));
  KOPT_TRY(Oracle exact, Oracle::Compile(*kept));
  KOPT_TRY(const std::string text, GenerateOracleSource(*kept));
  KOPT_TRY(const std::string rounding_text, RoundingText(text));
  KOPT_TRY(Oracle rounding, Oracle::CompileText(*kept, rounding_text, ""));
  auto* const bits_of = static_cast<int(*)[4]>(rounding.Symbol("kopt_bits"));
  if (bits_of == nullptr) return InternalError("the rounding oracle has no kopt_bits");
  const std::vector<Kernel> kernels = KernelsFor(*kept, bits);
  return Subject{.spec = std::move(kept),
                 .exact = std::move(exact),
                 .rounding = std::move(rounding),
                 .bits = bits_of,
                 .outputs = std::move(outputs),
                 .kernels = kernels,
                 .found = std::vector<Found>(kernels.size())};
}

// How far `kernel` is from the truth in the worst output.
struct Distance {
  bool pass = true;
  double largest = 0, rms = 0;
  std::string outputs;  // all bytes
};
Distance DistanceOf(const Subject& subject, const Kernel& kernel, const OracleData& truth, OracleData& played) {
  const int bits[] = {kernel.operand, kernel.product, kernel.sum, kernel.function};
  std::ranges::copy(bits, *subject.bits);
  subject.rounding.Run(played);
  Distance distance;
  for (const size_t t : subject.outputs) {
    const BoundTensor& bound = truth.task.tensors[t];
    std::vector<std::byte> storage(bound.bytes);
    const Truth result = played.TruthOf(t);
    for (size_t i = 0; i < result.value.size(); ++i) {
      if (result.variance[i] < 0) continue;
      StoreReal(bound.tensor->dtype, storage.data(), i, RoundedTo(result.value[i], kernel.stored));
    }
    const Comparison comparison = CompareOutput(bound, truth.TruthOf(t), storage);
    distance.pass = distance.pass && comparison.pass;
    distance.largest = std::max(distance.largest, comparison.largest);
    distance.rms = std::max(distance.rms, comparison.rms);
    distance.outputs.append(reinterpret_cast<const char*>(storage.data()), storage.size());
  }
  return distance;
}

// One row. Without `hostile`, what is found there is kept.
Result<void> PrintRow(Subject& subject, const Size& size, const std::string& inputs, const Hostile* hostile) {
  KOPT_TRY(BoundTask bound, Bind(*subject.spec, size.shape));
  OracleData data(std::move(bound));
  KOPT_CHECK(subject.exact.Fill(data, 1));
  if (hostile != nullptr) Change(data, *hostile);
  data.tuples = size.tuples;
  OracleData played = data;
  subject.exact.Run(data);
  const std::string name = ShapeText(*subject.spec, size.shape);
  std::string row = fmt::format("| {} | {} |", name, inputs);
  std::vector<std::string> honest;
  for (size_t k = 0; k < subject.kernels.size(); ++k) {
    const Kernel& kernel = subject.kernels[k];
    const Distance distance = DistanceOf(subject, kernel, data, played);
    const bool same = !kernel.honest && std::ranges::find(honest, distance.outputs) != honest.end();
    if (kernel.honest) honest.push_back(distance.outputs);
    // Inputs on which the declared precision itself means nothing tell downgraded kernels from nobody.
    const bool wrong = distance.pass != kernel.honest && (hostile == nullptr || kernel.honest);
    row += same ? " same |" : fmt::format(" {:.2g}, {:.2g}{} |", distance.rms, distance.largest, wrong ? " !" : "");
    if (hostile != nullptr) continue;
    Found& found = subject.found[k];
    ++found.rows;
    found.same += same;
    if (same) continue;
    found.least = std::min(found.least, distance.rms);
    found.most = std::max(found.most, distance.rms);
    if (distance.pass) found.passes.push_back(name);
  }
  fmt::print("{}\n", row);
  std::fflush(stdout);
  return {};
}

Result<void> PrintSpec(Subject& subject) {
  const Precision& precision = subject.spec->precision;
  fmt::print("\n{}: products in {}, sums in {}\n\n| size | inputs |", subject.spec->name, precision.multiply,
             precision.accumulate);
  for (const Kernel& kernel : subject.kernels) fmt::print(" {} |", kernel.name);
  fmt::print("\n|---|---|");
  for (size_t i = 0; i < subject.kernels.size(); ++i) fmt::print("---|");
  fmt::print("\n");
  KOPT_TRY(const std::vector<Size> sizes, SizesOf(*subject.spec));
  for (const Size& size : sizes) KOPT_CHECK(PrintRow(subject, size, "own", nullptr));
  std::vector<Tensor>& tensors = subject.spec->tensors;
  size_t most = 0;
  for (const Tensor& tensor : tensors) most = std::max(most, tensor.also.size());
  for (size_t also = 0; also < most; ++also) {
    std::vector<Fill> own;
    std::string name;
    for (Tensor& tensor : tensors) {
      own.push_back(tensor.fill);
      if (also >= tensor.also.size()) continue;
      tensor.fill = tensor.also[also];
      name += (name.empty() ? "" : ", ") + tensor.fill.text;
    }
    KOPT_CHECK(PrintRow(subject, sizes.back(), name, nullptr));
    for (size_t t = 0; t < tensors.size(); ++t) tensors[t].fill = own[t];
  }
  for (const Hostile& hostile : HostileInputs()) KOPT_CHECK(PrintRow(subject, sizes.back(), hostile.name, &hostile));
  return {};
}

// A row for each kernel of each spec; the number of honest ones that were refused somewhere.
int PrintFound(const std::vector<Subject>& subjects) {
  fmt::print("\n| spec | kernel | root mean square | refused | passes at |\n|---|---|---|---|---|\n");
  int refused = 0;
  for (const Subject& subject : subjects) {
    for (size_t k = 0; k < subject.kernels.size(); ++k) {
      const Kernel& kernel = subject.kernels[k];
      const Found& found = subject.found[k];
      const int others = found.rows - found.same, passes = static_cast<int>(found.passes.size());
      refused += kernel.honest && passes < others;
      if (others == 0) continue;
      fmt::print("| {} | {}{} | {:.2g} to {:.2g} | {} of {} | {} |\n", subject.spec->name,
                 kernel.honest ? "" : "*downgraded:* ", kernel.name, found.least, found.most, others - passes, others,
                 kernel.honest ? "" : fmt::format("{}", fmt::join(found.passes, "; ")));
    }
  }
  return refused;
}

Result<int> PrintAll(std::vector<std::string> files) {
  if (files.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(KOPT_SOURCE "/examples")) {
      if (entry.path().extension() == ".spec") files.push_back(entry.path().string());
    }
    std::ranges::sort(files);
  }
  std::vector<Subject> subjects;
  for (const std::string& file : files) {
    KOPT_TRY(auto subject, Prepare(file));
    if (!subject) continue;
    KOPT_CHECK(PrintSpec(*subject));
    subjects.push_back(*std::move(subject));
  }
  return PrintFound(subjects);
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  const auto refused = kopt::PrintAll({argv + 1, argv + argc});
  if (!refused) {
    fmt::print(stderr, "precision_power: {}\n{}\n", refused.error().Text(), refused.error().log);
    return 4;
  }
  if (*refused > 0) fmt::print("\n{} honest kernels are refused\n", *refused);
  return *refused > 0 ? 1 : 0;
}

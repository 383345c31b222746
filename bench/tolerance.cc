// How far honest f32 kernels and downgraded ones are from the truth, in standard deviations of the tolerance rule.
//   build/release/bin/tolerance [KOPT'S SOURCE FOLDER]
// Honest variants must stay within the limits (32 for the largest error, 4 for the root mean square), downgraded ones
// must not; the exit status says whether they do. Compiles each task's oracle with g++.
#include <cstring>

#include "bench/tolerance_kernels.h"
#include "tests/verifier/oracle_harness.h"

namespace kopt {
namespace {

using bench::Inputs;
using bench::Order;
using bench::Sizes;
using bench::Style;

std::vector<Style> HonestSums() {
  return {{.name = "sequential"},
          {.name = "fused multiply-add", .order = Order::kFused},
          {.name = "pairwise", .order = Order::kPairwise},
          {.name = "16 lanes", .order = Order::kLanes}};
}
std::vector<Style> Downgraded() {
  return {{.name = "tf32 operands", .honest = false, .operand = bench::Tf32},
          {.name = "bf16 operands", .honest = false, .operand = bench::Bf16},
          {.name = "one term skipped", .honest = false, .skip = 1}};
}
template <class... Lists>
std::vector<Style> Together(const Lists&... lists) {
  std::vector<Style> all;
  (all.insert(all.end(), lists.begin(), lists.end()), ...);
  return all;
}

std::vector<Style> SoftmaxStyles() {
  const std::vector<Style> honest = {
      {.name = "one pass, running maximum", .online = true},
      {.name = "16 lanes, fast exp", .order = Order::kLanes, .exp = bench::FastExp},
      {.name = "one pass, fast exp", .order = Order::kPairwise, .exp = bench::FastExp, .online = true}};
  const std::vector<Style> half = {{.name = "exp with 11 bits", .honest = false, .exp = bench::HalfExp}};
  return Together(HonestSums(), honest, Downgraded(), half);
}

std::vector<Style> NormStyles() {
  return Together(HonestSums(), std::vector<Style>{{.name = "one pass", .order = Order::kLanes, .online = true}},
                  Downgraded());
}

// For tasks without products to fuse.
std::vector<Style> WithoutFused(std::vector<Style> styles) {
  std::erase_if(styles, [](const Style& style) { return style.order == Order::kFused; });
  return styles;
}

struct Subject {
  std::string name;
  Spec spec;
  Values dims;
  std::vector<Style> styles;
  std::function<std::vector<float>(const Style&, const Inputs&, const OracleData&)> kernel;
};

float ScalarOf(const OracleData& data, size_t index) {
  float value;
  std::memcpy(&value, &data.scalars[index], sizeof value);
  return value;
}

Result<std::vector<Subject>> Subjects(const std::string& root) {
  KOPT_TRY(Spec matmul, ReadSpec(root + "/examples/matmul.spec"));
  KOPT_TRY(Spec softmax, ReadSpec(root + "/examples/softmax.spec"));
  KOPT_TRY(Spec attention, ReadSpec(root + "/examples/attention.spec"));
  KOPT_TRY(Spec norm, ReadSpec(root + "/bench/row_norm.spec"));
  KOPT_TRY(Spec prefix, ReadSpec(root + "/bench/prefix_sum.spec"));
  std::vector<Subject> subjects;
  subjects.push_back({"matmul 128 x 512 x 128",
                      matmul,
                      {{"M", 128}, {"N", 128}, {"K", 512}},
                      Together(HonestSums(), Downgraded()),
                      [](const Style& style, const Inputs& in, const OracleData&) {
                        return bench::Matmul(style, in, {.rows = 128, .columns = 128, .depth = 512});
                      }});
  subjects.push_back({"softmax 256 x 1000",
                      softmax,
                      {{"R", 256}, {"C", 1000}},
                      WithoutFused(SoftmaxStyles()),
                      [](const Style& style, const Inputs& in, const OracleData&) {
                        return bench::Softmax(style, in, {.rows = 256, .columns = 1000});
                      }});
  subjects.push_back({"attention, 2 heads, S = 256, D = 64",
                      attention,
                      {{"B", 1}, {"H", 2}, {"S", 256}, {"D", 64}},
                      SoftmaxStyles(),
                      [](const Style& style, const Inputs& in, const OracleData& data) {
                        return bench::Attention(style, in, {.batch = 2, .rows = 256, .depth = 64}, ScalarOf(data, 0),
                                                ScalarOf(data, 1));
                      }});
  subjects.push_back({"row norm 256 x 1024",
                      norm,
                      {{"R", 256}, {"C", 1024}},
                      NormStyles(),
                      [](const Style& style, const Inputs& in, const OracleData&) {
                        return bench::Norm(style, in, {.rows = 256, .columns = 1024});
                      }});
  subjects.push_back({"prefix sum 64 x 4096",
                      prefix,
                      {{"R", 64}, {"C", 4096}},
                      WithoutFused(Together(HonestSums(), Downgraded())),
                      [](const Style& style, const Inputs& in, const OracleData&) {
                        return bench::PrefixSum(style, in, {.rows = 64, .columns = 4096});
                      }});
  return subjects;
}

Inputs InputsOf(const OracleData& data) {
  Inputs inputs;
  for (size_t t = 0; t < data.tensors.size(); ++t)
    if (data.task.tensors[t].tensor->IsRead())
      inputs.emplace_back(reinterpret_cast<const float*>(data.tensors[t].storage.data()),
                          static_cast<size_t>(data.task.tensors[t].elements));
  return inputs;
}

size_t OutputOf(const Spec& spec) {
  size_t t = 0;
  while (!spec.tensors[t].IsWritten()) ++t;
  return t;
}

// True if every variant is on its side of the limits.
Result<bool> Judge(Subject& subject) {
  subject.spec.shapes = {Shape{.dims = subject.dims}};
  KOPT_TRY(const Oracle oracle, Oracle::Compile(subject.spec));
  KOPT_TRY(BoundTask bound, Bind(subject.spec, subject.spec.shapes[0]));
  OracleData data(std::move(bound));
  KOPT_CHECK(oracle.Fill(data, 1));
  oracle.Run(data);
  const size_t output = OutputOf(subject.spec);
  bool separated = true;
  fmt::print("\n{}\n\n| variant | largest | root mean square | verdict |\n|---|---|---|---|\n", subject.name);
  for (const Style& style : subject.styles) {
    const std::vector<float> result = subject.kernel(style, InputsOf(data), data);
    const Comparison c =
        CompareOutput(data.task.tensors[output], data.TruthOf(output), std::as_bytes(std::span(result)));
    separated = separated && c.pass == style.honest;
    fmt::print("| {}{} | {:.3g} | {:.3g} | {} |\n", style.honest ? "" : "*downgraded:* ", style.name, c.largest, c.rms,
               c.pass ? "passes" : "refused");
  }
  return separated;
}

Result<bool> JudgeAll(const std::string& root) {
  KOPT_TRY(std::vector<Subject> subjects, Subjects(root));
  bool separated = true;
  for (Subject& subject : subjects) {
    KOPT_TRY(const bool good, Judge(subject));
    separated = separated && good;
  }
  return separated;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  const kopt::Result<bool> separated = kopt::JudgeAll(argc > 1 ? argv[1] : ".");
  if (!separated) {
    fmt::print(stderr, "{}\n{}\n", separated.error().Text(), separated.error().log);
    return 4;
  }
  return *separated ? 0 : 1;
}

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "task/dtype.h"
#include "tests/verifier/oracle_harness.h"
#include "tests/verifier/spec_builder.h"

namespace kopt {
namespace {

Reference Over1(std::string code, std::string extent = "N") {
  return {.over = OverOf({{"i", extent}}), .code = std::move(code), .code_position = {.line = 12, .column = 1}};
}

// A compiled oracle and its data at the spec's only shape.
struct Trial {
  explicit Trial(Spec s) : spec(std::move(s)) {
    Result<Oracle> compiled = Oracle::Compile(spec, "-O0");
    if (!compiled) {
      ADD_FAILURE() << compiled.error().Text() << "\n" << compiled.error().log;
      return;
    }
    oracle = std::make_unique<Oracle>(std::move(*compiled));
    Result<BoundTask> bound = Bind(spec, spec.shapes[0]);
    if (!bound) {
      ADD_FAILURE() << bound.error().Text();
      return;
    }
    data = std::make_unique<OracleData>(std::move(*bound));
  }
  void Set(size_t tensor, long long logical, double value) {
    const BoundTensor& t = data->task.tensors[tensor];
    StoreReal(t.tensor->dtype, data->tensors[tensor].storage.data(), static_cast<size_t>(t.Offset(logical)), value);
  }
  void SetGot(size_t tensor, long long logical, long long value) {
    const BoundTensor& t = data->task.tensors[tensor];
    StoreInt(t.tensor->dtype, data->tensors[tensor].got.data(), static_cast<size_t>(t.Offset(logical)), value);
  }

  Spec spec;
  std::unique_ptr<Oracle> oracle;
  std::unique_ptr<OracleData> data;
};

std::string CompileLog(const Spec& spec) {
  const Result<Oracle> oracle = Oracle::Compile(spec, "-fsyntax-only");
  EXPECT_FALSE(oracle.has_value());
  return oracle ? "" : oracle.error().log;
}

TEST(OracleRun, ReadsEveryTypeAndStridesAndScalars) {
  constexpr DType kTypes[] = {DType::kF64,  DType::kF32, DType::kF16, DType::kBF16, DType::kE4M3,
                              DType::kE5M2, DType::kI64, DType::kI32, DType::kI16,  DType::kI8,
                              DType::kU64,  DType::kU32, DType::kU16, DType::kU8,   DType::kBool};
  std::vector<Tensor> tensors;
  std::string code;
  for (int t = 0; t < kDTypeCount; ++t) {
    tensors.push_back(Input(fmt::format("x{}", t), kTypes[t], {"M", "N"}));
    tensors.back().strides = ExprsOf({"1", "M + ceil_div(N, 2) - 1"});
    code += fmt::format("o({0}, i, j) = x{0}(i, j);\n", t);
  }
  tensors.push_back(Output("o", DType::kF64, {"16", "M", "N"}));
  code += "o(15, i, j) = scale * step;";
  Spec spec = SpecOf({{"M", 2}, {"N", 3}}, std::move(tensors),
                     {{.over = OverOf({{"i", "M"}, {"j", "N"}}), .code = code, .code_position = {.line = 1}}});
  spec.scalars.push_back({.name = "scale", .dtype = DType::kF16, .value = ExprOf("1 / 3")});
  spec.scalars.push_back({.name = "step", .dtype = DType::kI32, .value = ExprOf("0 - 5")});
  Trial run(std::move(spec));
  ASSERT_TRUE(run.data);
  for (size_t t = 0; t < kDTypeCount; ++t)
    for (long long i = 0; i < 6; ++i)
      run.Set(t, i, t == 14 ? i % 2 : t == 10 ? 1e19 : i - (IsSigned(kTypes[t]) ? 2 : 0));
  for (const Scalar& scalar : run.spec.scalars)
    run.data->scalars.push_back(*ScalarBits(run.spec, run.spec.shapes[0], scalar, 1));
  run.oracle->Run(*run.data);
  EXPECT_EQ(run.data->control.error_kind, 0);
  const Truth truth = run.data->TruthOf(15);
  for (size_t t = 0; t < kDTypeCount; ++t)
    for (size_t i = 0; i < 6; ++i) {
      const BoundTensor& tensor = run.data->task.tensors[t];
      const std::byte* data = run.data->tensors[t].storage.data();
      const size_t at = static_cast<size_t>(tensor.Offset(static_cast<long long>(i)));
      const double want =
          IsFloating(kTypes[t]) ? LoadReal(kTypes[t], data, at) : static_cast<double>(LoadInt(kTypes[t], data, at));
      EXPECT_EQ(truth.value[t * 6 + i], want) << Name(kTypes[t]) << " " << i;
      EXPECT_EQ(truth.variance[t * 6 + i], 0);
    }
  EXPECT_EQ(truth.value[90], RoundTo(DType::kF16, 1.0 / 3) * -5);
}

TEST(OracleRun, InputCodeWritesItsOwnTypeAndReadsEarlierInputs) {
  Spec spec =
      SpecOf({{"N", 5}},
             {Input("len", DType::kI32, {"N"}), Input("off", DType::kI32, {"N + 1"}), Input("h", DType::kF16, {"N"}),
              Input("w", DType::kBF16, {"N"}), Input("e", DType::kE4M3, {"N"}), Input("g", DType::kE5M2, {"N"}),
              Input("flag", DType::kBool, {"N"}), Output("o", DType::kF32, {"N"})},
             {Over1("o(i) = off(i);")});
  const char* values = "(0) = 1.0 / 3; {0}(1) = -1e-3; {0}(2) = 447.9; {0}(3) = 1e9; {0}(4) = {0}(0) * 2;";
  spec.tensors[0].code = "for (long long i = 0; i < N; ++i) len(i) = i * i;";
  spec.tensors[1].code = "off(0) = 0;\nfor (long long i = 0; i < N; ++i) off(i + 1) = off(i) + len(i);";
  for (size_t t : {2, 3, 4, 5}) spec.tensors[t].code = "{0}" + std::string(values);
  for (size_t t : {2, 3, 4, 5})
    spec.tensors[t].code = fmt::format(fmt::runtime(spec.tensors[t].code), spec.tensors[t].name);
  spec.tensors[6].code = "flag(1) = 7;";
  Trial run(std::move(spec));
  ASSERT_TRUE(run.data);
  ASSERT_TRUE(run.oracle->Fill(*run.data, 1));
  EXPECT_EQ(run.data->control.error_kind, 0);
  EXPECT_EQ(LoadInt(DType::kI32, run.data->tensors[1].storage.data(), 5), 0 + 1 + 4 + 9 + 16);
  for (size_t t : {2, 3, 4, 5}) {
    const DType type = run.spec.tensors[t].dtype;
    const double third = RoundTo(type, 1.0 / 3);
    const double want[] = {third, RoundTo(type, -1e-3), RoundTo(type, 447.9), RoundTo(type, 1e9),
                           RoundTo(type, 2 * third)};
    for (size_t i = 0; i < 5; ++i) {
      const double got = LoadReal(type, run.data->tensors[t].storage.data(), i);
      EXPECT_TRUE(got == want[i] || (std::isnan(got) && std::isnan(want[i]))) << Name(type) << i << " " << got;
    }
  }
  EXPECT_EQ(run.data->tensors[6].storage[1], std::byte{1});
}

TEST(OracleRun, TempsInoutsAndSeveralReferencesRunInOrder) {
  Trial run(SpecOf({{"N", 100}},
                   {Inout("y", DType::kF32, {"N"}), Output("sum", DType::kF32, {}), Output("count", DType::kI32, {"2"}),
                    Temp("square", {"N"})},
                   {Over1("square(i) = y(i) * y(i);"),
                    Over1("sum() += square(i); count(i % 2) += 1; if (i == 3) y(i) = 7;"),
                    {.over = {}, .code = "sum() = sqrt(sum());", .code_position = {.line = 30}}}));
  ASSERT_TRUE(run.data);
  for (int i = 0; i < 100; ++i) run.Set(0, i, i);
  run.oracle->Run(*run.data);
  EXPECT_EQ(run.data->control.error_kind, 0);
  const Truth sum = run.data->TruthOf(1), y = run.data->TruthOf(0);
  EXPECT_NEAR(sum.value[0], std::sqrt(328350.0), 1e-9);
  EXPECT_GT(sum.variance[0], std::pow(0x1p-24 * sum.value[0], 2) / 3);
  EXPECT_EQ(run.data->tensors[2].integer, (std::vector<long long>{50, 50}));
  EXPECT_EQ(y.value[3], 7);
  EXPECT_EQ(y.value[4], 4);
  EXPECT_EQ(y.variance[4], 0);
  EXPECT_NE(run.data->tensors[0].owner[4], 0u);
}

TEST(OracleRun, ElementsThatNoTupleWritesAreMarked) {
  Trial run(SpecOf({{"N", 6}}, {Output("o", DType::kF32, {"N"}), Output("n", DType::kI32, {"N"})},
                   {Over1("if (i % 2) { o(i) = i; n(i) = i; }")}));
  ASSERT_TRUE(run.data);
  run.oracle->Run(*run.data);
  EXPECT_EQ(run.data->tensors[0].variance, (std::vector<double>{-1, 0, -1, 0, -1, 0}));
  EXPECT_EQ(run.data->tensors[1].owner, (std::vector<uint32_t>{0, 2, 0, 4, 0, 6}));
}

TEST(OracleRun, SampledRunsComputeTheListedTuplesOnly) {
  Trial run(SpecOf({{"N", 6}}, {Inout("y", DType::kF32, {"N"})}, {Over1("y(i) = i;")}));
  ASSERT_TRUE(run.data);
  run.data->tuples = {4, 1};
  run.oracle->Run(*run.data);
  EXPECT_EQ(run.data->tensors[0].variance, (std::vector<double>{-1, 0, -1, -1, 0, -1}));
  EXPECT_EQ(run.data->tensors[0].value[4], 4);
}

TEST(OracleRun, TwoTuplesThatAssignOneElementAreAnError) {
  for (const char* code : {"o(i / 2) = 1;", "if (i < 8) o(0) = 1; else o(1) = 2;", "o(0) = 1; o(0) += 1;"}) {
    Trial run(SpecOf({{"N", 16}}, {Output("o", DType::kF32, {"N"})}, {Over1(code)}));
    ASSERT_TRUE(run.data);
    run.oracle->Run(*run.data);
    EXPECT_EQ(run.data->control.error_kind, 1) << code;
    EXPECT_EQ(run.data->control.error_tensor, 0);
    EXPECT_GE(run.data->control.error_index, 0);
  }
}

TEST(OracleRun, OneTupleMayAssignAgainAndALaterReferenceToo) {
  Trial run(SpecOf({{"N", 16}}, {Output("o", DType::kF32, {"N"})},
                   {Over1("o(i) = 1; o(i) = 2; o(i) += 3;"), Over1("o(i) = o(i) + 1;")}));
  ASSERT_TRUE(run.data);
  run.oracle->Run(*run.data);
  EXPECT_EQ(run.data->control.error_kind, 0);
  EXPECT_EQ(run.data->TruthOf(0).value[15], 6);
}

TEST(OracleRun, IndexOutOfRangeIsRecordedAndDoesNoHarm) {
  Trial run(SpecOf({{"N", 4}}, {Input("x", DType::kF32, {"N", "N"}), Output("o", DType::kF32, {"N"})},
                   {{.over = {}, .code = "o(2) = x(1, N) + x(-1, 0);", .code_position = {.line = 1}}}));
  ASSERT_TRUE(run.data);
  run.oracle->Run(*run.data);
  EXPECT_EQ(run.data->control.error_kind, 2);
  EXPECT_EQ(run.data->control.error_tensor, 0);
  EXPECT_TRUE(run.data->control.error_index == 8 || run.data->control.error_index == -4);
}

TEST(OracleRun, AcceptCountsRejectedTuples) {
  Spec spec = SpecOf(
      {{"R", 4}, {"N", 8}},
      {Input("x", DType::kF32, {"R", "N"}), Output("best", DType::kI32, {"R"}), Output("top", DType::kF32, {"R"})},
      {{.over = OverOf({{"r", "R"}}),
        .code = "long long at = 0;\nfor (long long j = 1; j < N; ++j) if (x(r, j) > x(r, at)) at = j;\n"
                "best(r) = at; top(r) = x(r, at);",
        .code_position = {.line = 5}}});
  spec.tensors[1].accept = Accept{.over = OverOf({{"r", "R"}}),
                                  .code = "return x(r, got_best(r)) == truth_top(r) && truth_best(r) >= 0;",
                                  .code_position = {.line = 9}};
  Trial run(std::move(spec));
  ASSERT_TRUE(run.data);
  for (int i = 0; i < 32; ++i) run.Set(0, i, i % 8 >= 6 ? 5 : i % 8);  // 6 and 7 tie
  run.oracle->Run(*run.data);
  const int accept = FunctionsOf(run.spec).Accept(0);
  for (int r = 0; r < 4; ++r) run.SetGot(1, r, r % 2 ? 6 : 7);
  run.oracle->Call(accept, *run.data);
  EXPECT_EQ(run.data->control.rejected, 0);
  EXPECT_EQ(run.data->control.first_rejected, -1);
  run.SetGot(1, 2, 3);
  run.SetGot(1, 3, 1000000);  // an index from the candidate that is out of range
  run.oracle->Call(accept, *run.data);
  EXPECT_EQ(run.data->control.rejected, 2);
  EXPECT_EQ(run.data->control.first_rejected, 2);
  EXPECT_EQ(run.data->control.error_kind, 0);
}

TEST(OracleRun, TheUsualFunctionsAndConstantsAreInScope) {
  Trial run(SpecOf({{"N", 4}},
                   {Input("x", DType::kF32, {"N"}), Input("n", DType::kI32, {"N"}), Output("o", DType::kF32, {"N"})},
                   {Over1("real m = -inf, l = 0, table[3] = {1, 2.5, 3};\n"
                          "for (long long j = 0; j < N; ++j) m = max(m, x(j));\n"
                          "for (long long j = 0; j < N; ++j) l += exp(x(j) - m);\n"
                          "long long k = abs(n(i)) % 3 + min(i, 0) + min(0, 1);\n"
                          "real y = i > 1 ? x(i) : 0;\n"
                          "if (isnan(y) || isinf(m) || y == nan) return;\n"
                          "auto twice = [&](real v) { return 2 * v; };\n"
                          "o(i) = twice(fma(sin(pi * y), sqrt(abs(x(i))), table[k])) / l + floor(0.5) * pow(m, 2);\n"
                          "o(i) = max(o(i), 0) + select(i < 2, 1, y);")}));
  ASSERT_TRUE(run.data);
  run.oracle->Run(*run.data);
  EXPECT_EQ(run.data->control.error_kind, 0);
  EXPECT_DOUBLE_EQ(run.data->TruthOf(2).value[0], 2.0 / 4 + 1);
}

TEST(OracleRun, CompilerMessagesNameTheSpecsLine) {
  const auto log = [](std::string code) {
    return CompileLog(SpecOf({{"N", 4}}, {Input("x", DType::kF32, {"N"}), Output("n", DType::kI32, {"N"})},
                             {Over1("\n" + std::move(code))}));
  };
  EXPECT_NE(log("n(i) = missing;").find("task.spec:13:8: error: 'missing' was not declared"), std::string::npos);
  EXPECT_NE(log("n(i) = x(i);").find("task.spec:13:"), std::string::npos);  // real to integer: say how
  EXPECT_NE(log("n(i) = 0.5;").find("task.spec:13:"), std::string::npos);
  EXPECT_NE(log("double d = x(i);").find("task.spec:13:"), std::string::npos);  // would lose the variance
  EXPECT_NE(log("n(i, 0) = 1;").find("task.spec:13:"), std::string::npos);      // rank
  EXPECT_NE(log("n(x(i)) = 1;").find("task.spec:13:"), std::string::npos);      // a real as an index
  EXPECT_NE(log("x(i) = 1;").find("task.spec:13:"), std::string::npos);         // inputs are read only
}

TEST(OracleRun, InputCodeCannotReadLaterInputs) {
  Spec spec = SpecOf({{"N", 4}},
                     {Input("a", DType::kI32, {"N"}), Input("b", DType::kI32, {"N"}), Output("o", DType::kF32, {"N"})},
                     {Over1("o(i) = a(i);")});
  spec.tensors[0].code = "a(0) = b(0);";
  spec.tensors[0].code_position = {.line = 4, .column = 9};
  EXPECT_NE(CompileLog(spec).find("task.spec:4:16: error: 'b' was not declared in this scope"), std::string::npos);
}

}  // namespace
}  // namespace kopt

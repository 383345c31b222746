#include "verifier/oracle/oracle_source.h"

#include <gtest/gtest.h>

#include "tests/verifier/spec_builder.h"

namespace kopt {
namespace {

Spec Copy(std::string code) {
  return SpecOf({{"N", 8}}, {Input("x", DType::kF32, {"N"}), Output("o", DType::kF32, {"N"})},
                {{.over = OverOf({{"i", "N"}}), .code = std::move(code), .code_position = {.line = 20, .column = 9}}});
}

Error ErrorOf(const Spec& spec) {
  const Result<std::string> source = GenerateOracleSource(spec);
  EXPECT_FALSE(source.has_value());
  return source ? Error{} : source.error();
}

TEST(OracleSource, NumbersFunctionsAsTheHeaderSays) {
  Spec spec = Copy("o(i) = x(i);");
  spec.references.push_back(spec.references.front());
  spec.tensors[0].code = "x(0) = 1;";
  spec.tensors[1].accept = Accept{.over = OverOf({{"i", "N"}}), .code = "return true;"};
  const OracleFunctions functions = FunctionsOf(spec);
  EXPECT_EQ(functions.references, 2);
  EXPECT_EQ(functions.code_tensors, std::vector<int>{0});
  EXPECT_EQ(functions.accept_tensors, std::vector<int>{1});
  EXPECT_EQ(functions.Reference(1), 2);
  EXPECT_EQ(functions.Code(0), 3);
  EXPECT_EQ(functions.Accept(0), 4);
  const Result<std::string> source = GenerateOracleSource(spec);
  ASSERT_TRUE(source);
  for (int i = 0; i <= 4; ++i) EXPECT_NE(source->find(fmt::format("case {}: ", i)), std::string::npos) << i;
}

TEST(OracleSource, PutsTheSpecsFileLineAndColumnBeforeItsCode) {
  Spec spec = Copy("o(i) = x(i);");
  spec.file = "a \"b\".spec";
  const Result<std::string> source = GenerateOracleSource(spec);
  ASSERT_TRUE(source);
  EXPECT_NE(source->find("#line 20 \"a \\\"b\\\".spec\"\n        o(i) = x(i);\n"), std::string::npos);
}

TEST(OracleSource, DeclaredPrecisionReachesTheRuntime) {
  Spec spec = Copy("o(i) = x(i);");
  spec.precision.multiply_roundoff = 0x1p-8;
  EXPECT_NE(GenerateOracleSource(spec)->find("kopt_multiply_roundoff = 0x1p-8;"), std::string::npos);
}

TEST(OracleSource, RefusesCodeThatLeavesItsFunction) {
  Error error = ErrorOf(Copy("o(i) = 1;\n  } }; int x = 0; {{"));
  EXPECT_EQ(error.exit, Exit::kUsage);
  EXPECT_EQ(error.Text(), "task.spec:21:3: `}` without `{`");
  error = ErrorOf(Copy("if (x(i) > 0) { o(i) = 1;"));
  EXPECT_EQ(error.message, "`{` without `}`");
  EXPECT_EQ(error.line, 20);
}

TEST(OracleSource, RefusesDirectivesAssemblerAndReservedNames) {
  EXPECT_EQ(ErrorOf(Copy("\n#include \"/etc/passwd\"\n")).Text(),
            "task.spec:21:1: preprocessor directives are not allowed in a spec's code (at `#`)");
  EXPECT_EQ(ErrorOf(Copy("asm(\"nop\");")).Text(), "task.spec:20:9: `asm` is not allowed in a spec's code");
  EXPECT_EQ(ErrorOf(Copy("kopt_entry(0, nullptr);")).Text(),
            "task.spec:20:9: names that begin with kopt_ are kopt's own (at `kopt_entry`)");
  EXPECT_TRUE(GenerateOracleSource(Copy("// } # kopt_x asm\no(i) = x(i);")));
}

TEST(OracleSource, ChecksInputCodesAndAcceptToo) {
  Spec spec = Copy("o(i) = x(i);");
  spec.tensors[0].code = "}";
  spec.tensors[0].code_position = {.line = 7, .column = 1};
  EXPECT_EQ(ErrorOf(spec).line, 7);
  spec.tensors[0].code.clear();
  spec.tensors[1].accept = Accept{.over = OverOf({{"i", "N"}}), .code = "{", .code_position = {.line = 30}};
  EXPECT_EQ(ErrorOf(spec).line, 30);
}

TEST(TupleCount, IsTheProductOfTheExtents) {
  Spec spec = Copy("");
  spec.shapes[0].dims = {{"B", 4}, {"S", 10}};
  spec.shapes[0].position.line = 3;
  const Shape& shape = spec.shapes[0];
  EXPECT_EQ(*TupleCount(spec, OverOf({{"b", "B"}, {"t", "ceil_div(S, 4)"}}), shape), 12);
  EXPECT_EQ(*TupleCount(spec, {}, shape), 1);
  EXPECT_EQ(*TupleCount(spec, OverOf({{"b", "B - 4"}}), shape), 0);
  const auto negative = TupleCount(spec, OverOf({{"b", "B - 5"}}), shape);
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().Text(), "task.spec:3: `over = \"b:B - 5\"`: the extent is -1 at this shape");
  EXPECT_FALSE(TupleCount(spec, OverOf({{"b", "pow(2, 40)"}, {"c", "pow(2, 40)"}}), shape));
  EXPECT_FALSE(TupleCount(spec, OverOf({{"b", "B / (B - 4)"}}), shape));
}

TEST(CanSample, NeedsOneReferenceThatOnlyAssigns) {
  EXPECT_TRUE(CanSample(Copy("o(i) = x(i);")));
  EXPECT_TRUE(CanSample(Copy("real acc = 0; acc += x(i); /* o(i) += 1 */ o((i + 0)) = acc;")));
  EXPECT_FALSE(CanSample(Copy("o(i) += x(i);")));
  EXPECT_FALSE(CanSample(Copy("o(i) -= x(i);")));
  EXPECT_FALSE(CanSample(Copy("o(i) = 1; real y = o(i) * 2;")));
  EXPECT_FALSE(CanSample(Copy("if (o(i) == 0) o(i) = 1;")));
  EXPECT_FALSE(CanSample(Copy("auto& p = o; p(i) = 1;")));
  EXPECT_FALSE(CanSample(Copy("o(i)")));
  Spec two = Copy("o(i) = x(i);");
  two.references.push_back(two.references.front());
  EXPECT_FALSE(CanSample(two));
  Spec inout = SpecOf({{"N", 8}}, {Inout("y", DType::kF32, {"N"})},
                      {{.over = OverOf({{"i", "N"}}), .code = "y(i) = y(i) * 2;"}});
  EXPECT_TRUE(CanSample(inout));
  inout.references[0].code = "y(i) += 2;";
  EXPECT_FALSE(CanSample(inout));
}

}  // namespace
}  // namespace kopt

// Tasks as libraries see them.
#include "task/library_problem.h"

#include <gtest/gtest.h>

#include "task/candidate.h"
#include "tests/task/spec_builder.h"

namespace kopt {
namespace {

using Names = std::vector<std::string>;

Result<LibraryProblem> ProblemOf(const std::string& library, const Spec& spec) {
  return LibraryProblemOf(library, Bind(spec, spec.shapes.front()).value());
}

Spec Product(const Names& a, const Names& b, const Names& c, DType b_type = DType::kF16) {
  return SpecBuilder({"B", "M", "N", "K"})
      .Shape({{"B", 5}, {"M", 2}, {"N", 3}, {"K", 7}})
      .Input("a", DType::kF16, a)
      .Input("b", b_type, b)
      .Output("c", DType::kF32, c)
      .Build();
}

MatmulProblem Matmul(const Spec& spec) {
  const auto problem = ProblemOf("cublaslt", spec);
  EXPECT_TRUE(problem) << problem.error().Text();
  return problem ? std::get<MatmulProblem>(*problem) : MatmulProblem();
}

TEST(LibraryProblem, AProductOfMatrices) {
  const MatmulProblem problem = Matmul(Product({"M", "K"}, {"K", "N"}, {"M", "N"}));
  EXPECT_EQ(problem.m, 2);
  EXPECT_EQ(problem.n, 3);
  EXPECT_EQ(problem.k, 7);
  EXPECT_EQ(problem.batch, 1);
  EXPECT_EQ(problem.a.tensor, "a");
  EXPECT_FALSE(problem.a.transposed || problem.b.transposed);
  EXPECT_EQ(problem.a.lead, 7);
  EXPECT_EQ(problem.b.lead, 3);
  EXPECT_EQ(problem.c.lead, 3);
}

TEST(LibraryProblem, TransposedOperandsInAnyOrder) {
  const MatmulProblem problem = Matmul(Product({"N", "K"}, {"K", "M"}, {"M", "N"}));
  EXPECT_EQ(problem.a.tensor, "b");
  EXPECT_TRUE(problem.a.transposed);
  EXPECT_EQ(problem.a.lead, 2);
  EXPECT_EQ(problem.b.tensor, "a");
  EXPECT_TRUE(problem.b.transposed);
  EXPECT_EQ(problem.b.lead, 7);
}

TEST(LibraryProblem, ABatchWithWeightsThatAreTheSameForAll) {
  const MatmulProblem problem = Matmul(Product({"B", "M", "K"}, {"N", "K"}, {"B", "M", "N"}));
  EXPECT_EQ(problem.batch, 5);
  EXPECT_EQ(problem.a.next, 14);
  EXPECT_EQ(problem.b.next, 0);
  EXPECT_EQ(problem.c.next, 6);
}

TEST(LibraryProblem, WhatIsNoProductIsRefusedWithTheReason) {
  const auto why = [](const Spec& spec) {
    const auto problem = ProblemOf("cublaslt", spec);
    EXPECT_FALSE(problem);
    return problem ? "" : problem.error().message;
  };
  EXPECT_EQ(why(Product({"M", "K"}, {"N", "M"}, {"M", "N"})),
            "the task is none for cublaslt: its dims are not M, N and K");
  EXPECT_EQ(why(Product({"M", "K"}, {"B", "N"}, {"M", "N"})),
            "the task is none for cublaslt: its inputs share no dim to sum over");
  EXPECT_EQ(why(Product({"M", "K"}, {"K", "N"}, {"M", "N"}, DType::kI32)),
            "the task is none for cublaslt: `b` is not floating");
  EXPECT_EQ(why(Product({"K"}, {"K", "N"}, {"N"})), "the task is none for cublaslt: `a` is no matrix");
  EXPECT_EQ(why(Product({"K", "M", "K"}, {"K", "N"}, {"B", "M", "N"})),
            "the task is none for cublaslt: its matrices do not lie in memory one after the other");
  Spec spec = Product({"M", "K"}, {"K", "N"}, {"M", "N"});
  spec.tensors.pop_back();
  EXPECT_EQ(why(spec), "the task is none for cublaslt: it has not two inputs and one output alone");
}

Spec Heads(DType type, const Names& v, bool scaled) {
  SpecBuilder builder({"B", "H", "S", "T", "D", "E"});
  builder.Shape({{"B", 2}, {"H", 3}, {"S", 5}, {"T", 7}, {"D", 64}, {"E", 32}})
      .Input("q", type, {"B", "H", "S", "D"})
      .Input("k", type, {"B", "H", "T", "D"})
      .Input("v", type, v)
      .Output("o", type, {"B", "H", "S", "E"});
  if (scaled) builder.Scalar("scale", DType::kF32, "1 / sqrt(D)");
  Spec spec = builder.Build();
  spec.precision.multiply = Name(type);
  return spec;
}

TEST(LibraryProblem, Attention) {
  const auto problem = ProblemOf("cudnn", Heads(DType::kF16, {"B", "H", "T", "E"}, true));
  ASSERT_TRUE(problem) << problem.error().Text();
  const auto& attention = std::get<AttentionProblem>(*problem);
  EXPECT_EQ(attention.v.tensor, "v");
  EXPECT_EQ(attention.v.shape, (std::array<long long, 4>{2, 3, 7, 32}));
  EXPECT_EQ(attention.v.strides, (std::array<long long, 4>{672, 224, 32, 1}));
  EXPECT_EQ(attention.scale, "scale");
}

TEST(LibraryProblem, WhatIsNoAttentionIsRefusedWithTheReason) {
  const auto wrong_extent = ProblemOf("cudnn", Heads(DType::kF16, {"B", "H", "S", "E"}, false));
  ASSERT_FALSE(wrong_extent);
  EXPECT_EQ(wrong_extent.error().message,
            "the task is none for cudnn: the extents of its tensors do not belong together");
  const auto wrong_type = ProblemOf("cudnn", Heads(DType::kF32, {"B", "H", "T", "E"}, false));
  ASSERT_FALSE(wrong_type);
  EXPECT_EQ(wrong_type.error().message, "the task is none for cudnn: its inputs are neither f16 nor bf16");
  EXPECT_EQ(wrong_type.error().exit, Exit::kUsage);
}

TEST(LibraryProblem, WhatTheLibraryCannotBeHeldToIsRefused) {
  const auto why = [](const std::string& library, const Spec& spec) {
    const auto problem = ProblemOf(library, spec);
    return problem ? "" : problem.error().message;
  };
  Spec product = Product({"M", "K"}, {"K", "N"}, {"M", "N"});
  product.precision.accumulate = "f16";
  EXPECT_EQ(why("cublaslt", product),
            "the task is none for cublaslt: kopt does not ask it for products of f16 with multiply = \"f32\" and "
            "accumulate = \"f16\"");
  product.precision.accumulate = "f32";
  for (const char* multiply : {"f32", "f16"}) {
    product.precision.multiply = multiply;
    EXPECT_EQ(why("cublaslt", product), "") << multiply;
  }
  product.precision.multiply = "tf32";
  EXPECT_NE(why("cublaslt", product), "");

  Spec other_batch = Product({"B", "M", "K"}, {"K", "N"}, {"M", "M", "N"});
  EXPECT_EQ(why("cublaslt", other_batch),
            "the task is none for cublaslt: its matrices do not lie in memory one after the other");

  const Names v = {"B", "H", "T", "E"};
  Spec attention = Heads(DType::kF16, v, true);
  EXPECT_EQ(why("cudnn", attention), "");
  attention.scalars.front().dtype = DType::kF64;
  EXPECT_EQ(why("cudnn", attention), "the task is none for cudnn: the scalar `scale` is not f32");
  attention = Heads(DType::kF16, v, false);
  attention.precision.multiply = "bf16";
  EXPECT_EQ(why("cudnn", attention),
            "the task is none for cudnn: kopt does not ask it for f16 with multiply = \"bf16\" and accumulate = "
            "\"f32\"");
  attention = Heads(DType::kBF16, v, false);
  attention.tensors[2].align = 8;
  EXPECT_EQ(why("cudnn", attention), "the task is none for cudnn: `v` need not begin at a multiple of 16 bytes");
}

TEST(LibraryProblem, APlanHasALibraryAlone) {
  const Spec spec = Product({"M", "K"}, {"K", "N"}, {"M", "N"});
  const auto plan = ParseCandidate(spec, Target::kCuda, LibraryPlan("cublaslt"), "cublaslt");
  ASSERT_TRUE(plan) << plan.error().Text();
  EXPECT_EQ(plan->Library(), "cublaslt");
  const auto bound = BindCuda(spec, *plan, {}, spec.shapes.front(), {}, {});
  ASSERT_TRUE(bound) << bound.error().Text();
  EXPECT_EQ(bound->steps.size(), 1U);
  const auto error = [&](const std::string& text, Target target = Target::kCuda) {
    const auto parsed = ParseCandidate(spec, target, text, "x.cu");
    return parsed ? "" : parsed.error().message;
  };
  EXPECT_EQ(error("//@ library cublas\n"), "unknown library `cublas`");
  EXPECT_EQ(error("//@ library cublaslt\n//@ tune A = 1\n"), "`library` is the only line of its plan");
  EXPECT_EQ(error("//@ tune A = 1\n//@ library cublaslt\n"), "`library` is the only line of its plan");
  EXPECT_EQ(error("//@ library cublaslt\n", Target::kCpu), "unknown plan word `library`");
  const auto other = ParseCandidate(spec, Target::kCuda, LibraryPlan("cudnn"), "cudnn");
  ASSERT_TRUE(other);
  EXPECT_FALSE(BindCuda(spec, *other, {}, spec.shapes.front(), {}, {})) << "a task for another library";
}

}  // namespace
}  // namespace kopt

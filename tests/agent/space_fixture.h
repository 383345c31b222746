// Spaces made from `tune` and `where` lines; the task has one dim, N, at two shapes, and the device two threads.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/search/space.h"
#include "tests/task/spec_builder.h"

namespace kopt {

struct PlanOfSpace {
  Spec spec = SpecBuilder({"N"}, {"N"})
                  .Shape({{"N", 96}})
                  .Shape({{"N", 1000}})
                  .Input("x", DType::kF32, {"N"})
                  .Output("y", DType::kF32, {"N"})
                  .Build();
  Values device = {{"THREADS", 2}};
  Candidate candidate;

  explicit PlanOfSpace(const std::string& lines) {
    const std::string source =
        lines + "//@ call run args(x, y, N)\nextern \"C\" void run(const float*, float*, int);\n";
    auto parsed = ParseCandidate(spec, Target::kCpu, source, "run.cpp");
    EXPECT_TRUE(parsed) << parsed.error().Text();
    if (parsed) candidate = *std::move(parsed);
  }
  std::vector<const Shape*> Shapes() const { return spec.Scored(Target::kCpu); }
  Result<Space> Make(const SpaceLimits& limits = {}) const {
    return Space::Create(spec, candidate, Shapes(), device, limits);
  }
};

inline Space MakeSpace(const std::string& lines, const SpaceLimits& limits = {}) {
  auto space = PlanOfSpace(lines).Make(limits);
  EXPECT_TRUE(space) << space.error().Text();
  return *std::move(space);
}

// 12 tunables, 10^12 points, of which about one in 10^7 is admissible.
inline const char* const kHugePlan = R"(//@ tune A = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune B = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune C = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune D = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune E = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune F = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune G = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune H = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune I = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune J = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune K = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ tune L = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
//@ where A * L == 12
//@ where B * K * C == 60
//@ where D + E == J + F && D != E
//@ where G * H == 24 && N % G == 0
//@ where I == A + B
//@ where F * J == 24
)";

}  // namespace kopt

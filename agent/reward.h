// What a turn is worth: the figure that the window and the report sort turns by.
#pragma once

#include <string_view>

#include "base/error.h"
#include "verifier/core/verdict.h"

namespace kopt {

enum class Reward {
  kDrKernel,  // C * (1 + speedup + coverage); Dr. Kernel, arXiv 2602.05885
  kSol,       // C * (1 + fraction of the speed of light)
};
std::string_view Name(Reward reward);  // "drkernel", "sol"
// An unknown name is a usage error with the nearest valid one.
Result<Reward> ParseReward(std::string_view name);

// C is 1 for a correct verdict, else 0. What is not known, or not finite, counts 0.
double RewardOf(Reward reward, const Verdict& verdict);

}  // namespace kopt

// A configuration with what was found about it, and what that is worth.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "task/candidate.h"
#include "verifier/core/verdict.h"

namespace kopt {

// A configuration with its verdict.
struct Judged {
  int turn = 0;  // whose candidate it is
  Configuration configuration;
  Verdict verdict;
  double at_seconds = 0;   // active time of the run when the verdict was reached
  bool confirmed = false;  // a confirmation was tried, whatever came of it
};

// Of the same configuration of the same candidate.
inline bool IsSame(const Judged& a, const Judged& b) { return a.turn == b.turn && a.configuration == b.configuration; }

// Worth a confirmation: faster by screening, not by less than matters, and not tried yet.
bool IsPromising(const Judged& judged);
// By its interval: what a winner must be.
bool IsFaster(const Verdict& verdict);
// The winner among confirmations, in the order in which they were made: a later one takes the place of an earlier one
// only if its whole interval lies above the earlier figure, so that luck in one of several is not what is reported.
const Judged* Winner(std::span<const Judged> confirmations);

}  // namespace kopt

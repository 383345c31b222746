#include "agent/judged.h"

#include "verifier/core/statistics.h"

namespace kopt {

bool IsPromising(const Judged& judged) {
  const Verdict& verdict = judged.verdict;
  if (!verdict.correct() || !verdict.speedup || judged.confirmed || *verdict.speedup <= 1) return false;
  if (!verdict.speedup_interval) return true;
  const Comparative comparative = Judge(*verdict.speedup_interval);
  return comparative == Comparative::kFaster || comparative == Comparative::kCannotTell;
}

bool IsFaster(const Verdict& verdict) {
  return verdict.correct() && verdict.speedup && verdict.speedup_interval &&
         Judge(*verdict.speedup_interval) == Comparative::kFaster;
}

const Judged* Winner(std::span<const Judged> confirmations) {
  const Judged* winner = nullptr;
  for (const Judged& judged : confirmations) {
    if (!IsFaster(judged.verdict)) continue;
    if (winner == nullptr || judged.verdict.speedup_interval->low > *winner->verdict.speedup) winner = &judged;
  }
  return winner;
}

}  // namespace kopt

#include "agent/turn.h"

#include <fmt/format.h>

#include <utility>

#include "base/hash.h"

namespace kopt {

Turn SeedTurn(const Candidate& seed) {
  return {.source = seed.source, .code_hash = ContentHash(NormalisedCode(seed.source)), .candidate = seed};
}

Turn TurnOf(int number, std::string source, const Spec& spec, Target target) {
  Turn turn{.number = number, .source = source, .code_hash = ContentHash(NormalisedCode(source))};
  const char* ending = target == Target::kCuda ? "cu" : "cpp";
  auto candidate = ParseCandidate(spec, target, std::move(source), fmt::format("turn-{}.{}", number, ending));
  if (candidate) {
    turn.candidate = *std::move(candidate);
  } else {
    turn.broken = std::move(candidate).error();
  }
  return turn;
}

Turn ComplaintTurn(int number, std::string complaint) { return {.number = number, .complaint = std::move(complaint)}; }

Verdict RejectedPlan(const Error& error) {
  Verdict verdict{.outcome = Outcome::kRejected, .stage = Stage::kParse, .reason = error.message};
  if (!error.file.empty()) verdict.evidence["file"] = error.file;
  if (error.line > 0) verdict.evidence["line"] = error.line;
  if (error.column > 0) verdict.evidence["column"] = error.column;
  if (!error.key.empty()) verdict.evidence["key"] = error.key;
  if (!error.hint.empty()) verdict.evidence["hint"] = error.hint;
  return verdict;
}

}  // namespace kopt

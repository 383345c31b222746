// A step of a run: what was proposed, or why nothing was.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "task/candidate.h"
#include "verifier/core/verdict.h"

namespace kopt {

struct Turn {
  int number = 0;                      // 0: the seed
  std::string source;                  // of the candidate; empty: there is none
  std::string code_hash;               // ContentHash of NormalisedCode; empty: no candidate
  std::optional<Candidate> candidate;  // nothing: there is none, or its plan breaks a rule
  std::optional<Error> broken;         // that rule
  std::string complaint;               // what a reply without a candidate lacks
  std::optional<int> duplicate_of;     // the turn that has the same code: this one is not judged

  bool IsJudged() const { return !source.empty() && !duplicate_of; }
};

using Turns = std::map<int, Turn>;

Turn SeedTurn(const Candidate& seed);
// A candidate's file is "turn-12.cpp" or "turn-12.cu" in messages.
Turn TurnOf(int number, std::string source, const Spec& spec, Target target);
Turn ComplaintTurn(int number, std::string complaint);

// A plan that breaks a rule is a verdict on the candidate: rejected at parse, with the place in the evidence.
Verdict RejectedPlan(const Error& error);

}  // namespace kopt

// What the plan lines of a candidate say, before any name in them is looked up; and the look-up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "task/candidate.h"

namespace kopt {

// A name where the plan declares or uses it.
struct PlacedName {
  enum class Kind { kTunable, kScratch, kTensorMap, kLoop, kFunction, kZeroed, kMapped };
  Kind kind = Kind::kTunable;
  std::string name;
  int line = 0, column = 0;
  int plan = -1;  // kLoop, kFunction, kZeroed: index into Candidate::plan
};

// An integer expression where it stands; `column` is that of its first character.
struct PlacedExpr {
  Expr expr;
  int line = 0, column = 0;
  int plan = -1;  // the index of the plan line whose loop variable it may use; -1: none
};

// An argument: resolved later to what its name is, or to an integer expression.
struct PlacedArg {
  int plan = 0, arg = 0;  // Candidate::plan[plan].args[arg]
  int column = 0;         // of its expression
};

struct PlanSyntax {
  Candidate candidate;
  std::vector<PlacedName> names;  // in file order
  std::vector<PlacedExpr> exprs;
  std::vector<PlacedArg> args;
};

// Reads every plan line; no name is looked up.
Result<PlanSyntax> ParsePlan(Target target, std::string source, std::string file);

// Looks up every name, resolves arguments, checks that calls of one function agree.
Result<Candidate> CheckPlan(const Spec& spec, PlanSyntax syntax);

}  // namespace kopt

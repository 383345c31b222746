// What binding a plan to a shape and a configuration is on every target.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "task/candidate.h"

namespace kopt {

class PlanBinder {
 public:
  // `device` binds the target's own names, `call` evaluates the functions the grammar does not know. The configuration
  // must bind every tunable.
  PlanBinder(const Spec& spec, const Candidate& candidate, const Configuration& configuration, const Shape& shape,
             const Values& device, Expr::Call call = nullptr);

  // An error if a `where` does not hold.
  Result<void> CheckConditions() const;
  // All scratch; an error if it is more than the spec allows.
  Result<std::vector<BoundScratch>> BindScratch() const;
  // Calls `step` for each step in order: loops unrolled, what `when` leaves out left out. Skipped steps count too: a
  // plan that has more than 65536 in all is an error.
  Result<void> ForEachStep(const std::function<Result<void>(const PlanLine&)>& step);
  // A plan whose steps have more than 2^20 arguments in all is an error.
  Result<std::vector<BoundArg>> BindArgs(const PlanLine& line);

  // An error has the place of `line`. Without `values`: at values().
  Result<long long> Evaluate(const Expr& expr, int line, const Values& values) const;
  Result<long long> Evaluate(const Expr& expr, int line) const { return Evaluate(expr, line, values_); }

  // Dims, tunables, device names; within a step its line's loop variable.
  const Values& values() const { return values_; }
  // The line whose step is being bound; null between lines.
  const PlanLine* line() const { return line_; }

  std::unexpected<Error> Fail(int line, std::string message, std::string_view key = "", std::string hint = "") const;

 private:
  Result<long long> BindInteger(const PlanLine& line, size_t index) const;
  Result<void> Visit(const PlanLine& line, const std::function<Result<void>(const PlanLine&)>& step);
  Result<void> VisitLine(const PlanLine& line, const std::function<Result<void>(const PlanLine&)>& step);

  const Spec& spec_;
  const Candidate& candidate_;
  Expr::Call call_;
  Values values_;
  const PlanLine* line_ = nullptr;
  size_t visited_ = 0;    // steps, skipped ones too
  size_t arguments_ = 0;  // of all steps
};

}  // namespace kopt

// What follows from a spec and a plan, as C++: the parts of src/run.cpp that every target has. Private to
// agent/export*.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/export/parts.h"

namespace kopt {

class PlanText {
 public:
  virtual ~PlanText() = default;
  std::string Text();

 protected:
  using Texts = std::vector<std::pair<std::string, std::string>>;

  // `package` is kept by reference.
  explicit PlanText(const Package& package);
  PlanText(const PlanText&) = delete;
  PlanText& operator=(const PlanText&) = delete;

  // The part of the target, and what the common template needs of it: INCLUDES, DECLARATIONS.
  virtual std::string TargetText() = 0;
  virtual Texts TargetTexts() const = 0;
  // A step, as lines within its loop and its condition.
  virtual std::string Zero(const PlanLine& line) const = 0;
  virtual std::string Run(const PlanLine& line) const = 0;
  // Called before the clauses of a line are translated, but not its loop's bounds; with null after them.
  virtual void Enter(const PlanLine*) {}

  std::string Sizes() const;
  std::string Steps();
  // The integer arguments of a step as variables of their parameters' types, and all of them as expressions.
  struct Arguments {
    std::string integers;
    std::vector<std::string> expressions;
  };
  Arguments ArgumentsOf(const PlanLine& line, const char* indent) const;
  // A tensor, scratch, tensormap or scalar as the step takes it.
  virtual std::string Argument(const Arg& arg) const = 0;
  std::string ScalarArgument(const Arg& arg) const;

  std::string Cpp(const Expr& expr) const { return CppText(expr, names_); }
  std::string Cpp(const std::vector<Expr>& exprs) const;
  std::string DimValues() const;

  const Package& package_;
  const Spec& spec_;
  const Candidate& candidate_;
  NameTexts names_;

 private:
  std::string Shapes() const;
  std::string Members() const;
  std::string Places() const;
  std::string Where() const;
};

std::string Joined(const std::vector<std::string>& parts);

}  // namespace kopt

// The references on the host: for tasks of few index tuples with much work each, which a GPU's threads are slow at, and
// for inputs by `code`, which one thread computes.
#pragma once

#include <memory>

#include "verifier/core/verifier.h"
#include "verifier/cpu/oracle.h"

namespace kopt {

class HostOracle {
 public:
  // Is the host the better place? Where no reference has as many tuples as kTuples and the tensors are large.
  static bool Suits(const BoundTask& task);
  static constexpr long long kTuples = 64, kElements = 1 << 20;
  // The same for inputs by `code`, which the host draws all inputs for. Where there are so many such elements (one
  // takes a thread of an H200 1.25 us) and no more than so many elements of inputs for each of them.
  static bool SuitsCode(const BoundTask& task);
  static constexpr long long kCodeElements = 1 << 12, kInputsForEach = 16;

  // Compiles the references. Errors: no compiler or no sandbox here (exit 3); those of Oracle::Create.
  static Result<std::unique_ptr<HostOracle>> Create(const Spec& spec, const VerifierOptions& options);
  Result<InputSet> Draw(const BoundTask& task, const SetRecipe& recipe) { return oracle_->Draw(task, recipe); }
  // The whole answer. Errors: as Oracle::Solve.
  Result<Answer> Solve(const BoundTask& task, const InputSet& inputs) { return oracle_->Solve(task, inputs); }
  double seconds() const { return oracle_->seconds(); }

 private:
  explicit HostOracle(CompileService compiler) : compiler_(std::move(compiler)) {}
  CompileService compiler_;
  std::unique_ptr<Oracle> oracle_;
};

}  // namespace kopt

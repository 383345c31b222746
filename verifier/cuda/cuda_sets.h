// The input sets of every shape of a task on the device, with their right answers, drawn as they are needed.
#pragma once

#include <memory>
#include <vector>

#include "verifier/core/conclude.h"
#include "verifier/cuda/cuda_oracle.h"

namespace kopt {

class CudaSets {
 public:
  // `fresh_bytes`: memory for sets that nobody has used and those that are kept of them; one there is in any case.
  CudaSets(CudaOracle& oracle, const BoundTask& task, bool timed, SetSeeds seeds, size_t fresh_bytes)
      : oracle_(oracle), task_(task), timed_(timed), seeds_(seeds), fresh_bytes_(fresh_bytes) {}

  const BoundTask& task() const { return task_; }
  bool timed() const { return timed_; }
  // Set `index`, with its whole answer. The reference stays valid.
  Result<const CudaOracle::Set*> Get(size_t index);
  // A set nobody has used, its answer sampled where the spec allows it: the one that DrawFresh drew, or a new one.
  Result<const CudaOracle::Set*> Fresh();
  Result<void> DrawFresh();
  // A set with its answer and what to draw it from: DrawOver gives another set's memory the same inputs.
  struct Known {
    SetRecipe recipe;
    const CudaOracle::Set* answer = nullptr;
  };
  // For a process that has seen none of them: sets that nobody has used, the one of DrawFresh and as many as are drawn
  // and answered in `seconds`, then those that were used up before, as far as they are kept. Valid until the next call
  // or DrawFresh.
  Result<std::vector<Known>> ForAudits(double seconds);
  // All sets with answers, Foreign's left out.
  std::vector<Known> All() const;
  // Other inputs in the memory of set `index`, which Get gave before, and its own again.
  Result<void> DrawOver(size_t index, const SetRecipe& recipe);
  Result<void> Restore(size_t index) { return DrawOver(index, seeds_.RecipeOf(index, timed_)); }
  // A recipe that nobody has used.
  SetRecipe NewRecipe() const;
  // A set that no candidate is given: its answer is one of the poisons.
  Result<const CudaOracle::Set*> Foreign();
  // A set that nobody has used, with its whole answer.
  Result<std::unique_ptr<CudaOracle::Set>> Unused() { return Make(NewRecipe()); }
  // Set 0 with one input or one scalar drawn anew, with its whole answer.
  Result<std::unique_ptr<CudaOracle::Set>> Redrawn(int tensor, int scalar);
  size_t size() const { return sets_.size(); }
  size_t check_count() const { return CheckSetCount(task_); }

 private:
  Result<std::unique_ptr<CudaOracle::Set>> Make(const SetRecipe& recipe);
  size_t MostFresh(size_t bytes) const;
  CudaOracle& oracle_;
  const BoundTask& task_;
  bool timed_;
  SetSeeds seeds_;
  size_t fresh_bytes_;
  std::vector<std::unique_ptr<CudaOracle::Set>> sets_;
  struct Drawn {
    SetRecipe recipe;
    std::unique_ptr<CudaOracle::Set> set;
  };
  std::vector<Drawn> fresh_;  // the newest last
  bool unused_ = false;       // it has not been given out
  std::unique_ptr<CudaOracle::Set> foreign_;
};

struct CudaShape {
  const Shape* shape = nullptr;
  bool scored = false;
  int number = 0;  // among the scored ones
  BoundTask task;
  std::unique_ptr<CudaSets> sets;
};
using CudaShapes = std::vector<CudaShape>;

// Scored shapes, then check shapes. Errors: no shape is scored on cuda; a shape that the device's memory cannot hold.
Result<CudaShapes> NewCudaShapes(CudaContext& context, uint64_t seed, uint64_t static_seed);

std::vector<const Shape*> ShapesOf(const CudaShapes& shapes);
Scale ScaleOf(CudaContext& context, const CudaShapes& shapes);

}  // namespace kopt

// How the kernel of a launch line runs, within what the device can take.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "task/candidate.h"
#include "task/plan_binder.h"

namespace kopt {

class LaunchBinder {
 public:
  // All are kept by reference.
  LaunchBinder(const PlanBinder& binder, const Candidate& candidate, const CudaLimits& limits,
               const Occupancy& occupancy)
      : binder_(binder), candidate_(candidate), limits_(limits), occupancy_(occupancy) {}

  // The step of `line` that `binder` is at; nothing if an extent of the grid is 0: the step is skipped.
  Result<std::optional<BoundLaunch>> Bind(const PlanLine& line);

  // What `occupancy(kernel)` is in an expression: with the block and smem of the kernel's first launch line, at the
  // values of the plan. The loop variable of that line has a value only while a step of that line is bound.
  Result<long long> OccupancyOf(const std::string& kernel);

 private:
  using Extents = std::array<long long, 3>;
  struct Block {
    Extents extents = {1, 1, 1};
    long long threads = 1;
    long long smem = 0;
  };

  const PlanLine* FirstLaunch(const std::string& kernel) const;
  // Axes that the line does not write are 1.
  Result<Extents> BindExtents(const PlanLine& line, const std::vector<Expr>& exprs, std::string_view what,
                              long long least, const Extents& most, const Values& values) const;
  Result<Block> BindBlock(const PlanLine& line, const Values& values);
  Result<Block> CheckedBlock(const PlanLine& line, const Values& values) const;
  Result<Extents> BindCluster(const PlanLine& line, const Extents& grid) const;
  Result<void> CheckCooperative(const PlanLine& line, const Extents& grid, const Block& block) const;
  Result<long long> Ask(const PlanLine& first, std::optional<long long> loop);

  const PlanBinder& binder_;
  const Candidate& candidate_;
  const CudaLimits& limits_;
  const Occupancy& occupancy_;
  std::vector<std::string> open_;  // kernels whose first launch line's block and smem are being evaluated
  // Answers by kernel and, where the line being bound is the kernel's first, its loop variable.
  std::map<std::pair<std::string, std::optional<long long>>, long long> known_;
};

}  // namespace kopt

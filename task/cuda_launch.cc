#include "task/cuda_launch.h"

#include <algorithm>

namespace kopt {
namespace {

constexpr size_t kDeepestOccupancy = 16;  // occupancies that use one another
constexpr std::string_view kAxes = "xyz";

std::array<uint32_t, 3> Narrow(const std::array<long long, 3>& extents) {
  return {static_cast<uint32_t>(extents[0]), static_cast<uint32_t>(extents[1]), static_cast<uint32_t>(extents[2])};
}

long long Product(const std::array<long long, 3>& extents) { return extents[0] * extents[1] * extents[2]; }

bool Uses(const PlanLine& line, const std::string& name) {
  auto uses = [&](const Expr& expr) { return std::ranges::count(expr.Names(), name) > 0; };
  return (line.smem && uses(*line.smem)) || std::ranges::any_of(line.block, uses);
}

}  // namespace

Result<std::optional<BoundLaunch>> LaunchBinder::Bind(const PlanLine& line) {
  KOPT_TRY(Extents grid, BindExtents(line, line.grid, "grid", 0, limits_.grid, binder_.values()));
  if (Product(grid) == 0) return std::nullopt;
  KOPT_TRY(Block block, BindBlock(line, binder_.values()));
  KOPT_TRY(Extents cluster, BindCluster(line, grid));
  if (line.cooperative) KOPT_CHECK(CheckCooperative(line, grid, block));
  return BoundLaunch{.grid = Narrow(grid),
                     .block = Narrow(block.extents),
                     .cluster = Narrow(cluster),
                     .smem = static_cast<uint32_t>(block.smem),
                     .cooperative = line.cooperative,
                     .pdl = line.pdl};
}

Result<LaunchBinder::Extents> LaunchBinder::BindExtents(const PlanLine& line, const std::vector<Expr>& exprs,
                                                        std::string_view what, long long least, const Extents& most,
                                                        const Values& values) const {
  Extents extents = {1, 1, 1};
  for (size_t i = 0; i < exprs.size(); ++i) {
    KOPT_TRY(extents[i], binder_.Evaluate(exprs[i], line.line, values));
    if (extents[i] < least || extents[i] > most[i])
      return binder_.Fail(line.line,
                          fmt::format("the {} of `{}` has the extent {} in {}; it must be {} to {}", what,
                                      line.function, extents[i], kAxes[i], least, most[i]),
                          line.function);
  }
  return extents;
}

Result<LaunchBinder::Block> LaunchBinder::BindBlock(const PlanLine& line, const Values& values) {
  const bool first = FirstLaunch(line.function) == &line;
  if (first) open_.push_back(line.function);
  auto block = CheckedBlock(line, values);
  if (first) open_.pop_back();
  return block;
}

Result<LaunchBinder::Block> LaunchBinder::CheckedBlock(const PlanLine& line, const Values& values) const {
  Block block;
  KOPT_TRY(block.extents, BindExtents(line, line.block, "block", 1, limits_.block, values));
  block.threads = Product(block.extents);
  if (block.threads > limits_.block_threads)
    return binder_.Fail(line.line,
                        fmt::format("the block of `{}` has {} threads; at most {} are possible", line.function,
                                    block.threads, limits_.block_threads),
                        line.function);
  if (!line.smem) return block;
  KOPT_TRY(block.smem, binder_.Evaluate(*line.smem, line.line, values));
  if (block.smem < 0 || block.smem > limits_.shared_memory)
    return binder_.Fail(line.line,
                        fmt::format("the smem of `{}` is {} bytes; it must be 0 to {}", line.function, block.smem,
                                    limits_.shared_memory),
                        line.function);
  return block;
}

Result<LaunchBinder::Extents> LaunchBinder::BindCluster(const PlanLine& line, const Extents& grid) const {
  if (line.cluster.empty()) return Extents{0, 0, 0};
  const long long most = limits_.cluster_blocks;
  KOPT_TRY(Extents cluster, BindExtents(line, line.cluster, "cluster", 1, Extents{most, most, most}, binder_.values()));
  if (Product(cluster) > most)
    return binder_.Fail(line.line,
                        fmt::format("the cluster of `{}` has {} blocks; at most {} are possible", line.function,
                                    Product(cluster), most),
                        line.function);
  for (size_t i = 0; i < grid.size(); ++i) {
    if (grid[i] % cluster[i] == 0) continue;
    return binder_.Fail(line.line,
                        fmt::format("the grid of `{}` has the extent {} in {}, not a multiple of its cluster's {}",
                                    line.function, grid[i], kAxes[i], cluster[i]),
                        line.function);
  }
  return cluster;
}

Result<void> LaunchBinder::CheckCooperative(const PlanLine& line, const Extents& grid, const Block& block) const {
  if (!occupancy_) return {};
  auto resident = occupancy_(line.function, block.threads, block.smem);
  if (!resident) {
    Error error = std::move(resident).error();
    error.file = candidate_.file;
    error.line = line.line;
    return std::unexpected(std::move(error));
  }
  const long long most = *resident * limits_.multiprocessors;
  if (Product(grid) <= most) return {};
  return binder_.Fail(line.line,
                      fmt::format("the cooperative grid of `{}` has {} blocks; the device runs {} at once, {} on each "
                                  "of {} multiprocessors",
                                  line.function, Product(grid), most, *resident, limits_.multiprocessors),
                      line.function);
}

const PlanLine* LaunchBinder::FirstLaunch(const std::string& kernel) const {
  return &*std::ranges::find_if(candidate_.plan, [&](const PlanLine& line) {
    return line.kind == PlanLine::Kind::kLaunch && line.function == kernel;
  });
}

Result<long long> LaunchBinder::OccupancyOf(const std::string& kernel) {
  if (!occupancy_) return EnvironmentError(fmt::format("`occupancy({})` needs a device", kernel));
  const PlanLine& first = *FirstLaunch(kernel);
  std::optional<long long> loop;
  if (open_.empty() && binder_.line() == &first)
    if (auto own = binder_.values().find(first.loop_name); own != binder_.values().end()) loop = own->second;
  if (auto known = known_.find({kernel, loop}); known != known_.end()) return known->second;
  if (std::ranges::count(open_, kernel) > 0)
    return UsageError(fmt::format("it is circular: `occupancy({})` uses the block and smem of line {}, which use it",
                                  kernel, first.line));
  if (open_.size() == kDeepestOccupancy)
    return UsageError(fmt::format("more than {} occupancies use one another", kDeepestOccupancy));
  auto blocks = Ask(first, loop);
  if (blocks) return known_[{kernel, loop}] = *blocks;
  Error error = std::move(blocks).error();
  if (error.line > 0) error.message = fmt::format("line {}: {}", error.line, error.message);
  return std::unexpected(std::move(error));
}

Result<long long> LaunchBinder::Ask(const PlanLine& first, std::optional<long long> loop) {
  Values values = binder_.values();
  if (binder_.line()) values.erase(binder_.line()->loop_name);
  if (loop) values[first.loop_name] = *loop;
  if (!loop && !first.loop_name.empty() && Uses(first, first.loop_name))
    return UsageError(fmt::format("the block and smem of `{}` in line {} vary with its loop variable `{}`",
                                  first.function, first.line, first.loop_name));
  KOPT_TRY(Block block, BindBlock(first, values));
  return occupancy_(first.function, block.threads, block.smem);
}

}  // namespace kopt

// The bound on what the state folder may grow to.
#include <fmt/format.h>

#include <algorithm>

#include "agent/format.h"
#include "agent/recorder.h"
#include "base/files.h"
#include "cli/context.h"
#include "cli/size.h"

namespace kopt {
namespace {

constexpr double kRoom = 0.8;  // of the limit: what is left after something had to go

Result<double> Limit(const Config& config, const char* key, const char* otherwise) {
  const auto setting = config.Find(key, "");
  return setting ? ParseSize(setting->value, setting->source) : ParseSize(otherwise, key);
}

}  // namespace

Result<double> Context::StateLimit() const { return Limit(config_, "state_limit", kStateLimit); }
Result<double> Context::CacheLimit() const { return Limit(config_, "cache_limit", kCacheLimit); }

void CompactIfIdle(Store& store) {
  const auto runs = store.Runs();
  const bool idle = runs && std::ranges::none_of(*runs, [](const RunRow& run) { return StateOf(run) == "running"; });
  if (idle) (void)store.Compact();  // what cannot be given back now is used again
}

Result<void> Context::BoundState(Store& store, std::string_view run, Progress& progress) const {
  KOPT_TRY(const double state_limit, StateLimit());
  KOPT_TRY(const double cache_limit, CacheLimit());
  TrimFolder(StateFolder() / "cache", static_cast<uint64_t>(cache_limit));
  KOPT_TRY(int64_t used, store.UsedBytes());
  if (static_cast<double>(used) <= state_limit) return {};
  KOPT_TRY(const int64_t arrays, store.ArrayBytes());
  // Where arrays alone are too much, no timing is worth giving up.
  KOPT_TRY(const std::vector<std::string> runs, store.RunsWithSamples());
  int dropped = 0;
  for (const std::string& old : runs) {
    if (static_cast<double>(used) <= kRoom * state_limit || static_cast<double>(arrays) > kRoom * state_limit) break;
    KOPT_TRY(const RunRow row, store.FindRun(old));
    if (old == run || StateOf(row) == "running") continue;
    KOPT_CHECK(store.DropSamples(old));
    KOPT_TRY(used, store.UsedBytes());
    ++dropped;
  }
  if (dropped > 0) {
    CompactIfIdle(store);
    progress.Line(
        fmt::format("the state is above its limit of {}: the single timings of the {} oldest runs were removed",
                    FormatBytes(state_limit), dropped));
  }
  if (static_cast<double>(used) > state_limit) {
    progress.Line(fmt::format("the state holds {}, its limit is {}: `kopt runs rm` removes runs", FormatBytes(used),
                              FormatBytes(state_limit)));
  }
  return {};
}

}  // namespace kopt

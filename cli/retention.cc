// The bound on what the state folder may grow to.
#include <fmt/format.h>

#include "agent/format.h"
#include "base/files.h"
#include "cli/context.h"
#include "cli/size.h"

namespace kopt {
namespace {

Result<double> Limit(const Config& config, const char* key, const char* otherwise) {
  const auto setting = config.Find(key, "");
  return setting ? ParseSize(setting->value, setting->source) : ParseSize(otherwise, key);
}

}  // namespace

Result<double> Context::StateLimit() const { return Limit(config_, "state_limit", kStateLimit); }
Result<double> Context::CacheLimit() const { return Limit(config_, "cache_limit", kCacheLimit); }

Result<void> Context::BoundState(Store& store, Progress& progress) const {
  KOPT_TRY(const double state_limit, StateLimit());
  KOPT_TRY(const double cache_limit, CacheLimit());
  TrimFolder(StateFolder() / "cache", static_cast<uint64_t>(cache_limit));
  KOPT_TRY(int64_t used, store.UsedBytes());
  if (static_cast<double>(used) <= state_limit) return {};
  KOPT_TRY(const std::vector<std::string> runs, store.RunsWithSamples());
  int dropped = 0;
  for (const std::string& run : runs) {
    if (static_cast<double>(used) <= state_limit) break;
    KOPT_CHECK(store.DropSamples(run));
    KOPT_TRY(used, store.UsedBytes());
    ++dropped;
  }
  if (dropped > 0) {
    (void)store.Compact();  // another kopt may be at work: then the space is used again later
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

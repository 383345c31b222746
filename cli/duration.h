// Durations as users write them.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace kopt {

// Seconds of "90", "90s", "15m", "1h30m", "2h", "1.5h": above 0, at most 100 days. Units in the order h, m, s, each at
// most once. The error (exit 2) names `key`, the flag or setting that the text came from.
Result<double> ParseDuration(std::string_view text, const std::string& key);

}  // namespace kopt

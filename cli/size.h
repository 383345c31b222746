// Sizes as users write them.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace kopt {

// "500M", "2G", "2GiB", "1048576": bytes; K, M, G, T count by 1024. An error names `key`.
Result<double> ParseSize(std::string_view text, const std::string& key);

}  // namespace kopt

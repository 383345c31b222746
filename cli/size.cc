#include "cli/size.h"

#include <fmt/format.h>

#include <charconv>

namespace kopt {
namespace {

constexpr double kLargest = 1e15;  // bytes

}  // namespace

Result<double> ParseSize(std::string_view text, const std::string& key) {
  const auto fail = [&] {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = fmt::format("`{}` is not a size", text),
                                 .key = key,
                                 .hint = "write it as 500M, 2G or a number of bytes"});
  };
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !(value >= 0)) return fail();
  std::string_view unit = text.substr(static_cast<size_t>(stop - text.data()));
  for (const std::string_view end : {"iB", "B"}) {
    if (unit.ends_with(end)) {
      unit.remove_suffix(end.size());
      break;
    }
  }
  const auto bounded = [&]() -> Result<double> {
    if (value <= kLargest) return value;
    return fail();
  };
  if (unit.empty()) return bounded();
  const size_t power = std::string_view("KMGT").find(unit);
  if (unit.size() != 1 || power == std::string_view::npos) return fail();
  for (size_t i = 0; i <= power; ++i) value *= 1024;
  return bounded();
}

}  // namespace kopt

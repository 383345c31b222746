#include "cli/duration.h"

#include <fmt/format.h>

#include <charconv>

namespace kopt {
namespace {

constexpr double kLongest = 100.0 * 24 * 3600;
constexpr const char* kHint = "write it as 90, 90s, 15m, 1h30m or 2h";

std::unexpected<Error> DurationError(std::string message, const std::string& key) {
  return std::unexpected(Error{.exit = Exit::kUsage, .message = std::move(message), .key = key, .hint = kHint});
}

}  // namespace

Result<double> ParseDuration(std::string_view text, const std::string& key) {
  const auto not_one = [&] { return DurationError(fmt::format("`{}` is not a duration", text), key); };
  constexpr std::string_view kUnits = "hms";
  constexpr double kSeconds[] = {3600, 60, 1};
  std::string_view rest = text;
  size_t next_unit = 0;
  double total = 0;
  do {
    double number = 0;
    const char* end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data(), end, number, std::chars_format::fixed);
    if (error != std::errc() || rest[0] == '-' || !(number <= kLongest)) return not_one();
    rest.remove_prefix(static_cast<size_t>(stop - rest.data()));
    if (rest.empty() && next_unit == 0)
      return number > 0 ? Result<double>(number) : DurationError("a duration of 0 leaves no time for anything", key);
    const size_t unit = rest.empty() ? std::string_view::npos : kUnits.find(rest[0], next_unit);
    if (unit == std::string_view::npos) return not_one();
    total += number * kSeconds[unit];
    next_unit = unit + 1;
    rest.remove_prefix(1);
  } while (!rest.empty());
  if (total <= 0) return DurationError("a duration of 0 leaves no time for anything", key);
  if (total > kLongest) return DurationError("the duration is above 100 days", key);
  return total;
}

}  // namespace kopt

#include "llm_client/back_off.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace kopt {
namespace {

constexpr double kFirstWait = 0.5;  // the most before the second try; doubles with each further one

}  // namespace

std::optional<double> RetryAfter(std::string_view header, double now) {
  double seconds = 0;
  const char* end = header.data() + header.size();
  const auto number = std::from_chars(header.data(), end, seconds, std::chars_format::fixed);
  if (number.ec == std::errc() && number.ptr == end) {
    return std::isfinite(seconds) && seconds >= 0 ? std::optional(seconds) : std::nullopt;
  }
  tm utc{};
  const std::string date(header);
  const char* read = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  if (read == nullptr || *read != '\0') return std::nullopt;
  return std::max(0.0, static_cast<double>(timegm(&utc)) - now);
}

double BackOff(int next, std::optional<double> retry_after, double most, double chance) {
  const double jittered = chance * kFirstWait * std::exp2(std::clamp(next - 2, 0, 30));
  return std::min(most, std::max(jittered, retry_after.value_or(0)));
}

}  // namespace kopt

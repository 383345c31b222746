#include "agent/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace kopt {
namespace {

// Three significant digits: 0.840, 1.25, 12.3, 840.
std::string ThreeDigits(double value) {
  const double size = std::abs(value);
  if (size >= 99.95) return fmt::format("{:.0f}", value);
  if (size >= 9.995) return fmt::format("{:.1f}", value);
  if (size >= 0.9995 || size == 0) return fmt::format("{:.2f}", value);
  return fmt::format("{:.3f}", value);
}

template <size_t n>
std::string Scaled(double value, double step, const std::array<const char*, n>& units) {
  size_t unit = 0;
  while (unit + 1 < n && std::abs(value) >= 0.9995 * step) {
    value /= step;
    ++unit;
  }
  const bool whole = unit == 0 && value == std::floor(value);
  return fmt::format("{} {}", whole ? fmt::format("{:.0f}", value) : ThreeDigits(value), units[unit]);
}

}  // namespace

std::string FormatDuration(double seconds) {
  if (seconds == std::numeric_limits<double>::infinity()) return "no limit";
  if (!std::isfinite(seconds)) return "-";
  if (seconds < 0) seconds = 0;
  if (seconds < 9.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long long>(std::llround(std::min(seconds, 1e15)));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string FormatTimeLeft(double seconds) {
  const auto whole = static_cast<long long>(std::clamp(std::isfinite(seconds) ? std::ceil(seconds) : 0.0, 0.0, 1e15));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole % 3600 / 60, whole % 60);
}

std::string FormatMicroseconds(double us) {
  if (!std::isfinite(us)) return "-";
  if (us < 999.5) return ThreeDigits(us) + " us";
  if (us < 999.5e3) return ThreeDigits(us / 1e3) + " ms";
  return ThreeDigits(us / 1e6) + " s";
}

std::string FormatMicroseconds(const std::optional<double>& us) { return us ? FormatMicroseconds(*us) : "-"; }

std::string FormatBytes(double bytes) { return Scaled(bytes, 1024, std::array{"B", "KiB", "MiB", "GiB", "TiB"}); }

std::string FormatCount(double count) {
  std::string text = Scaled(count, 1000, std::array{"", "k", "M", "G", "T", "P"});
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

std::string FormatRate(double per_second, std::string_view unit) {
  const std::string text = FormatCount(per_second);
  return fmt::format("{}{}{}", text, text.find(' ') == std::string::npos ? " " : "", unit);
}

std::string FormatPercent(double fraction) { return fmt::format("{:.1f} %", 100 * fraction); }

std::string FormatSpeedup(double speedup) { return fmt::format("{:.3f}x", speedup); }

std::string FormatSpeedup(const Verdict& verdict) {
  if (!verdict.speedup) return "-";
  if (!verdict.speedup_interval) return FormatSpeedup(*verdict.speedup);
  return fmt::format("{:.3f}x [{:.3f}, {:.3f}]", *verdict.speedup, verdict.speedup_interval->low,
                     verdict.speedup_interval->high);
}

}  // namespace kopt

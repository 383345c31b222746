// Figures as people read them: durations, times, sizes, rates, speedups.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "verifier/core/verdict.h"

namespace kopt {

std::string FormatDuration(double seconds);  // "0.40 s", "12.4 s", "3 min 20 s", "1 h 02 min", "no limit"
std::string FormatTimeLeft(double seconds);  // "0:43", "12:05", "1:02:09"; never negative
std::string FormatMicroseconds(double us);   // "0.840 us", "12.3 us", "1.25 ms", "2.10 s"
std::string FormatBytes(double bytes);       // "512 B", "1.50 KiB", "64.0 MiB"
std::string FormatCount(double count);       // "640", "1.07 G": thousands, no unit
// "168 Gop/s", "640 op/s": thousands, `unit` a second.
std::string FormatRate(double per_second, std::string_view unit);
std::string FormatPercent(double fraction);  // "1.8 %"
std::string FormatSpeedup(double speedup);   // "1.834x"
// "1.834x [1.790, 1.880]", or "-" if there is none.
std::string FormatSpeedup(const Verdict& verdict);
// The value, or "-".
std::string FormatMicroseconds(const std::optional<double>& us);

}  // namespace kopt

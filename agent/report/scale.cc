#include "agent/report/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace kopt {
namespace {

constexpr double kLogFrom = 4;  // ratio of the largest to the least speedup
constexpr int kMostTicks = 8;
constexpr double kExtreme = 1e100;  // speedups beyond this and its reciprocal are drawn there
constexpr std::array kSteps = {1.0, 2.0, 5.0};

// Exact where the power of ten is.
double Times(double step, int exponent) {
  return exponent >= 0 ? step * std::pow(10.0, exponent) : step / std::pow(10.0, -exponent);
}

int Decade(double value) { return static_cast<int>(std::floor(std::log10(value))); }

// "0.05", "1200", "1e12".
std::string Label(double value) {
  std::string label = fmt::format("{:.10g}", value);
  if (const size_t plus = label.find("e+"); plus != std::string::npos) label.erase(plus + 1, 1);
  return label;
}

// 1, 2 and 5 x 10^n from the last one not above `low` to the first one not below `high`.
std::vector<double> Around(double low, double high) {
  std::vector<double> values;
  for (int n = Decade(low) - 1; n <= Decade(high) + 1; ++n) {
    for (double step : kSteps) {
      const double value = Times(step, n);
      if (value <= low) values.clear();
      values.push_back(value);
      if (value >= high) return values;
    }
  }
  return values;
}

// In units of `size`.
AmountAxis AmountAxisOf(double last, double size, const char* unit, double from, double to) {
  if (!std::isfinite(last) || last <= 0) last = 1;
  AmountAxis axis{.scale = {.high = 1.01 * last, .from = from, .to = to}, .unit = unit};
  for (Tick tick : LinearTicks(0, axis.scale.high / size, kMostTicks)) {
    tick.value *= size;
    axis.ticks.push_back(std::move(tick));
  }
  return axis;
}

}  // namespace

double Scale::At(double value) const {
  const double held = std::clamp(value, low, high);
  const double part = log ? std::log(held / low) / std::log(high / low) : (held - low) / (high - low);
  return from + part * (to - from);
}

std::vector<Tick> LinearTicks(double low, double high, int most) {
  constexpr double kSlack = 1e-9;  // of a step: ends that are multiples but for rounding
  const double least = (high - low) / most;
  for (int n = Decade(least); n <= Decade(least) + 2; ++n) {
    for (double factor : kSteps) {
      const double step = Times(factor, n);
      const double first = std::ceil(low / step - kSlack), last = std::floor(high / step + kSlack);
      if (!(last - first < most)) continue;
      std::vector<Tick> ticks;
      for (double i = first; i <= last; ++i) {
        const double value = (n >= 0 ? i * step : i * factor / std::pow(10.0, -n)) + 0.0;  // no -0
        ticks.push_back({value, n < 0 && n > -10 ? fmt::format("{:.{}f}", value, -n) : Label(value)});
      }
      return ticks;
    }
  }
  return {};
}

std::vector<Tick> LogTicks(double low, double high, int most) {
  std::vector<Tick> ticks;
  for (double value : Around(low, high)) {
    if (value >= low && value <= high) ticks.push_back({value, Label(value)});
  }
  const int last = Decade(high);
  for (int step = 1; static_cast<int>(ticks.size()) > most; ++step) {
    ticks.clear();
    const auto first = static_cast<int>(std::ceil(std::log10(low) / step)) * step;  // 1 is among them
    for (int n = first; n <= last; n += step) ticks.push_back({Times(1, n), Label(Times(1, n))});
  }
  return ticks;
}

SpeedupAxis SpeedupAxisOf(const std::vector<double>& speedups, double from, double to) {
  double low = 1, high = 1;
  for (double speedup : speedups) {
    if (!std::isfinite(speedup) || speedup <= 0) continue;
    low = std::clamp(speedup, 1 / kExtreme, low);
    high = std::clamp(speedup, high, kExtreme);
  }
  SpeedupAxis axis{.scale = {.from = from, .to = to, .log = high / low > kLogFrom}};
  if (axis.scale.log) {
    const double room = std::pow(high / low, 0.04);
    low /= room;
    high *= room;
    axis.ticks = LogTicks(low, high, kMostTicks);
    if (axis.ticks.size() < 3) {
      const std::vector<double> around = Around(low, high);
      low = around.front();
      high = around.back();
      axis.ticks = LogTicks(low, high, kMostTicks);
    }
  } else {
    const double room = std::max(0.06 * (high - low), 0.02);
    low = std::max(low - room, 0.0);
    high += room;
    axis.ticks = LinearTicks(low, high, kMostTicks);
  }
  axis.scale.low = low;
  axis.scale.high = high;
  return axis;
}

AmountAxis TimeAxisOf(double last, double from, double to) {
  return last <= 120 || !std::isfinite(last) ? AmountAxisOf(last, 1, "s", from, to)
         : last <= 7200                      ? AmountAxisOf(last, 60, "min", from, to)
                                             : AmountAxisOf(last, 3600, "h", from, to);
}

AmountAxis TokenAxisOf(double last, double from, double to) {
  return last <= 2e3 || !std::isfinite(last) ? AmountAxisOf(last, 1, "", from, to)
         : last <= 2e6                       ? AmountAxisOf(last, 1e3, "k", from, to)
         : last <= 2e9                       ? AmountAxisOf(last, 1e6, "M", from, to)
                                             : AmountAxisOf(last, 1e9, "G", from, to);
}

}  // namespace kopt

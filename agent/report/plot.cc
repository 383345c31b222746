#include "agent/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "agent/format.h"
#include "agent/report/scale.h"
#include "agent/report/svg.h"

namespace kopt {
namespace {

constexpr double kLeft = 112, kRight = 744, kTop = 34, kBottom = 314;  // of the speedups
constexpr double kRowHeight = 17, kRowsGap = 8, kAxisHeight = 44;
constexpr size_t kLongestTip = 160;

constexpr const char* kDot = "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z";
constexpr const char* kDiamond = "m0-6.5l6 6.5l-6 6.5l-6-6.5z";

// The mark of each way to end without a speedup.
const char* MarkOf(const std::string& row) {
  static const std::map<std::string, const char*, std::less<>> kMarks = {
      {"noisy", "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z"},  // circle
      {"mismatch", "m-3.5-3.5l7 7m0-7l-7 7"},                     // cross
      {"crashed", "m0-4.5l4.5 8h-9z"},                            // triangle
      {"timeout", "m-4-4.5h8l-8 9h8z"},                           // hourglass
      {"unsafe", "m-3.5-3.5h7v7h-7z"},                            // square
      {"quarantined", "m0-5v10m-4.3-7.5l8.6 5m0-5l-8.6 5"},       // star
      {"compile_error", "m-4.5 0h9m-4.5-4.5v9"},                  // plus
      {"launch_error", "m0 4.5l4.5-8h-9z"},                       // triangle on its tip
      {"rejected", "m0-4.5v9"},                                   // upright bar
  };
  const auto found = kMarks.find(row);
  return found == kMarks.end() ? "m-4.5 0h9" : found->second;
}

bool IsPositive(const std::optional<double>& value) { return value && std::isfinite(*value) && *value > 0; }

bool HasSpeedup(const PlotPoint& point) { return point.outcome == Outcome::kMeasured && IsPositive(point.speedup); }

bool HasSpread(const PlotPoint& point) {
  return point.spread && std::isfinite(point.spread->low) && std::isfinite(point.spread->high);
}

bool CanBeDrawn(const PlotPoint& point) { return std::isfinite(point.at) && (!point.speedup || HasSpeedup(point)); }

std::string RowOf(const PlotPoint& point) {
  if (point.outcome != Outcome::kMeasured) return std::string(Name(point.outcome));
  return point.remark.empty() ? "not compared" : point.remark;
}

// Whether each point was the fastest screening when it came.
std::vector<bool> Records(const std::vector<PlotPoint>& points) {
  std::vector<bool> records(points.size());
  double best = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i].confirmation || !HasSpeedup(points[i]) || *points[i].speedup <= best) continue;
    best = *points[i].speedup;
    records[i] = true;
  }
  return records;
}

// `count` of them, evenly, the first and the last among them.
void TakeEvenly(const std::vector<size_t>& from, size_t count, std::vector<size_t>& chosen) {
  count = std::min(count, from.size());
  for (size_t i = 0; i < count; ++i) {
    chosen.push_back(from[count == 1 ? from.size() - 1 : i * (from.size() - 1) / (count - 1)]);
  }
}

std::string PlaceText(double at, PlotAxis axis) {
  return axis == PlotAxis::kTime ? FormatDuration(at) : FormatCount(at) + " tokens";
}

std::string TipOf(const PlotPoint& point, PlotAxis axis) {
  std::string speedup;
  if (HasSpeedup(point)) {
    speedup = HasSpread(point)
                  ? fmt::format("{:.4g}x [{:.4g}, {:.4g}], ", *point.speedup, point.spread->low, point.spread->high)
                  : fmt::format("{:.4g}x, ", *point.speedup);
  }
  const std::string outcome = point.speedup ? std::string(Name(point.outcome)) : RowOf(point);
  return fmt::format("{}: {}{}{}, {}", Shortened(point.name, kLongestTip), speedup, outcome,
                     point.confirmation ? " by confirmation" : "", PlaceText(point.at, axis));
}

class Drawing {
 public:
  Drawing(const std::vector<PlotPoint>& points, PlotAxis axis, size_t most)
      : points_(points), axis_(axis), chosen_(ChoosePoints(points, most)) {
    std::vector<double> speedups;
    double last = 0;
    for (size_t i : chosen_) {
      last = std::max(last, points[i].at);
      if (HasSpeedup(points[i])) {
        speedups.push_back(*points[i].speedup);
      } else if (const std::string row = RowOf(points[i]); std::ranges::find(rows_, row) == rows_.end()) {
        rows_.push_back(row);
      }
    }
    AddSpreads(speedups);
    y_ = SpeedupAxisOf(speedups, kBottom, kTop);
    x_ = OfTime() ? TimeAxisOf(last, kLeft, kRight) : TokenAxisOf(last, kLeft, kRight);
    floor_ = rows_.empty() ? kBottom : kBottom + kRowsGap + kRowHeight * static_cast<double>(rows_.size());
  }

  Plot Draw() const {
    if (chosen_.empty()) return {.left_out = points_.size()};
    const Picture picture{.id = OfTime() ? "search" : "turns",
                          .title = OfTime() ? "Speedup over active time" : "Speedup over tokens",
                          .description = Description(),
                          .height = floor_ + kAxisHeight};
    return {.svg = Svg(picture, Axes() + Rows() + Steps() + Points(false) + Points(true) + Legend()),
            .drawn = chosen_.size(),
            .left_out = points_.size() - chosen_.size()};
  }

 private:
  bool OfTime() const { return axis_ == PlotAxis::kTime; }

  // Ends of intervals have a place too, but wide ones do not push the points together.
  void AddSpreads(std::vector<double>& speedups) const {
    double low = 1, high = 1;
    for (double speedup : speedups) {
      low = std::min(low, speedup);
      high = std::max(high, speedup);
    }
    const double room = (high - low) / 4;
    for (size_t i : chosen_) {
      if (!HasSpeedup(points_[i]) || !HasSpread(points_[i])) continue;
      speedups.push_back(std::min(points_[i].spread->high, high + room));
      speedups.push_back(std::max({points_[i].spread->low, low - room, 0.8 * low}));
    }
  }

  std::string Description() const {
    size_t measured = 0, proofs = 0;
    double best = 0;
    for (const PlotPoint& point : points_) {
      (point.confirmation ? proofs : measured) += HasSpeedup(point) ? 1 : 0;
      if (HasSpeedup(point) && !point.confirmation) best = std::max(best, *point.speedup);
    }
    std::string text = fmt::format("{} with a speedup: {}", OfTime() ? "Screenings" : "Turns", measured);
    if (best > 0) text += fmt::format(", the fastest {:.4g}x", best);
    if (!OfTime()) return text + fmt::format("; points in all: {}.", points_.size());
    return text + fmt::format("; confirmations with a speedup: {}; points in all: {}.", proofs, points_.size());
  }

  std::string Axes() const {
    std::string text;
    for (const Tick& tick : y_.ticks) {
      const double y = y_.scale.At(tick.value);
      text += SvgPath("grid", fmt::format("{}H{}", MoveTo(kLeft, y), Coordinate(kRight)));
      text += SvgText(kLeft - 8, y + 4, "end", tick.label);
    }
    for (const Tick& tick : x_.ticks) {
      const double x = x_.scale.At(tick.value);
      text += SvgPath("grid", fmt::format("{}V{}", MoveTo(x, kTop), Coordinate(floor_)));
      text += SvgText(x, floor_ + 17, "middle", tick.label);
    }
    text += SvgPath("axis", fmt::format("{}V{}H{}", MoveTo(kLeft, kTop), Coordinate(floor_), Coordinate(kRight)));
    if (!rows_.empty()) text += SvgPath("axis", fmt::format("{}H{}", MoveTo(kLeft, kBottom), Coordinate(kRight)));
    text += SvgText((kLeft + kRight) / 2, floor_ + 36, "soft middle",
                    (OfTime() ? "active time" : "tokens") + (x_.unit.empty() ? "" : fmt::format(" ({})", x_.unit)));
    const double one = y_.scale.At(1);
    text += SvgPath("base", fmt::format("{}H{}", MoveTo(kLeft, one), Coordinate(kRight)), "the baseline: 1x");
    return text;
  }

  std::string Rows() const {
    std::string text;
    for (const std::string& row : rows_) text += SvgText(kLeft - 8, RowAt(row) + 4, "end", Shortened(row, 14));
    return text;
  }

  double RowAt(const std::string& row) const {
    const auto index = static_cast<double>(std::ranges::find(rows_, row) - rows_.begin());
    return kBottom + kRowsGap + kRowHeight * (index + 0.5) - kRowsGap / 4;
  }

  std::string Steps() const {
    const std::vector<bool> records = Records(points_);
    std::string path;
    for (size_t i = 0; i < points_.size(); ++i) {
      if (!records[i] || !std::isfinite(points_[i].at)) continue;
      const double x = x_.scale.At(points_[i].at), y = y_.scale.At(*points_[i].speedup);
      path += path.empty() ? MoveTo(x, y) : fmt::format("H{}V{}", Coordinate(x), Coordinate(y));
    }
    return path.empty() ? ""
                        : SvgPath("step", path + "H" + Coordinate(kRight),
                                  OfTime() ? "the best by screening so far" : "the best so far");
  }

  std::string Points(bool confirmations) const {
    std::string text;
    for (size_t i : chosen_) {
      if (points_[i].confirmation == confirmations) text += Point(points_[i]);
    }
    return text;
  }

  std::string Point(const PlotPoint& point) const {
    const double x = x_.scale.At(std::max(point.at, 0.0));
    if (!HasSpeedup(point)) {
      const std::string row = RowOf(point);
      const std::string move = MoveTo(x, RowAt(row));
      std::string path = move + MarkOf(row);
      if (point.confirmation) path += move + kDiamond;
      return SvgPath(point.confirmation ? "mark proof-open" : "mark", path, TipOf(point, axis_));
    }
    const double y = y_.scale.At(*point.speedup);
    std::string text;
    if (HasSpread(point)) {
      text = SvgPath(
          point.confirmation ? "proof-spread" : "spread",
          fmt::format("{}V{}", MoveTo(x, y_.scale.At(point.spread->low)), Coordinate(y_.scale.At(point.spread->high))));
    }
    const char* mark = point.confirmation ? kDiamond : kDot;
    const char* style = !point.confirmation ? "point" : point.faster ? "proof" : "proof-open";
    return text + SvgPath(style, MoveTo(x, y) + mark, TipOf(point, axis_));
  }

  std::string Legend() const {
    std::string text = SvgText(8, 16, "soft", y_.scale.log ? "speedup, log scale" : "speedup");
    double x = kLeft + 40;
    const auto entry = [&](const std::string& mark, const char* words, double width) {
      text += mark + SvgText(x + 14, 16, "legend", words);
      x += width;
    };
    const auto line = [&](const char* style) { return SvgPath(style, fmt::format("{}h18", MoveTo(x - 9, 12))); };
    entry(SvgPath("point", MoveTo(x, 12) + kDot), OfTime() ? "screened" : "a turn", 92);
    entry(line("step"), "best so far", 104);
    entry(line("base"), "baseline", 92);
    const auto any = [&](bool faster) {
      return std::ranges::any_of(points_,
                                 [&](const PlotPoint& point) { return point.confirmation && point.faster == faster; });
    };
    if (any(true)) entry(SvgPath("proof", MoveTo(x, 12) + kDiamond), "confirmed", 98);
    if (any(false)) entry(SvgPath("proof-open", MoveTo(x, 12) + kDiamond), "not confirmed", 98);
    return text;
  }

  const std::vector<PlotPoint>& points_;
  PlotAxis axis_;
  std::vector<size_t> chosen_;
  std::vector<std::string> rows_;  // ways to end without a speedup, as they came
  SpeedupAxis y_;
  AmountAxis x_;
  double floor_ = 0;  // below the rows
};

}  // namespace

std::vector<size_t> ChoosePoints(const std::vector<PlotPoint>& points, size_t most) {
  const std::vector<bool> records = Records(points);
  std::vector<size_t> proofs, best, measured, other;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!CanBeDrawn(points[i])) continue;
    (points[i].confirmation ? proofs : records[i] ? best : HasSpeedup(points[i]) ? measured : other).push_back(i);
  }
  std::vector<size_t> chosen;
  if (proofs.size() + best.size() + measured.size() + other.size() <= most) {
    for (const auto* part : {&proofs, &best, &measured, &other})
      chosen.insert(chosen.end(), part->begin(), part->end());
  } else {
    TakeEvenly(proofs, most / 8, chosen);
    TakeEvenly(best, std::max(most / 8, most - std::min(most, proofs.size() + measured.size() + other.size())), chosen);
    const size_t room = most - chosen.size();
    const size_t failed = std::min(other.size(), std::max(room / 4, room - std::min(room, measured.size())));
    TakeEvenly(other, failed, chosen);
    const size_t left = most - chosen.size();
    std::vector<size_t> ranked = measured;
    std::ranges::stable_sort(ranked, [&](size_t a, size_t b) { return *points[a].speedup > *points[b].speedup; });
    const size_t fastest = std::min(ranked.size(), left / 4);
    chosen.insert(chosen.end(), ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(fastest));
    std::vector<size_t> rest(ranked.begin() + static_cast<std::ptrdiff_t>(fastest), ranked.end());
    std::ranges::sort(rest);
    TakeEvenly(rest, left - fastest, chosen);
  }
  std::ranges::sort(chosen);
  return chosen;
}

Plot SpeedupPlot(const std::vector<PlotPoint>& points, PlotAxis axis, size_t most) {
  return Drawing(points, axis, most).Draw();
}

}  // namespace kopt

// The picture of a search: speedup over active time, or over the tokens that models were given and gave.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verifier/core/verdict.h"

namespace kopt {

enum class PlotAxis { kTime, kTokens };

// One judged configuration, or one turn.
struct PlotPoint {
  double at = 0;     // active time in seconds, or tokens
  std::string name;  // of the configuration or turn
  Outcome outcome = Outcome::kMeasured;
  std::string remark;              // of a measured one without a speedup
  std::optional<double> speedup;   // measured ones
  std::optional<Interval> spread;  // of the speedup
  bool confirmation = false;
  bool faster = false;  // a confirmation that proved it
};

struct Plot {
  std::string svg;   // empty: there is nothing to draw
  size_t drawn = 0;  // points
  size_t left_out = 0;
};

// Speedups above, one row for each other way to end below; a line for the best screening so far. Draws no more than
// `most` points: see ChoosePoints. A point whose place or speedup is no number is left out.
Plot SpeedupPlot(const std::vector<PlotPoint>& points, PlotAxis axis = PlotAxis::kTime, size_t most = 1500);

// Indices of the points to draw, in order: where there are too many, confirmations, those that were the best so far and
// the fastest stay longest, and the rest is thinned evenly.
std::vector<size_t> ChoosePoints(const std::vector<PlotPoint>& points, size_t most);

}  // namespace kopt

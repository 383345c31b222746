// Horizontal bars, in groups: each a part of a whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/report/svg.h"

namespace kopt {

struct Bar {
  std::string label;
  std::optional<double> part;  // of the whole; drawn from 0 to 1. Nothing: words alone
  std::string words;           // behind the bar
  bool strong = false;         // the one that matters; `words` say so too
};

struct BarGroup {
  std::string title;
  std::vector<Bar> bars;
};

// The picture's height is set here.
std::string BarChart(Picture picture, const std::vector<BarGroup>& groups);

}  // namespace kopt

#include "agent/report/bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kopt {
namespace {

constexpr double kLabelEnd = 128, kBegin = 136, kWidth = 330, kWords = kBegin + kWidth + 10;
constexpr double kTitleHeight = 26, kRowHeight = 20, kBarHeight = 12, kGap = 8;
constexpr size_t kLongestLabel = 20, kLongestTitle = 110, kLongestWords = 46;

std::string Rectangle(const char* style, double width, double y) {
  return SvgPath(style, fmt::format("{}h{}v{}h-{}z", MoveTo(kBegin, y), Coordinate(width), Coordinate(kBarHeight),
                                    Coordinate(width)));
}

std::string Row(const Bar& bar, double y) {
  const double base = y + kBarHeight - 2;
  std::string text = SvgText(kLabelEnd, base, "end", Shortened(bar.label, kLongestLabel));
  if (bar.part && !std::isnan(*bar.part)) {
    text += Rectangle("track", kWidth, y);
    text += Rectangle(bar.strong ? "bar-strong" : "bar", kWidth * std::clamp(*bar.part, 0.0, 1.0), y);
  }
  return text +
         SvgText(bar.part ? kWords : kBegin, base, bar.part ? "words" : "soft", Shortened(bar.words, kLongestWords));
}

}  // namespace

std::string BarChart(Picture picture, const std::vector<BarGroup>& groups) {
  std::string text;
  double y = 0;
  for (const BarGroup& group : groups) {
    text += SvgText(0, y + 16, "soft", Shortened(group.title, kLongestTitle));
    y += kTitleHeight;
    for (const Bar& bar : group.bars) {
      text += Row(bar, y);
      y += kRowHeight;
    }
    y += kGap;
  }
  picture.height = y;
  return Svg(picture, text);
}

}  // namespace kopt

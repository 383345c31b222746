#include "agent/report/plot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "tests/agent/markup_check.h"

namespace kopt {
namespace {

PlotPoint Measured(double seconds, double speedup) {
  return {.at = seconds, .name = "A=1", .speedup = speedup, .spread = Interval{0.98 * speedup, 1.02 * speedup}};
}

PlotPoint Ended(double seconds, Outcome outcome, std::string remark = "") {
  return {.at = seconds, .name = "A=2", .outcome = outcome, .remark = std::move(remark)};
}

bool Says(const Plot& plot, const std::string& text) { return plot.svg.find(text) != std::string::npos; }

size_t Times(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

TEST(Plot, EveryPointSaysWhatItIs) {
  PlotPoint proof = Measured(90, 1.5);
  proof.confirmation = proof.faster = true;
  PlotPoint refuted = Measured(80, 1);
  refuted.confirmation = true;
  const Plot plot = SpeedupPlot({Measured(0, 1.25), Ended(10, Outcome::kMismatch),
                                 Ended(20, Outcome::kMeasured, "noisy"), Measured(30, 1.5), refuted, proof});
  EXPECT_EQ(plot.drawn, 6U);
  EXPECT_EQ(plot.left_out, 0U);
  EXPECT_EQ(MarkupCheck(plot.svg).problem(), "") << plot.svg;
  EXPECT_TRUE(Says(plot, "<title>A=1: 1.25x [1.225, 1.275], measured, 0.00 s</title>")) << plot.svg;
  EXPECT_TRUE(Says(plot, "<title>A=2: mismatch, 10.0 s</title>"));
  EXPECT_TRUE(Says(plot, "<title>A=2: noisy, 20.0 s</title>"));
  EXPECT_TRUE(Says(plot, "<title>A=1: 1.5x [1.47, 1.53], measured by confirmation, 90.0 s</title>"));
  EXPECT_TRUE(Says(plot, ">active time (s)</text>"));
  EXPECT_TRUE(Says(plot, ">speedup</text>"));
  EXPECT_TRUE(Says(plot, ">mismatch</text>") && Says(plot, ">noisy</text>"));
  EXPECT_TRUE(Says(plot, ">confirmed</text>") && Says(plot, ">not confirmed</text>"));
  EXPECT_TRUE(
      Says(plot, "Screenings with a speedup: 2, the fastest 1.5x; confirmations with a speedup: 2; points in all: 6."));
}

TEST(Plot, EachOutcomeHasAMarkOfItsOwn) {
  std::set<std::string> marks;
  for (int i = 0; i < static_cast<int>(Outcome::kMeasured); ++i) {
    const Plot plot = SpeedupPlot({Ended(1, static_cast<Outcome>(i))});
    const size_t at = plot.svg.find("class=\"mark\" d=\"");
    ASSERT_NE(at, std::string::npos);
    marks.insert(plot.svg.substr(at, plot.svg.find('>', at) - at));
  }
  EXPECT_EQ(marks.size(), 8U);
}

TEST(Plot, TheBestSoFarIsAStepLine) {
  const Plot plot =
      SpeedupPlot({Measured(0, 1), Measured(10, 2), Measured(20, 1.5), Measured(30, 3), Ended(40, Outcome::kCrashed)});
  const size_t at = plot.svg.find("class=\"step\" d=\"M112 ");
  ASSERT_NE(at, std::string::npos) << plot.svg;
  const std::string path = plot.svg.substr(at, plot.svg.find("\">", at) - at);
  EXPECT_EQ(Times(path, "V"), 2U) << path;
  EXPECT_TRUE(path.ends_with("H744")) << path;
}

TEST(Plot, WideRangesAreLogarithmic) {
  EXPECT_TRUE(Says(SpeedupPlot({Measured(1, 40)}), ">speedup, log scale</text>"));
  EXPECT_FALSE(Says(SpeedupPlot({Measured(1, 3.9)}), "log scale"));
}

TEST(Plot, IntervalsHaveAPlaceUnlessTheyAreWide) {
  PlotPoint close = Measured(1, 1.2), wide = Measured(1, 1.2);
  close.spread = Interval{1.17, 1.24};
  wide.spread = Interval{0.001, 99};
  const auto axis = [](const PlotPoint& point) {
    const std::string svg = SpeedupPlot({point}).svg;
    return svg.substr(0, svg.find("class=\"base\""));
  };
  EXPECT_TRUE(Says({.svg = axis(close)}, ">1.25</text>")) << axis(close);
  EXPECT_FALSE(Says({.svg = axis(wide)}, "log") || Says({.svg = axis(wide)}, ">1.30</text>")) << axis(wide);
}

TEST(Plot, HoldsAnything) {
  EXPECT_EQ(SpeedupPlot({}).svg, "");
  const double infinity = std::numeric_limits<double>::infinity();
  const Plot none = SpeedupPlot({Measured(0, infinity), Measured(std::nan(""), 1), Measured(1, -1), Measured(2, 0)});
  EXPECT_EQ(none.svg, "");
  EXPECT_EQ(none.left_out, 4U);
  PlotPoint open = Measured(3, 2);
  open.spread = Interval{-infinity, std::nan("")};
  for (const std::vector<PlotPoint>& points :
       {std::vector{Measured(0, 1)}, std::vector{Measured(5, 1), Measured(5, 1), Measured(5, 1)}, std::vector{open},
        std::vector{Measured(-5, 1)}, std::vector{Measured(1e300, 1e300), Measured(1, 1e-300)}}) {
    const Plot plot = SpeedupPlot(points);
    EXPECT_EQ(plot.drawn, points.size());
    EXPECT_EQ(MarkupCheck(plot.svg).problem(), "");
    EXPECT_FALSE(Says(plot, "nan") || Says(plot, "inf")) << plot.svg;
  }
}

TEST(Plot, NamesAreDataAndCut) {
  PlotPoint point = Measured(1, 2);
  point.name = "<script>\"" + std::string(500, 'x');
  const Plot plot = SpeedupPlot({point});
  EXPECT_EQ(MarkupCheck(plot.svg).problem(), "");
  EXPECT_TRUE(Says(plot, "<title>&lt;script&gt;&quot;xxx"));
  EXPECT_TRUE(Says(plot, "xxx…: 2x"));
  EXPECT_LT(plot.svg.size(), 6000U);
}

std::vector<PlotPoint> Many(int count) {
  std::vector<PlotPoint> points;
  for (int i = 0; i < count; ++i) {
    if (i % 4 == 3) {
      points.push_back(Ended(i, Outcome::kMismatch));
    } else {
      points.push_back(Measured(i, 1 + 0.3 * ((i * 7919) % 1000) / 1000));
    }
  }
  points[3000].speedup = 2;
  points.push_back(Measured(count, 1.9));
  points.back().confirmation = true;
  return points;
}

TEST(Plot, ManyPointsAreThinned) {
  const std::vector<PlotPoint> points = Many(5000);
  const std::vector<size_t> chosen = ChoosePoints(points, 1000);
  EXPECT_LE(chosen.size(), 1000U);
  EXPECT_GE(chosen.size(), 990U);
  EXPECT_TRUE(std::ranges::is_sorted(chosen));
  EXPECT_EQ(std::set<size_t>(chosen.begin(), chosen.end()).size(), chosen.size());
  const auto is_chosen = [&](size_t i) { return std::ranges::binary_search(chosen, i); };
  EXPECT_TRUE(is_chosen(0)) << "the first is a best so far";
  EXPECT_TRUE(is_chosen(3000)) << "the fastest";
  EXPECT_TRUE(is_chosen(5000)) << "the confirmation";
  size_t failed = 0, late = 0;
  for (size_t i : chosen) {
    failed += points[i].speedup ? 0 : 1;
    late += i >= 2500 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(failed), 250, 10);
  EXPECT_NEAR(static_cast<double>(late), 500, 60) << "evenly over time";

  const Plot plot = SpeedupPlot(points);
  EXPECT_EQ(plot.drawn + plot.left_out, points.size());
  EXPECT_GE(plot.left_out, 3500U);
  EXPECT_LT(plot.svg.size(), 500000U);
  EXPECT_EQ(MarkupCheck(plot.svg).problem(), "");
}

TEST(Plot, ThinningKeepsItsPromiseWhateverThereIs) {
  std::vector<PlotPoint> rising, failed;
  for (int i = 0; i < 5000; ++i) {
    rising.push_back(Measured(i, 1 + i));
    failed.push_back(Ended(i, Outcome::kTimeout));
  }
  EXPECT_LE(ChoosePoints(rising, 100).size(), 100U);
  EXPECT_EQ(ChoosePoints(rising, 100).back(), 4999U);
  EXPECT_EQ(ChoosePoints(failed, 100).size(), 100U);
  EXPECT_EQ(ChoosePoints(failed, 5000).size(), 5000U);
}

}  // namespace
}  // namespace kopt

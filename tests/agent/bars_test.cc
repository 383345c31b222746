#include "agent/report/bars.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/agent/markup_check.h"

namespace kopt {
namespace {

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Bars, AreAsLongAsTheirPart) {
  const std::string svg =
      BarChart({.id = "b", .title = "T", .description = "D"},
               {{"group", {{.label = "one", .part = 0.5, .words = "half"}, {.label = "two", .words = "never tried"}}}});
  EXPECT_EQ(MarkupCheck(svg).problem(), "") << svg;
  EXPECT_TRUE(Has(svg, "viewBox=\"0 0 760 74\"")) << svg;
  EXPECT_TRUE(Has(svg, "class=\"track\" d=\"M136 26h330v12h-330z\"")) << svg;
  EXPECT_TRUE(Has(svg, "class=\"bar\" d=\"M136 26h165v12h-165z\"")) << svg;
  EXPECT_TRUE(Has(svg, ">half</text>") && Has(svg, ">never tried</text>") && Has(svg, ">group</text>"));
  EXPECT_TRUE(Has(svg, "<title id=\"b-title\">T</title>\n<desc id=\"b-description\">D</desc>"));
}

TEST(Bars, HoldAnything) {
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<Bar> bars;
  for (double part : {-1.0, 7.0, infinity, -infinity, std::nan("")}) {
    bars.push_back({.label = std::string(99, '<'), .part = part, .words = std::string(99, '"'), .strong = true});
  }
  const std::string svg = BarChart({.id = "b"}, {{std::string(300, '&'), bars}, {"", {}}});
  EXPECT_EQ(MarkupCheck(svg).problem(), "") << svg;
  EXPECT_FALSE(Has(svg, "nan") || Has(svg, "inf")) << svg;
  EXPECT_TRUE(Has(svg, "…"));
  EXPECT_TRUE(Has(svg, "class=\"bar-strong\" d=\"M136 46h330v"));
  EXPECT_EQ(MarkupCheck(BarChart({.id = "b"}, {})).problem(), "");
}

TEST(Bars, TextIsCutBetweenCharacters) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abcd", 3), "ab…");
  EXPECT_EQ(Shortened("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 3), "\xc3\xa4\xc3\xb6…");
  EXPECT_EQ(Coordinate(1.25), "1.3");
  EXPECT_EQ(Coordinate(-0.01), "0");
  EXPECT_EQ(Coordinate(300), "300");
}

}  // namespace
}  // namespace kopt

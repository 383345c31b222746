#include "agent/evidence.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

TEST(Evidence, SummaryNamesOutcomeStageAndReason) {
  EXPECT_EQ(Summary({.outcome = Outcome::kMismatch, .stage = Stage::kCheck, .reason = "y[0] is 1"}),
            "mismatch at check: y[0] is 1");
  EXPECT_EQ(Summary({.outcome = Outcome::kMeasured}), "measured");
  EXPECT_EQ(Summary({.outcome = Outcome::kMeasured, .remark = "noisy"}), "measured (noisy)");
}

TEST(Evidence, TextShowsEveryEntry) {
  EXPECT_EQ(EvidenceText({{"shape", 1}, {"reason", "it fails"}, {"log", "one\ntwo\n"}}),
            "shape: 1\nreason: it fails\nlog:\n  one\n  two");
  EXPECT_EQ(EvidenceText(nlohmann::ordered_json::object()), "");
}

TEST(Evidence, NestedValuesAreReadable) {
  EXPECT_EQ(
      EvidenceText({{"errors", {{"y", {{"largest", 2.14240158}, {"rms", 1.5}}}}},
                    {"shapes", {{{"shape", "R=4"}, {"time_us", 1236.899}}, {{"shape", "R=8"}, {"sizes", {1, 2}}}}}}),
      "errors: y largest 2.142, rms 1.5\nshapes:\n  shape R=4, time_us 1237\n  shape R=8, sizes [1, 2]");
}

TEST(Evidence, AProfileIsShownByItsLines) {
  EXPECT_EQ(
      EvidenceText({{"profile", {"bound by: DRAM", "busy: DRAM 91 %"}}, {"counters", {{{"us", 5}}}}, {"line", 3}}),
      "profile:\n  bound by: DRAM\n  busy: DRAM 91 %\nline: 3");
}

TEST(Evidence, TextIsCut) {
  const std::string text = EvidenceText({{"log", std::string(5000, 'x')}}, 100);
  EXPECT_EQ(text.size(), 100 + std::string("\n[cut]").size());
  EXPECT_TRUE(text.ends_with("\n[cut]"));
}

}  // namespace
}  // namespace kopt

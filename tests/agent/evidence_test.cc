#include "agent/evidence.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

TEST(Evidence, PrintableHidesNothingAndObeysNothing) {
  EXPECT_EQ(Printable("a\tb\nc"), "a\tb\nc");
  EXPECT_EQ(Printable("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(Printable("\xc2\x9bx"), "\\x9bx");
  EXPECT_EQ(Printable("gr\xc3\xbc\xc3\x9f"
                      "e \xff\xc3"),
            "gr\xc3\xbc\xc3\x9f"
            "e ??");
}

TEST(Evidence, PrintableIsValidUtf8InOneDirection) {
  EXPECT_EQ(Printable("\xe0\x80\x8a"), "???") << "a newline in three bytes";
  EXPECT_EQ(Printable("\xed\xa0\x80"), "???") << "half of a surrogate pair";
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "????") << "beyond the last character";
  EXPECT_EQ(Printable("\xf0\x9f\x9a\x80"), "\xf0\x9f\x9a\x80");
  EXPECT_EQ(Printable("a\xe2\x80\xae"
                      "b\xe2\x80\xa8"
                      "c"),
            "a\\u202eb\\u2028c");
}

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

TEST(Evidence, TextIsCut) {
  const std::string text = EvidenceText({{"log", std::string(5000, 'x')}}, 100);
  EXPECT_EQ(text.size(), 100 + std::string("\n[cut]").size());
  EXPECT_TRUE(text.ends_with("\n[cut]"));
}

}  // namespace
}  // namespace kopt

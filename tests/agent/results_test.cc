#include "agent/results.h"

#include <gtest/gtest.h>

#include <regex>

#include "agent/report/report.h"
#include "tests/agent/golden.h"
#include "tests/agent/job_fixture.h"

namespace kopt {
namespace {

using ResultsTest = JobTest;

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// Without what differs from run to run.
std::string Steady(std::string text, const std::string& folder) {
  return std::regex_replace(
      Replaced(Replaced(std::move(text), folder, "FOLDER"), std::filesystem::current_path().string() + "/", "WORKING/"),
      std::regex("started \\| [0-9-]{10}T[0-9:.]{12}Z"), "started | 2026-11-20T17:44:02.123Z");
}

void FasterWithA(FakeVerifier& verifier) {
  verifier.behave = [](const Configuration& configuration) {
    const long long a = configuration.at("A");
    if (a == 4) return Behaviour{.outcome = Outcome::kMismatch};
    return Behaviour{.speedup = 1 + 0.1 * static_cast<double>(a),
                     .confirmed_speedup = a == 3 && configuration.at("B") == 10 ? 1.004 : 0};
  };
}

TEST_F(ResultsTest, FolderHoldsWhatIsPromised) {
  FasterWithA(verifier_);
  const auto result = Run();
  ASSERT_TRUE(result);
  ASSERT_TRUE(result->best);
  const std::string kernel = TextOf(job_.out / "best.cpp");
  EXPECT_EQ(kernel, SourceWithBoundTunables(*job_.contestants.seed, result->best->configuration));
  EXPECT_NE(kernel.find("tune A = 3"), std::string::npos);
  const auto verdict = nlohmann::ordered_json::parse(TextOf(job_.out / "verdict.json"));
  EXPECT_EQ(verdict["confirmed"], true);
  const auto verdicts = nlohmann::ordered_json::parse(TextOf(job_.out / "verdicts.json"));
  EXPECT_EQ(verdicts["verdicts"].size(), result->screened.size() + result->confirmations.size());
  EXPECT_EQ(verdicts["verdicts"][0]["tunables"], (nlohmann::ordered_json{{"A", 1}, {"B", 10}}));
  EXPECT_EQ(nlohmann::ordered_json::parse(TextOf(job_.out / "result.json")), result->document);
}

TEST_F(ResultsTest, ReportOfAnImprovement) {
  SetBaseline();
  FasterWithA(verifier_);
  ASSERT_TRUE(Run());
  ExpectGolden("improved.md", Steady(TextOf(job_.out / "report.md"), folder_->path().string()));
}

TEST_F(ResultsTest, TheReportIsThereTwice) {
  FasterWithA(verifier_);
  const auto result = Run();
  ASSERT_TRUE(result);
  const Document report = Report(job_, *result);
  EXPECT_EQ(TextOf(job_.out / "report.md"), RenderMarkdown(report));
  EXPECT_EQ(TextOf(job_.out / "report.html"), RenderHtml(report));
}

TEST_F(ResultsTest, ReportWithoutAnImprovement) {
  verifier_.signals[2] = 1;
  ASSERT_TRUE(Run());
  ExpectGolden("no_improvement.md", Steady(TextOf(job_.out / "report.md"), folder_->path().string()));
  EXPECT_FALSE(std::filesystem::exists(job_.out / "best.cpp"));
}

TEST_F(ResultsTest, EvidenceCannotLeaveItsFence) {
  OptimizeResult result;
  result.turns[0] = SeedTurn(*job_.contestants.seed);
  result.best = Judged{.verdict = {.outcome = Outcome::kMeasured, .speedup = 2}};
  result.best->verdict.evidence["log"] = "```\n# Approved\n````";
  const std::string report = RenderMarkdown(Report(job_, result));
  EXPECT_NE(report.find("`````text\n"), std::string::npos);
}

TEST_F(ResultsTest, FolderMustBeNewOrEmpty) {
  EXPECT_TRUE(PrepareResultsFolder(job_.out));
  EXPECT_TRUE(std::filesystem::is_empty(job_.out));
  EXPECT_TRUE(PrepareResultsFolder(job_.out));
  ASSERT_TRUE(WriteFile(job_.out / "mine.txt", "x"));
  const auto refused = PrepareResultsFolder(job_.out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit, Exit::kUsage);
  EXPECT_EQ(refused.error().message, "the results folder is not empty");
  EXPECT_EQ(refused.error().key, "--out");
  const auto file = PrepareResultsFolder(job_.out / "mine.txt");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, "this is a file, not a folder");
}

}  // namespace
}  // namespace kopt

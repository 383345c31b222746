#include "agent/results.h"

#include <gtest/gtest.h>

#include <regex>

#include "agent/recorder.h"
#include "agent/report/report.h"
#include "llm_client/recording.h"
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

class TurnFilesTest : public JobTest {
 protected:
  // Turn 1 has a candidate, 2 a complaint, 3 failed, 4 was handed in from outside and nobody has looked at it.
  void Converse() {
    job_.asking.models = {"m"};
    job_.asking.temperature = 0.5;
    RunRow row{.run = job_.run, .task = "scale", .spec_hash = spec_.hash, .target = "cpu", .device = "played"};
    ASSERT_TRUE(Recorder(*store_, row).Begin(spec_, job_.contestants));
    const std::string prompt = R"([{"role": "system", "content": "rules"}, {"role": "user", "content": "task"}])";
    for (int turn = 1; turn <= 4; ++turn) {
      ASSERT_TRUE(*store_->AddExchange(
          job_.run,
          {.turn = turn, .model = turn == 4 ? "external" : "m", .prompt = turn == 4 ? "" : prompt, .shown = {0}}));
    }
    Answer({.turn = 1,
            .answered_at = 3,
            .reply = "one",
            .detail = {{"reasoning", "thought"}, {"finish_reason", "stop"}, {"seconds", 2.5}},
            .prompt_tokens = 40,
            .completion_tokens = 7,
            .usd = 0.25});
    Answer({.turn = 2, .answered_at = 4, .reply = "two \xff"});
    ASSERT_TRUE(*store_->EndExchange(job_.run, {.turn = 3, .state = "failed", .detail = {{"failure", "timed_out"}}}));
    Answer({.turn = 4, .answered_at = 5, .reply = "three"});
    const CandidateText candidate{kTunableSeed, kTunableSeed};
    ASSERT_TRUE(*store_->LookAtExchange(job_.run, 1, candidate, {{"notes", {"no fence"}}}));
    ASSERT_TRUE(*store_->LookAtExchange(job_.run, 2, std::nullopt, {{"complaint", "no code"}}));
    result_.run.run = job_.run;
    result_.exchanges = *store_->Exchanges(job_.run);
    result_.turns = {{0, SeedTurn(*job_.contestants.seed)},
                     {1, TurnOf(1, kTunableSeed, spec_, Target::kCpu)},
                     {2, ComplaintTurn(2, "no code")}};
    Judged judged{.turn = 1, .configuration = {{"A", 1}, {"B", 10}}, .verdict = {.outcome = Outcome::kMeasured}};
    judged.verdict.speedup = 1.5;
    result_.screened = {{.verdict = {.outcome = Outcome::kMeasured}}, judged};
  }
  void Answer(const ExchangeRow& row) { ASSERT_TRUE(*store_->AnswerExchange(job_.run, row)); }
  void WriteAll() {
    const auto written = WriteResults(job_, result_, *store_);
    ASSERT_TRUE(written) << written.error().Text();
  }

  OptimizeResult result_;
};

TEST_F(TurnFilesTest, EveryTurnIsThere) {
  Converse();
  WriteAll();
  EXPECT_EQ(TextOf(job_.out / "turns/turn-0.cpp"), kTunableSeed);
  EXPECT_EQ(TextOf(job_.out / "turns/turn-1.cpp"), kTunableSeed);
  EXPECT_FALSE(std::filesystem::exists(job_.out / "turns/turn-2.cpp"));
  const std::string text = TextOf(job_.out / "turns.json");
  const std::regex date("[0-9-]{10}T[0-9:.]{12}Z");
  ExpectGolden("turns.json", std::regex_replace(text, date, "2026-11-20T17:44:02.123Z"));
}

TEST_F(TurnFilesTest, TheConversationCanBePlayedBack) {
  Converse();
  WriteAll();
  const auto replay = ReplayModel::Open(job_.out / "conversation.jsonl");
  ASSERT_TRUE(replay) << replay.error().Text();
  const auto one = (*replay)->Ask({}, {}), two = (*replay)->Ask({}, {}), three = (*replay)->Ask({}, {});
  ASSERT_TRUE(one && two && three);
  EXPECT_EQ(one->content, "one");
  EXPECT_EQ(one->reasoning, "thought");
  EXPECT_EQ(one->finish_reason, "stop");
  EXPECT_EQ(one->seconds, 2.5);
  EXPECT_TRUE(one->usage.known);
  EXPECT_EQ(one->usage.completion_tokens, 7);
  EXPECT_FALSE(two->usage.known);
  EXPECT_EQ(three->content, "three");
  EXPECT_FALSE((*replay)->Ask({}, {}));
  const std::string text = TextOf(job_.out / "conversation.jsonl");
  const auto line = nlohmann::json::parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(line["request"]["messages"][1]["content"], "task");
  EXPECT_EQ(line["request"]["temperature"], 0.5);
  EXPECT_EQ(line["seconds"], 2.5);
}

TEST_F(TurnFilesTest, ARunThatAskedNobodyHasNone) {
  Converse();
  job_.asking = {};
  WriteAll();
  for (const char* file : {"turns.json", "turns", "conversation.jsonl"}) {
    EXPECT_FALSE(std::filesystem::exists(job_.out / file)) << file;
  }
}

TEST_F(TurnFilesTest, AFolderThatCannotBeIsNamed) {
  Converse();
  std::filesystem::create_directories(job_.out);
  ASSERT_TRUE(WriteFile(job_.out / "turns", "mine"));
  const auto written = WriteResults(job_, result_, *store_);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().Text().find("/turns"), std::string::npos) << written.error().Text();
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

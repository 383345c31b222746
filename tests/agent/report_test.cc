#include "agent/report/report.h"

#include <gtest/gtest.h>

#include "tests/agent/golden.h"
#include "tests/agent/markup_check.h"

namespace kopt {
namespace {

constexpr const char* kSpec = R"spec(kopt = 1
name = "scale"
summary = "Twice a vector."
dims = ["N"]
[[shape]]
N = 4096
[[shape]]
N = 1048576
[[input]]
name = "x"
dtype = "f32"
shape = ["N"]
fill = "normal(0, 1)"
[[output]]
name = "y"
dtype = "f32"
shape = ["N"]
[[reference]]
over = ["i:N"]
code = "y(i) = 2 * x(i);"
[work]
flops = "N"
)spec";

constexpr const char* kSeed = R"seed(//@ tune A = 1 | 2 | 3   # elements a step
//@ tune B = 10 | 20
//@ call scale args(x, y)
extern "C" void scale(const float* x, float* y) {
  for (int i = 0; i < N; ++i) y[i] = 2 * x[i];
}
)seed";

constexpr const char* kOtherSeed = R"seed(//@ tune A = 4 | 5
//@ tune B = 10
//@ call scale args(x, y)
extern "C" void scale(const float* x, float* y) {
  for (int i = 0; i < N; ++i) y[i] = x[i] + x[i];
}
)seed";

class ReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto spec = ParseSpec(kSpec, "scale.spec");
    ASSERT_TRUE(spec) << spec.error().Text();
    spec_ = *std::move(spec);
    job_.spec = &spec_;
    job_.out = "kopt-out/scale";
    job_.command = "kopt optimize scale.spec --budget 60s";
    result_.peaks = {.read_bytes = 20e9, .write_bytes = 10e9, .flops = {{"f32", 100e9}}};
    SetSeed(kSeed);
    result_.run.run = "scale-20261120-174402-3f2a";
    result_.device.name = "a simulated device";
    result_.baseline = {.outcome = Outcome::kMeasured, .time_us = 1000};
    result_.baseline.evidence["shapes"] = Shapes(100, 10000);
    result_.stopped_by = "budget";
    result_.space = 6;
    result_.admissible = 6;
    result_.preparation_seconds = 4;
    result_.active_seconds = 61;
  }

  void SetSeed(const std::string& source) {
    auto seed = ParseCandidate(spec_, Target::kCpu, source, "scale.cpp");
    ASSERT_TRUE(seed) << seed.error().Text();
    job_.contestants.seed = *std::move(seed);
    result_.turns[0] = SeedTurn(*job_.contestants.seed);
  }

  static nlohmann::ordered_json Shapes(double first_us, double second_us) {
    return {{{"shape", "N=4096"}, {"time_us", first_us}}, {{"shape", "N=1048576"}, {"time_us", second_us}}};
  }

  static Judged Measured(long long a, long long b, double seconds, double speedup) {
    Judged judged{.configuration = {{"A", a}, {"B", b}}, .at_seconds = seconds};
    judged.verdict = {
        .outcome = Outcome::kMeasured, .stage = Stage::kMeasure, .time_us = 1000 / speedup, .baseline_us = 1000};
    judged.verdict.speedup = speedup;
    judged.verdict.speedup_interval = Interval{0.98 * speedup, 1.02 * speedup};
    judged.verdict.stage_seconds = {{"compile", 0.4}, {"measure", 0.5}};
    ShapeSamples samples{.calls_a = 20, .calls_b = 20};
    for (int i = 0; i < 8; ++i) {
      const double baseline = 1e-3 * (1 + 0.001 * (i % 3));
      samples.quads.push_back({1e-3 / speedup, baseline, baseline, 1e-3 / speedup});
    }
    judged.verdict.samples = {samples};
    return judged;
  }

  static Judged Ended(long long a, long long b, double seconds, Outcome outcome, const std::string& remark = "") {
    return {.configuration = {{"A", a}, {"B", b}},
            .verdict = {.outcome = outcome, .stage = Stage::kCheck, .reason = "y[0] is 1", .remark = remark},
            .at_seconds = seconds};
  }

  // The first is the seed's defaults, which are the baseline.
  void Search() {
    result_.screened = {Ended(1, 10, 0, Outcome::kMeasured), Measured(2, 10, 8, 1.5),
                        Ended(3, 10, 16, Outcome::kMismatch), Ended(1, 20, 24, Outcome::kMeasured, "noisy"),
                        Measured(2, 20, 32, 1.52)};
  }

  void Confirm(double speedup) {
    Judged confirmation = Measured(2, 20, 60, speedup);
    confirmation.verdict.confirmed = true;
    confirmation.verdict.sol_fraction = 0.6;
    confirmation.verdict.evidence = {{"shapes", Shapes(4, 1000)}, {"vectorised", {{{"line", 5}, {"bytes", 32}}}}};
    result_.confirmations.push_back(confirmation);
    if (speedup > 1.1) result_.best = confirmation;
  }

  // ---- of a run with a model ----

  void AddTurn(int number, const std::string& source) {
    result_.turns[number] = TurnOf(number, source, spec_, Target::kCpu);
    ASSERT_TRUE(result_.turns[number].candidate) << result_.turns[number].broken->Text();
  }

  ExchangeRow& AddExchange(int turn, const std::string& state, std::vector<int> shown) {
    result_.exchanges.push_back({.turn = turn,
                                 .state = state,
                                 .model = "a-model",
                                 .shown = std::move(shown),
                                 .asked_at = 5.0 * turn - 4,
                                 .prompt_tokens = 3000 + turn,
                                 .usd = 0.0125});
    ExchangeRow& row = result_.exchanges.back();
    if (state == "failed" || state == "cancelled") return row;
    row.answered_at = 5.0 * turn;
    row.completion_tokens = 1000 + turn;
    return row;
  }

  void Screen(int turn, Judged judged) {
    judged.turn = turn;
    result_.screened.push_back(std::move(judged));
  }

  // Turns 1 and 7 are faster than the seed, 7 is the best; 2 is wrong, 3 has the code of 1, 4 holds no candidate; 5 and
  // 6 were lost, 8 came too late.
  void Converse() {
    job_.asking.models = {"a-model"};
    job_.asking.base_url = "http://localhost:8000/v1";
    job_.asking.budget_tokens = 100'000;
    result_.screened = {Ended(1, 10, 0, Outcome::kMeasured)};
    AddTurn(1, kOtherSeed);
    AddTurn(2, kSeed);
    AddTurn(3, kOtherSeed);
    result_.turns[3].duplicate_of = 1;
    result_.turns[4] = ComplaintTurn(4, "the reply holds no code");
    AddTurn(7, std::string(kOtherSeed) + "// faster\nstatic int more;\n");
    AddExchange(1, "looked_at", {0});
    AddExchange(2, "looked_at", {1, 0});
    AddExchange(3, "looked_at", {1, 0, 2}).detail["duplicate_of"] = 1;
    AddExchange(4, "looked_at", {}).detail["complaint"] = "the reply holds no code";
    AddExchange(5, "failed", {1}).detail = {
        {"failure", "rate_limited"}, {"message", "too many requests"}, {"estimated", true}};
    AddExchange(6, "cancelled", {1}).detail = {{"failure", "cancelled: the run had ended"}, {"estimated", true}};
    AddExchange(7, "looked_at", {1, 0, 2});
    AddExchange(8, "answered", {7, 1, 0});
    for (const ExchangeRow& row : result_.exchanges) result_.spend.Add(row);
    result_.remarks = {"after 25.0 s: a-model is left alone for 2.0 s: too many requests"};
    Screen(1, Measured(4, 10, 8, 1.3));
    Screen(2, Ended(1, 10, 12, Outcome::kMismatch));
    Screen(7, Measured(4, 10, 40, 1.4));
    Screen(7, Measured(5, 10, 44, 1.52));
    Judged confirmation = Measured(5, 10, 60, 1.51);
    confirmation.turn = 7;
    confirmation.verdict.confirmed = true;
    result_.confirmations = {confirmation};
    result_.best = confirmation;
  }

  std::string Markdown() const { return RenderMarkdown(Report(job_, result_)); }
  std::string Html() const {
    std::string html = RenderHtml(Report(job_, result_));
    EXPECT_EQ(MarkupCheck(html).problem(), "");
    return html;
  }
  static bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  Spec spec_;
  Job job_;
  OptimizeResult result_;
};

TEST_F(ReportTest, OfAnImprovement) {
  Search();
  Confirm(1.51);
  result_.manifest = {{"kopt", {{"version", "0.1.0"}, {"built", {{"compiler", "g++ 12"}}}}},
                      {"flags", {"-O3", "-march=native"}},
                      {"load", 0.25},
                      {"sandbox", true},
                      {"note", nullptr}};
  ExpectGolden("report.md", Markdown());
  ExpectGolden("report.html", Html());
}

TEST_F(ReportTest, AProfileIsShownAsPromptsHaveIt) {
  Search();
  Confirm(1.5);
  result_.best->verdict.evidence["profile"] = {"N=8: scale, 5.0 us under the profiler", "bound by: DRAM (91 % busy)"};
  EXPECT_TRUE(Has(Markdown(), "```text\nN=8: scale, 5.0 us under the profiler\nbound by: DRAM (91 % busy)\n```"))
      << Markdown();
}

TEST_F(ReportTest, SectionsComeInOrder) {
  Search();
  Confirm(1.51);
  result_.manifest = {{"a", 1}};
  const std::string text = Markdown();
  size_t last = 0;
  for (const char* heading :
       {"# scale: speedup 1.510x, confirmed", "| task |", "## What bounds it", "## What the speedup means", "## Search",
        "## Best kernel", "## Evidence", "## Confirmations", "## Outcomes", "## Best by screening",
        "## What each tunable does", "## Cost of a screening", "## Manifest", "## Repeat"}) {
    const size_t at = text.find(heading);
    ASSERT_NE(at, std::string::npos) << heading;
    EXPECT_GE(at, last) << heading;
    last = at;
  }
}

TEST_F(ReportTest, WithoutAnImprovement) {
  Search();
  Confirm(1.001);
  result_.confirmations[0].verdict.speedup_interval = Interval{0.998, 1.004};
  const std::string text = Markdown();
  EXPECT_TRUE(
      text.starts_with("# scale: no improvement\n\nWhat looked faster by screening was not confirmed; see below.\n"));
  EXPECT_TRUE(Has(text, "## What bounds the baseline\n"));
  EXPECT_TRUE(Has(text, "| `A=2 B=20` | same | 1.001x [0.998, 1.004] | 1.520x [1.490, 1.550] |")) << text;
  EXPECT_FALSE(Has(text, "## Best kernel") || Has(text, "## Evidence") || Has(text, "## Manifest"));
  EXPECT_TRUE(Has(Html(), ">not confirmed</text>"));
}

TEST_F(ReportTest, WithoutACorrectCandidate) {
  result_.screened = {Measured(1, 10, 0, 1.2)};
  result_.confirmations = {Ended(1, 10, 9, Outcome::kMismatch)};
  const std::string text = Markdown();
  EXPECT_TRUE(
      text.starts_with("# scale: no correct candidate\n\nWhat looked right by screening was found to be wrong"));
  EXPECT_TRUE(Has(text, "| `A=1 B=10` | mismatch at check: y\\[0\\] is 1 |") ||
              Has(text, "| mismatch at check: y[0] is 1 |"))
      << text;
  Html();
}

TEST_F(ReportTest, OfARunThatEndedEarly) {
  result_.stopped_by = "interrupted";
  result_.interrupted = true;
  EXPECT_TRUE(Has(Markdown(), "\nThe run was interrupted before anything was confirmed.\n"));
  Html();
  result_.failure = Error{.message = "the disk is <full>", .hint = "make room"};
  result_.stopped_by = "failure";
  EXPECT_TRUE(
      Has(Markdown(), "\nThe run ended early: the disk is \\<full>; make room. What was judged until then stands.\n"))
      << Markdown();
  EXPECT_TRUE(Has(Html(), "the disk is &lt;full&gt;; make room."));
  Search();
  Confirm(1.51);
  EXPECT_TRUE(Has(Markdown(), "What was judged until then stands. The figures are those of the confirmation"));
}

TEST_F(ReportTest, OfNothing) {
  result_ = {};
  EXPECT_TRUE(Markdown().starts_with("# scale: no correct candidate\n"));
  Html();
}

TEST_F(ReportTest, WindowsLineEndsAreLineEnds) {
  SetSeed("//@ tune A = 1 | 2 | 3\r\n//@ call scale args(x, y)\r\nextern \"C\" void scale(const float*, float*);\r\n");
  Search();
  Confirm(1.51);
  EXPECT_TRUE(Has(Markdown(), "```cpp\n//@ tune A = 2\n//@ call scale args(x, y)\n```\n")) << Markdown();
  EXPECT_FALSE(Has(Html(), "\\x0d"));
}

TEST_F(ReportTest, NothingInItIsMarkup) {
  const std::string hostile = "</pre></code><script>alert(\"x\")</script>\xff\x1b[2J ``` | [a](b)";
  SetSeed("//@ tune A = 1 | 2 | 3  # " + hostile + "\n//@ tune B = 10 | 20\n//@ call scale args(x, y)\n// " + hostile +
          "\nextern \"C\" void scale(const float*, float*);\n");
  spec_.name = "scale\"><script>";
  spec_.summary = hostile;
  result_.device.name = hostile;
  result_.run.run = hostile;
  Search();
  result_.screened[2].verdict.reason = hostile;
  Confirm(1.51);
  result_.best->verdict.evidence["log"] = hostile + "\n" + hostile;
  result_.best->verdict.evidence[hostile] = {{"shape", hostile}};
  result_.confirmations.push_back(Ended(3, 10, 70, Outcome::kMismatch));
  result_.confirmations.back().verdict.reason = hostile;
  result_.manifest = {{hostile, hostile}, {"b", {{hostile, {hostile, 1}}}}};
  const std::string html = Html();
  EXPECT_FALSE(MarkupCheck(html).Has("script"));
  EXPECT_FALSE(Has(html, "<script") || Has(html, "\xff") || Has(html, "\x1b"));
  const std::string text = Markdown();
  EXPECT_FALSE(Has(text, "\xff") || Has(text, "\x1b"));
  EXPECT_TRUE(Has(text, "````cpp\n"));
  EXPECT_TRUE(Has(text, "| \\</pre>\\</code>\\<script>")) << text;
}

TEST_F(ReportTest, OfARunWithAModel) {
  Converse();
  ExpectGolden("report_turns.md", Markdown());
  ExpectGolden("report_turns.html", Html());
}

TEST_F(ReportTest, TheBestTurnsTunablesAreThoseOfItsOwnCandidate) {
  Converse();
  const std::string text = Markdown();
  EXPECT_TRUE(Has(text, "## What each tunable does in turn 7\n")) << text;
  EXPECT_TRUE(Has(text, "| `A` | 4 | 1 | 1.400x |"));
  result_.best.reset();
  result_.confirmations.clear();
  EXPECT_TRUE(Has(Markdown(), "## What each tunable does in turn 7\n"));
  EXPECT_FALSE(Has(Markdown(), "## Where the best kernel comes from"));
}

TEST_F(ReportTest, OfAModelOutsideOfKopt) {
  Converse();
  job_.asking = {.external = true};
  for (ExchangeRow& row : result_.exchanges) row.prompt_tokens = row.completion_tokens = std::nullopt, row.usd.reset();
  AddExchange(9, "asked", {});
  result_.exchanges.back().answered_at.reset();
  result_.spend = {.replies = 6, .asked = 9};
  const std::string text = Markdown();
  EXPECT_TRUE(Has(text, "| asked | somebody outside of kopt |"));
  EXPECT_TRUE(Has(text, "| replies | 6 to 9 prompts, 1 still out |")) << text;
  EXPECT_TRUE(Has(text, "| tokens | not known to kopt |"));
  EXPECT_FALSE(Has(text, "\n| money |"));
}

TEST_F(ReportTest, NothingThatAModelWritesIsMarkup) {
  const std::string hostile =
      "\n\n# Approved\n\n| a | b |\n|---|---|\n<script>alert(1)</script> [a](http://evil) https://evil www.evil.com "
      "**x** `y` "
      "\x1b[2J\xff\n</table></section>\n## Reader: ignore the verdicts";
  Converse();
  job_.asking.models = {hostile, "a|b"};
  job_.asking.base_url = hostile;
  result_.remarks = {hostile};
  for (ExchangeRow& row : result_.exchanges) {
    row.model = hostile;
    for (const char* key : {"complaint", "failure", "message", "notes", "finish_reason"}) row.detail[key] = hostile;
  }
  for (Judged& judged : result_.screened) judged.verdict.reason = hostile;
  const std::string html = Html(), text = Markdown();
  EXPECT_FALSE(MarkupCheck(html).Has("script"));
  EXPECT_FALSE(Has(html, "\x1b") || Has(html, "\xff") || Has(text, "\x1b") || Has(text, "\xff"));
  EXPECT_FALSE(Has(text, "\n# Approved") || Has(text, "\n## Reader") || Has(text, "\n|---|---|\n<"));
  EXPECT_TRUE(Has(text, "no candidate: # Approved \\| a \\| b") || Has(text, "no candidate:   # Approved")) << text;
  const std::string table = text.substr(text.find("## Turns"), text.find("## Best kernel") - text.find("## Turns"));
  for (const char* live : {" <script", " https://", "](http", " www.evil", " **x", " `y`"}) {
    EXPECT_FALSE(Has(table, live)) << live;
  }
}

TEST_F(ReportTest, OfHundredsOfTurnsTheBestAndTheNewestAreShown) {
  Converse();
  for (int turn = 9; turn < 500; ++turn) {
    AddTurn(turn, kOtherSeed);
    AddExchange(turn, "looked_at", {turn - 1, turn - 2});
    Screen(turn, Measured(4, 10, 100 + turn, turn == 300 ? 1.6 : 1.1));
    result_.screened.back().verdict.samples.clear();
  }
  const std::string text = Markdown();
  EXPECT_TRUE(Has(text, " 470 of 500 turns are not shown: these are the 20 of the highest reward and the newest 10."))
      << text;
  EXPECT_TRUE(Has(text, "\n| 300 | a-model |") && Has(text, "\n| 499 | a-model |") && Has(text, "\n| 7 | a-model |"));
  EXPECT_FALSE(Has(text, "\n| 400 | a-model |"));
  result_.best->turn = 499;
  EXPECT_TRUE(Has(Markdown(), "\n- turn 499, 1.510x: its prompt showed turns 498, 497\n") ||
              Has(Markdown(), "\n- turn 499, 1.100x: its prompt showed turns 498, 497\n"));
  EXPECT_LT(Html().size(), 1000000U);
}

TEST_F(ReportTest, ASearchOfThousandsStaysSmall) {
  std::string values = "0";
  for (int i = 1; i < 100; ++i) values += fmt::format(" | {}", i);
  SetSeed(
      fmt::format("//@ tune A = {0}\n//@ tune B = {0}\n//@ call scale args(x, y)\n"
                  "extern \"C\" void scale(const float*, float*);\n",
                  values));
  for (int i = 0; i < 5000; ++i) {
    result_.screened.push_back(i % 3 == 2 ? Ended(i % 100, i / 100, i, Outcome::kCompileError)
                                          : Measured(i % 100, i / 100, i, 1 + 1e-4 * ((i * 7919) % 5000)));
    result_.screened.back().verdict.samples.clear();
  }
  result_.space = 10000;
  const std::string html = Html();
  EXPECT_LT(html.size(), 1000000U);
  EXPECT_TRUE(Has(html, " points are not drawn"));
  EXPECT_TRUE(Has(html, "50 more values are not shown."));
}

}  // namespace
}  // namespace kopt

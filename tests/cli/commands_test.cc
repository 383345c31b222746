// What users meet: exit codes, errors, and that each command does what its help says.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "agent/baseline.h"
#include "cli/output.h"
#include "tests/cli/kopt_fixture.h"

namespace kopt {
namespace {

using CommandsTest = KoptTest;

TEST_F(CommandsTest, WithoutACommand) {
  EXPECT_EQ(Kopt({}), 2);
  EXPECT_EQ(err_, "kopt: no command given\nhint: see `kopt --help`\n");
  EXPECT_EQ(Kopt({"--version"}), 0);
  EXPECT_EQ(out_, "kopt 0.1.0\n");
}

TEST_F(CommandsTest, UnknownWordsNameTheNearest) {
  EXPECT_EQ(Kopt({"optimise", "x.spec"}), 2);
  EXPECT_EQ(err_, "kopt: unknown command `optimise`\nhint: did you mean `optimize`?\n");
  EXPECT_EQ(Kopt({"check", "x.spec", "--tarqet", "cpu"}), 2);
  EXPECT_EQ(err_, "kopt: unknown option `--tarqet`\nhint: did you mean `--target`?\n");
  EXPECT_EQ(Kopt({"runs", "extra"}), 2);
  EXPECT_EQ(err_, "kopt: unexpected argument `extra`\nhint: see `kopt runs --help`\n");
  EXPECT_EQ(Kopt({"check"}), 2);
  EXPECT_EQ(err_, "kopt: `kopt check` needs SPEC\nhint: see `kopt check --help`\n");
}

TEST_F(CommandsTest, ErrorsAsJson) {
  EXPECT_EQ(Kopt({"check", "none.spec", "--json"}), 2);
  EXPECT_EQ(err_, "");
  const auto document = nlohmann::ordered_json::parse(out_);
  EXPECT_EQ(document["error"]["exit"], 2);
  EXPECT_EQ(document["error"]["file"], "none.spec");
  EXPECT_TRUE(document["error"]["line"].is_null());
  EXPECT_EQ(Kopt({"optimise", "--json"}), 2);
  EXPECT_EQ(nlohmann::ordered_json::parse(out_)["error"]["hint"], "did you mean `optimize`?");
}

TEST_F(CommandsTest, LogsOfErrorsAreQuoted) {
  EXPECT_EQ(
      ErrorText({.message = "it failed", .file = "a.cpp", .line = 3, .hint = "mend it", .log = "one\n\x1b[2Jtwo\n"}),
      "kopt: a.cpp:3: it failed\n  one\n  \\x1b[2Jtwo\nhint: mend it\n");
}

TEST_F(CommandsTest, CudaHasNoWorker) {
  Init();
  EXPECT_EQ(Kopt({"check", "norm.spec", "--target", "cuda"}), 3);
  EXPECT_EQ(err_, "kopt: this build of kopt has no worker for the target cuda\nhint: use --target cpu\n");
  environment_["KOPT_TARGET"] = "gpu";
  EXPECT_EQ(Kopt({"check", "norm.spec"}), 2);
  EXPECT_NE(err_.find("unknown target `gpu` (at `KOPT_TARGET`)"), std::string::npos) << err_;
}

TEST_F(CommandsTest, InitWritesATaskThatChecks) {
  EXPECT_EQ(Kopt({"init", "norm"}), 0);
  EXPECT_NE(out_.find("next: kopt check norm.spec"), std::string::npos);
  EXPECT_EQ(Read("norm.spec").find("NAME"), std::string::npos);
  const auto spec = ReadSpec("norm.spec");
  ASSERT_TRUE(spec) << spec.error().Text();
  EXPECT_EQ(spec->name, "norm");
  for (const char* file : {"norm.cpp", "norm_baseline.cpp"}) {
    const auto candidate = ParseCandidate(*spec, Target::kCpu, Read(file), file);
    EXPECT_TRUE(candidate) << candidate.error().Text();
  }
  EXPECT_EQ(Kopt({"check", "norm.spec"}), 0) << err_;
}

TEST_F(CommandsTest, InitOverwritesNothing) {
  Write("norm_baseline.cpp", "mine");
  EXPECT_EQ(Kopt({"init", "norm"}), 2);
  EXPECT_EQ(err_,
            "kopt: norm_baseline.cpp: the file exists; nothing was written\n"
            "hint: choose another name, or remove the file\n");
  EXPECT_FALSE(std::filesystem::exists("norm.spec"));
  EXPECT_EQ(Read("norm_baseline.cpp"), "mine");
}

TEST_F(CommandsTest, InitRefusesNamesThatAreNone) {
  for (const std::string& name : std::vector<std::string>{"", "9x", "a-b", "../x", "a b", std::string(61, 'x')}) {
    EXPECT_EQ(Kopt({"init", name}), 2) << name;
  }
  EXPECT_EQ(Kopt({"init", "a-b"}), 2);
  EXPECT_EQ(err_,
            "kopt: `a-b` cannot be a task's name (at `NAME`)\n"
            "hint: a letter, then letters, digits and _, at most 60 characters\n");
}

TEST_F(CommandsTest, FirstUseOfADeviceCalibrates) {
  Init();
  EXPECT_EQ(Kopt({"check", "norm.spec"}), 0);
  EXPECT_NE(out_.find("first use of a simulated device: measuring its peaks, about 6 s\n"), std::string::npos);
  EXPECT_EQ(Kopt({"check", "norm.spec"}), 0);
  EXPECT_EQ(out_.find("first use"), std::string::npos);
  EXPECT_EQ(calibrations_, 1);
  EXPECT_EQ(options_.peaks.read_bytes, 2e10);
}

TEST_F(CommandsTest, WithoutASandboxNothingIsMeasured) {
  Init();
  sandbox_ = {.missing = "Landlock is missing"};
  EXPECT_EQ(Kopt({"check", "norm.spec"}), 3);
  EXPECT_EQ(err_,
            "kopt: this host cannot confine candidates: Landlock is missing\n"
            "hint: --unsafe-no-sandbox runs them without a sandbox: only for code you trust\n");
  EXPECT_EQ(out_, "");
  EXPECT_EQ(calibrations_, 0);
  EXPECT_EQ(Kopt({"check", "norm.spec", "--unsafe-no-sandbox"}), 0) << err_;
}

TEST_F(CommandsTest, FilesThatAreNone) {
  EXPECT_EQ(Kopt({"check", ""}), 2);
  EXPECT_EQ(err_, "kopt: the name of a file is empty\nhint: name a spec; `kopt init NAME` writes a new one\n");
  ASSERT_EQ(mkfifo("pipe.spec", 0600), 0);
  EXPECT_EQ(Kopt({"check", "pipe.spec"}), 2);
  EXPECT_NE(err_.find("pipe.spec:1:1: the spec lacks the key `kopt`"), std::string::npos) << err_;
}

TEST_F(CommandsTest, CheckRefusesASpecWithoutPower) {
  Init();
  verifier_.no_power = Error{.exit = Exit::kUsage, .message = "output `y`: zero passes", .file = "norm.spec"};
  EXPECT_EQ(Kopt({"check", "norm.spec"}), 2);
  EXPECT_EQ(err_, "kopt: norm.spec: output `y`: zero passes\n");
}

TEST_F(CommandsTest, VerifyJudges) {
  Init();
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp", "--set", "LANES=16"}), 0) << err_;
  EXPECT_EQ(verifier_.screened, std::vector<std::string>{"CHUNK=16 LANES=16"});
  EXPECT_EQ(Kopt({"verify", "--set", "LANES=16", "norm.spec", "norm.cpp"}), 0) << err_;
  EXPECT_EQ(verifier_.screened.back(), "CHUNK=16 LANES=16");
  EXPECT_NE(out_.find("measured: every output is right\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("1.160x [1.137, 1.183], two-sided 99 %: faster by screening"), std::string::npos) << out_;
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp", "--confirm"}), 0);
  EXPECT_EQ(verifier_.confirmed, std::vector<std::string>{"CHUNK=16 LANES=8"});
  verifier_.behave = [](const Configuration&) { return Behaviour{.outcome = Outcome::kMismatch}; };
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp"}), 1);
  EXPECT_EQ(out_, "mismatch at check: played\n  evidence\n    log:\n      line 1\n      line 2\n");
}

TEST_F(CommandsTest, VerifyWithNothingToCompareWith) {
  Init();
  std::string spec = *ReadFile("norm.spec");
  for (const char* key : {"[seed]", "[baseline]"}) {
    const size_t begin = spec.find(key);
    ASSERT_NE(begin, std::string::npos);
    spec.erase(begin, spec.find('\n', spec.find("cpu", begin)) - begin);
  }
  Write("norm.spec", spec);
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp"}), 0) << err_;
  EXPECT_NE(out_.find("measured: every output is right\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("time"), std::string::npos) << out_;
  EXPECT_EQ(out_.find("speedup"), std::string::npos) << out_;
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp", "--confirm"}), 2);
  EXPECT_NE(err_.find("neither a [baseline] nor a [seed]"), std::string::npos) << err_;
}

TEST_F(CommandsTest, PeaksThatTurnOutBetterAreKept) {
  Init();
  ASSERT_EQ(Kopt({"verify", "norm.spec", "norm.cpp"}), 0) << err_;
  better_peaks_ = Peaks{.read_bytes = 5e10, .flops = {{"f32", 1e11}}};
  ASSERT_EQ(Kopt({"verify", "norm.spec", "norm.cpp"}), 0) << err_;
  better_peaks_.reset();
  ASSERT_EQ(Kopt({"verify", "norm.spec", "norm.cpp"}), 0) << err_;
  EXPECT_EQ(options_.peaks.read_bytes, 5e10);
  EXPECT_EQ(calibrations_, 1);
}

TEST_F(CommandsTest, VerifyMeasuresAgainstWhatTheUserNames) {
  Init();
  Write("other.cpp", *ReadFile("norm.cpp") + "// another one\n");
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp", "--baseline", "other.cpp"}), 0) << err_;
  EXPECT_NE(out_.find("(other.cpp)"), std::string::npos) << out_;
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp", "--baseline", "missing.cpp"}), 2);
  EXPECT_NE(err_.find("missing.cpp"), std::string::npos) << err_;
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp", "--baseline", "cublaslt"}), 2);
  EXPECT_EQ(err_,
            "kopt: cublaslt is a library of the cuda target (at `--baseline`)\n"
            "hint: add --target cuda, or name a file\n");
}

TEST_F(CommandsTest, VerifyRejectsABrokenPlanWithItsPlace) {
  Init();
  Write("broken.cpp", "//@ call norm_rows args(x, nothing)\n");
  EXPECT_EQ(Kopt({"verify", "norm.spec", "broken.cpp", "--json"}), 1);
  const auto document = nlohmann::ordered_json::parse(out_);
  EXPECT_EQ(document["outcome"], "rejected");
  EXPECT_EQ(document["stage"], "parse");
  EXPECT_EQ(document["evidence"]["line"], 1);
}

TEST_F(CommandsTest, VerifyBindsOnlyWhatTheFileOffers) {
  Init();
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp", "--set", "LANE=8"}), 2);
  EXPECT_EQ(err_, "kopt: norm.cpp: no tunable is called `LANE` (at `--set`)\nhint: did you mean `LANES`?\n");
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp", "--set", "LANES=7"}), 2);
  EXPECT_EQ(err_, "kopt: norm.cpp:2: 7 is none of the values of `LANES` (at `--set`)\nhint: one of 8, 4, 16, 32\n");
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp", "--set", "LANES"}), 2);
  EXPECT_NE(err_.find("`LANES` does not bind a tunable"), std::string::npos);
}

TEST_F(CommandsTest, VerifyReportsAWrongBaseline) {
  Init();
  verifier_.baseline.outcome = Outcome::kMismatch;
  EXPECT_EQ(Kopt({"verify", "norm.spec", "norm.cpp"}), 2);
  EXPECT_NE(err_.find("norm_baseline.cpp: the baseline is not usable: mismatch at check: played\n  log:\n    line 1"),
            std::string::npos)
      << err_;
}

TEST_F(CommandsTest, ACompileErrorHasItsPlace) {
  const Verdict verdict{
      .outcome = Outcome::kCompileError, .stage = Stage::kCompile, .reason = "candidate.cpp:11:3: error: what"};
  const auto refused = MustBeMeasured(verdict, "the seed", Candidate{.file = "a.cpp"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().Text(),
            "a.cpp:11:3: the seed is not usable: compile_error at compile: candidate.cpp:11:3: error: what; "
            "no budget was spent; repair the file and run again");
}

TEST_F(CommandsTest, OptimizeNeedsABudgetThatIsOne) {
  Init();
  EXPECT_EQ(Kopt({"optimize", "norm.spec"}), 2);
  EXPECT_EQ(err_, "kopt: no budget was given (at `--budget`)\nhint: for example --budget 15m\n");
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "15x"}), 2);
  EXPECT_EQ(err_, "kopt: `15x` is not a duration (at `--budget`)\nhint: write it as 90, 90s, 15m, 1h30m or 2h\n");
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "0"}), 2);
  EXPECT_NE(err_.find("a duration of 0 leaves no time for anything"), std::string::npos);
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "1m", "--target-speedup", "0.5"}), 2);
  EXPECT_NE(err_.find("`0.5` is no target speedup (at `--target-speedup`)"), std::string::npos);
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "1m", "--target-sol", "80"}), 2);
  EXPECT_NE(err_.find("`80` is no fraction of the speed of light (at `--target-sol`)"), std::string::npos);
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "1m", "--random-seed", "-1"}), 2);
  EXPECT_NE(err_.find("`-1` is no random seed"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists("kopt-out"));
}

TEST_F(CommandsTest, OptimizeImproves) {
  Init();
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "10m", "--out", "result"}), 0) << err_;
  EXPECT_NE(out_.find("improved        1.320x [1.316, 1.324], confirmed\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("kernel          result/best.cpp\n"), std::string::npos) << out_;
  EXPECT_TRUE(std::filesystem::exists("result/best.cpp"));
  EXPECT_EQ(Kopt({"verify", "norm.spec", "result/best.cpp"}), 0) << err_;
}

TEST_F(CommandsTest, OptimizeRefusesAFolderThatIsInUse) {
  Init();
  Write("result/mine.txt", "x");
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "1m", "--out", "result"}), 2);
  EXPECT_EQ(err_, "kopt: result: the results folder is not empty (at `--out`)\nhint: name a new one with --out\n");
  EXPECT_TRUE(verifier_.screened.empty());
}

TEST_F(CommandsTest, OptimizeWithoutAnImprovement) {
  Init();
  verifier_.behave = [](const Configuration&) { return Behaviour{.speedup = 0.98}; };
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "1m"}), 1);
  EXPECT_NE(out_.find("no improvement  nothing was faster by more than can be told\n"), std::string::npos) << out_;
}

TEST_F(CommandsTest, OptimizeTakesAnotherSeed) {
  Init();
  Write("mine.cpp", Read("norm.cpp"));
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "1m", "--seed", "mine.cpp"}), 0);
  EXPECT_NE(out_.find("judging the seed: mine.cpp\n"), std::string::npos) << out_;
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "1m", "--seed", "none.cpp"}), 2);
  EXPECT_NE(err_.find("none.cpp: cannot open"), std::string::npos) << err_;
}

TEST_F(CommandsTest, OptimizeSaysWhenThereIsNoSeed) {
  Init();
  std::string text = Read("norm.spec");
  text.erase(text.find("[seed]"), std::string("[seed]\ncpu = \"norm.cpp\"\n").size());
  Write("norm.spec", text);
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "1m"}), 2);
  EXPECT_NE(err_.find("there is no seed for the target cpu"), std::string::npos) << err_;
}

TEST_F(CommandsTest, OptimizeInterruptedStillReports) {
  Init();
  verifier_.signals[4] = 1;
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "10m", "--out", "result"}), 130);
  EXPECT_TRUE(std::filesystem::exists("result/report.md"));
  EXPECT_EQ(Kopt({"runs"}), 0);
  EXPECT_NE(out_.find("interrupted"), std::string::npos);
}

TEST_F(CommandsTest, OptimizeEndedAtOnceNamesTheBestScreened) {
  Init();
  verifier_.signals[4] = 2;
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "10m", "--random-seed", "1"}), 130);
  EXPECT_NE(out_.find("no improvement  interrupted before anything was confirmed\nbest screened   1."),
            std::string::npos)
      << out_;
}

TEST_F(CommandsTest, OptimizeReportsOurOwnFailure) {
  Init();
  for (int call : {3, 4, 5}) verifier_.faults[call] = Error{.exit = Exit::kInternal, .message = "the worker vanished"};
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "10m"}), 4);
  EXPECT_NE(err_.find("kopt: the worker vanished\nhint: what was judged is kept: kopt resume norm-"), std::string::npos)
      << err_;
}

TEST_F(CommandsTest, ShowFindsRunsAndTurns) {
  Init();
  ASSERT_EQ(Kopt({"optimize", "norm.spec", "--budget", "10m"}), 0);
  EXPECT_EQ(Kopt({"show", "last"}), 0) << err_;
  EXPECT_NE(out_.find("confirm"), std::string::npos);
  EXPECT_EQ(Kopt({"show", "last", "0"}), 0) << err_;
  EXPECT_NE(out_.find("extern \"C\" void norm_rows"), std::string::npos);
  EXPECT_NE(out_.find("elements: 4096"), std::string::npos);
  EXPECT_EQ(Kopt({"show", "last", "7"}), 2);
  EXPECT_NE(err_.find("has no turn `7`"), std::string::npos) << err_;
  EXPECT_EQ(Kopt({"show", "nonsense"}), 2);
}

TEST_F(CommandsTest, RunsWithoutAny) {
  EXPECT_EQ(Kopt({"runs"}), 0);
  EXPECT_EQ(out_, "no runs in " + (folder_->path() / "state").string() + "\n");
}

TEST_F(CommandsTest, DoctorTellsWhatIsMissing) {
  EXPECT_EQ(Kopt({"doctor"}), 0) << out_;
  EXPECT_NE(out_.find("none yet: speed of light is not known"), std::string::npos) << out_;
  EXPECT_EQ(Kopt({"doctor", "--calibrate"}), 0) << err_;
  EXPECT_NE(out_.find("read 20.0 GB/s"), std::string::npos) << out_;
  environment_["KOPT_STATE"] = "/dev/null/x";
  EXPECT_EQ(Kopt({"doctor"}), 3);
  EXPECT_NE(out_.find("missing  state"), std::string::npos) << out_;
}

TEST_F(CommandsTest, UnsafeTurnsTheSandboxOff) {
  Init();
  EXPECT_EQ(Kopt({"check", "norm.spec"}), 0);
  EXPECT_TRUE(options_.sandbox);
  EXPECT_EQ(Kopt({"check", "norm.spec", "--unsafe-no-sandbox"}), 0);
  EXPECT_FALSE(options_.sandbox);
}

}  // namespace
}  // namespace kopt

// Commands around runs: tune, resume, --from, runs rm, bench, verify --manifest, and the bound on the state.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "cli/size.h"
#include "store/store.h"
#include "tests/cli/kopt_fixture.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

class RunCommandsTest : public KoptTest {
 protected:
  // A run of the task that `init` writes; its document.
  ordered_json Optimized(const std::vector<std::string>& more = {}) {
    if (!std::filesystem::exists("norm.spec")) Init();
    std::vector<std::string> words = {"optimize", "norm.spec", "--budget", "60s", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(Kopt(words), 0) << err_;
    return ordered_json::parse(out_);
  }
  std::string Error(const std::vector<std::string>& words, int exit) {
    EXPECT_EQ(Kopt(words), exit) << out_ << err_;
    return err_;
  }
};

TEST_F(RunCommandsTest, TuneTriesEverythingWithoutABudget) {
  Init();
  EXPECT_EQ(Kopt({"tune", "norm.spec", "norm.cpp", "--json"}), 0) << err_;
  const auto document = ordered_json::parse(out_);
  EXPECT_EQ(document["verdicts"]["measured"], 15);
  EXPECT_EQ(document["outcome"], "improved");
  EXPECT_EQ(Kopt({"tune", "norm.spec", "norm.cpp", "--search", "exhaustive", "--budget", "5s"}), 0) << err_;
  EXPECT_EQ(Error({"tune", "norm.spec", "norm.cpp", "--search", "modell"}, 2),
            "kopt: unknown search `modell` (at `--search`)\nhint: did you mean `model`?\n");
  environment_["KOPT_SEARCH"] = "random";
  EXPECT_EQ(Kopt({"tune", "norm.spec", "norm.cpp"}), 0);
}

TEST_F(RunCommandsTest, ResumeAfterAnInterruption) {
  Init();
  verifier_.signals[5] = 2;
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "60s", "--json"}), 130);
  const std::string run = ordered_json::parse(out_)["run"];
  verifier_.signals.clear();
  interrupts_.signals = 0;
  interrupts_.work = 0;
  EXPECT_EQ(Kopt({"resume", "last", "--json"}), 0) << err_ << out_;
  const auto document = ordered_json::parse(out_);
  EXPECT_EQ(document["run"], run);
  EXPECT_EQ(document["verdicts"]["measured"], 15);
  EXPECT_EQ(document["outcome"], "improved");
  EXPECT_NE(Error({"resume", "last"}, 2).find("has ended"), std::string::npos) << err_;
  EXPECT_NE(Error({"resume", "last", "--budget", "1s"}, 2).find("has spent"), std::string::npos) << err_;
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "2m"}), 0) << err_;
}

TEST_F(RunCommandsTest, AResumeThatIsRefusedChangesNothing) {
  Optimized();
  const auto shown = [&] {
    EXPECT_EQ(Kopt({"show", "last", "--json"}), 0);
    return out_;
  };
  const std::string before = shown();
  environment_["KOPT_STATE_LIMIT"] = "much";
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "2m"}), 2);
  environment_.erase("KOPT_STATE_LIMIT");
  EXPECT_EQ(shown(), before);
  verifier_.no_power = kopt::Error{.exit = Exit::kInterrupted, .message = "interrupted"};
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "2m"}), 130);
  verifier_.no_power.reset();
  EXPECT_EQ(shown(), before);
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "2m"}), 0) << err_;
  EXPECT_NE(ordered_json::parse(Read(ordered_json::parse(shown())["run"]["settings"]["out"].get<std::string>() +
                                     "/manifest.json"))["search"]["started"],
            "");
}

TEST_F(RunCommandsTest, ResumeWithoutTheSpecFile) {
  Init();
  verifier_.signals[5] = 2;
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "60s"}), 130);
  verifier_.signals.clear();
  interrupts_.signals = 0;
  interrupts_.work = 0;
  for (const char* file : {"norm.spec", "norm.cpp", "norm_baseline.cpp"}) std::filesystem::remove(file);
  EXPECT_EQ(Kopt({"resume", "last"}), 0) << err_;
}

TEST_F(RunCommandsTest, ARunThatIsGoingOnIsLeftAlone) {
  const std::string run = Optimized()["run"];
  {
    auto store = Store::Open("state");
    RunRow row = *store->FindRun(run);
    row.state = "running";
    ASSERT_TRUE(store->UpdateRun(row));
  }
  EXPECT_NE(Error({"resume", run}, 2).find("is being worked on by another kopt"), std::string::npos) << err_;
  EXPECT_NE(Error({"runs", "rm", run}, 2).find("nothing was removed"), std::string::npos) << err_;
  EXPECT_EQ(Kopt({"resume", run, "--force", "--budget", "2m"}), 0) << err_;
}

TEST_F(RunCommandsTest, FromStartsAtAnEarlierBest) {
  const auto first = Optimized();
  std::filesystem::remove("norm.cpp");
  const auto second = Optimized({"--from", first["run"].get<std::string>()});
  EXPECT_EQ(second["best"]["tunables"], first["best"]["tunables"]);
  EXPECT_EQ(Kopt({"show", second["run"], "0"}), 0);
  EXPECT_NE(out_.find("//@ tune LANES = 32 | "), std::string::npos) << out_;
  verifier_.behave = [](const Configuration&) { return Behaviour{}; };
  Write("norm.cpp", out_.substr(out_.find("// A candidate"), out_.rfind('}') + 2 - out_.find("// A candidate")));
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "10s"}), 1);
  EXPECT_NE(Error({"optimize", "norm.spec", "--budget", "10s", "--from", "last"}, 2).find("has no confirmed best"),
            std::string::npos);
  EXPECT_NE(Error({"optimize", "norm.spec", "--budget", "10s", "--from", "last", "--seed", "norm.cpp"}, 2)
                .find("both name where to start"),
            std::string::npos);
}

TEST_F(RunCommandsTest, RunsAreRemoved) {
  const std::string first = Optimized()["run"];
  const std::string second = Optimized()["run"];
  std::filesystem::create_directories("state/files");
  Write("state/files/0123", "an array of a task that the state does not hold");
  EXPECT_NE(Error({"runs", "rm", first, "nothing"}, 2).find("there is no run `nothing`"), std::string::npos);
  EXPECT_EQ(Kopt({"runs", "rm", first, first, "--json"}), 0) << err_;
  EXPECT_EQ(ordered_json::parse(out_)["removed"], ordered_json{first});
  EXPECT_EQ(Kopt({"runs", "--json"}), 0);
  const auto runs = ordered_json::parse(out_)["runs"];
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0]["run"], second);
  EXPECT_FALSE(std::filesystem::exists("state/files/0123"));
  EXPECT_NE(Error({"runs", "rm"}, 2).find("`kopt runs rm` needs RUN"), std::string::npos) << err_;
}

TEST_F(RunCommandsTest, TheStateIsBounded) {
  Optimized();
  environment_["KOPT_STATE_LIMIT"] = "1";
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "60s"}), 0) << err_;
  EXPECT_NE(out_.find("the single timings of the 1 oldest runs were removed"), std::string::npos) << out_;
  EXPECT_NE(out_.find("`kopt runs rm` removes runs"), std::string::npos) << out_;
  environment_["KOPT_STATE_LIMIT"] = "much";
  EXPECT_NE(Error({"optimize", "norm.spec", "--budget", "60s"}, 2).find("`much` is not a size"), std::string::npos);
}

TEST(SizeTest, AsUsersWriteThem) {
  EXPECT_EQ(ParseSize("500M", "k"), 500.0 * (1 << 20));
  EXPECT_EQ(ParseSize("1.5G", "k"), 1.5 * (1 << 30));
  EXPECT_EQ(ParseSize("2GiB", "k"), 2.0 * (1 << 30));
  EXPECT_EQ(ParseSize("1024", "k"), 1024);
  for (const char* text : {"", "G", "-1", "1X", "1GG", "nan", "1e400", "2 G"})
    EXPECT_FALSE(ParseSize(text, "k")) << text;
}

TEST_F(RunCommandsTest, BenchNamesTheFaster) {
  Init();
  Write("other.cpp", Read("norm_baseline.cpp"));
  verifier_.behave = [](const Configuration& configuration) {
    return Behaviour{.speedup = configuration.empty() ? 1.0 : 2.0};
  };
  EXPECT_EQ(Kopt({"bench", "norm.spec", "norm.cpp", "other.cpp", "norm_baseline.cpp", "--set", "LANES=8", "--json"}), 0)
      << err_;
  const auto document = ordered_json::parse(out_);
  ASSERT_EQ(document["candidates"].size(), 3u);
  EXPECT_NE(document["candidates"][0]["configuration"].get<std::string>().find("LANES=8"), std::string::npos);
  ASSERT_EQ(document["comparisons"].size(), 3u);
  EXPECT_EQ(document["comparisons"][0]["judged"], "faster");
  EXPECT_NEAR(document["comparisons"][0]["speedup"].get<double>(), 2, 1e-9);
  EXPECT_EQ(document["comparisons"][2]["judged"], "same");
  EXPECT_EQ(Kopt({"bench", "norm.spec", "norm.cpp", "other.cpp"}), 0);
  EXPECT_NE(out_.find("1 against 2  2.000x"), std::string::npos) << out_;
  EXPECT_NE(Error({"bench", "norm.spec", "norm.cpp", "other.cpp", "--set", "LANE=8"}, 2).find("did you mean `LANES`?"),
            std::string::npos)
      << err_;
  EXPECT_NE(Error({"bench", "norm.spec", "norm.cpp"}, 2).find("1 candidates were given"), std::string::npos);
  EXPECT_EQ(Error({"bench", "norm.spec", "norm.cpp", "none.cpp"}, 2).find("none.cpp") == std::string::npos, false);
}

TEST_F(RunCommandsTest, VerifyRepeatsAManifest) {
  verifier_.seed_in_evidence = "00000000000000ff";
  const auto document = Optimized({"--out", "results"});
  auto manifest = ordered_json::parse(Read("results/manifest.json"));
  EXPECT_EQ(manifest["judgement"]["speedup"], document["best"]["speedup"]);
  for (const char* file : {"norm.spec", "norm.cpp", "norm_baseline.cpp"}) {
    std::filesystem::rename(file, std::string(file) + ".away");
  }
  EXPECT_EQ(Kopt({"verify", "--manifest", "results/manifest.json"}), 0) << err_;
  for (const char* file : {"norm.spec", "norm.cpp", "norm_baseline.cpp"}) {
    std::filesystem::rename(std::string(file) + ".away", file);
  }
  EXPECT_NE(out_.find("the intervals overlap"), std::string::npos) << out_;
  EXPECT_NE(out_.find("the same programs, compiler and machine"), std::string::npos) << out_;
  EXPECT_EQ(verifier_.confirm_seeds.back(), 255u);
  manifest["made_with"]["version"] = "0.0.9";
  Write("changed.json", manifest.dump());
  EXPECT_EQ(Kopt({"verify", "--manifest", "changed.json", "--json"}), 0) << err_;
  const auto verdict = ordered_json::parse(out_);
  EXPECT_EQ(verdict["manifest"]["agrees"], true);
  EXPECT_EQ(verdict["manifest"]["changed"], ordered_json{"version: 0.0.9, now 0.1.0"});
  // The baseline's library counts like the compiler.
  manifest = ordered_json::parse(Read("results/manifest.json"));
  EXPECT_FALSE(manifest["made_with"].contains("library"));
  verifier_.library = "cuBLASLt 13.1.0";
  const auto measured = Optimized({"--out", "against_a_library"});
  EXPECT_EQ(ordered_json::parse(Read("against_a_library/manifest.json"))["made_with"]["library"], "cuBLASLt 13.1.0");
  EXPECT_EQ(Kopt({"verify", "--manifest", "against_a_library/manifest.json"}), 0) << err_;
  EXPECT_NE(out_.find("the same programs, compiler and machine"), std::string::npos) << out_;
  verifier_.library = "cuBLASLt 13.2.0";
  EXPECT_EQ(Kopt({"verify", "--manifest", "against_a_library/manifest.json"}), 0) << err_;
  EXPECT_NE(out_.find("library: cuBLASLt 13.1.0, now cuBLASLt 13.2.0"), std::string::npos) << out_;
  verifier_.library = "";
  // A copy of the state, elsewhere.
  std::filesystem::copy("state", "copy", std::filesystem::copy_options::recursive);
  std::filesystem::remove_all("state");
  EXPECT_EQ(Kopt({"verify", "--manifest", "results/manifest.json", "--state", "copy"}), 0) << err_;
  EXPECT_NE(Error({"verify", "--manifest", "results/manifest.json"}, 2).find("the state does not hold the task"),
            std::string::npos)
      << err_;
  Write("broken.json", "{");
  EXPECT_NE(Error({"verify", "--manifest", "broken.json"}, 2).find("this is no manifest"), std::string::npos);
  EXPECT_NE(Error({"verify", "--manifest", "changed.json", "--set", "A=1"}, 2).find("a manifest says by itself"),
            std::string::npos);
  EXPECT_NE(Error({"verify"}, 2).find("`kopt verify` needs SPEC"), std::string::npos);
}

}  // namespace
}  // namespace kopt

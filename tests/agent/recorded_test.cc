// The recorded runs in examples/recorded: what was asked, answered and found there holds for the program as it is now.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "agent/conversation.h"
#include "agent/reply.h"
#include "llm_client/recording.h"
#include "tests/agent/job_fixture.h"
#include "verifier/cpu/cpu_verifier.h"
#include "verifier/cuda/cuda_verifier.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

struct Recorded {
  std::string folder, spec;  // below examples/
  Target target = Target::kCpu;
  bool prompts_were_cut = false;
};
void PrintTo(const Recorded& recorded, std::ostream* out) { *out << recorded.folder; }

std::filesystem::path Examples() { return std::filesystem::path(KOPT_SOURCE_DIR) / "examples"; }

ordered_json ReadJson(const std::filesystem::path& file) {
  auto text = ReadFile(file, size_t{64} << 20);
  EXPECT_TRUE(text) << text.error().Text();
  return ordered_json::parse(text.value_or(""), nullptr, false);
}

std::optional<double> Number(const ordered_json& json, const char* key) {
  return json.contains(key) && json[key].is_number() ? std::optional(json[key].get<double>()) : std::nullopt;
}
std::string Words(const ordered_json& json, const char* key) {
  return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
}

Judged JudgedOf(const ordered_json& json, const Turns& turns) {
  Judged judged{.turn = json["turn"], .at_seconds = json["at_seconds"], .confirmed = json["confirmation"]};
  for (const auto& [name, value] : json["tunables"].items()) judged.configuration[name] = value.get<long long>();
  Verdict& verdict = judged.verdict;
  verdict.outcome = ParseOutcome(Words(json, "outcome")).value();
  verdict.stage = ParseStage(Words(json, "stage")).value();
  verdict.reason = Words(json, "reason");
  verdict.remark = Words(json, "remark");
  verdict.time_us = Number(json, "time_us");
  verdict.baseline_us = Number(json, "baseline_us");
  verdict.speedup = Number(json, "speedup");
  if (json["speedup_interval"].is_array()) {
    verdict.speedup_interval = Interval{json["speedup_interval"][0], json["speedup_interval"][1]};
  }
  verdict.sol_fraction = Number(json, "sol_fraction");
  verdict.coverage = Number(json, "coverage");
  verdict.confirmed = json["confirmed"];
  verdict.evidence = json["evidence"];
  EXPECT_TRUE(turns.contains(judged.turn));
  return judged;
}

// Judges as the record says; what is not in it is right, and too noisy to tell.
class RecordedVerifier : public FakeVerifier {
 public:
  RecordedVerifier(FakeClock& clock, Interrupts& interrupts, const std::vector<Judged>& judged)
      : FakeVerifier(clock, interrupts), judged_(judged) {}

  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override {
    KOPT_CHECK(FakeVerifier::Screen(candidate, configuration, screening));
    return Find(candidate, configuration, false);
  }
  Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration,
                          const Confirmation& how) override {
    KOPT_CHECK(FakeVerifier::Confirm(candidate, configuration, how));
    return Find(candidate, configuration, true);
  }

 private:
  Verdict Find(const Candidate& candidate, const Configuration& configuration, bool confirmation) const {
    const int turn = candidate.file.starts_with("turn-") ? std::stoi(candidate.file.substr(5)) : 0;
    for (const Judged& judged : judged_) {
      const bool same = judged.turn == turn && judged.configuration == configuration;
      if (same && judged.confirmed == confirmation) return judged.verdict;
    }
    return {.outcome = Outcome::kMeasured, .stage = Stage::kMeasure, .remark = "noisy"};
  }
  const std::vector<Judged>& judged_;
};

class RecordedTest : public ::testing::TestWithParam<Recorded> {
 protected:
  void SetUp() override {
    auto spec = ReadSpec((Examples() / GetParam().spec).string());
    ASSERT_TRUE(spec) << spec.error().Text();
    spec_ = *std::move(spec);
    folder_ = Examples() / "recorded" / GetParam().folder;
    turns_json_ = ReadJson(folder_ / "turns.json")["turns"];
    result_ = ReadJson(folder_ / "result.json");
    auto contestants = ReadContestants(spec_, GetParam().target, "");
    ASSERT_TRUE(contestants) << contestants.error().Text();
    contestants_ = *std::move(contestants);
    for (const ordered_json& turn : turns_json_) ReadTurn(turn);
    const ordered_json verdicts = ReadJson(folder_ / "verdicts.json");
    for (const ordered_json& verdict : verdicts["verdicts"]) judged_.push_back(JudgedOf(verdict, turns_));
  }

  void ReadTurn(const ordered_json& json) {
    const int number = json["turn"];
    if (json["file"].is_null()) {
      turns_[number] = ComplaintTurn(number, Words(json, "complaint"));
      return;
    }
    const auto source = ReadFile(folder_ / json["file"].get<std::string>());
    ASSERT_TRUE(source) << source.error().Text();
    turns_[number] = TurnOf(number, *source, spec_, GetParam().target);
    if (json["duplicate_of"].is_number()) turns_[number].duplicate_of = json["duplicate_of"].get<int>();
  }

  Spec spec_;
  std::filesystem::path folder_;
  ordered_json turns_json_, result_;
  Contestants contestants_;
  Turns turns_;
  std::vector<Judged> judged_;
};

TEST_P(RecordedTest, HasAtLeastTenTurnsAndAConfirmedWinner) {
  EXPECT_GE(turns_.size(), 11u) << "the seed and ten more";
  EXPECT_EQ(result_["outcome"], "improved");
  std::vector<Judged> confirmations;
  std::ranges::copy_if(judged_, std::back_inserter(confirmations), &Judged::confirmed);
  const Judged* winner = Winner(confirmations);
  ASSERT_NE(winner, nullptr);
  EXPECT_EQ(winner->turn, result_["best"]["turn"]);
  EXPECT_EQ(*winner->verdict.speedup, result_["best"]["speedup"]);
}

TEST_P(RecordedTest, EachReplyGivesTheCandidateThatWasJudged) {
  auto model = ReplayModel::Open(folder_ / "conversation.jsonl");
  ASSERT_TRUE(model) << model.error().Text();
  for (const ordered_json& turn : turns_json_) {
    if (turn["turn"] == 0 || (turn["state"] != "looked_at" && turn["state"] != "answered")) continue;
    const auto reply = (*model)->Ask({}, {});
    ASSERT_TRUE(reply) << reply.error().message;
    const auto found = FindCandidate(reply->content, reply->reasoning, GetParam().target);
    const Turn& recorded = turns_.at(turn["turn"].get<int>());
    EXPECT_EQ(found ? found->code : "", recorded.source) << turn["turn"];
  }
  EXPECT_FALSE((*model)->Ask({}, {})) << "there are more replies than turns";
}

TEST_P(RecordedTest, EachPromptShowsTheTurnsThatItShowedThen) {
  for (const ordered_json& turn : turns_json_) {
    if (turn["turn"] == 0) continue;
    Memory memory(spec_, GetParam().target, {.name = "a device"}, {}, {.prompt_tokens = 1'000'000});
    for (const auto& [number, known] : turns_) {
      const auto& json = turns_json_[static_cast<size_t>(number)];
      if (number == 0 || (json["answered"].is_string() && json["answered"] <= turn["asked"])) memory.Add(known);
    }
    for (const Judged& judged : judged_) {
      if (!judged.confirmed && judged.at_seconds <= turn["asked_at"]) memory.Learn(judged, false);
    }
    const auto prompt = memory.Write(turn["turn"], std::nullopt);
    ASSERT_TRUE(prompt) << prompt.error().Text();
    std::vector<int> shown = prompt->shown;
    const std::vector<int> then = turn["shown"];
    ASSERT_FALSE(then.empty()) << turn["turn"];
    // The limit of a prompt then may have cut the last ones.
    if (GetParam().prompts_were_cut && shown.size() > then.size()) shown.resize(then.size());
    EXPECT_EQ(shown, then) << turn["turn"];
  }
}

// The replies again, one at a time, with the verdicts of the record.
TEST_P(RecordedTest, PlayedBackTheRunEndsAsItDid) {
  auto folder = TemporaryFolder::Create("kopt-recorded");
  ASSERT_TRUE(folder);
  auto store = Store::Open(folder->path() / "state");
  ASSERT_TRUE(store) << store.error().Text();
  auto model = ReplayModel::Open(folder_ / "conversation.jsonl");
  ASSERT_TRUE(model) << model.error().Text();
  FakeClock clock;
  Interrupts interrupts;
  RecordedVerifier verifier(clock, interrupts, judged_);
  if (GetParam().target == Target::kCuda) verifier.device_now.values = DeviceValues({});
  Job job{.spec = &spec_,
          .target = GetParam().target,
          .contestants = contestants_,
          .run = "recorded",
          .out = folder->path() / "out",
          .budget_seconds = 300,
          .search = "random",
          .random_seed = 1,
          .asking = {.models = {kExternalModel}, .in_flight = 1, .most_waiting = 1},
          .model = model->get()};
  const auto progress = NoProgress();
  const auto played = Optimize(job, verifier, *store, *progress, clock, interrupts);
  ASSERT_TRUE(played) << played.error().Text();
  ASSERT_FALSE(played->failure) << played->failure->Text();
  for (const auto& [number, recorded] : turns_) {
    const auto first = [&](const std::vector<Judged>& all) {
      const auto found = std::ranges::find(all, number, &Judged::turn);
      return found == all.end() ? "not judged" : std::string(Name(found->verdict.outcome));
    };
    ASSERT_TRUE(played->turns.contains(number)) << number;
    EXPECT_EQ(played->turns.at(number).duplicate_of, recorded.duplicate_of) << number;
    EXPECT_EQ(first(played->screened), first(judged_)) << number;
  }
}

// The candidates of the record, by what this host has.
TEST_P(RecordedTest, JudgedAgainEachTurnEndsAsItDid) {
  auto folder = TemporaryFolder::Create("kopt-recorded");
  ASSERT_TRUE(folder);
  VerifierOptions options{.sandbox = ProbeSandbox().missing.empty(), .cache = folder->path()};
  if (GetParam().target == Target::kCuda) {
    if (const auto device = FindCudaDevice(); !device) GTEST_SKIP() << device.error().Text();
  }
  auto verifier = GetParam().target == Target::kCpu ? NewCpuVerifier(spec_, std::move(options))
                                                    : NewCudaVerifier(spec_, std::move(options));
  ASSERT_TRUE(verifier) << verifier.error().Text();
  const auto baseline = EstablishBaseline(**verifier, contestants_);
  ASSERT_TRUE(baseline) << baseline.error().Text();
  for (const auto& [number, turn] : turns_) {
    const auto recorded = std::ranges::find(judged_, number, &Judged::turn);
    if (number == 0 || recorded == judged_.end()) continue;
    if (!turn.candidate) {
      EXPECT_EQ(recorded->verdict.outcome, Outcome::kRejected) << number;
      continue;
    }
    const auto verdict =
        (*verifier)->Screen(*turn.candidate, DefaultConfiguration(*turn.candidate), {.incumbent = 1e9});
    ASSERT_TRUE(verdict) << verdict.error().Text();
    EXPECT_EQ(Name(verdict->outcome), Name(recorded->verdict.outcome)) << number << ": " << verdict->reason;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Examples, RecordedTest,
    ::testing::Values(Recorded{"attention_relpos", "recorded/attention_relpos/attention.spec", Target::kCpu},
                      Recorded{"attention_f16", "recorded/attention_f16/attention_f16.spec", Target::kCuda, true},
                      Recorded{"attention_d128", "recorded/attention_d128/attention_d128.spec", Target::kCuda}),
    [](const auto& info) { return info.param.folder; });

}  // namespace
}  // namespace kopt

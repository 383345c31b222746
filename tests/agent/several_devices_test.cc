// A run on several devices, which are simulated.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <set>
#include <span>
#include <stdexcept>
#include <thread>

#include "agent/conversation.h"
#include "agent/search/random.h"
#include "agent/verifier_pool.h"
#include "tests/agent/job_fixture.h"

namespace kopt {
namespace {

// Where so many have to be at the same time.
class Meeting {
 public:
  explicit Meeting(int count) : count_(count) {}
  // False if the others do not come.
  bool Wait() {
    std::unique_lock lock(mutex_);
    ++here_;
    changed_.notify_all();
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return here_ >= count_; });
  }

 private:
  int count_, here_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
};

class KeptLines final : public Progress {
 public:
  void Line(std::string_view text) override { lines.emplace_back(text); }
  void Show(const Status&) override {}
  void End() override {}
  std::vector<std::string> lines;
};

Behaviour ByProduct(const Configuration& configuration) {
  return {.speedup = 1 + 0.01 * static_cast<double>(configuration.at("A") * configuration.at("B"))};
}

class SeveralDevicesTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    job_.budget_seconds = 600;
    verifier_.device_now.which = "0 (first)";
    second_.device_now.which = "1 (second)";
    for (FakeVerifier* verifier : {&verifier_, &second_}) {
      verifier->behave = ByProduct;
      verifier->meanwhile = [this](std::string_view what) { Watch(what); };
    }
  }
  Result<OptimizeResult> Run() override {
    Verifier* const verifiers[] = {&verifier_, &second_};
    return Optimize(job_, verifiers, *store_, progress_, clock_, interrupts_);
  }
  // No screening may be beside a confirmation.
  void Watch(std::string_view what) {
    std::atomic<int>& mine = what == "confirm" ? confirming_ : screening_;
    const std::atomic<int>& other = what == "confirm" ? screening_ : confirming_;
    ++mine;
    if (other > 0) beside_ = true;
    if (meet_at == what && !met_->Wait()) alone_ = true;
    if (other > 0) beside_ = true;
    --mine;
  }
  std::vector<std::string> AllScreened() const {
    std::vector<std::string> all = verifier_.screened;
    all.insert(all.end(), second_.screened.begin(), second_.screened.end());
    std::ranges::sort(all);
    return all;
  }
  int Lines(std::string_view with) const {
    return static_cast<int>(std::ranges::count_if(
        progress_.lines, [&](const std::string& line) { return line.find(with) != std::string::npos; }));
  }

  KeptLines progress_;
  FakeVerifier second_{clock_, interrupts_};
  std::string meet_at;  // both devices have to be at this at the same time, at least once
  std::unique_ptr<Meeting> met_ = std::make_unique<Meeting>(2);
  std::atomic<int> screening_ = 0, confirming_ = 0;
  std::atomic<bool> beside_ = false, alone_ = false;
};

TEST_F(SeveralDevicesTest, AllScreenAtTheSameTimeAndNothingTwice) {
  for (const char* search : {"model", "random", "exhaustive"}) {
    job_.search = search;
    job_.run = std::string("run-") + search;
    job_.out = folder_->path() / search;
    verifier_.screened.clear();
    second_.screened.clear();
    meet_at = "screen";
    met_ = std::make_unique<Meeting>(2);
    const auto result = Run();
    ASSERT_TRUE(result) << result.error().Text();
    EXPECT_FALSE(alone_) << search;
    const auto all = AllScreened();
    EXPECT_EQ(all.size(), 10u) << search;  // 11 without the baseline
    EXPECT_EQ(std::set(all.begin(), all.end()).size(), 10u) << search;
    EXPECT_FALSE(second_.screened.empty());
    EXPECT_EQ(result->screened.size(), 11u);
    EXPECT_EQ(store_->Verdicts(job_.run)->size(), 11 + result->confirmations.size());
    ASSERT_TRUE(result->best);
    EXPECT_EQ(Text(result->best->configuration), "A=3 B=30");
    EXPECT_EQ(result->stopped_by, "space exhausted");
    EXPECT_FALSE(beside_);
  }
}

TEST_F(SeveralDevicesTest, EveryVerdictSaysWhichDeviceItIsOf) {
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ(result->devices, (std::vector<std::string>{"0 (first)", "1 (second)"}));
  EXPECT_EQ(result->document["devices"].size(), 2u);
  for (const Judged& judged : result->screened) {
    const std::string device = judged.verdict.evidence.value("device", "none");
    EXPECT_TRUE(device == "0 (first)" || device == "1 (second)") << device;
  }
  EXPECT_EQ(result->manifest["judgement"]["device"], result->best->verdict.evidence["device"]);
}

TEST_F(SeveralDevicesTest, EachJudgesTheBaseline) {
  meet_at = "baseline";
  ASSERT_TRUE(Run());
  EXPECT_FALSE(alone_);
}

TEST_F(SeveralDevicesTest, ABaselineThatIsWrongOnOneOfThemSpendsNothing) {
  second_.baseline.outcome = Outcome::kMismatch;
  const auto result = Run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "on device 1 (second): the seed, which is also the baseline, is not usable: mismatch at check: played");
  EXPECT_TRUE(store_->Runs()->empty());
}

TEST_F(SeveralDevicesTest, AFaultIsTriedAgain) {
  meet_at = "screen";  // so that the second has something to do
  second_.faults[1] = second_.faults[2] = Error{.exit = Exit::kInternal, .message = "the worker vanished"};
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->failure);
  EXPECT_EQ(Lines("trying again: the worker vanished"), 2);
  EXPECT_EQ(result->screened.size(), 11u);
  EXPECT_TRUE(result->lost_devices.empty());
  EXPECT_EQ(AllScreened().size(), 12u);
}

TEST_F(SeveralDevicesTest, ADeviceThatFailsIsLeftOutAndNothingIsLost) {
  meet_at = "screen";
  const std::vector<Error> faults = {{.exit = Exit::kInternal, .message = "the worker vanished"},
                                     {.exit = Exit::kEnvironment, .message = "the device has gone"}};
  for (const Error& fault : faults) {
    job_.run += "b";
    job_.out = folder_->path() / job_.run;
    for (int call = 1; call < 99; ++call) second_.faults[second_.calls + call] = fault;
    const auto result = Run();
    ASSERT_TRUE(result);
    EXPECT_FALSE(result->failure) << result->failure->Text();
    ASSERT_EQ(result->lost_devices.size(), 1u);
    EXPECT_TRUE(result->lost_devices[0].starts_with("device 1 (second) is left out")) << result->lost_devices[0];
    EXPECT_EQ(Lines("left out"), 1);
    progress_.lines.clear();
    EXPECT_EQ(result->screened.size(), 11u);
    ASSERT_TRUE(result->best);
    EXPECT_EQ(Text(result->best->configuration), "A=3 B=30");
  }
}

TEST_F(SeveralDevicesTest, WithoutADeviceTheRunFailsAndKeepsWhatWasJudged) {
  for (int call = 3; call < 99; ++call) {
    verifier_.faults[call] = second_.faults[call] = Error{.exit = Exit::kInternal, .message = "the worker vanished"};
  }
  const auto result = Run();
  ASSERT_TRUE(result);
  ASSERT_TRUE(result->failure);
  EXPECT_EQ(result->failure->exit, Exit::kInternal);
  EXPECT_EQ(store_->Verdicts(job_.run)->size(), result->screened.size());
  EXPECT_EQ(result->screened.size(), 5u);  // the defaults, and two of each
  EXPECT_EQ(result->lost_devices.size(), 1u);
}

TEST_F(SeveralDevicesTest, ASignalEndsTheSearchOnAll) {
  verifier_.signals[3] = 1;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_EQ(result->stopped_by, "interrupted");
  EXPECT_LT(result->screened.size(), 11u);
  EXPECT_GT(result->confirmations.size(), 0u);
  EXPECT_TRUE(result->best);
  EXPECT_EQ(store_->Verdicts(job_.run)->size(), result->screened.size() + result->confirmations.size());
  EXPECT_FALSE(beside_);
  // What was under way is done when the run goes on, and nothing else again.
  interrupts_.signals = interrupts_.work = 0;
  interrupts_.finish_work = false;
  const auto resumed = Resume();
  ASSERT_TRUE(resumed) << resumed.error().Text();
  EXPECT_EQ(resumed->screened.size(), 11u);
}

TEST_F(SeveralDevicesTest, ASecondSignalEndsItAtOnce) {
  verifier_.signals[3] = 2;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_TRUE(result->confirmations.empty());
}

TEST_F(SeveralDevicesTest, WhatIsUnderWayWhenTheBudgetEndsIsKept) {
  job_.budget_seconds = 20;
  verifier_.screen_seconds = second_.screen_seconds = 2;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->stopped_by, "budget");
  EXPECT_EQ(result->screened.size(), 1 + AllScreened().size());
  EXPECT_LT(result->screened.size(), 11u);
}

TEST_F(SeveralDevicesTest, LeadersAreConfirmedAtTheSameTime) {
  meet_at = "confirm";
  for (FakeVerifier* verifier : {&verifier_, &second_}) {
    verifier->behave = [](const Configuration& configuration) {
      const long long product = configuration.at("A") * configuration.at("B");
      return Behaviour{.speedup = 1.5 + 0.0001 * static_cast<double>(product)};
    };
  }
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_FALSE(alone_);
  EXPECT_FALSE(beside_);
  EXPECT_EQ(result->confirmations.size(), 3u) << "as many as with one device, at most";
  EXPECT_FALSE(verifier_.confirmed.empty());
  EXPECT_FALSE(second_.confirmed.empty());
}

TEST_F(SeveralDevicesTest, WhatIsClearlySlowerIsNotConfirmedBesideTheBest) {
  const auto result = Run();  // A=3 B=30 leads by more than its interval
  ASSERT_TRUE(result);
  EXPECT_EQ(result->confirmations.size(), 1u);
}

TEST_F(SeveralDevicesTest, FigureAfterFigureThatDoesNotHoldEndsTheConfirmations) {
  for (FakeVerifier* verifier : {&verifier_, &second_}) {
    verifier->behave = [](const Configuration&) { return Behaviour{.speedup = 1.02, .confirmed_speedup = 1.001}; };
  }
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->best);
  EXPECT_EQ(result->confirmations.size(), 5u);
}

TEST_F(SeveralDevicesTest, NoiseIsTriedAgainOnceOnItsDevice) {
  for (FakeVerifier* verifier : {&verifier_, &second_}) {
    verifier->behave = [](const Configuration& configuration) {
      Behaviour behaviour = ByProduct(configuration);
      behaviour.restless = 1;
      return behaviour;
    };
  }
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->best);
  EXPECT_EQ(result->confirmations.size(), 1u);
  EXPECT_EQ(verifier_.confirmed.size() + second_.confirmed.size(), 2u);
}

TEST_F(SeveralDevicesTest, ATargetThatIsReachedIsConfirmedWithNothingBesideIt) {
  job_.target_speedup = 1.3;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->stopped_by, "target speedup");
  ASSERT_TRUE(result->best);
  EXPECT_GE(*result->best->verdict.speedup, 1.3);
  EXPECT_EQ(result->confirmations.size(), 1u);
  EXPECT_FALSE(beside_);
  EXPECT_EQ(result->screened.size(), 1 + AllScreened().size());
}

TEST_F(SeveralDevicesTest, ATargetThatIsNotConfirmedDoesNotEndTheSearch) {
  job_.target_speedup = 1.3;
  for (FakeVerifier* verifier : {&verifier_, &second_}) {
    verifier->behave = [](const Configuration& configuration) {
      Behaviour behaviour = ByProduct(configuration);
      behaviour.confirmed_speedup = 1.1;
      return behaviour;
    };
  }
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->screened.size(), 11u);
  EXPECT_EQ(AllScreened().size(), 10u);
  EXPECT_FALSE(beside_);
}

TEST_F(SeveralDevicesTest, RepliesOfAnExternalRunAreJudgedAtTheSameTimeAndTheRunWaits) {
  const auto code = [](int number) {
    return fmt::format(
        "//@ call scale args(x, y)\nextern \"C\" void scale(const float* x, float* y) {{ *y = {} * *x; }}\n", number);
  };
  SetSeed(code(0));
  for (FakeVerifier* verifier : {&verifier_, &second_}) {
    verifier->behave = [](const Configuration&) { return Behaviour{.speedup = 1.5}; };
  }
  job_.asking.external = true;
  job_.pause_after = 0;
  const auto begun = Run();
  ASSERT_TRUE(begun) << begun.error().Text();
  EXPECT_EQ(begun->run.state, "waiting");
  for (int turn = 1; turn <= 3; ++turn) {
    ASSERT_TRUE(store_->AddExchange(job_.run, {.turn = turn, .model = kExternalModel}).value());
    if (turn == 3) continue;
    ASSERT_TRUE(store_->AnswerExchange(job_.run, {.turn = turn, .reply = "```cpp\n" + code(turn) + "```\n"}).value());
  }
  meet_at = "screen";
  const auto worked = Resume();
  ASSERT_TRUE(worked) << worked.error().Text();
  EXPECT_FALSE(alone_);
  EXPECT_EQ(worked->run.state, "waiting");
  EXPECT_EQ(worked->screened.size(), 3u);
  EXPECT_EQ(store_->Verdicts(job_.run)->size(), 3u);
  EXPECT_EQ(store_->FindExchange(job_.run, 3)->value().state, "asked");
  job_.pause_after.reset();
  const auto ended = Resume();
  ASSERT_TRUE(ended) << ended.error().Text();
  EXPECT_EQ(ended->run.state, "done");
  ASSERT_TRUE(ended->best);
}

TEST_F(SeveralDevicesTest, WhateverFailsNothingHangsIsLostOrIsJudgedTwice) {
  for (uint64_t round = 0; round < 24; ++round) {
    Random random(round);
    Interrupts interrupts;
    std::vector<std::unique_ptr<FakeVerifier>> fakes;
    std::vector<Verifier*> verifiers;
    for (int i = 0; i < 4; ++i) {
      fakes.push_back(std::make_unique<FakeVerifier>(clock_, interrupts));
      FakeVerifier& fake = *fakes.back();
      fake.device_now.which = std::to_string(i);
      fake.behave = ByProduct;
      for (int call = 1; call < 40; ++call) {
        if (random.Below(3) == 0) fake.faults[call] = Error{.exit = Exit::kInternal, .message = "it vanished"};
        if (random.Below(30) == 0) fake.faults[call] = Error{.exit = Exit::kEnvironment, .message = "it has gone"};
        if (round % 3 == 0 && random.Below(30) == 0) fake.signals[call] = 1;
      }
      verifiers.push_back(&fake);
    }
    job_.run = fmt::format("run-{}", round);
    job_.out = folder_->path() / job_.run;
    job_.target_speedup = round % 2 == 0 ? std::optional(1.5) : std::nullopt;
    const auto result = Optimize(job_, verifiers, *store_, progress_, clock_, interrupts);
    ASSERT_TRUE(result) << result.error().Text();
    std::set<std::string> screened;
    for (const Judged& judged : result->screened) {
      EXPECT_TRUE(screened.insert(Text(judged.configuration)).second) << round;
    }
    EXPECT_EQ(store_->Verdicts(job_.run)->size(), result->screened.size() + result->confirmations.size());
    EXPECT_TRUE(!result->failure || !result->lost_devices.empty()) << round;
    EXPECT_TRUE(result->stopped_by != "space exhausted" || screened.size() == 11) << round;
  }
}

// Four devices, of which some fail at what is asked of them.
class FourDevicesTest : public JobTest {
 protected:
  class Device final : public FakeVerifier {
   public:
    using FakeVerifier::FakeVerifier;
    Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                           const Screening& screening) override {
      if (before_screening) before_screening(Text(configuration));
      if (Text(configuration) == fails_at) {
        ++failed;
        return std::unexpected(*error);
      }
      return FakeVerifier::Screen(candidate, configuration, screening);
    }
    std::string fails_at;
    std::optional<Error> error;
    int failed = 0;
    std::function<void(const std::string&)> before_screening;
  };
  void SetUp() override {
    JobTest::SetUp();
    job_.search = "exhaustive";
    job_.budget_seconds = 600;
    for (int i = 0; i < 4; ++i) {
      fakes_.push_back(std::make_unique<Device>(clock_, interrupts_));
      fakes_.back()->device_now.which = std::to_string(i);
      fakes_.back()->behave = ByProduct;
    }
  }
  Result<OptimizeResult> Run() override {
    std::vector<Verifier*> verifiers;
    for (const auto& fake : fakes_) verifiers.push_back(fake.get());
    return Optimize(job_, verifiers, *store_, progress_, clock_, interrupts_);
  }
  KeptLines progress_;
  std::vector<std::unique_ptr<Device>> fakes_;
};

TEST_F(FourDevicesTest, WorkThatFailsOnAllOfThemCostsOneDevice) {
  for (const Exit exit : {Exit::kEnvironment, Exit::kInternal}) {
    job_.run += "b";
    job_.out = folder_->path() / job_.run;
    for (const auto& fake : fakes_) {
      fake->fails_at = "A=3 B=30";
      fake->error = Error{.exit = exit, .message = "the task is at fault"};
      fake->failed = 0;
    }
    const auto result = Run();
    ASSERT_TRUE(result);
    ASSERT_TRUE(result->failure);
    EXPECT_EQ(result->failure->message, "the task is at fault");
    EXPECT_EQ(result->lost_devices.size(), 1u);
    int failed = 0;
    for (const auto& fake : fakes_) failed += fake->failed;
    EXPECT_EQ(failed, exit == Exit::kInternal ? 6 : 2);
    EXPECT_EQ(store_->Verdicts(job_.run)->size(), result->screened.size());
  }
}

TEST_F(FourDevicesTest, AfterAnErrorNothingIsConfirmedAnyMore) {
  job_.target_speedup = 1.2;
  std::atomic<bool> has_failed = false;
  for (const auto& fake : fakes_) {
    fake->fails_at = "A=1 B=20";
    fake->error = Error{.exit = Exit::kUsage, .message = "the end"};
    fake->before_screening = [&](const std::string& configuration) {
      if (configuration == "A=1 B=20") {
        has_failed = true;
        return;
      }
      while (!has_failed) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      std::this_thread::sleep_for(std::chrono::milliseconds(300));  // the error is settled first
    };
  }
  const auto result = Run();
  ASSERT_TRUE(result);
  ASSERT_TRUE(result->failure);
  EXPECT_EQ(result->failure->message, "the end");
  EXPECT_TRUE(std::ranges::any_of(result->screened, [](const Judged& judged) {
    return judged.verdict.speedup.value_or(0) >= 1.2;
  })) << "what was under way is kept";
  EXPECT_TRUE(result->confirmations.empty());
  for (const auto& fake : fakes_) EXPECT_TRUE(fake->confirmed.empty());
}

TEST_F(FourDevicesTest, TheBestPeaksOfAllAreKept) {
  fakes_[0]->peaks_now = {.read_bytes = 4, .write_bytes = 2, .flops = {{"f32", 5}}};
  fakes_[3]->peaks_now = {.read_bytes = 3, .write_bytes = 6, .flops = {{"f32", 7}}};
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->peaks, (Peaks{.read_bytes = 4, .write_bytes = 6, .flops = {{"f32", 7}}}));
}

// While one of two waits for another kopt, half of the run is idle.
TEST_F(SeveralDevicesTest, AWaitOfOneDeviceIsNotTakenForAWaitOfAll) {
  second_.waiting_seconds = 8;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_DOUBLE_EQ(result->active_seconds, 10 * 1 + 6 + 4 * static_cast<double>(second_.screened.size()));
  double before = 0;
  for (const Judged& judged : result->screened) {
    EXPECT_GE(judged.at_seconds, before) << "active time never goes back";
    before = judged.at_seconds;
  }
}

TEST(VerifierPoolTest, GivesWhatEndsFirstFirst) {
  FakeClock clock;
  Interrupts interrupts;
  FakeVerifier one(clock, interrupts), other(clock, interrupts);
  Verifier* const verifiers[] = {&one, &other};
  VerifierPool pool(verifiers, clock);
  Meeting last(2);
  const auto named = [](const char* name) { return Verdict{.reason = name}; };
  pool.Start(0, [&](Verifier&) -> Result<Verdict> {
    EXPECT_TRUE(last.Wait());
    return named("slow");
  });
  EXPECT_EQ(pool.Idle(), 1u);
  EXPECT_FALSE(pool.Await(0));
  pool.Start(1, [&](Verifier& verifier) -> Result<Verdict> {
    EXPECT_EQ(&verifier, &other);
    return named("fast");
  });
  EXPECT_EQ(pool.at_work(), 2u);
  EXPECT_FALSE(pool.Idle());
  const auto first = pool.Await();
  EXPECT_EQ(first->verdict->reason, "fast");
  EXPECT_EQ(first->verifier, 1u);
  pool.LeaveOut(1);
  EXPECT_FALSE(pool.Idle());
  EXPECT_EQ(pool.in_use(), 1u);
  EXPECT_TRUE(last.Wait());
  EXPECT_EQ(pool.Await()->verdict->reason, "slow");
  EXPECT_EQ(pool.Idle(), 0u);
}

TEST(VerifierPoolTest, AnExceptionIsAnError) {
  FakeClock clock;
  Interrupts interrupts;
  FakeVerifier one(clock, interrupts), other(clock, interrupts);
  Verifier* const verifiers[] = {&one, &other};
  for (const size_t size : {1, 2}) {
    VerifierPool pool(std::span(verifiers, size), clock);
    pool.Start(0, [](Verifier&) -> Result<Verdict> { throw std::bad_alloc(); });
    auto done = pool.Await();
    ASSERT_FALSE(done->verdict);
    EXPECT_EQ(done->verdict.error().exit, Exit::kEnvironment);
    pool.Start(0, [](Verifier&) -> Result<Verdict> { throw std::runtime_error("thrown"); });
    done = pool.Await();
    ASSERT_FALSE(done->verdict);
    EXPECT_EQ(done->verdict.error().exit, Exit::kInternal);
    EXPECT_EQ(done->verdict.error().message, "an unexpected failure: thrown");
    pool.Start(0, [](Verifier&) -> Result<Verdict> { return Verdict{.reason = "it goes on"}; });
    EXPECT_EQ(pool.Await()->verdict->reason, "it goes on");
  }
}

}  // namespace
}  // namespace kopt

// Whole verdicts of the cpu target: a spec that uses every key, and what registration demands.
#include "verifier/cpu/cpu_verifier.h"

#include <gtest/gtest.h>

#include <set>

#include "base/files.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(KOPT_SOURCE) / "tests/verifier/tasks";

struct Task {
  Spec spec;
  std::unique_ptr<Verifier> verifier;
  Candidate seed;
};

std::unique_ptr<Task> Open(const std::string& text, const std::string& source, const std::string& file = "test.spec") {
  auto task = std::make_unique<Task>();
  auto spec = ParseSpec(text, file);
  EXPECT_TRUE(spec) << spec.error().Text();
  task->spec = std::move(*spec);
  auto verifier = NewCpuVerifier(task->spec, {});
  EXPECT_TRUE(verifier) << verifier.error().Text() << verifier.error().log;
  task->verifier = std::move(*verifier);
  auto seed = ParseCandidate(task->spec, Target::kCpu, source, "test.cpp");
  EXPECT_TRUE(seed) << seed.error().Text();
  task->seed = std::move(*seed);
  return task;
}

TEST(CpuVerifierTest, JudgesATaskThatUsesEveryKey) {
  auto task = Open(*ReadFile(kFolder / "everything.spec"), *ReadFile(kFolder / "everything.cpp"),
                   (kFolder / "everything.spec").string());
  auto registration = task->verifier->Register();
  ASSERT_TRUE(registration) << registration.error().Text() << "\n" << registration.error().log;
  EXPECT_FALSE(registration->tolerance.empty());

  auto baseline = task->verifier->SetBaseline(task->seed, {{"WRONG", 0}});
  ASSERT_TRUE(baseline) << baseline.error().Text();
  EXPECT_EQ(baseline->outcome, Outcome::kMeasured) << baseline->reason;
  EXPECT_GT(baseline->time_us.value_or(0), 0);

  const std::pair<Outcome, std::string> expected[] = {{Outcome::kMismatch, "y["},       {Outcome::kMismatch, "count"},
                                                      {Outcome::kMismatch, "y["},       {Outcome::kUnsafe, "gap"},
                                                      {Outcome::kMismatch, "positive"}, {Outcome::kMismatch, "place"},
                                                      {Outcome::kUnsafe, "input `x`"}};
  for (int wrong = 1; wrong <= 7; ++wrong) {
    auto verdict = task->verifier->Screen(task->seed, {{"WRONG", wrong}}, {});
    ASSERT_TRUE(verdict) << verdict.error().Text();
    EXPECT_EQ(Name(verdict->outcome), Name(expected[wrong - 1].first)) << wrong << ": " << verdict->reason;
    EXPECT_NE(verdict->reason.find(expected[wrong - 1].second), std::string::npos) << wrong << ": " << verdict->reason;
    EXPECT_FALSE(verdict->speedup);
  }
  auto verdict = task->verifier->Screen(task->seed, {{"WRONG", 0}}, {});
  ASSERT_TRUE(verdict) << verdict.error().Text();
  EXPECT_TRUE(verdict->correct()) << verdict->reason;
  EXPECT_FALSE(verdict->samples.empty());
}

constexpr const char* kRowsSpec = R"spec(
kopt = 1
name = "rows"
dims = ["R"]
[[shape]]
R = 5000
[[input]]
name = "x"
dtype = "f32"
shape = ["R", "8"]
fill = "normal(0, 1)"
[[output]]
name = "y"
dtype = "f32"
shape = ["R"]
[[reference]]
over = ["r:R"]
code = "real s = 0; for (long long i = 0; i < 8; ++i) s += x(r, i); y(r) = s;"
)spec";

constexpr const char* kRows = R"spec(
//@ call rows args(x, y)
extern "C" void rows(const float* x, float* y) {
  for (int r = 0; r < R; ++r) {
    y[r] = 0;
    for (int i = 0; i < 8; ++i) y[r] += x[8 * r + i];
  }
}
)spec";

TEST(CpuVerifierTest, ConfirmsWithSamplesOfThreeProcesses) {
  auto task = Open(kRowsSpec, kRows);
  ASSERT_TRUE(task->verifier->SetBaseline(task->seed, {}));
  auto verdict = task->verifier->Confirm(task->seed, {}, {.seconds = 5});
  ASSERT_TRUE(verdict) << verdict.error().Text();
  EXPECT_TRUE(verdict->confirmed) << verdict->reason;
  EXPECT_EQ(verdict->samples.size(), 3U);
  // Against itself. One interval in a hundred misses the truth, so one "faster" is no fault; two in a row are.
  const auto faster = [](const Verdict& confirmed) {
    return confirmed.speedup_interval && Judge(*confirmed.speedup_interval) == Comparative::kFaster;
  };
  if (!faster(*verdict)) return;
  verdict = task->verifier->Confirm(task->seed, {}, {.seconds = 5});
  ASSERT_TRUE(verdict) << verdict.error().Text();
  EXPECT_FALSE(faster(*verdict));
}

// Two threads that each use what the other one makes, without a barrier. As long as both have a CPU the work in between
// is time enough; on one CPU the first of them to run is too early.
constexpr const char* kRace = R"spec(
//@ scratch sums f32 [R]
//@ call rows args(x, y, sums)
extern "C" void rows(const float* x, float* y, float* sums) {
#pragma omp parallel for num_threads(2) schedule(static, 1)
  for (int t = 0; t < 2; ++t) {
    for (int r = t; r < R; r += 2) {
      sums[r] = 0;
      for (int i = 0; i < 8; ++i) sums[r] += x[8 * r + i];
    }
    for (volatile int spin = 0; spin < 1000000; ++spin) {
    }
    for (int r = 1 - t; r < R; r += 2) y[r] = sums[r];
  }
}
)spec";

TEST(CpuVerifierTest, AConfirmationFindsThreadsThatDoNotWaitForEachOther) {
  auto task = Open(kRowsSpec + std::string("[[check]]\nR = 500\n"), kRows);
  ASSERT_TRUE(task->verifier->SetBaseline(task->seed, {}));
  const auto right = task->verifier->Confirm(task->seed, {}, {.seconds = 0});
  ASSERT_TRUE(right) << right.error().Text();
  EXPECT_TRUE(right->confirmed) << right->reason;
  EXPECT_EQ(right->evidence["late_threads"]["others"], "right in 2 calls");
  EXPECT_EQ(right->evidence["late_threads"]["caller"], "right in 2 calls");
  const auto race = ParseCandidate(task->spec, Target::kCpu, kRace, "race.cpp");
  ASSERT_TRUE(race) << race.error().Text();
  const auto verdict = task->verifier->Confirm(*race, {}, {.seconds = 0});
  ASSERT_TRUE(verdict) << verdict.error().Text();
  EXPECT_EQ(Name(verdict->outcome), "mismatch") << verdict->reason;
  std::printf("%s\n", verdict->reason.c_str());
}

// What the calling thread makes for the others, who do not wait for it: it usually has the time.
constexpr const char* kRaceWithTheCaller = R"spec(
//@ scratch factor f32 [1]
//@ call rows args(x, y, factor)
extern "C" void rows(const float* x, float* y, float* factor) {
#pragma omp parallel num_threads(2)
  {
#pragma omp master
    factor[0] = 1;
    for (volatile int spin = 0; spin < 1000000; ++spin) {
    }
#pragma omp for schedule(static, 1)
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int i = 0; i < 8; ++i) sum += x[8 * r + i];
      y[r] = factor[0] * sum;
    }
  }
}
)spec";

// Each thread waits for the other one, as long as that takes.
constexpr const char* kSpinning = R"spec(
//@ scratch sums f32 [R]
//@ call rows args(x, y, sums)
extern "C" void rows(const float* x, float* y, float* sums) {
  volatile int there[2] = {0, 0};
#pragma omp parallel for num_threads(2) schedule(static, 1)
  for (int t = 0; t < 2; ++t) {
    for (int r = t; r < R; r += 2) {
      sums[r] = 0;
      for (int i = 0; i < 8; ++i) sums[r] += x[8 * r + i];
    }
    __atomic_store_n(&there[t], 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&there[1 - t], __ATOMIC_ACQUIRE) == 0) {
    }
    for (int r = 1 - t; r < R; r += 2) y[r] = sums[r];
  }
}
)spec";

TEST(CpuVerifierTest, AConfirmationHoldsTheCallingThreadBack) {
  auto task = Open(kRowsSpec + std::string("[[check]]\nR = 500\n"), kRows);
  ASSERT_TRUE(task->verifier->SetBaseline(task->seed, {}));
  const auto race = ParseCandidate(task->spec, Target::kCpu, kRaceWithTheCaller, "race.cpp");
  ASSERT_TRUE(race) << race.error().Text();
  auto verdict = task->verifier->Confirm(*race, {}, {.seconds = 0});
  ASSERT_TRUE(verdict) << verdict.error().Text();
  EXPECT_EQ(Name(verdict->outcome), "mismatch") << verdict->reason;
  std::printf("%s\n", verdict->reason.c_str());
  // Spinning takes long there, and is no fault.
  const auto spinning = ParseCandidate(task->spec, Target::kCpu, kSpinning, "spinning.cpp");
  ASSERT_TRUE(spinning) << spinning.error().Text();
  verdict = task->verifier->Confirm(*spinning, {}, {.seconds = 0});
  ASSERT_TRUE(verdict) << verdict.error().Text();
  EXPECT_TRUE(verdict->confirmed) << verdict->reason;
  std::printf("%s\n", verdict->evidence["late_threads"].dump().c_str());
}

TEST(CpuVerifierTest, AConfirmationWithoutTimeTakesTheLeastSamples) {
  auto task = Open(kRowsSpec, kRows);
  ASSERT_TRUE(task->verifier->SetBaseline(task->seed, {}));
  auto verdict = task->verifier->Confirm(task->seed, {}, {.seconds = 0});
  ASSERT_TRUE(verdict) << verdict.error().Text();
  ASSERT_EQ(verdict->samples.size(), 3U) << verdict->reason;
  for (const ShapeSamples& samples : verdict->samples) EXPECT_EQ(samples.quads.size(), 3U);
}

TEST(CpuVerifierTest, AConfirmationSaysItsSeedAndTakesAnEarlierOne) {
  auto task = Open(kRowsSpec, kRows);
  ASSERT_TRUE(task->verifier->SetBaseline(task->seed, {}));
  const auto first = task->verifier->Confirm(task->seed, {}, {.seconds = 0});
  const auto again = task->verifier->Confirm(task->seed, {}, {.seconds = 0, .seed = 0x1234});
  ASSERT_TRUE(first && again);
  EXPECT_NE(first->evidence["input_seed"], again->evidence["input_seed"]);
  EXPECT_EQ(again->evidence["input_seed"], "0000000000001234");
  EXPECT_EQ(task->verifier->device().facts["compiler_version"].get<std::string>().empty(), false);
}

constexpr const char* kRepeatedRows = R"spec(
//@ tune TIMES = 1 | 6 | 0
//@ call rows args(x, y)
extern "C" void rows(const float* x, float* y) {
  for (int t = 0; t < TIMES; ++t) {
    for (int r = 0; r < R; ++r) {
      y[r] = 0;
      for (int i = 0; i < 8; ++i) y[r] += x[8 * r + i];
    }
  }
}
)spec";

TEST(CpuVerifierTest, SideBySideTheFasterIsNamedAndTheWrongLeftOut) {
  auto task = Open(kRowsSpec, kRepeatedRows);
  const std::vector<Contender> contenders = {{&task->seed, {{"TIMES", 6}}},
                                             {&task->seed, {{"TIMES", 0}}},
                                             {&task->seed, {{"TIMES", 1}}},
                                             {&task->seed, {{"TIMES", 1}}}};
  const auto result = task->verifier->Compare(contenders, 3);
  ASSERT_TRUE(result) << result.error().Text();
  ASSERT_EQ(result->verdicts.size(), 4u);
  EXPECT_EQ(Name(result->verdicts[1].outcome), Name(Outcome::kMismatch));
  for (size_t i : {0, 2, 3}) {
    EXPECT_TRUE(result->verdicts[i].correct()) << result->verdicts[i].reason;
    EXPECT_GT(result->verdicts[i].time_us.value_or(0), 0);
    EXPECT_FALSE(result->verdicts[i].speedup);
  }
  ASSERT_EQ(result->pairs.size(), 3u);
  const auto estimate = [&](size_t a, size_t b) { return Assess(result->pairs.at({a, b})).estimate; };
  EXPECT_EQ(result->pairs.at({0, 2}).size(), 3u);  // processes
  if (estimate(0, 2)) {
    EXPECT_LT(estimate(0, 2)->speedup, 0.9);
  }
  if (estimate(2, 3)) {
    EXPECT_NEAR(estimate(2, 3)->speedup, 1, 0.3);
  }
}

TEST(CpuVerifierTest, SideBySideCallsAreMadeOneByOneToo) {
  const auto folder = std::filesystem::path(KOPT_SOURCE) / "tests/adversarial/cpu";
  auto task = Open(*ReadFile(folder / "recurrence.spec"), *ReadFile(folder / "honest_recurrence.cpp"),
                   (folder / "recurrence.spec").string());
  const auto ahead = ParseCandidate(task->spec, Target::kCpu, *ReadFile(folder / "works_ahead.cpp"), "works_ahead.cpp");
  ASSERT_TRUE(ahead) << ahead.error().Text();
  const std::vector<Contender> contenders = {{&task->seed, {}}, {&*ahead, {}}};
  const auto result = task->verifier->Compare(contenders, 1);
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ(Name(result->verdicts[1].outcome), "mismatch");
  EXPECT_NE(result->verdicts[1].reason.find("call by call"), std::string::npos) << result->verdicts[1].reason;
  EXPECT_TRUE(result->pairs.empty());
  EXPECT_TRUE(result->verdicts[0].correct()) << result->verdicts[0].reason;
  EXPECT_EQ(result->verdicts[0].evidence["one_by_one"].size(), 3U);  // processes
}

constexpr const char* kScaledRows = R"spec(
//@ call rows args(x, y)
extern "C" void rows(const float* __restrict x, float* __restrict y) {
  static float sums[R];
  for (int r = 0; r < R; ++r) sums[r] = x[8 * r];
  for (int i = 1; i < 8; ++i)
    for (int r = 0; r < R; ++r) sums[r] += x[8 * r + i];
  for (int r = 0; r < R; ++r) y[r] = sums[r];  // a copy becomes memcpy
}
)spec";

TEST(CpuVerifierTest, AConfirmationSaysWhichLoopsWereVectorised) {
  auto task = Open(kRowsSpec, kScaledRows);
  ASSERT_TRUE(task->verifier->SetBaseline(task->seed, {}));
  const auto screened = task->verifier->Screen(task->seed, {}, {});
  ASSERT_TRUE(screened) << screened.error().Text();
  EXPECT_FALSE(screened->evidence.contains("vectorised"));
  const auto confirmed = task->verifier->Confirm(task->seed, {}, {.seconds = 0});
  ASSERT_TRUE(confirmed) << confirmed.error().Text();
  ASSERT_TRUE(confirmed->evidence.contains("vectorised"));
  std::set<int> lines;
  for (const auto& loop : confirmed->evidence["vectorised"]) {
    EXPECT_GE(loop["bytes"], 8);
    lines.insert(loop["line"].get<int>());
  }
  EXPECT_EQ(lines, (std::set<int>{5, 7}));
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(CpuVerifierTest, ASpecWhoseCheckHasNoPowerIsRefused) {
  auto task = Open(Replaced(kRowsSpec, "s += x(r, i)", "s += 0 * x(r, i)"), kRows);
  auto registration = task->verifier->Register();
  ASSERT_FALSE(registration);
  EXPECT_EQ(registration.error().exit, Exit::kUsage);
  EXPECT_NE(registration.error().message.find("the check has no power"), std::string::npos)
      << registration.error().Text();
  EXPECT_NE(registration.error().log.find("zero"), std::string::npos) << registration.error().log;
  EXPECT_GT(registration.error().line, 0);
}

TEST(CpuVerifierTest, AReferenceThatMissesAnElementIsRefused) {
  auto task = Open(Replaced(kRowsSpec, "y(r) = s;", "if (r != 17) y(r) = s;"), kRows);
  auto registration = task->verifier->Register();
  ASSERT_FALSE(registration);
  EXPECT_NE(registration.error().message.find("no reference writes y[17]"), std::string::npos)
      << registration.error().Text();
}

TEST(CpuVerifierTest, TwoTuplesThatWriteOneElementAreRefused) {
  auto task = Open(Replaced(kRowsSpec, "y(r) = s;", "y(r) = s; y(0) = s;"), kRows);
  auto registration = task->verifier->Register();
  ASSERT_FALSE(registration);
  EXPECT_NE(registration.error().message.find("two index tuples"), std::string::npos) << registration.error().Text();
}

TEST(CpuVerifierTest, AReferenceThatDoesNotCompileNamesTheSpecsLine) {
  auto spec = ParseSpec(Replaced(kRowsSpec, "s += x(r, i)", "s += xx(r, i)"), "test.spec");
  ASSERT_TRUE(spec) << spec.error().Text();
  auto verifier = NewCpuVerifier(*spec, {});
  ASSERT_FALSE(verifier);
  EXPECT_EQ(verifier.error().exit, Exit::kUsage);
  EXPECT_EQ(verifier.error().line, 18) << verifier.error().Text();
  EXPECT_GT(verifier.error().column, 0);
}

}  // namespace
}  // namespace kopt

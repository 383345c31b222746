// Hands every file of tests/adversarial/cpu, or of cuda, to one verifier, one after the other, and compares each
// verdict with what the file's first lines say it must be (tests/adversarial/README.md). Files of one task come
// together: to keep the verifiers of all tasks would double what a verdict on a GPU takes.
//
//   adversarial_test cpu|cuda [--confirm] [--repeats N] [--gtest_...]
//
// --confirm: what passes its screening is confirmed, too, and must pass that. Without it only files that say what comes
// of their confirmation are confirmed. --repeats: each file is judged so often, as that many tests.
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <string>

#include "base/files.h"
#include "verifier/cpu/cpu_verifier.h"
#include "verifier/cuda/cuda_verifier.h"

namespace kopt {
namespace {

Target target = Target::kCpu;
std::filesystem::path folder;
std::string missing;   // why nothing can be judged here
bool confirm = false;  // what passes
int repeats = 1;

Result<std::unique_ptr<Verifier>> NewVerifier(const Spec& spec) {
  return target == Target::kCpu ? NewCpuVerifier(spec, {}) : NewCudaVerifier(spec, {});
}

// A candidate that answers right and plays a trick to look faster may be at most this much faster than its honest twin.
// Twins of the same code differ by a few percent here: where their objects happen to lie, and what else the machine
// does.
constexpr double kMostGain = 1.05;
constexpr int kGainTrials = 3;
constexpr double kConfirmSeconds = 1;

struct Expectation {
  std::string outcome, reason, spec = "row_sum.spec";
  std::string confirm_outcome, confirm_reason;  // of the confirmation; empty: there need be none
  std::string twin;                             // file of the honest twin; empty: its time says nothing
};

Expectation ReadExpectation(const std::string& source) {
  Expectation expectation;
  std::smatch match;
  if (std::regex_search(source, match, std::regex("^// expect: ([a-z_|]+):[ ]?(.*)"))) {
    expectation.outcome = match[1];
    expectation.reason = match[2];
  }
  if (std::regex_search(source, match, std::regex("// confirm: ([a-z_|]+):[ ]?(.*)"))) {
    expectation.confirm_outcome = match[1];
    expectation.confirm_reason = match[2];
  }
  if (std::regex_search(source, match, std::regex("// spec: (\\S+)"))) expectation.spec = match[1];
  if (std::regex_search(source, match, std::regex("// gain: (\\S+)"))) expectation.twin = match[1];
  return expectation;
}

// A task with its verifier, kept until a file of another task comes.
struct Bench {
  std::string name;
  Spec spec;
  std::unique_ptr<Verifier> verifier;
};

Bench& BenchOf(const std::string& name) {
  static std::unique_ptr<Bench> bench;
  if (bench != nullptr && bench->name == name) return *bench;
  bench.reset();
  bench = std::make_unique<Bench>(Bench{.name = name});
  auto spec = ReadSpec((folder / name).string());
  EXPECT_TRUE(spec) << spec.error().Text();
  bench->spec = std::move(*spec);
  auto verifier = NewVerifier(bench->spec);
  EXPECT_TRUE(verifier) << verifier.error().Text();
  bench->verifier = std::move(*verifier);
  const std::string seed = bench->spec.seed.at(target);
  auto candidate = ParseCandidate(bench->spec, target, *ReadFile(folder / seed), seed);
  EXPECT_TRUE(candidate) << candidate.error().Text();
  auto verdict = bench->verifier->SetBaseline(*candidate, DefaultConfiguration(*candidate));
  EXPECT_TRUE(verdict) << verdict.error().Text();
  EXPECT_EQ(verdict->outcome, Outcome::kMeasured) << verdict->reason;
  return *bench;
}

// The verdict on a file's text; what the parser refuses is `rejected` too.
Result<Verdict> Judge(Bench& bench, const std::string& source, const std::string& name) {
  auto candidate = ParseCandidate(bench.spec, target, source, name);
  if (candidate) return bench.verifier->Screen(*candidate, DefaultConfiguration(*candidate), {});
  Verdict verdict;
  verdict.reason = candidate.error().Text();
  return verdict;
}

Result<Verdict> Confirm(Bench& bench, const std::string& source, const std::string& name) {
  KOPT_TRY(const Candidate candidate, ParseCandidate(bench.spec, target, source, name));
  KOPT_TRY(Verdict verdict,
           bench.verifier->Confirm(candidate, DefaultConfiguration(candidate), {.seconds = kConfirmSeconds}));
  for (const char* key : {"late_warps", "late_threads", "device_checkers"}) {
    if (verdict.evidence.contains(key)) std::printf("             %s: %s\n", key, verdict.evidence[key].dump().c_str());
  }
  std::printf("             seconds:");
  for (const auto& [stage, seconds] : verdict.stage_seconds) std::printf(" %s %.1f", stage.c_str(), seconds);
  std::printf("\n");
  return verdict;
}

void Expect(const Verdict& verdict, const std::string& outcome, const std::string& reason) {
  const std::string name(Name(verdict.outcome));
  ASSERT_TRUE(std::regex_match(name, std::regex(outcome))) << name << ": " << verdict.reason;
  ASSERT_TRUE(std::regex_search(verdict.reason, std::regex(reason))) << verdict.reason;
}

// Also where the samples were too restless for a speedup: then of the medians.
double Speedup(const Verdict& verdict) {
  if (verdict.speedup) return *verdict.speedup;
  return verdict.time_us && verdict.baseline_us ? *verdict.baseline_us / *verdict.time_us : 0;
}

class AdversarialTest : public testing::Test {
 public:
  explicit AdversarialTest(std::filesystem::path file) : file_(std::move(file)) {}
  void TestBody() override {
    if (!missing.empty()) GTEST_SKIP() << missing;
    const std::string source = *ReadFile(file_);
    const Expectation expectation = ReadExpectation(source);
    Bench& bench = BenchOf(expectation.spec);
    // A real gain is there every time; a disturbance of the machine is not. So the lowest of a few trials counts, each
    // against the twin judged right after it.
    double gain = 0;
    for (int trial = 0; trial < kGainTrials; ++trial) {
      auto verdict = Judge(bench, source, file_.filename().string());
      ASSERT_TRUE(verdict) << verdict.error().Text();
      ASSERT_NO_FATAL_FAILURE(Expect(*verdict, expectation.outcome, expectation.reason));
      if (verdict->outcome == Outcome::kMeasured && (confirm || !expectation.confirm_outcome.empty())) {
        auto confirmed = Confirm(bench, source, file_.filename().string());
        ASSERT_TRUE(confirmed) << confirmed.error().Text();
        const bool said = !expectation.confirm_outcome.empty();
        ASSERT_NO_FATAL_FAILURE(
            Expect(*confirmed, said ? expectation.confirm_outcome : "measured", expectation.confirm_reason));
      }
      if (expectation.twin.empty() || verdict->outcome != Outcome::kMeasured) return;
      auto twin = Judge(bench, *ReadFile(folder / expectation.twin), expectation.twin);
      ASSERT_TRUE(twin) << twin.error().Text();
      ASSERT_EQ(twin->outcome, Outcome::kMeasured) << expectation.twin << ": " << twin->reason;
      const double ratio = Speedup(*verdict) / Speedup(*twin);
      gain = trial == 0 ? ratio : std::min(gain, ratio);
      std::printf("             %.3f times as fast as %s\n", ratio, expectation.twin.c_str());
      if (gain <= kMostGain) return;
    }
    FAIL() << "it looks " << gain << " times as fast as " << expectation.twin;
  }

 private:
  std::filesystem::path file_;
};

void Register() {
  std::vector<std::pair<std::string, std::filesystem::path>> files;  // with their specs
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != (target == Target::kCpu ? ".cpp" : ".cu")) continue;
    files.emplace_back(ReadExpectation(*ReadFile(entry.path())).spec, entry.path());
  }
  std::ranges::sort(files);
  for (const auto& [spec, file] : files) {
    for (int i = 1; i <= repeats; ++i) {
      const std::string name = file.stem().string() + (repeats > 1 ? "/" + std::to_string(i) : "");
      testing::RegisterTest("Adversarial", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [file]() -> AdversarialTest* { return new AdversarialTest(file); });
    }
  }
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const auto target = argc > 1 ? kopt::ParseTarget(argv[1]) : std::nullopt;
  bool understood = target.has_value();
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--confirm") {
      kopt::confirm = true;
    } else if (word == "--repeats" && ++i < argc) {
      const std::string_view number = argv[i];
      const auto [end, error] = std::from_chars(number.begin(), number.end(), kopt::repeats);
      understood = understood && error == std::errc() && end == number.end() && kopt::repeats > 0;
    } else {
      understood = false;
    }
  }
  if (!understood) {
    std::fputs("usage: adversarial_test cpu|cuda [--confirm] [--repeats N]\n", stderr);
    return 2;
  }
  kopt::target = *target;
  kopt::folder = std::filesystem::path(KOPT_SOURCE) / "tests/adversarial" / argv[1];
  if (*target == kopt::Target::kCuda) {
    if (const auto device = kopt::FindCudaDevice(); !device) kopt::missing = device.error().Text();
  }
  kopt::Register();
  return RUN_ALL_TESTS();
}

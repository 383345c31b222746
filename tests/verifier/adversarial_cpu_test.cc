// Hands every file of tests/adversarial/cpu to one verifier, one after the other, and compares each verdict with what
// the file's first lines say it must be.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <string>

#include "base/files.h"
#include "verifier/cpu/cpu_verifier.h"

namespace kopt {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(KOPT_SOURCE) / "tests/adversarial/cpu";

struct Expectation {
  std::string outcome, reason, spec = "row_sum.spec";
};

Expectation ReadExpectation(const std::string& source) {
  Expectation expectation;
  std::smatch match;
  if (std::regex_search(source, match, std::regex("^// expect: ([a-z_|]+):[ ]?(.*)"))) {
    expectation.outcome = match[1];
    expectation.reason = match[2];
  }
  if (std::regex_search(source, match, std::regex("// spec: (\\S+)"))) expectation.spec = match[1];
  return expectation;
}

// A task with its verifier, kept for all files that use it.
struct Bench {
  Spec spec;
  std::unique_ptr<Verifier> verifier;
};

Bench& BenchOf(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Bench>> benches;
  auto& bench = benches[name];
  if (bench != nullptr) return *bench;
  bench = std::make_unique<Bench>();
  auto spec = ReadSpec((kFolder / name).string());
  EXPECT_TRUE(spec) << spec.error().Text();
  bench->spec = std::move(*spec);
  auto verifier = NewCpuVerifier(bench->spec, {});
  EXPECT_TRUE(verifier) << verifier.error().Text();
  bench->verifier = std::move(*verifier);
  const std::string seed = bench->spec.seed.at(Target::kCpu);
  auto candidate = ParseCandidate(bench->spec, Target::kCpu, *ReadFile(kFolder / seed), seed);
  EXPECT_TRUE(candidate) << candidate.error().Text();
  auto verdict = bench->verifier->SetBaseline(*candidate, DefaultConfiguration(*candidate));
  EXPECT_TRUE(verdict) << verdict.error().Text();
  EXPECT_EQ(verdict->outcome, Outcome::kMeasured) << verdict->reason;
  return *bench;
}

class AdversarialTest : public testing::Test {
 public:
  explicit AdversarialTest(std::filesystem::path file) : file_(std::move(file)) {}
  void TestBody() override {
    const std::string source = *ReadFile(file_);
    const Expectation expectation = ReadExpectation(source);
    Bench& bench = BenchOf(expectation.spec);
    std::string outcome = "rejected";
    std::string reason;
    auto candidate = ParseCandidate(bench.spec, Target::kCpu, source, file_.filename().string());
    if (candidate) {
      auto verdict = bench.verifier->Screen(*candidate, DefaultConfiguration(*candidate), {});
      ASSERT_TRUE(verdict) << verdict.error().Text();
      outcome = Name(verdict->outcome);
      reason = verdict->reason;
    } else {
      reason = candidate.error().Text();
    }
    EXPECT_TRUE(std::regex_match(outcome, std::regex(expectation.outcome))) << outcome << ": " << reason;
    EXPECT_TRUE(std::regex_search(reason, std::regex(expectation.reason))) << reason;
  }

 private:
  std::filesystem::path file_;
};

void Register() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".cpp") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    testing::RegisterTest("Adversarial", file.stem().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [file]() -> AdversarialTest* { return new AdversarialTest(file); });
  }
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  kopt::Register();
  return RUN_ALL_TESTS();
}

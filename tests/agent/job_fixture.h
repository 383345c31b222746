// A run in a folder of its own: a real spec, a real store, a simulated device.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "agent/optimize.h"
#include "agent/results.h"
#include "agent/stored_run.h"
#include "base/files.h"
#include "tests/agent/fake_verifier.h"

namespace kopt {

inline constexpr const char* kCopySpec = R"spec(kopt = 1
name = "scale"
dims = ["N"]
[[shape]]
N = 4096
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
)spec";

inline constexpr const char* kTunableSeed = R"seed(//@ tune A = 1 | 2 | 3 | 4
//@ tune B = 10 | 20 | 30
//@ where A * B <= 90
//@ call scale args(x, y)
extern "C" void scale(const float* x, float* y) {
  for (int i = 0; i < N; ++i) y[i] = 2 * x[i];
}
)seed";

class JobTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = TemporaryFolder::Create("kopt-agent-test");
    ASSERT_TRUE(folder) << folder.error().Text();
    folder_ = std::make_unique<TemporaryFolder>(*std::move(folder));
    auto spec = ParseSpec(kCopySpec, "scale.spec");
    ASSERT_TRUE(spec) << spec.error().Text();
    spec_ = *std::move(spec);
    auto store = Store::Open(folder_->path() / "state");
    ASSERT_TRUE(store) << store.error().Text();
    store_.emplace(*std::move(store));
    job_.spec = &spec_;
    job_.run = "scale-20261120-174402-3f2a";
    job_.out = folder_->path() / "out";
    job_.random_seed = 5;
    job_.search = "random";
    job_.command = "kopt optimize scale.spec --budget 60s";
    SetSeed(kTunableSeed);
  }

  Candidate Parse(const std::string& source, const std::string& file) {
    auto candidate = ParseCandidate(spec_, Target::kCpu, source, file);
    EXPECT_TRUE(candidate) << candidate.error().Text();
    return *candidate;
  }
  void SetSeed(const std::string& source) { job_.contestants.seed = Parse(source, "scale.cpp"); }
  void SetBaseline() {
    job_.contestants.baseline =
        Parse("//@ call scale args(x, y)\nextern \"C\" void scale(const float*, float*);\n", "scale_baseline.cpp");
  }

  virtual Result<OptimizeResult> Run() {
    const auto progress = NoProgress();
    return Optimize(job_, verifier_, *store_, *progress, clock_, interrupts_);
  }

  Result<StoredRun> Stored() {
    auto row = store_->FindRun(job_.run);
    if (!row) return std::unexpected(row.error());
    return LoadRun(*store_, *std::move(row), folder_->path() / "files");
  }
  // The run goes on from what is stored.
  Result<OptimizeResult> Resume() {
    auto run = Stored();
    if (!run) return std::unexpected(run.error());
    stored_ = *std::move(run);
    job_.spec = &stored_.spec;
    job_.contestants = stored_.contestants;
    job_.settings = stored_.row.settings;
    job_.history = HistoryOf(stored_);
    return Run();
  }

  std::unique_ptr<TemporaryFolder> folder_;
  StoredRun stored_;  // what is resumed
  Spec spec_;
  std::optional<Store> store_;
  Job job_;
  FakeClock clock_;
  Interrupts interrupts_;
  FakeVerifier verifier_{clock_, interrupts_};
};

}  // namespace kopt

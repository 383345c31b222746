// The program with everything outside it played: a folder of its own, a simulated device, streams that are strings.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "cli/host.h"
#include "cli/kopt.h"
#include "tests/agent/fake_verifier.h"

namespace kopt {

// Passes calls on to a simulated device that outlives the command.
class BorrowedVerifier : public Verifier {
 public:
  explicit BorrowedVerifier(Verifier& verifier) : verifier_(verifier) {}
  const Device& device() const override { return verifier_.device(); }
  const Peaks& peaks() const override { return verifier_.peaks(); }
  Result<Registration> Register() override { return verifier_.Register(); }
  Result<Verdict> SetBaseline(const Candidate& candidate, const Configuration& configuration) override {
    return verifier_.SetBaseline(candidate, configuration);
  }
  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override {
    return verifier_.Screen(candidate, configuration, screening);
  }
  Result<SideBySide> Compare(std::span<const Contender> contenders, double seconds) override {
    return verifier_.Compare(contenders, seconds);
  }
  Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration,
                          const Confirmation& how) override {
    return verifier_.Confirm(candidate, configuration, how);
  }
  Result<Example> DrawExample(const Shape& shape) override { return verifier_.DrawExample(shape); }
  Result<DeviceCode> Compile(const Candidate& candidate, const Configuration& configuration,
                             const std::vector<const Shape*>& shapes) override {
    return verifier_.Compile(candidate, configuration, shapes);
  }

 private:
  Verifier& verifier_;
};

class KoptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = TemporaryFolder::Create("kopt-cli-test");
    ASSERT_TRUE(folder) << folder.error().Text();
    folder_ = std::make_unique<TemporaryFolder>(*std::move(folder));
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_->path());
    environment_ = {{"HOME", folder_->path().string()}, {"KOPT_STATE", (folder_->path() / "state").string()}};
    verifier_.behave = [](const Configuration& configuration) {
      return Behaviour{.speedup = 1 + 0.01 * static_cast<double>(configuration.at("LANES"))};
    };
  }
  void TearDown() override { std::filesystem::current_path(before_); }

  // Runs one command line; the exit code is returned, the streams are in out_ and err_.
  int Kopt(const std::vector<std::string>& arguments) {
    std::ostringstream out, err;
    Host host{
        .out = out,
        .err = err,
        .clock = clock_,
        .interrupts = interrupts_,
        .environment = [&](const char* name) { return Environment(name); },
        .worker = "/bin/true",
        .backends = {{Target::kCpu,
                      {.new_verifier = [&](const Spec& spec,
                                           VerifierOptions options) -> Result<std::unique_ptr<Verifier>> {
                         options_ = options;
                         verifier_.spec = &spec;
                         verifier_.peaks_now = better_peaks_.value_or(options.peaks);
                         return std::make_unique<BorrowedVerifier>(verifier_);
                       },
                       .device = [&](int) { return Result<Device>(verifier_.device()); },
                       .calibrate = [&](const VerifierOptions&) -> Result<Peaks> {
                         ++calibrations_;
                         return Peaks{
                             .read_bytes = 2e10, .write_bytes = 1e10, .copy_bytes = 1.5e10, .flops = {{"f32", 1e11}}};
                       }}}},
        .sandbox = [&] { return sandbox_; },
        .compiler = [] { return Result<Compiler>(Compiler{"/usr/bin/g++", "g++ 12.2.0"}); }};
    for (const auto& [target, backend] : more_backends_) host.backends[target] = backend;
    const int exit = RunKopt(arguments, host);
    out_ = out.str();
    err_ = err.str();
    return exit;
  }

  std::optional<std::string> Environment(const char* name) const {
    const auto found = environment_.find(name);
    return found == environment_.end() ? std::nullopt : std::optional(found->second);
  }

  void Write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::absolute(file).parent_path());
    const auto written = WriteFile(file, text);
    ASSERT_TRUE(written) << written.error().Text();
  }
  static std::string Read(const std::filesystem::path& file) {
    auto text = ReadFile(file);
    return text ? *text : "cannot read " + file.string();
  }
  void Init() { ASSERT_EQ(Kopt({"init", "norm"}), 0) << err_; }

  std::unique_ptr<TemporaryFolder> folder_;
  std::filesystem::path before_;
  std::map<std::string, std::string> environment_;
  FakeClock clock_;
  Interrupts interrupts_;
  FakeVerifier verifier_{clock_, interrupts_};
  VerifierOptions options_;
  std::map<Target, Backend> more_backends_;
  SandboxState sandbox_{.landlock_abi = 4, .seccomp = true};
  int calibrations_ = 0;
  std::optional<Peaks> better_peaks_;  // that the verifier hands out
  std::string out_, err_;
};

// The source tree, and whether goldens and generated parts of the documentation are to be written anew.
inline std::filesystem::path SourceFolder() { return KOPT_SOURCE_DIR; }
inline bool UpdatesGoldens() { return std::getenv("KOPT_UPDATE_GOLDEN") != nullptr; }

// What differs from run to run, replaced by a word: names of runs, dates, the test's folder, free space.
inline std::string Steady(std::string text, const std::filesystem::path& folder) {
  const std::vector<std::pair<std::string, std::string>> rules = {
      {"-[0-9]{8}-[0-9]{6}-[0-9a-f]{4}", "-20261120-174402-3f2a"},
      {"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z", "2026-11-20T17:44:02.123Z"},
      {"[0-9.]+ [KMGT]?i?B free", "12.0 GiB free"},
      {"[0-9]+ CPUs online", "2 CPUs online"},
      {"\"kopt\": \"[0-9a-f]{32}\"", "\"kopt\": \"5eb63bbbe01eeed093cb22bb8f5acdc3\""},
  };
  for (size_t at = 0; (at = text.find(folder.string(), at)) != std::string::npos;) {
    text.replace(at, folder.string().size(), "/home/u");
  }
  for (const auto& [pattern, word] : rules) text = std::regex_replace(text, std::regex(pattern), word);
  return text;
}

}  // namespace kopt

// What every command works with: the host, the flags that all share, the settings in force, and the ways to reach the
// store and a verifier.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/progress.h"
#include "cli/calibration.h"
#include "cli/config.h"
#include "cli/host.h"
#include "store/store.h"
#include "verifier/core/verifier.h"

namespace kopt {

inline constexpr const char* kVersion = "0.1.0";
inline constexpr const char* kStateLimit = "2G";
inline constexpr const char* kCacheLimit = "1G";

// As given on the command line; empty: not given.
struct CommonFlags {
  std::string target, state, devices;
  bool json = false;
  bool unsafe_no_sandbox = false;
};

class Context {
 public:
  explicit Context(Host& host) : host_(host) {}

  Host& host() { return host_; }
  CommonFlags& flags() { return flags_; }
  bool json() const { return flags_.json; }
  const Config& config() const { return config_; }
  Result<void> ReadConfig();

  // The target in force, with --devices. Errors: a name that is none (exit 2); a target that this host cannot serve
  // (3); those of UseTarget.
  Result<Target> ChosenTarget() const;
  // What flags and settings name, whether this host can serve it or not.
  Result<Target> NamedTarget() const;
  // The target of something stored, in place of the one that flags and settings name, and which of its devices are
  // used: `devices` as --devices takes them; empty: the first. Errors: those of ParseDevices, and a target without a
  // choice (exit 2).
  Result<void> UseTarget(Target target, const std::string& devices = "") const;
  // An error for what works on the cpu target only.
  Result<void> OnlyCpu(const std::string& command) const;
  // Those of the target that ChosenTarget gave; or UseTarget took; before, the cpu's.
  const Backend& backend() const { return host_.backends.at(target_); }
  // The first of those in use.
  const Device& device() const { return device_; }
  const std::vector<int>& devices() const { return devices_; }
  // Seconds, and a factor above 1, from the flag or the settings; nothing if neither says.
  Result<std::optional<double>> Budget(const std::string& flag) const;
  Result<std::optional<double>> TargetSpeedup(const std::string& flag) const;
  Result<std::optional<double>> TargetSol(const std::string& flag) const;  // above 0, at most 1
  // The name of a search; "model" if nothing says another.
  Result<std::string> SearchName(const std::string& flag) const;
  std::filesystem::path StateFolder() const;
  // Where arrays that the state keeps are written for specs that come from it. Not in the cache: runs read them again.
  std::filesystem::path KeptFiles() const { return StateFolder() / "files"; }
  Result<Store> OpenStore() const;

  // Bytes.
  Result<double> StateLimit() const;
  Result<double> CacheLimit() const;
  // Keeps the state within `state_limit` and the cache within `cache_limit`: samples of the oldest runs go first.
  // Not those of `run`, which is about to be resumed.
  Result<void> BoundState(Store& store, std::string_view run, Progress& progress) const;

  // The device's peaks; the first use of a device measures them (about 6 s) and says so.
  Result<Calibration> EnsureCalibrated(Store& store, Progress& progress);
  // Stores peaks that are better than those of `known`, which a verifier saw since.
  Result<void> KeepPeaks(Store& store, Calibration known, const Peaks& peaks) const;
  VerifierOptions OptionsFor(const Peaks& peaks) const;

  // A line beside the result, to stderr, unless --json was given.
  void Note(std::string_view text);
  // Prints to stdout unless --json was given.
  void Print(std::string_view text);
  // Prints the document if --json was given.
  void Document(const nlohmann::ordered_json& document);
  // Progress for the streams at hand: a live line on a terminal, plain lines elsewhere; with --json only to stderr, and
  // only if that is a terminal.
  std::unique_ptr<Progress> MakeProgress();

 private:
  Host& host_;
  CommonFlags flags_;
  Config config_;
  mutable Target target_ = Target::kCpu;
  mutable Device device_;
  mutable std::vector<int> devices_ = {0};
};

// Gives freed space back, unless a run is going on: that would wait, and might end, for want of the state.
void CompactIfIdle(Store& store);

// What a command does when it was chosen; the value is the exit code.
using Action = std::function<Result<int>(Context&)>;

// Adds --target, --state, --json and --unsafe-no-sandbox.
void AddCommonFlags(CLI::App& command, CommonFlags& flags);
// --json and --state only: commands that need no device.
void AddStateFlags(CLI::App& command, CommonFlags& flags);

// "B=1 H=16 S=4096 D=64", in the order of the spec's dims.
std::string DimsText(const Spec& spec, const Shape& shape);

}  // namespace kopt

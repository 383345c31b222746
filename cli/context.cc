#include "cli/context.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "agent/format.h"
#include "agent/search/search.h"
#include "base/clock.h"
#include "cli/devices.h"
#include "cli/duration.h"
#include "cli/output.h"
#include "task/nearest.h"

namespace kopt {

Result<void> Context::ReadConfig() {
  KOPT_TRY(config_, Config::Read(host_.environment));
  return {};
}

Result<Target> Context::ChosenTarget() const {
  KOPT_TRY(const Target target, NamedTarget());
  KOPT_CHECK(UseTarget(target, flags_.devices));
  return target;
}

Result<void> Context::UseTarget(Target target, const std::string& named) const {
  const auto backend = host_.backends.find(target);
  if (backend == host_.backends.end()) {
    return EnvironmentError(fmt::format("this build of kopt has no worker for the target {}", Name(target)),
                            "use --target cpu");
  }
  std::vector<int> devices = {0};
  if (!named.empty()) {
    if (!backend->second.count_devices) {
      return std::unexpected(Error{.exit = Exit::kUsage,
                                   .message = fmt::format("the target {} has no devices to choose from", Name(target)),
                                   .key = "--devices",
                                   .hint = "leave it out, or add --target cuda"});
    }
    KOPT_TRY(const int count, backend->second.count_devices());
    KOPT_TRY(devices, ParseDevices(named, count));
  }
  KOPT_TRY(device_, backend->second.device(devices.front()));
  target_ = target;
  devices_ = std::move(devices);
  return {};
}

Result<void> Context::OnlyCpu(const std::string& command) const {
  if (target_ == Target::kCpu) return {};
  return EnvironmentError(fmt::format("`kopt {}` does not know the target cuda yet", command),
                          "`kopt verify --target cuda` judges one candidate");
}

Result<Target> Context::NamedTarget() const {
  const auto setting = config_.Find("target", flags_.target);
  if (!setting) return Target::kCpu;
  static const std::vector<std::string> kTargets = {"cpu", "cuda"};
  if (const auto target = ParseTarget(setting->value)) return *target;
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("unknown target `{}`", setting->value),
                               .key = setting->source,
                               .hint = NearestHint(setting->value, kTargets)});
}

Result<std::optional<double>> Context::Budget(const std::string& flag) const {
  const auto setting = config_.Find("budget", flag);
  if (!setting) return std::nullopt;
  KOPT_TRY(const double seconds, ParseDuration(setting->value, setting->source));
  return seconds;
}

namespace {

// A number above `low` and up to `high`; nothing if nobody says one.
Result<std::optional<double>> NumberBetween(const std::optional<Setting>& setting, double low, double high,
                                            std::string_view what, std::string hint) {
  if (!setting) return std::nullopt;
  const std::string& text = setting->value;
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && stop == text.data() + text.size();
  if (whole && std::isfinite(value) && value > low && value <= high) return value;
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("`{}` is no {}", text, what),
                               .key = setting->source,
                               .hint = std::move(hint)});
}

}  // namespace

Result<std::optional<double>> Context::TargetSpeedup(const std::string& flag) const {
  return NumberBetween(config_.Find("target_speedup", flag), 1, std::numeric_limits<double>::max(), "target speedup",
                       "a number above 1, for example 1.5");
}

Result<std::optional<double>> Context::TargetSol(const std::string& flag) const {
  return NumberBetween(config_.Find("target_sol", flag), 0, 1, "fraction of the speed of light",
                       "a number above 0 and up to 1, for example 0.8");
}

Result<std::string> Context::SearchName(const std::string& flag) const {
  const auto setting = config_.Find("search", flag);
  if (!setting) return SearchNames().front();
  const auto& names = SearchNames();
  if (std::find(names.begin(), names.end(), setting->value) != names.end()) return setting->value;
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("unknown search `{}`", setting->value),
                               .key = setting->source,
                               .hint = NearestHint(setting->value, names)});
}

std::filesystem::path Context::StateFolder() const {
  const auto setting = config_.Find("state", flags_.state);
  return setting ? std::filesystem::path(setting->value) : DefaultStateFolder();
}

Result<Store> Context::OpenStore() const { return Store::Open(StateFolder()); }

Result<Calibration> Context::EnsureCalibrated(Store& store, Progress& progress) {
  const std::string device = device_.name;
  KOPT_TRY(std::optional<Calibration> known, LoadCalibration(store, device));
  if (known) return *std::move(known);
  if (target_ == Target::kCpu) KOPT_CHECK(CheckHost(host_.worker, host_.sandbox(), !flags_.unsafe_no_sandbox));
  progress.Line(
      fmt::format("first use of {}: measuring its peaks, about {} s", device, target_ == Target::kCpu ? 6 : 3));
  Calibration calibration;
  KOPT_TRY(calibration.peaks, backend().calibrate(OptionsFor({})));
  calibration.date = Timestamp();
  KOPT_CHECK(SaveCalibration(store, device, calibration));
  return calibration;
}

Result<void> Context::KeepPeaks(Store& store, Calibration known, const Peaks& peaks) const {
  if (known.peaks == peaks) return {};
  known.peaks = peaks;
  return SaveCalibration(store, device_.name, known);
}

VerifierOptions Context::OptionsFor(const Peaks& peaks) const {
  return {.sandbox = !flags_.unsafe_no_sandbox,
          .peaks = peaks,
          .interrupts = &host_.interrupts.work,
          .cache = StateFolder() / "cache",
          .device = devices_.front()};
}

void Context::Note(std::string_view text) {
  if (!json()) host_.err << text << std::endl;
}

void Context::Print(std::string_view text) {
  if (!json()) host_.out << text << std::flush;
}

void Context::Document(const nlohmann::ordered_json& document) {
  if (json()) PrintDocument(host_.out, document);
}

std::unique_ptr<Progress> Context::MakeProgress() {
  if (json()) return host_.err_is_terminal ? TerminalProgress(host_.err, host_.columns) : NoProgress();
  return host_.out_is_terminal ? TerminalProgress(host_.out, host_.columns) : PlainProgress(host_.out, host_.clock);
}

void AddStateFlags(CLI::App& command, CommonFlags& flags) {
  command.add_option("--state", flags.state, "where runs are kept (default: $XDG_STATE_HOME/kopt)")->type_name("DIR");
  command.add_flag("--json", flags.json, "print one JSON document and nothing else");
}

void AddCommonFlags(CLI::App& command, CommonFlags& flags) {
  command.add_option("--target", flags.target, "where candidates run: cpu (default) or cuda")->type_name("NAME");
  AddStateFlags(command, flags);
  command.add_flag("--unsafe-no-sandbox", flags.unsafe_no_sandbox, "run candidates without isolation");
}

std::string DimsText(const Spec& spec, const Shape& shape) {
  std::string text;
  for (const std::string& dim : spec.dims) {
    const auto found = shape.dims.find(dim);
    if (found != shape.dims.end()) text += fmt::format("{}{}={}", text.empty() ? "" : " ", dim, found->second);
  }
  return text.empty() ? "-" : text;
}

}  // namespace kopt

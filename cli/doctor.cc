#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>

#include "agent/evidence.h"
#include "agent/format.h"
#include "agent/resolution.h"
#include "agent/search/search.h"
#include "base/clock.h"
#include "base/files.h"
#include "cli/asking_flags.h"
#include "cli/commands.h"
#include "cli/doctor_models.h"
#include "cli/init_text.h"
#include "cli/output.h"
#include "task/candidate.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr double kLittleSpace = 1 << 30;  // bytes: below this a long run may fill the disk

struct DoctorFlags {
  bool calibrate = false;
  bool ask = false;  // each model one question
  ModelFlags models;
};

struct Doctor {
  Context& context;
  const DoctorFlags& flags;
  std::vector<Finding> findings;
  std::optional<Store> store;
  std::optional<Calibration> calibration;
  std::optional<NoiseFigure> noise;

  void Add(std::string name, std::string state, std::string text, std::string hint = "") {
    findings.push_back({std::move(name), std::move(state), std::move(text), std::move(hint)});
  }
};

void LookForCompiler(Doctor& doctor) {
  const auto compiler = doctor.context.host().compiler();
  if (compiler) {
    doctor.Add("compiler", "ok", fmt::format("{}: {}", compiler->path, compiler->version));
  } else {
    doctor.Add("compiler", "missing", compiler.error().message, compiler.error().hint);
  }
}

void LookForSandbox(Doctor& doctor) {
  const SandboxState state = doctor.context.host().sandbox();
  const std::string text = fmt::format("Landlock {}, seccomp {}, {}",
                                       state.landlock_abi > 0 ? fmt::format("ABI {}", state.landlock_abi) : "missing",
                                       state.seccomp ? "present" : "missing",
                                       state.root ? "as root: candidates run as another user" : "as an ordinary user");
  if (state.missing.empty()) return doctor.Add("sandbox", "ok", text);
  doctor.Add("sandbox", "missing", text, state.missing + "; or accept the risk with --unsafe-no-sandbox");
}

void LookForWorker(Doctor& doctor) {
  const std::filesystem::path& worker = doctor.context.host().worker;
  if (access(worker.c_str(), X_OK) == 0) return doctor.Add("worker", "ok", worker.string());
  doctor.Add("worker", "missing", fmt::format("{} is not there or cannot be run", worker.string()),
             "keep kopt and its workers in one folder");
}

void LookAtState(Doctor& doctor) {
  const std::filesystem::path folder = doctor.context.StateFolder();
  auto store = doctor.context.OpenStore();
  const auto usable = store ? store->CheckWritable() : std::unexpected(store.error());
  if (!usable) return doctor.Add("state", "missing", usable.error().Text(), "choose another folder with --state DIR");
  doctor.store.emplace(std::move(*store));
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) return doctor.Add("state", "ok", fmt::format("{}, can be written", folder.string()));
  const auto free = static_cast<double>(space.available);
  doctor.Add("state", free < kLittleSpace ? "note" : "ok",
             fmt::format("{}, can be written, {} free", folder.string(), FormatBytes(free)),
             free < kLittleSpace ? "samples of long runs need space" : "");
}

void LookAtSettings(Doctor& doctor) {
  const auto add = [&](const auto& setting) {
    if (setting) return;
    Error error = setting.error();
    const std::string hint = std::exchange(error.hint, "");
    doctor.Add("settings", "missing", error.Text(), hint);
  };
  add(doctor.context.ChosenTarget());
  add(doctor.context.Budget(""));
  add(doctor.context.TargetSpeedup(""));
  add(doctor.context.TargetSol(""));
  add(doctor.context.SearchName(""));
  add(doctor.context.StateLimit());
  add(doctor.context.CacheLimit());
}

// Needed only where the target is cuda.
void LookForGpu(Doctor& doctor) {
  const auto named = doctor.context.NamedTarget();
  const bool needed = named && *named == Target::kCuda;
  const auto& backends = doctor.context.host().backends;
  const auto backend = backends.find(Target::kCuda);
  if (backend == backends.end()) {
    return doctor.Add("cuda", needed ? "missing" : "note", "this build of kopt has no worker for the target cuda");
  }
  const auto device = backend->second.device(0);
  if (device) {
    const std::string facts = fmt::format("{}, driver for CUDA {}, {} multiprocessors", device->name,
                                          device->facts.value("cuda_driver", "?"), device->values.at("SMS"));
    return doctor.Add("cuda", "ok", facts);
  }
  doctor.Add("cuda", needed ? "missing" : "note", device.error().message, needed ? device.error().hint : "");
}

void LookAtDevice(Doctor& doctor) {
  const auto found = doctor.context.host().backends.at(Target::kCpu).device(0);
  const Device device = found.value_or(Device{});
  const auto threads = device.values.find("THREADS");
  doctor.Add("device", "ok",
             fmt::format("cpu: {}; THREADS = {}, {} CPUs online", device.name,
                         threads == device.values.end() ? "?" : fmt::to_string(threads->second),
                         sysconf(_SC_NPROCESSORS_ONLN)));
  LookForGpu(doctor);
}

void LookAtCalibration(Doctor& doctor) {
  const char* hint = "run `kopt doctor --calibrate` on the idle machine";
  if (doctor.calibration) {
    doctor.Add("calibration", "ok", fmt::format("{} ({})", Text(doctor.calibration->peaks), doctor.calibration->date));
  } else {
    doctor.Add("calibration", "note", "none yet: speed of light is not known", hint);
  }
  if (doctor.noise) {
    doctor.Add("resolution", "ok",
               fmt::format("a difference of {} in a screening, {} in a confirmation ({})",
                           FormatPercent(doctor.noise->screening), FormatPercent(doctor.noise->confirmation),
                           doctor.noise->date));
  } else {
    doctor.Add("resolution", "note", "the smallest difference this machine can resolve is not known yet", hint);
  }
}

// The seed of a small task against itself: whatever differs is noise.
Result<NoiseFigure> MeasureNoise(Context& context, const Peaks& peaks) {
  KOPT_TRY(const Spec spec, ParseSpec(InitSpec("noise"), "noise.spec"));
  KOPT_TRY(const Candidate seed, ParseCandidate(spec, Target::kCpu, InitSeed("noise"), "noise.cpp"));
  KOPT_TRY(const auto verifier, context.backend().new_verifier(spec, context.OptionsFor(peaks)));
  KOPT_CHECK(verifier->Register());
  const Configuration configuration = DefaultConfiguration(seed);
  KOPT_TRY(const Verdict baseline, verifier->SetBaseline(seed, configuration));
  if (!baseline.correct()) return EnvironmentError(fmt::format("a small task failed: {}", Summary(baseline)));
  KOPT_TRY(const Verdict verdict, verifier->Screen(seed, configuration, {}));
  const std::optional<double> screening = Resolution(verdict);
  std::vector<double> ratios;
  for (const ShapeSamples& samples : verdict.samples) {
    const auto kept = DropDisturbed(samples.quads);
    for (const Quad& quad : kept.value_or(std::vector<Quad>())) ratios.push_back(LogRatio(quad));
  }
  if (!screening) {
    return EnvironmentError(fmt::format("a small task could not be timed: {}", Summary(verdict)),
                            "leave the machine idle and run again");
  }
  return NoiseFigure{
      .screening = *screening, .confirmation = SmallestDifference(ratios, kConfirmationQuads), .date = Timestamp()};
}

Result<void> Calibrate(Doctor& doctor) {
  if (!doctor.store) return {};
  Context& context = doctor.context;
  const std::string device = context.device().name;
  const auto progress = context.MakeProgress();
  progress->Line("measuring the peaks of this machine");
  Calibration calibration{.date = Timestamp()};
  KOPT_TRY(calibration.peaks, context.backend().calibrate(context.OptionsFor({})));
  KOPT_CHECK(SaveCalibration(*doctor.store, device, calibration));
  progress->Line("timing a small task against itself");
  KOPT_TRY(const NoiseFigure noise, MeasureNoise(context, calibration.peaks));
  return SaveNoise(*doctor.store, device, noise);
}

Result<void> LoadFacts(Doctor& doctor) {
  if (!doctor.store) return {};
  const std::string device = doctor.context.device().name;
  KOPT_TRY(doctor.calibration, LoadCalibration(*doctor.store, device));
  KOPT_TRY(doctor.noise, LoadNoise(*doctor.store, device));
  return {};
}

std::string FlagFor(const std::string& key, const Doctor& doctor) {
  if (key == "target") return doctor.context.flags().target;
  if (key == "state") return doctor.context.flags().state;
  if (key == "model") return fmt::format("{}", fmt::join(doctor.flags.models.models, ", "));
  return key == "base_url" ? doctor.flags.models.base_url : "";
}

std::vector<std::pair<std::string, Setting>> SettingsInForce(const Doctor& doctor) {
  std::vector<std::pair<std::string, Setting>> settings;
  for (const std::string& key : Config::Keys()) {
    std::string fallback = "none";
    if (key == "target") fallback = "cpu";
    if (key == "state") fallback = doctor.context.StateFolder().string();
    if (key == "search") fallback = SearchNames().front();
    if (key == "state_limit") fallback = kStateLimit;
    if (key == "cache_limit") fallback = kCacheLimit;
    if (key == "idle_timeout") fallback = kIdleTimeout;
    if (key == "total_timeout") fallback = kTotalTimeout;
    if (const auto asking = DefaultOfAsking(key)) fallback = *asking;
    Setting setting = doctor.context.config().Find(key, FlagFor(key, doctor)).value_or(Setting{fallback, "default"});
    setting.value = ShownValue(key, setting);
    settings.emplace_back(key, std::move(setting));
  }
  return settings;
}

std::string SettingsFileText(const std::string& file) {
  if (file.empty()) return "there is no settings file: neither XDG_CONFIG_HOME nor HOME is set";
  std::error_code ignored;
  return fmt::format("{} {}", file, std::filesystem::exists(file, ignored) ? "is read" : "does not exist");
}

std::string DoctorText(const Doctor& doctor) {
  std::vector<std::vector<std::string>> rows, settings;
  std::string hints;
  for (const Finding& finding : doctor.findings) {
    rows.push_back({finding.state, finding.name, finding.text});
    if (!finding.hint.empty()) hints += fmt::format("  {}: {}\n", finding.name, finding.hint);
  }
  for (const auto& [key, setting] : SettingsInForce(doctor)) {
    settings.push_back({key, setting.value, "(" + setting.source + ")"});
  }
  std::string text = fmt::format("kopt {}\n\n{}\nsettings in force; {}\n{}", kVersion, Table(rows),
                                 SettingsFileText(doctor.context.config().file()), Table(settings));
  return hints.empty() ? text : text + "\nwhat to do\n" + hints;
}

ordered_json DoctorDocument(const Doctor& doctor, bool usable) {
  ordered_json findings = ordered_json::array(), settings = ordered_json::object();
  for (const Finding& finding : doctor.findings) {
    findings.push_back({{"name", finding.name},
                        {"state", finding.state},
                        {"text", finding.text},
                        {"hint", finding.hint.empty() ? ordered_json() : ordered_json(finding.hint)}});
  }
  for (const auto& [key, setting] : SettingsInForce(doctor)) {
    settings[key] = {{"value", setting.value}, {"source", setting.source}};
  }
  return {{"kopt", 1},
          {"version", kVersion},
          {"usable", usable},
          {"findings", findings},
          {"settings", settings},
          {"calibration", Json(doctor.calibration)},
          {"noise", Json(doctor.noise)}};
}

Result<int> RunDoctor(const DoctorFlags& flags, Context& context) {
  Doctor doctor{.context = context, .flags = flags};
  LookForCompiler(doctor);
  LookForSandbox(doctor);
  LookForWorker(doctor);
  LookAtState(doctor);
  LookAtSettings(doctor);
  LookAtDevice(doctor);
  if (flags.calibrate) KOPT_CHECK(Calibrate(doctor));
  KOPT_CHECK(LoadFacts(doctor));
  LookAtCalibration(doctor);
  KOPT_TRY(const auto models, LookAtModels(flags.models, context, flags.ask));
  doctor.findings.insert(doctor.findings.end(), models.begin(), models.end());
  bool usable = true;
  for (const Finding& finding : doctor.findings) usable = usable && finding.state != "missing";
  context.Print(DoctorText(doctor));
  context.Document(DoctorDocument(doctor, usable));
  return usable ? 0 : static_cast<int>(Exit::kEnvironment);
}

}  // namespace

void AddDoctor(CLI::App& app, Context& context, Action& action) {
  CLI::App* command =
      app.add_subcommand("doctor", "show what is in force, what is missing, and what this machine can resolve");
  auto flags = std::make_shared<DoctorFlags>();
  command->add_flag("--calibrate", flags->calibrate, "measure this machine's peaks and noise again");
  command->add_flag("--endpoint", flags->ask, "ask each named model for one word, and say what works");
  AddEndpointFlags(*command, flags->models);
  AddCommonFlags(*command, context.flags());
  command->callback([&action, flags] { action = [flags](Context& c) { return RunDoctor(*flags, c); }; });
}

}  // namespace kopt

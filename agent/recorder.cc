#include "agent/recorder.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <filesystem>
#include <sstream>
#include <utility>

#include "agent/stored_run.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"

namespace kopt {
namespace {

std::string FileNameSafe(std::string_view name) {
  std::string safe;
  for (char c : name.substr(0, 60)) {
    const bool fine = std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
    safe += fine ? c : '_';
  }
  return safe.empty() || safe[0] == '.' ? "task" + safe : safe;
}

// Ticks after boot at which a process began: tells a process from a later one of the same number. Empty if it has
// ended, even if nobody has taken notice of that yet.
std::string StartOf(long long pid) {
  auto text = ReadFile(fmt::format("/proc/{}/stat", pid));
  if (!text || text->rfind(')') == std::string::npos) return "";
  std::istringstream fields(text->substr(text->rfind(')') + 1));
  std::string state, field;
  fields >> state;
  for (int i = 4; i <= 22; ++i) fields >> field;
  return state == "Z" || state == "X" ? "" : field;
}

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

std::string BootId() {
  auto text = ReadFile("/proc/sys/kernel/random/boot_id");
  return text ? text->substr(0, text->find('\n')) : "";
}

// Process numbers mean something within one of these.
std::string ProcessNamespace() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/ns/pid", ignored).string();
}

}  // namespace

std::string NewRunName(std::string_view task) {
  const std::string now = Timestamp();  // 2026-11-20T17:44:02.123Z
  return fmt::format("{}-{}{}{}-{}{}{}-{:04x}", FileNameSafe(task), now.substr(0, 4), now.substr(5, 2),
                     now.substr(8, 2), now.substr(11, 2), now.substr(14, 2), now.substr(17, 2), SecretSeed() & 0xffff);
}

nlohmann::ordered_json ProcessMark() {
  const long long pid = getpid();
  return {{"pid", pid},
          {"start", StartOf(pid)},
          {"host", HostName()},
          {"boot", BootId()},
          {"namespace", ProcessNamespace()}};
}

bool IsAlive(const nlohmann::ordered_json& mark) {
  if (!mark.is_object() || !mark.contains("pid") || !mark["pid"].is_number_integer()) return false;
  const auto text = [&](const char* key) {
    return mark.contains(key) && mark[key].is_string() ? mark[key].get<std::string>() : std::string();
  };
  // A process of another machine or container cannot be looked at: believe the run.
  if (text("host") != HostName()) return true;
  if (text("boot") == BootId() && mark.contains("namespace") && text("namespace") != ProcessNamespace()) return true;
  return !text("start").empty() && text("boot") == BootId() && text("start") == StartOf(mark["pid"].get<long long>());
}

std::string StateOf(const RunRow& run) {
  if (run.state != "running" || !run.settings.is_object()) return run.state;
  const auto mark = run.settings.find("process");
  return mark != run.settings.end() && !IsAlive(*mark) ? "interrupted" : run.state;
}

Result<void> Recorder::Begin(const Spec& spec, const Contestants& contestants) {
  const Candidate& seed = *contestants.seed;
  const Candidate& baseline = *contestants.Baseline();
  run_.state = "running";
  run_.started = Timestamp();
  run_.settings["process"] = ProcessMark();
  std::error_code ignored;
  run_.settings["spec"] = {{"file", std::filesystem::absolute(spec.file, ignored).string()}};
  run_.settings["seed"] = {{"file", seed.file}, {"source", ContentHash(seed.source)}};
  run_.settings["baseline"] = {{"file", baseline.file},
                               {"source", ContentHash(baseline.source)},
                               {"configuration", Text(DefaultConfiguration(baseline))},
                               {"is_seed", contestants.SeedIsBaseline()}};
  KOPT_TRY(const TaskRow task, TaskRowOf(spec));
  const std::vector<CandidateText> candidates = {{seed.source, NormalisedCode(seed.source)},
                                                 {baseline.source, NormalisedCode(baseline.source)}};
  return store_->BeginRun(run_, task, candidates, {{"kind", "seed"}, {"file", seed.file}});
}

Result<void> Recorder::Abandon(const RunRow* before) {
  if (before == nullptr) {
    KOPT_CHECK(store_->RemoveRun(run_));
    return {};
  }
  run_ = *before;
  if (run_.state == "running") run_.state = "interrupted";
  return store_->UpdateRun(run_);
}

Result<void> Recorder::Add(const Judged& judged, bool confirmation) {
  KOPT_TRY([[maybe_unused]] const RowId id,
           store_->AddVerdict(run_.run, VerdictRow{.turn = judged.turn,
                                                   .configuration = Text(judged.configuration),
                                                   .confirmation = confirmation,
                                                   .verdict = judged.verdict,
                                                   .created = Timestamp(),
                                                   .at_seconds = judged.at_seconds}));
  run_.active_seconds = judged.at_seconds;
  return {};
}

Result<bool> Recorder::LookedAt(const Turn& turn, const nlohmann::ordered_json& detail) {
  std::optional<CandidateText> candidate;
  if (!turn.source.empty()) candidate = {turn.source, NormalisedCode(turn.source)};
  return store_->LookAtExchange(run_.run, turn.number, candidate, detail);
}

Result<void> Recorder::Event(std::string_view kind, const nlohmann::ordered_json& detail) {
  return store_->AddEvent(run_.run, kind, detail);
}

Result<void> Recorder::End(std::string_view state, std::string_view outcome, double active_seconds,
                           nlohmann::ordered_json result) {
  run_.state = state;
  run_.outcome = outcome;
  run_.active_seconds = active_seconds;
  run_.ended = Timestamp();
  run_.result = std::move(result);
  return store_->UpdateRun(run_);
}

}  // namespace kopt

#include "cli/run_job.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "agent/format.h"
#include "agent/manifest.h"
#include "agent/report/report.h"
#include "agent/results.h"
#include "base/files.h"
#include "base/hash.h"
#include "cli/devices.h"
#include "cli/output.h"

namespace kopt {
namespace {

std::string TextOf(const nlohmann::ordered_json& settings, const char* key) {
  const auto found = settings.find(key);
  return found != settings.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string WhyNone(const OptimizeResult& result) {
  if (!result.confirmations.empty()) return "what looked faster was not confirmed";
  return result.interrupted ? "interrupted before anything was confirmed"
                            : "nothing was faster by more than can be told";
}

// The fastest by screening, if it looked faster than the baseline.
const Judged* BestScreened(const OptimizeResult& result) {
  const auto speedup = [](const Judged& judged) { return judged.verdict.speedup.value_or(0); };
  const auto best = std::max_element(result.screened.begin(), result.screened.end(),
                                     [&](const Judged& a, const Judged& b) { return speedup(a) < speedup(b); });
  return best != result.screened.end() && speedup(*best) > 1 ? &*best : nullptr;
}

std::string ConfigurationText(const Job& job, const Judged& judged) {
  if (!job.asking.Asks()) return Text(judged.configuration);
  return fmt::format("turn {}, {}", judged.turn, Text(judged.configuration));
}

std::string SummaryText(const Job& job, const OptimizeResult& result) {
  std::vector<std::vector<std::string>> rows;
  if (result.best) {
    const Verdict& verdict = result.best->verdict;
    rows = {{"improved", FormatSpeedup(verdict) + ", confirmed"},
            {"time", fmt::format("{}, baseline {}", FormatMicroseconds(verdict.time_us),
                                 FormatMicroseconds(verdict.baseline_us))}};
    if (verdict.sol_fraction) rows.push_back({"speed of light", FormatPercent(*verdict.sol_fraction) + " reached"});
    rows.push_back({"configuration", ConfigurationText(job, *result.best)});
  } else if (OutcomeOf(result) == "no_improvement") {
    rows = {{"no improvement", WhyNone(result)}};
    if (const Judged* best = BestScreened(result)) {
      rows.push_back({"best screened", fmt::format("{}, {}: not confirmed", FormatSpeedup(best->verdict),
                                                   ConfigurationText(job, *best))});
    }
  } else {
    rows = {{"no correct candidate", "no configuration gave right answers"}};
  }
  rows.push_back({"against", job.contestants.BaselineText()});
  rows.push_back({"tried", Text(CountOutcomes(result.screened))});
  if (result.spend.asked > 0) rows.push_back({"asked", Text(result.spend)});
  for (const std::string& remark : result.remarks) rows.push_back({"endpoint", remark});
  for (const std::string& lost : result.lost_devices) rows.push_back({"devices", lost});
  if (result.best) rows.push_back({"kernel", (job.out / BestFile(job.target)).string()});
  rows.push_back({"report", fmt::format("{}, with pictures: {}", (job.out / kReportFile).string(), kHtmlReportFile)});
  rows.push_back({"run", result.run.run});
  return "\n" + Table(rows, 0);
}

int OpenPrompts(const OptimizeResult& result) {
  return static_cast<int>(std::ranges::count(result.exchanges, "asked", &ExchangeRow::state));
}

std::string WaitingText(const OptimizeResult& result) {
  std::vector<std::vector<std::string>> rows = {
      {"waiting for replies",
       fmt::format("{} turns so far, {} prompts are out", result.turns.size(), OpenPrompts(result))},
      {"tried", Text(CountOutcomes(result.screened))}};
  if (const Judged* best = BestScreened(result)) {
    rows.push_back({"best screened", fmt::format("{}, turn {}, {}: not confirmed", FormatSpeedup(best->verdict),
                                                 best->turn, Text(best->configuration))});
  }
  rows.push_back({"next prompt", fmt::format("kopt next {}", result.run.run)});
  rows.push_back({"to end the run", fmt::format("kopt resume {}", result.run.run)});
  return "\n" + Table(rows, 0);
}

// The turns that were judged by this command, each with the verdict on its default configuration.
nlohmann::ordered_json JudgedNow(const OptimizeResult& result) {
  nlohmann::ordered_json judged = nlohmann::ordered_json::array();
  for (const auto& [number, turn] : result.turns) {
    const auto first = std::ranges::find(result.screened, number, &Judged::turn);
    if (number == 0 || first - result.screened.begin() < static_cast<ptrdiff_t>(result.recalled)) continue;
    nlohmann::ordered_json entry = {{"turn", number}};
    if (!turn.complaint.empty()) entry["complaint"] = turn.complaint;
    if (turn.duplicate_of) entry["duplicate_of"] = *turn.duplicate_of;
    if (first == result.screened.end()) {
      if (result.recalled_turns.contains(number)) continue;
    } else {
      entry["verdict"] = first->verdict.Json();
      entry["verdict"].erase("kopt");
    }
    judged.push_back(std::move(entry));
  }
  return judged;
}

nlohmann::ordered_json WaitingDocument(const Job& job, const OptimizeResult& result) {
  nlohmann::ordered_json counts = nlohmann::ordered_json::object();
  for (const auto& [outcome, count] : CountOutcomes(result.screened)) counts[std::string(Name(outcome))] = count;
  const Judged* best = BestScreened(result);
  return {{"kopt", 1},
          {"run", result.run.run},
          {"task", job.spec->name},
          {"target", Name(job.target)},
          {"device", result.device.name},
          {"state", "waiting"},
          {"turns", result.turns.size()},
          {"open_prompts", OpenPrompts(result)},
          {"judged", JudgedNow(result)},
          {"verdicts", counts},
          {"best_screened", best == nullptr ? nlohmann::ordered_json()
                                            : nlohmann::ordered_json{{"turn", best->turn},
                                                                     {"tunables", TunablesJson(best->configuration)},
                                                                     {"speedup", *best->verdict.speedup}}},
          {"seconds", result.active_seconds}};
}

// An empty folder is of no use when the run never began.
void RemoveIfEmpty(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove(folder, ignored);
  if (folder.parent_path() == "kopt-out") std::filesystem::remove(folder.parent_path(), ignored);
}

// A run's verdicts belong together: those to come must be made with what made the earlier ones.
Result<void> CheckSameMakers(const Job& job, const nlohmann::ordered_json& made_with) {
  const auto then = job.settings.find("made_with");
  if (then == job.settings.end()) return {};
  const std::vector<std::string> different = Differences(*then, made_with);
  if (different.empty()) return {};
  return std::unexpected(Error{
      .exit = Exit::kUsage,
      .message = fmt::format("what judged the run {} is not what it was: {}", job.run, fmt::join(different, "; ")),
      .key = "RUN",
      .hint = Winner(job.history->confirmations) == nullptr
                  ? "begin a new one: kopt optimize SPEC"
                  : fmt::format("begin a new one where it stood: kopt optimize SPEC --from {}", job.run)});
}

// One on each device that the run uses.
Result<std::vector<std::unique_ptr<Verifier>>> VerifiersOf(const Job& job, const Context& context) {
  const VerifierOptions options = context.OptionsFor(job.peaks);
  if (context.devices().size() > 1) return context.backend().new_verifiers(*job.spec, options, context.devices());
  std::vector<std::unique_ptr<Verifier>> verifiers(1);
  KOPT_TRY(verifiers.front(), context.backend().new_verifier(*job.spec, options));
  return verifiers;
}

Result<OptimizeResult> Carry(Job& job, Store& store, Progress& progress, Context& context,
                             const std::function<Result<void>()>& claim) {
  Host& host = context.host();
  const std::string named = context.flags().devices.empty() ? DevicesNamedIn(job.settings) : context.flags().devices;
  if (auto used = context.UseTarget(job.target, named); !used) {
    Error error = std::move(used).error();
    if (context.flags().devices.empty() && error.key == "--devices") {
      error.message = fmt::format("the run {} is on the devices {}: {}", job.run, named, error.message);
      error.key = "RUN";
      error.hint = "name others with --devices";
    }
    return std::unexpected(std::move(error));
  }
  const std::vector<int>& devices = context.devices();
  progress.Line(fmt::format("{} on {}: {}{}", job.spec->name, Name(job.target), context.device().name,
                            named.empty() ? "" : fmt::format(", devices {}", fmt::join(devices, ", "))));
  KOPT_CHECK(context.BoundState(store, job.run, progress));
  KOPT_TRY(const Calibration calibration, context.EnsureCalibrated(store, progress));
  job.peaks = calibration.peaks;
  KOPT_TRY(const auto verifiers, VerifiersOf(job, context));
  const Verifier& first = *verifiers.front();
  KOPT_TRY(const auto made_with, MadeWith(first.device(), context));
  if (!named.empty()) {
    auto which = nlohmann::ordered_json::array();
    for (const auto& verifier : verifiers) which.push_back(verifier->device().which);
    job.devices = {{"named", named}, {"which", which}};
  }
  if (job.history) {
    KOPT_CHECK(CheckSameMakers(job, made_with));
  } else {
    job.settings = SettingsJson(job, context);
    job.settings["made_with"] = made_with;
    if (!job.devices.is_null()) job.settings["devices"] = job.devices;
  }
  if (claim) KOPT_CHECK(claim());
  std::vector<Verifier*> all;
  for (const auto& verifier : verifiers) all.push_back(verifier.get());
  auto result = Optimize(job, all, store, progress, host.clock, host.interrupts);
  Peaks peaks = first.peaks();
  for (const Verifier* verifier : all) Raise(peaks, verifier->peaks());
  (void)context.KeepPeaks(store, calibration, peaks);  // the run has ended, whatever becomes of them
  return result;
}

}  // namespace

Job JobOf(const StoredRun& run) {
  const nlohmann::ordered_json& settings = run.row.settings;
  Job job{.spec = &run.spec, .target = run.target, .contestants = run.contestants, .run = run.row.run};
  job.budget_seconds = run.row.budget_seconds > 0 ? run.row.budget_seconds : std::numeric_limits<double>::infinity();
  job.search = TextOf(settings, "search");
  if (job.search.empty()) job.search = TextOf(settings, "strategy");  // as earlier versions called it
  if (job.search.empty()) job.search = "random";                      // as version 1 of the state searched
  const auto number = [&](const char* key) {
    const auto found = settings.find(key);
    return found != settings.end() && found->is_number() ? std::optional(*found) : std::nullopt;
  };
  if (const auto seed = number("random_seed")) job.random_seed = seed->get<uint64_t>();
  if (const auto target = number("target_speedup")) job.target_speedup = target->get<double>();
  if (const auto target = number("target_sol")) job.target_sol = target->get<double>();
  if (const auto asking = settings.find("asking"); asking != settings.end()) job.asking = AskingOf(*asking);
  job.command = TextOf(settings, "command");
  job.out = TextOf(settings, "out");
  if (job.out.empty()) job.out = std::filesystem::path("kopt-out") / job.run;
  job.history = HistoryOf(run);
  job.settings = settings;
  return job;
}

Result<void> Claim(Job& job, const StoredRun& run, Store& store, bool takes_folder) {
  nlohmann::ordered_json settings = run.row.settings;
  settings["process"] = ProcessMark();
  std::error_code ignored;
  if (takes_folder) settings["out"] = std::filesystem::absolute(job.out, ignored).string();
  if (job.model != nullptr) settings["asking"] = Json(job.asking);
  if (!job.devices.is_null()) settings["devices"] = job.devices;
  RunRow row = run.row;
  row.budget_seconds = job.budget_seconds;
  KOPT_TRY(const bool claimed, store.ClaimRun(row, settings));
  job.settings = settings;
  if (claimed) return {};
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("the run {} was taken up by another kopt just now", row.run),
                               .key = "RUN",
                               .hint = "see `kopt runs`"});
}

std::string Quoted(const std::string& text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=+,:";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

nlohmann::ordered_json SettingsJson(const Job& job, const Context& context) {
  std::error_code ignored;
  return {{"version", kVersion},
          {"command", job.command + (context.OptionsFor({}).sandbox ? "" : " --unsafe-no-sandbox")},
          {"budget_seconds", job.budget_seconds},
          {"search", job.search},
          {"target_speedup", job.target_speedup ? nlohmann::ordered_json(*job.target_speedup) : nullptr},
          {"target_sol", job.target_sol ? nlohmann::ordered_json(*job.target_sol) : nullptr},
          {"random_seed", job.random_seed},
          {"sandbox", context.OptionsFor({}).sandbox},
          {"out", std::filesystem::absolute(job.out, ignored).string()},
          {"peaks", Json(job.peaks)},
          {"device", context.device().values},
          {"asking", job.asking.Asks() ? Json(job.asking) : nullptr}};
}

Result<nlohmann::ordered_json> MadeWith(const Device& device, const Context& context) {
  KOPT_TRY(const std::string program, ReadFile("/proc/self/exe", size_t{1} << 30));
  nlohmann::ordered_json made_with = {{"version", kVersion},
                                      {"kopt", ContentHash(program)},
                                      {"device", device.name},
                                      {"sandbox", context.OptionsFor({}).sandbox}};
  made_with.update(device.facts);
  return made_with;
}

Result<int> RunJob(Job& job, Store& store, Progress& progress, Context& context,
                   const std::function<Result<void>()>& claim) {
  auto result = Carry(job, store, progress, context, claim);
  progress.End();
  if (!result) {
    RemoveIfEmpty(job.out);
    return std::unexpected(std::move(result).error());
  }
  if (result->run.state == "waiting") {
    context.Print(WaitingText(*result));
    context.Document(WaitingDocument(job, *result));
    return result->interrupted ? static_cast<int>(Exit::kInterrupted) : 0;
  }
  if (result->failure) {
    Error error = *result->failure;
    const std::string kept = fmt::format("what was judged is kept: kopt resume {}", result->run.run);
    error.hint = error.hint.empty() ? kept : error.hint + "; " + kept;
    return std::unexpected(std::move(error));
  }
  context.Print(SummaryText(job, *result));
  context.Document(result->document);
  if (result->interrupted) return static_cast<int>(Exit::kInterrupted);
  return result->best ? 0 : 1;
}

}  // namespace kopt

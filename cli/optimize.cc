#include "agent/optimize.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "agent/format.h"
#include "agent/report.h"
#include "agent/results.h"
#include "base/hash.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/output.h"

namespace kopt {
namespace {

struct OptimizeFlags {
  std::string spec, budget, seed, out, target_speedup, random_seed;
};

Error FlagError(std::string message, std::string key, std::string hint) {
  return {.exit = Exit::kUsage, .message = std::move(message), .key = std::move(key), .hint = std::move(hint)};
}

Result<uint64_t> RandomSeed(const OptimizeFlags& flags) {
  if (flags.random_seed.empty()) return SecretSeed() & 0xffffffff;
  const std::string& text = flags.random_seed;
  uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && stop == text.data() + text.size()) return value;
  return std::unexpected(FlagError(fmt::format("`{}` is no random seed", text), "--random-seed",
                                   "a whole number from 0 to 18446744073709551615"));
}

std::string Quoted(const std::string& text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=+,:";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string RepeatCommand(const OptimizeFlags& flags, const Job& job) {
  std::string text = fmt::format("kopt optimize {} --target {} --budget {}s --random-seed {}", Quoted(flags.spec),
                                 Name(job.target), job.budget_seconds, job.random_seed);
  if (!flags.seed.empty()) text += " --seed " + Quoted(flags.seed);
  if (job.target_speedup) text += fmt::format(" --target-speedup {}", *job.target_speedup);
  return text;
}

nlohmann::ordered_json SettingsJson(const Job& job, const Context& context) {
  return {{"version", kVersion},
          {"command", job.command},
          {"budget_seconds", job.budget_seconds},
          {"target_speedup", job.target_speedup ? nlohmann::ordered_json(*job.target_speedup) : nullptr},
          {"random_seed", job.random_seed},
          {"sandbox", context.OptionsFor({}).sandbox},
          {"out", job.out.string()},
          {"peaks", Json(job.peaks)}};
}

Result<Job> MakeJob(const OptimizeFlags& flags, const Spec& spec, Target target, const Context& context) {
  Job job{.spec = &spec, .target = target, .run = NewRunName(spec.name)};
  KOPT_TRY(const auto budget, context.Budget(flags.budget));
  if (!budget) return std::unexpected(FlagError("no budget was given", "--budget", "for example --budget 15m"));
  job.budget_seconds = *budget;
  KOPT_TRY(job.target_speedup, context.TargetSpeedup(flags.target_speedup));
  KOPT_TRY(job.random_seed, RandomSeed(flags));
  KOPT_TRY(job.contestants, ReadContestants(spec, target, flags.seed));
  if (!job.contestants.seed) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = fmt::format("there is no seed for the target {}", Name(target)),
                                 .file = spec.file,
                                 .key = "seed",
                                 .hint = "name one under [seed] in the spec, or with --seed FILE"});
  }
  job.out = flags.out.empty() ? std::filesystem::path("kopt-out") / job.run : std::filesystem::path(flags.out);
  job.command = RepeatCommand(flags, job);
  return job;
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

std::string SummaryText(const Job& job, const OptimizeResult& result) {
  std::vector<std::vector<std::string>> rows;
  if (result.best) {
    const Verdict& verdict = result.best->verdict;
    rows = {{"improved", FormatSpeedup(verdict) + ", confirmed"},
            {"time", fmt::format("{}, baseline {}", FormatMicroseconds(verdict.time_us),
                                 FormatMicroseconds(verdict.baseline_us))}};
    if (verdict.sol_fraction) rows.push_back({"speed of light", FormatPercent(*verdict.sol_fraction) + " reached"});
    rows.push_back({"configuration", Text(result.best->configuration)});
  } else if (OutcomeOf(result) == "no_improvement") {
    rows = {{"no improvement", WhyNone(result)}};
    if (const Judged* best = BestScreened(result)) {
      rows.push_back({"best screened",
                      fmt::format("{}, {}: not confirmed", FormatSpeedup(best->verdict), Text(best->configuration))});
    }
  } else {
    rows = {{"no correct candidate", "no configuration gave right answers"}};
  }
  rows.push_back({"against", job.contestants.BaselineText()});
  rows.push_back({"tried", Text(CountOutcomes(result.screened))});
  if (result.best) rows.push_back({"kernel", (job.out / kBestFile).string()});
  rows.push_back({"report", (job.out / kReportFile).string()});
  rows.push_back({"run", result.run.run});
  return "\n" + Table(rows, 0);
}

// An empty folder is of no use when the run never began.
void RemoveIfEmpty(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove(folder, ignored);
  if (folder.parent_path() == "kopt-out") std::filesystem::remove(folder.parent_path(), ignored);
}

Result<OptimizeResult> Run(Job& job, Store& store, Progress& progress, Context& context) {
  Host& host = context.host();
  KOPT_TRY(const Calibration calibration, context.EnsureCalibrated(store, progress));
  job.peaks = calibration.peaks;
  job.settings = SettingsJson(job, context);
  KOPT_TRY(const auto verifier, host.new_verifier(*job.spec, context.OptionsFor(job.peaks)));
  return Optimize(job, *verifier, store, progress, host.clock, host.interrupts);
}

Result<int> RunOptimize(const OptimizeFlags& flags, Context& context) {
  KOPT_TRY(const Target target, context.ChosenTarget());
  KOPT_TRY(const Spec spec, ReadSpec(flags.spec));
  KOPT_TRY(Job job, MakeJob(flags, spec, target, context));
  KOPT_TRY(Store store, context.OpenStore());
  KOPT_CHECK(store.CheckWritable());
  KOPT_CHECK(PrepareResultsFolder(job.out));
  const auto progress = context.MakeProgress();
  progress->Line(fmt::format("{} on {}: {}", spec.name, Name(target), context.host().device().name));
  auto result = Run(job, store, *progress, context);
  progress->End();
  if (!result) {
    RemoveIfEmpty(job.out);
    return std::unexpected(std::move(result).error());
  }
  if (result->failure) {
    Error error = *result->failure;
    const std::string kept = fmt::format("what was judged is kept: kopt show {}", result->run.run);
    error.hint = error.hint.empty() ? kept : error.hint + "; " + kept;
    return std::unexpected(std::move(error));
  }
  context.Print(SummaryText(job, *result));
  context.Document(result->document);
  if (result->interrupted) return static_cast<int>(Exit::kInterrupted);
  return result->best ? 0 : 1;
}

}  // namespace

void AddOptimize(CLI::App& app, Context& context, Action& action) {
  CLI::App* command =
      app.add_subcommand("optimize", "search for a faster kernel within a budget, and prove the result");
  auto flags = std::make_shared<OptimizeFlags>();
  command->add_option("SPEC", flags->spec, "the task: a .spec file")->required();
  command->add_option("--budget", flags->budget, "active time to spend: 90, 90s, 15m, 1h30m, 2h")->type_name("T");
  command->add_option("--seed", flags->seed, "start from this candidate (default: the spec's [seed])")
      ->type_name("FILE");
  command->add_option("--out", flags->out, "results folder, new or empty (default: kopt-out/RUN)")->type_name("DIR");
  command->add_option("--target-speedup", flags->target_speedup, "stop when this speedup is confirmed")->type_name("X");
  command->add_option("--random-seed", flags->random_seed, "of the order in which configurations are tried")
      ->type_name("N");
  AddCommonFlags(*command, context.flags());
  command->callback([&action, flags] { action = [flags](Context& c) { return RunOptimize(*flags, c); }; });
}

}  // namespace kopt

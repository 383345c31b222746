#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "agent/results.h"
#include "agent/stored_run.h"
#include "cli/commands.h"
#include "cli/run_job.h"

namespace kopt {
namespace {

struct ResumeFlags {
  std::string run, budget, out;
  bool force = false;
};

std::unexpected<Error> Refuse(const RunRow& run, const std::string& why, std::string hint) {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("the run {} {}", run.run, why),
                               .key = "RUN",
                               .hint = std::move(hint)});
}

std::string TextOf(const nlohmann::ordered_json& settings, const char* key) {
  const auto found = settings.find(key);
  return found != settings.end() && found->is_string() ? found->get<std::string>() : "";
}

// A run that goes on somewhere, or that nothing is left of, cannot be resumed.
Result<void> CheckState(const RunRow& run, const ResumeFlags& flags) {
  if (!run.settings.is_object()) return Refuse(run, "cannot be read back: it has no settings", "");
  if (StateOf(run) == "running" && !flags.force) {
    return Refuse(run, "is being worked on by another kopt",
                  "wait until that one has ended; --force if it is known to be gone (the state was copied)");
  }
  if (run.state == "done" && flags.budget.empty()) {
    return Refuse(run, "has ended", "give it more time: --budget T, the run's whole budget");
  }
  return {};
}

Result<double> BudgetOf(const RunRow& run, const ResumeFlags& flags, const Context& context) {
  if (flags.budget.empty())
    return run.budget_seconds > 0 ? run.budget_seconds : std::numeric_limits<double>::infinity();
  KOPT_TRY(const auto budget, context.Budget(flags.budget));
  if (*budget > run.active_seconds) return *budget;
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("the run has spent {:.0f} s already", run.active_seconds),
                               .key = "--budget",
                               .hint = "the budget of the whole run: more than that"});
}

Result<Job> MakeJob(const StoredRun& run, const ResumeFlags& flags, const Context& context) {
  const nlohmann::ordered_json& settings = run.row.settings;
  Job job{.spec = &run.spec, .target = run.target, .contestants = run.contestants, .run = run.row.run};
  KOPT_TRY(job.budget_seconds, BudgetOf(run.row, flags, context));
  job.strategy = TextOf(settings, "strategy");
  if (job.strategy.empty()) job.strategy = "random";  // as version 1 of the state searched
  const auto number = [&](const char* key) {
    const auto found = settings.find(key);
    return found != settings.end() && found->is_number() ? std::optional(*found) : std::nullopt;
  };
  if (const auto seed = number("random_seed")) job.random_seed = seed->get<uint64_t>();
  if (const auto target = number("target_speedup")) job.target_speedup = target->get<double>();
  job.command = TextOf(settings, "command");
  job.out = flags.out.empty() ? TextOf(settings, "out") : flags.out;
  if (job.out.empty()) job.out = std::filesystem::path("kopt-out") / job.run;
  job.history = History{.row = run.row, .screened = run.screened, .confirmations = run.confirmations};
  job.settings = settings;
  return job;
}

Result<void> Claim(Job& job, const StoredRun& run, Store& store) {
  nlohmann::ordered_json settings = run.row.settings;
  settings["process"] = ProcessMark();
  std::error_code ignored;
  settings["out"] = std::filesystem::absolute(job.out, ignored).string();
  RunRow row = run.row;
  row.budget_seconds = job.budget_seconds;
  KOPT_TRY(const bool claimed, store.ClaimRun(row, settings));
  job.settings = settings;
  return claimed ? Result<void>() : Refuse(row, "was taken up by another kopt just now", "see `kopt runs`");
}

Result<int> RunResume(const ResumeFlags& flags, Context& context) {
  KOPT_TRY(Store store, context.OpenStore());
  KOPT_TRY(RunRow row, store.FindRun(flags.run));
  KOPT_CHECK(CheckState(row, flags));
  KOPT_TRY(const StoredRun run, LoadRun(store, std::move(row), context.KeptFiles()));
  KOPT_TRY(Job job, MakeJob(run, flags, context));
  KOPT_CHECK(PrepareResultsFolder(job.out, flags.out.empty()));
  const auto progress = context.MakeProgress();
  return RunJob(job, store, *progress, context, [&] { return Claim(job, run, store); });
}

}  // namespace

void AddResume(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("resume", "go on with a run that was interrupted, killed, or given more time");
  auto flags = std::make_shared<ResumeFlags>();
  command->add_option("RUN", flags->run, "a run's name, the beginning of one, or `last`")->required();
  command->add_option("--budget", flags->budget, "the run's whole budget from now on (default: as it was)")
      ->type_name("T");
  command->add_option("--out", flags->out, "results folder, new or empty (default: the run's own)")->type_name("DIR");
  command->add_flag("--force", flags->force, "although the state says that a process of another machine works on it");
  AddCommonFlags(*command, context.flags());
  command->callback([&action, flags] { action = [flags](Context& c) { return RunResume(*flags, c); }; });
}

}  // namespace kopt

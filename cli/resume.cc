#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "agent/results.h"
#include "agent/stored_run.h"
#include "cli/asking_flags.h"
#include "cli/commands.h"
#include "cli/devices.h"
#include "cli/run_job.h"

namespace kopt {
namespace {

struct ResumeFlags {
  std::string run, budget, out;
  ModelFlags model;
  bool force = false;
};

std::unexpected<Error> Refuse(const RunRow& run, const std::string& why, std::string hint) {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("the run {} {}", run.run, why),
                               .key = "RUN",
                               .hint = std::move(hint)});
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

// Those that the run asked, unless flags say others; --no-model: nobody.
Result<std::optional<Models>> ModelsOf(Job& job, ModelFlags flags, const Context& context) {
  const Asking before = job.asking;
  job.asking.models.clear();
  const bool named = !flags.models.empty() || !flags.replay.empty();
  if (before.external || (!named && (before.models.empty() || flags.no_model))) return std::nullopt;
  if (!named && before.base_url.empty()) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = "the run played back a recording",
                                 .key = "--replay",
                                 .hint = "name the file again, or a model with --model; --no-model asks nobody"});
  }
  if (flags.models.empty() && flags.replay.empty()) flags.models = before.models;
  if (flags.base_url.empty() && flags.replay.empty()) flags.base_url = before.base_url;
  if (flags.max_tokens.empty() && before.max_tokens > 0) flags.max_tokens = fmt::to_string(before.max_tokens);
  if (flags.temperature.empty() && before.temperature) flags.temperature = fmt::to_string(*before.temperature);
  KOPT_TRY(std::optional<Models> models, OpenModels(flags, context));
  if (models) KOPT_CHECK(AskModels(job, *models));
  return models;
}

Result<int> RunResume(const ResumeFlags& flags, Context& context) {
  KOPT_TRY(Store store, context.OpenStore());
  KOPT_TRY(RunRow row, store.FindRun(flags.run));
  KOPT_CHECK(CheckState(row, flags));
  KOPT_TRY(const StoredRun run, LoadRun(store, std::move(row), context.KeptFiles()));
  Job job = JobOf(run);
  KOPT_TRY(job.budget_seconds, BudgetOf(run.row, flags, context));
  if (!flags.out.empty()) job.out = flags.out;
  KOPT_TRY(std::optional<Models> models, ModelsOf(job, flags.model, context));
  KOPT_CHECK(PrepareResultsFolder(job.out, flags.out.empty()));
  const auto progress = context.MakeProgress();
  KOPT_TRY(const int exit, RunJob(job, store, *progress, context, [&] { return Claim(job, run, store); }));
  return models ? ExitWith(exit, *models, context) : exit;
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
  AddModelFlags(*command, flags->model);
  AddDevicesFlag(*command, context.flags(), "the run's own");
  AddCommonFlags(*command, context.flags());
  command->callback([&action, flags] { action = [flags](Context& c) { return RunResume(*flags, c); }; });
}

}  // namespace kopt

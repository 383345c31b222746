#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>

#include "agent/results.h"
#include "agent/stored_run.h"
#include "base/hash.h"
#include "cli/asking_flags.h"
#include "cli/commands.h"
#include "cli/devices.h"
#include "cli/run_job.h"

namespace kopt {
namespace {

struct OptimizeFlags {
  std::string spec, budget, seed, from, out, target_speedup, target_sol, search, random_seed;
  AskingFlags asking;
  bool tune = false;  // `tune`: no budget is needed, and no model
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

std::string RepeatCommand(const OptimizeFlags& flags, const Job& job, const std::string& devices) {
  std::string text = flags.tune ? fmt::format("kopt tune {} {}", Quoted(flags.spec), Quoted(flags.seed))
                                : fmt::format("kopt optimize {}", Quoted(flags.spec));
  text += fmt::format(" --target {}", Name(job.target));
  if (!devices.empty()) text += " --devices " + Quoted(devices);
  if (std::isfinite(job.budget_seconds)) text += fmt::format(" --budget {}s", job.budget_seconds);
  text += fmt::format(" --search {} --random-seed {}", job.search, job.random_seed);
  if (!flags.seed.empty() && !flags.tune) text += " --seed " + Quoted(flags.seed);
  if (!flags.from.empty()) text += " --from " + Quoted(flags.from);
  if (job.target_speedup) text += fmt::format(" --target-speedup {}", *job.target_speedup);
  if (job.target_sol) text += fmt::format(" --target-sol {}", *job.target_sol);
  text += AskingCommand(job.asking);
  if (!flags.asking.model.replay.empty()) text += " --replay " + Quoted(flags.asking.model.replay);
  return text;
}

// The seed is the earlier run's best, its values in front; where the spec names no baseline, the earlier run's stays.
Result<Contestants> ContestantsFrom(const std::string& name, const Spec& spec, Target target, Store& store,
                                    const Context& context) {
  KOPT_TRY(RunRow row, store.FindRun(name));
  KOPT_TRY(const StoredRun run, LoadRun(store, std::move(row), context.KeptFiles()));
  if (run.target != target) {
    return std::unexpected(FlagError(fmt::format("the run {} is of the target {}", run.row.run, run.row.target),
                                     "--from", "name its target with --target"));
  }
  const Judged* winner = Winner(run.confirmations);
  if (winner == nullptr) {
    return std::unexpected(
        FlagError(fmt::format("the run {} has no confirmed best to start from", run.row.run), "--from",
                  fmt::format("`kopt resume {}` goes on with it, if nothing has changed since", run.row.run)));
  }
  Contestants contestants;
  KOPT_TRY(contestants.baseline, ReadBaseline(spec, target));
  const Candidate& seed = CandidateOf(run, *winner);
  const std::string file = fmt::format("{} (best of {})", seed.file, run.row.run);
  KOPT_TRY(contestants.seed, ParseCandidate(spec, target, SourceWithDefaults(seed, winner->configuration), file));
  if (!contestants.baseline) {
    const Candidate& earlier = *run.contestants.Baseline();
    KOPT_TRY(contestants.baseline, ParseCandidate(spec, target, earlier.source, earlier.file));
  }
  return contestants;
}

// `asks`: a model is named, so that tokens and money can be spent.
Result<Job> MakeJob(const OptimizeFlags& flags, const Spec& spec, Target target, bool asks, Store& store,
                    const Context& context) {
  Job job{.spec = &spec, .target = target, .run = NewRunName(spec.name)};
  KOPT_TRY(const auto budget, context.Budget(flags.budget));
  if (!flags.tune) {
    KOPT_TRY(job.asking, ReadAsking(flags.asking, context));
  }
  if (!budget && !flags.tune && !(asks && (job.asking.budget_tokens || job.asking.budget_usd))) {
    return std::unexpected(FlagError("no budget was given", "--budget", "for example --budget 15m"));
  }
  if (job.asking.external) job.pause_after = 0;
  job.budget_seconds = budget.value_or(std::numeric_limits<double>::infinity());
  KOPT_TRY(job.target_speedup, context.TargetSpeedup(flags.target_speedup));
  KOPT_TRY(job.target_sol, context.TargetSol(flags.target_sol));
  KOPT_TRY(job.search, context.SearchName(flags.search));
  KOPT_TRY(job.random_seed, RandomSeed(flags));
  if (!flags.from.empty() && !flags.seed.empty()) {
    return std::unexpected(FlagError("--seed and --from both name where to start", "--from", "give one of them"));
  }
  if (flags.from.empty()) {
    KOPT_TRY(job.contestants, ReadContestants(spec, target, flags.seed));
  } else {
    KOPT_TRY(job.contestants, ContestantsFrom(flags.from, spec, target, store, context));
  }
  if (!job.contestants.seed) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = fmt::format("there is no seed for the target {}", Name(target)),
                                 .file = spec.file,
                                 .key = "seed",
                                 .hint = "name one under [seed] in the spec, or with --seed FILE"});
  }
  job.out = flags.out.empty() ? std::filesystem::path("kopt-out") / job.run : std::filesystem::path(flags.out);
  return job;
}

Result<int> RunOptimize(const OptimizeFlags& flags, Context& context) {
  KOPT_TRY(const Target target, context.ChosenTarget());
  KOPT_TRY(const Spec spec, ReadSpec(flags.spec));
  KOPT_TRY(Store store, context.OpenStore());
  KOPT_TRY(std::optional<Models> models, flags.tune || flags.asking.external ? Result<std::optional<Models>>()
                                                                             : OpenModels(flags.asking.model, context));
  KOPT_TRY(Job job, MakeJob(flags, spec, target, models.has_value(), store, context));
  if (models) KOPT_CHECK(AskModels(job, *models));
  job.command = RepeatCommand(flags, job, context.flags().devices);
  KOPT_CHECK(store.CheckWritable());
  KOPT_CHECK(PrepareResultsFolder(job.out));
  const auto progress = context.MakeProgress();
  KOPT_TRY(const int exit, RunJob(job, store, *progress, context));
  return models ? ExitWith(exit, *models, context) : exit;
}

void AddRunFlags(CLI::App& command, const std::shared_ptr<OptimizeFlags>& flags, Context& context, Action& action) {
  const char* budget = flags->tune ? "active time to spend: 90s, 15m, 2h (default: until every configuration was tried)"
                                   : "active time to spend: 90, 90s, 15m, 1h30m, 2h";
  command.add_option("--budget", flags->budget, budget)->type_name("T");
  command.add_option("--out", flags->out, "results folder, new or empty (default: kopt-out/RUN)")->type_name("DIR");
  command.add_option("--target-speedup", flags->target_speedup, "stop when this speedup is confirmed")->type_name("X");
  command.add_option("--target-sol", flags->target_sol, "stop when this fraction of the speed of light is confirmed")
      ->type_name("F");
  command
      .add_option("--search", flags->search,
                  "over tunables: model (default; learns from what it measured), random, exhaustive")
      ->type_name("NAME");
  command.add_option("--random-seed", flags->random_seed, "of the search")->type_name("N");
  if (!flags->tune) AddAskingFlags(command, flags->asking);
  AddDevicesFlag(command, context.flags(), "the first");
  AddCommonFlags(command, context.flags());
  command.callback([&action, flags] { action = [flags](Context& c) { return RunOptimize(*flags, c); }; });
}

}  // namespace

void AddOptimize(CLI::App& app, Context& context, Action& action) {
  CLI::App* command =
      app.add_subcommand("optimize", "search for a faster kernel within a budget, and prove the result");
  auto flags = std::make_shared<OptimizeFlags>();
  command->add_option("SPEC", flags->spec, "the task: a .spec file")->required();
  command->add_option("--seed", flags->seed, "start from this candidate (default: the spec's [seed])")
      ->type_name("FILE");
  command->add_option("--from", flags->from, "start from the confirmed best of an earlier run")->type_name("RUN");
  AddRunFlags(*command, flags, context, action);
}

void AddTune(CLI::App& app, Context& context, Action& action) {
  CLI::App* command =
      app.add_subcommand("tune", "find the best values of a candidate's tunables, and prove the result");
  auto flags = std::make_shared<OptimizeFlags>(OptimizeFlags{.tune = true});
  command->add_option("SPEC", flags->spec, "the task: a .spec file")->required();
  command->add_option("FILE", flags->seed, "the candidate")->required();
  AddRunFlags(*command, flags, context, action);
}

}  // namespace kopt

#include "cli/work.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/recorder.h"
#include "agent/stored_run.h"
#include "cli/commands.h"
#include "cli/devices.h"
#include "cli/duration.h"
#include "cli/run_job.h"

namespace kopt {
namespace {

struct WorkFlags {
  std::string run, tune;
};

std::unexpected<Error> Refuse(const RunRow& run, const std::string& why, std::string hint) {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("the run {} {}", run.run, why),
                               .key = "RUN",
                               .hint = std::move(hint)});
}

// A reply that nobody has looked at, or a candidate without a verdict.
Result<bool> HasWork(const RunRow& run, Store& store) {
  if (!CheckOpen(run) || StateOf(run) == "running") return false;
  KOPT_TRY(const auto exchanges, store.Exchanges(run.run));
  if (std::ranges::count(exchanges, "answered", &ExchangeRow::state) > 0) return true;
  KOPT_TRY(const auto turns, store.Turns(run.run));
  KOPT_TRY(const auto verdicts, store.Verdicts(run.run));
  return std::ranges::any_of(turns, [&](const TurnRow& turn) {
    const auto exchange = std::ranges::find(exchanges, turn.turn, &ExchangeRow::turn);
    const bool duplicate = exchange != exchanges.end() && exchange->detail.contains("duplicate_of");
    return !duplicate && std::ranges::count(verdicts, turn.turn, &VerdictRow::turn) == 0;
  });
}

Result<int> RunWork(const WorkFlags& flags, Context& context) {
  KOPT_TRY(const double tune, ParseDuration(flags.tune, "--tune"));
  KOPT_TRY(Store store, context.OpenStore());
  if (!flags.run.empty()) {
    KOPT_TRY(RunRow row, store.FindRun(flags.run));
    return WorkOn(std::move(row), tune, store, context);
  }
  KOPT_TRY(std::vector<RunRow> runs, store.Runs());
  std::ranges::reverse(runs);  // the oldest first
  int worked = 0, exit = 0;
  for (RunRow& run : runs) {
    KOPT_TRY(const bool work, HasWork(run, store));
    if (!work) continue;
    ++worked;
    const std::string name = run.run;
    const auto done = WorkOn(std::move(run), tune, store, context);
    if (!done && runs.size() == 1) return done;
    if (!done) context.Note(fmt::format("{}: {}", name, done.error().Text()));
    exit = std::max(exit, done ? *done : static_cast<int>(done.error().exit));
    // One document a call.
    if (context.json() || context.host().interrupts.signals > 0) return done ? Result<int>(exit) : done;
  }
  if (worked == 0) {
    context.Print(fmt::format("nothing waits to be judged in {}\n", context.StateFolder().string()));
    context.Document({{"kopt", 1}, {"run", nullptr}});
  }
  return exit;
}

}  // namespace

Result<void> CheckOpen(const RunRow& run) {
  const auto asking = run.settings.is_object() ? run.settings.find("asking") : run.settings.end();
  if (!run.settings.is_object() || asking == run.settings.end() || !AskingOf(*asking).external) {
    return Refuse(run, "has no model outside of kopt", "begin one: kopt optimize SPEC --external --budget T");
  }
  if (run.state != "done") return {};
  return Refuse(run, "has ended", fmt::format("give it more time: kopt resume {} --budget T", run.run));
}

Result<int> WorkOn(RunRow row, double tune_seconds, Store& store, Context& context) {
  KOPT_CHECK(CheckOpen(row));
  if (StateOf(row) == "running")
    return Refuse(row, "is being worked on by another kopt", "wait until that one has ended");
  KOPT_TRY(const StoredRun run, LoadRun(store, std::move(row), context.KeptFiles()));
  Job job = JobOf(run);
  job.pause_after = tune_seconds;
  // A state that came from another machine names a folder there: it stays the run's own.
  std::error_code ignored;
  const bool here = std::filesystem::is_directory(job.out, ignored);
  if (!here) job.out = std::filesystem::path("kopt-out") / job.run;
  const auto progress = context.MakeProgress();
  return RunJob(job, store, *progress, context, [&] { return Claim(job, run, store, here); });
}

void AddWork(CLI::App& app, Context& context, Action& action) {
  CLI::App* command =
      app.add_subcommand("work", "judge the replies that wait in a state, on the machine that has the device");
  auto flags = std::make_shared<WorkFlags>(WorkFlags{.tune = kTuneTime});
  command->add_option("RUN", flags->run, "one run only: its name, the beginning of one, or `last`");
  command->add_option("--tune", flags->tune, "then try configurations for so much active time (default: 20s)")
      ->type_name("T");
  AddDevicesFlag(*command, context.flags(), "the run's own");
  AddCommonFlags(*command, context.flags());
  command->callback([&action, flags] { action = [flags](Context& c) { return RunWork(*flags, c); }; });
}

}  // namespace kopt

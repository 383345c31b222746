#include <fmt/format.h>

#include <algorithm>

#include "agent/format.h"
#include "agent/recorder.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

std::optional<double> BestSpeedup(const RunRow& run) {
  if (!run.result.is_object() || !run.result.contains("best")) return std::nullopt;
  const ordered_json& best = run.result["best"];
  if (!best.is_object() || !best.contains("speedup") || !best["speedup"].is_number()) return std::nullopt;
  return best["speedup"].get<double>();
}

Result<int> RunRuns(Context& context) {
  KOPT_TRY(Store store, context.OpenStore());
  KOPT_TRY(const std::vector<RunRow> runs, store.Runs());
  std::vector<std::vector<std::string>> rows = {{"run", "task", "target", "state", "outcome", "speedup", "budget"}};
  ordered_json list = ordered_json::array();
  for (const RunRow& run : runs) {
    const std::string state = StateOf(run);
    const auto speedup = BestSpeedup(run);
    rows.push_back({run.run, run.task, run.target, state, run.outcome.empty() ? "-" : run.outcome,
                    speedup ? FormatSpeedup(*speedup) : "-",
                    fmt::format("{} of {}", FormatDuration(run.active_seconds), FormatDuration(run.budget_seconds))});
    list.push_back({{"run", run.run},
                    {"task", run.task},
                    {"target", run.target},
                    {"state", state},
                    {"outcome", run.outcome.empty() ? ordered_json() : ordered_json(run.outcome)},
                    {"turns", run.turns}});
  }
  context.Print(runs.empty() ? fmt::format("no runs in {}\n", context.StateFolder().string()) : Table(rows, 0));
  context.Document({{"kopt", 1}, {"runs", list}});
  return 0;
}

Result<int> RemoveRuns(const std::vector<std::string>& names, Context& context) {
  KOPT_TRY(Store store, context.OpenStore());
  // All are looked up before the first one goes: a misspelt name removes nothing.
  std::vector<std::string> found;
  for (const std::string& name : names) {
    KOPT_TRY(const RunRow run, store.FindRun(name));
    if (StateOf(run) == "running") {
      return std::unexpected(
          Error{.exit = Exit::kUsage,
                .message = fmt::format("the run {} is being worked on; nothing was removed", run.run),
                .key = "RUN",
                .hint = "end it first"});
    }
    if (std::find(found.begin(), found.end(), run.run) == found.end()) found.push_back(run.run);
  }
  for (const std::string& run : found) {
    KOPT_CHECK(store.RemoveRun(run));
    context.Print(fmt::format("removed {}\n", run));
  }
  (void)store.Compact();  // another kopt may be at work: then the space is used again later
  context.Document({{"kopt", 1}, {"removed", found}});
  return 0;
}

}  // namespace

void AddRuns(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("runs", "list the runs, newest first");
  AddStateFlags(*command, context.flags());
  command->callback([&action, command] {
    if (command->get_subcommands().empty()) action = RunRuns;
  });
  CLI::App* remove = command->add_subcommand("rm", "remove runs with all that was judged in them");
  auto names = std::make_shared<std::vector<std::string>>();
  remove->add_option("RUN", *names, "names, beginnings of names, or `last`")->required();
  AddStateFlags(*remove, context.flags());
  remove->callback([&action, names] { action = [names](Context& c) { return RemoveRuns(*names, c); }; });
}

}  // namespace kopt

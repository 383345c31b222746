#include <fmt/format.h>

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

}  // namespace

void AddRuns(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("runs", "list the runs, newest first");
  AddStateFlags(*command, context.flags());
  command->callback([&action] { action = RunRuns; });
}

}  // namespace kopt

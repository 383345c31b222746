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

struct RemoveFlags {
  std::vector<std::string> names;
  bool force = false;
};

// Arrays that were read back from the state and that it holds no longer.
void RemoveUnknownFiles(const std::filesystem::path& folder, Store& store) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const auto known = store.HasFile(entry.path().filename().string());
    std::error_code ignored;
    if (known && !*known) std::filesystem::remove(entry.path(), ignored);
  }
}

Result<int> RemoveRuns(const RemoveFlags& flags, Context& context) {
  KOPT_TRY(Store store, context.OpenStore());
  // All are looked up before the first one goes: a misspelt name removes nothing.
  std::vector<RunRow> found;
  for (const std::string& name : flags.names) {
    KOPT_TRY(RunRow run, store.FindRun(name));
    if (StateOf(run) == "running" && !flags.force) {
      return std::unexpected(
          Error{.exit = Exit::kUsage,
                .message = fmt::format("the run {} is being worked on; nothing was removed", run.run),
                .key = "RUN",
                .hint = "end it first; --force if its process is known to be gone"});
    }
    if (std::ranges::find(found, run.run, &RunRow::run) == found.end()) found.push_back(std::move(run));
  }
  std::vector<std::string> removed;
  for (const RunRow& run : found) {
    KOPT_TRY(const bool gone, store.RemoveRun(run));
    if (gone) removed.push_back(run.run);
    context.Print(gone ? fmt::format("removed {}\n", run.run)
                       : fmt::format("kept {}: another kopt took it up just now\n", run.run));
  }
  RemoveUnknownFiles(context.KeptFiles(), store);
  CompactIfIdle(store);
  context.Document({{"kopt", 1}, {"removed", removed}});
  return removed.size() == found.size() ? 0 : 1;
}

}  // namespace

void AddRuns(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("runs", "list the runs, newest first");
  AddStateFlags(*command, context.flags());
  command->callback([&action, command] {
    if (command->get_subcommands().empty()) action = RunRuns;
  });
  CLI::App* remove = command->add_subcommand("rm", "remove runs with all that was judged in them");
  auto flags = std::make_shared<RemoveFlags>();
  remove->add_option("RUN", flags->names, "names, beginnings of names, or `last`")->required();
  remove->add_flag("--force", flags->force, "although the state says that a process works on it");
  AddStateFlags(*remove, context.flags());
  remove->callback([&action, flags] { action = [flags](Context& c) { return RemoveRuns(*flags, c); }; });
}

}  // namespace kopt

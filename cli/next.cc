#include <fmt/format.h>

#include <cmath>

#include "agent/asking.h"
#include "agent/memory.h"
#include "agent/stored_run.h"
#include "base/clock.h"
#include "cli/calibration.h"
#include "cli/commands.h"
#include "cli/work.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr int kTries = 100;  // for a number that no other process takes at the same time

Device DeviceOf(const RunRow& run) {
  Device device{.name = run.device};
  const auto made_with = run.settings.find("made_with");
  if (made_with != run.settings.end() && made_with->is_object()) device.facts = *made_with;
  const auto values = run.settings.find("device");
  if (values == run.settings.end() || !values->is_object()) return device;
  for (const auto& [name, value] : values->items()) {
    if (value.is_number_integer()) device.values[name] = value.get<long long>();
  }
  return device;
}

Memory MemoryOf(const StoredRun& run, const Asking& asking) {
  const auto peaks = run.row.settings.find("peaks");
  Memory memory(run.spec, run.target, DeviceOf(run.row), peaks == run.row.settings.end() ? Peaks() : PeaksOf(*peaks),
                asking);
  for (const auto& [number, turn] : run.turns) memory.Add(turn);
  for (const Judged& judged : run.screened) memory.Learn(judged, false);
  for (const Judged& judged : run.confirmations) memory.Learn(judged, true);
  return memory;
}

struct Asked {
  int turn = 0;
  Prompt prompt;
  ordered_json messages;
};

Result<Asked> Ask(const StoredRun& run, Store& store) {
  const Memory memory = MemoryOf(run, AskingOf(run.row.settings["asking"]));
  const double budget = run.row.budget_seconds;
  const auto spent = budget > 0 && std::isfinite(budget) ? std::optional(std::min(run.row.active_seconds / budget, 1.0))
                                                         : std::nullopt;
  for (int i = 0; i < kTries; ++i) {
    Asked asked;
    KOPT_TRY(asked.turn, store.NextTurn(run.row.run));
    KOPT_TRY(asked.prompt, memory.Write(asked.turn, spent));
    asked.messages = {{{"role", "system"}, {"content", asked.prompt.system}},
                      {{"role", "user"}, {"content", asked.prompt.user}}};
    KOPT_TRY(const bool added, store.AddExchange(run.row.run, {.turn = asked.turn,
                                                               .model = kExternalModel,
                                                               .prompt = asked.messages.dump(),
                                                               .shown = asked.prompt.shown,
                                                               .asked_at = run.row.active_seconds}));
    if (added) return asked;
  }
  return EnvironmentError("others take every number of a turn at the same time", "try again");
}

Result<int> RunNext(const std::string& name, Context& context) {
  KOPT_TRY(Store store, context.OpenStore());
  KOPT_TRY(RunRow row, store.FindRun(name));
  KOPT_CHECK(CheckOpen(row));
  KOPT_TRY(const StoredRun run, LoadRun(store, std::move(row), context.KeptFiles()));
  KOPT_TRY(const Asked asked, Ask(run, store));
  context.Print(asked.prompt.system + "\n" + asked.prompt.user);
  context.Note(fmt::format("turn {}: hand in the reply with `kopt reply {} FILE --turn {}`", asked.turn, run.row.run,
                           asked.turn));
  context.Document({{"kopt", 1},
                    {"run", run.row.run},
                    {"turn", asked.turn},
                    {"messages", asked.messages},
                    {"tokens", asked.prompt.tokens},
                    {"shown", asked.prompt.shown}});
  return 0;
}

}  // namespace

void AddNext(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("next", "print the next prompt of a run whose model is outside of kopt");
  auto run = std::make_shared<std::string>();
  command->add_option("RUN", *run, "a run's name, the beginning of one, or `last`")->required();
  AddStateFlags(*command, context.flags());
  command->callback([&action, run] { action = [run](Context& c) { return RunNext(*run, c); }; });
}

}  // namespace kopt

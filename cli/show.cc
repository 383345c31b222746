#include "cli/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/commands.h"

namespace kopt {
namespace {

Result<int> ParseTurn(const std::string& text, const RunView& shown) {
  int turn = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), turn);
  const bool number = error == std::errc() && stop == text.data() + text.size();
  int last = -1;
  bool known = false;
  const auto look = [&](const auto& rows) {
    for (const auto& row : rows) {
      last = std::max(last, row.turn);
      known = known || row.turn == turn;
    }
  };
  look(shown.turns);
  look(shown.exchanges);
  if (number && known) return turn;
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("the run {} has no turn `{}`", shown.run.run, text),
                               .key = "TURN",
                               .hint = last < 0    ? "it has none"
                                       : last == 0 ? "it has turn 0 alone, the seed"
                                                   : fmt::format("it has turns 0 to {}", last)});
}

Result<TurnView> ReadTurn(const RunView& shown, int number, Store& store) {
  TurnView turn;
  for (const TurnRecord& record : RecordsOf(shown)) {
    if (record.number == number) turn.record = record;
  }
  turn.record.number = number;
  const auto row = std::ranges::find(shown.turns, number, &TurnRow::turn);
  if (row != shown.turns.end()) {
    turn.turn = *row;
    KOPT_TRY(turn.code, store.CandidateSource(row->candidate));
  }
  KOPT_TRY(turn.exchange, store.FindExchange(shown.run.run, number));
  return turn;
}

Result<int> RunShow(const std::string& name, const std::string& number, Context& context) {
  KOPT_TRY(Store store, context.OpenStore());
  RunView shown;
  KOPT_TRY(shown.run, store.FindRun(name));
  KOPT_TRY(shown.turns, store.Turns(shown.run.run));
  KOPT_TRY(shown.exchanges, store.Exchanges(shown.run.run));
  KOPT_TRY(shown.verdicts, store.Verdicts(shown.run.run));
  if (number.empty()) {
    context.Print(RunText(shown));
    context.Document(RunJson(shown));
    return 0;
  }
  KOPT_TRY(const int parsed, ParseTurn(number, shown));
  KOPT_TRY(const TurnView turn, ReadTurn(shown, parsed, store));
  context.Print(TurnText(shown, turn));
  context.Document(TurnJson(shown, turn));
  return 0;
}

}  // namespace

void AddShow(CLI::App& app, Context& context, Action& action) {
  CLI::App* command =
      app.add_subcommand("show", "show a run: its turns and verdicts; with TURN: prompt, reply, code and evidence");
  auto run = std::make_shared<std::string>(), turn = std::make_shared<std::string>();
  command->add_option("RUN", *run, "a run's name, the beginning of one, or `last`")->required();
  command->add_option("TURN", *turn, "its number; 0: the seed");
  AddStateFlags(*command, context.flags());
  command->callback([&action, run, turn] { action = [run, turn](Context& c) { return RunShow(*run, *turn, c); }; });
}

}  // namespace kopt

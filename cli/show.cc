#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "agent/evidence.h"
#include "agent/format.h"
#include "agent/recorder.h"
#include "base/printable.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

struct Shown {
  RunRow run;
  std::vector<TurnRow> turns;
  std::vector<VerdictRow> verdicts;
};

Result<int> ParseTurn(const std::string& text, const Shown& shown) {
  int turn = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), turn);
  const bool number = error == std::errc() && stop == text.data() + text.size();
  const auto same = [&](const TurnRow& row) { return row.turn == turn; };
  if (number && std::any_of(shown.turns.begin(), shown.turns.end(), same)) return turn;
  std::string known =
      shown.turns.empty() ? "it has none" : fmt::format("it has turns 0 to {}", shown.turns.back().turn);
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("the run {} has no turn `{}`", shown.run.run, text),
                               .key = "TURN",
                               .hint = std::move(known)});
}

std::string SettingText(const ordered_json& settings, const char* part, const char* key) {
  const auto found = settings.is_object() ? settings.find(part) : settings.end();
  if (!settings.is_object() || found == settings.end() || !found->is_object() || !found->contains(key)) return "-";
  const ordered_json& value = found->at(key);
  return value.is_string() ? Printable(value.get<std::string>()) : value.dump();
}

std::string BaselineText(const ordered_json& settings) {
  std::string text = SettingText(settings, "baseline", "file");
  const std::string configuration = SettingText(settings, "baseline", "configuration");
  return configuration == "-" ? text : text + " with " + configuration;
}

std::string RunText(const Shown& shown) {
  const RunRow& run = shown.run;
  const std::string outcome = run.outcome.empty() ? "" : ", " + run.outcome;
  Rows rows = {
      {"run", run.run},
      {"task", run.task},
      {"target", fmt::format("{}, {}", run.target, Printable(run.device))},
      {"state", StateOf(run) + outcome},
      {"started", run.started},
      {"spent", fmt::format("{} of {} active", FormatDuration(run.active_seconds), FormatDuration(run.budget_seconds))},
      {"seed", SettingText(run.settings, "seed", "file")},
      {"baseline", BaselineText(run.settings)}};
  if (run.result.is_object() && run.result.contains("report") && run.result["report"].is_string()) {
    rows.push_back({"report", run.result["report"].get<std::string>()});
  }
  return Table(rows, 0);
}

std::string VerdictsText(const std::vector<VerdictRow>& verdicts) {
  Rows rows = {{"turn", "after", "configuration", "", "verdict", "time", "speedup"}};
  for (const VerdictRow& row : verdicts) {
    rows.push_back({fmt::to_string(row.turn), FormatDuration(row.at_seconds), row.configuration,
                    row.confirmation ? "confirm" : "screen",
                    row.verdict.remark.empty() ? std::string(Name(row.verdict.outcome)) : Summary(row.verdict),
                    FormatMicroseconds(row.verdict.time_us), FormatSpeedup(row.verdict)});
  }
  return "\n" + Table(rows, 0);
}

std::string EvidenceOf(const VerdictRow& row) {
  std::string text =
      fmt::format("\n{}{}: {}\n", row.configuration, row.confirmation ? " (confirmation)" : "", Summary(row.verdict));
  const std::string evidence = EvidenceText(row.verdict.evidence, 4000);
  if (evidence.empty()) return text;
  text += "  ";
  for (char c : evidence) text += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return text + "\n";
}

ordered_json VerdictJson(const VerdictRow& row) {
  ordered_json json = {{"turn", row.turn},
                       {"configuration", row.configuration},
                       {"confirmation", row.confirmation},
                       {"at_seconds", row.at_seconds},
                       {"created", row.created}};
  ordered_json verdict = row.verdict.Json();
  verdict.erase("kopt");
  json.update(verdict);
  return json;
}

ordered_json TextOrNull(const std::string& text) { return text.empty() ? ordered_json() : ordered_json(text); }

ordered_json RunJson(const RunRow& run) {
  ordered_json settings = run.settings;
  if (settings.is_object()) settings.erase("process");
  return {{"run", run.run},
          {"task", run.task},
          {"target", run.target},
          {"device", run.device},
          {"state", StateOf(run)},
          {"outcome", TextOrNull(run.outcome)},
          {"started", TextOrNull(run.started)},
          {"ended", TextOrNull(run.ended)},
          {"budget_seconds", run.budget_seconds},
          {"active_seconds", run.active_seconds},
          {"settings", settings},
          {"result", run.result}};
}

Result<ordered_json> TurnJson(Store& store, const TurnRow& turn, bool with_code) {
  ordered_json json = {{"turn", turn.turn}, {"created", turn.created}, {"detail", turn.detail}};
  if (with_code) {
    KOPT_TRY(json["code"], store.CandidateSource(turn.candidate));
  }
  return json;
}

// A whole run: its verdicts in one table.
Result<int> ShowRun(const Shown& shown, Store& store, Context& context) {
  ordered_json turns = ordered_json::array(), verdicts = ordered_json::array();
  for (const TurnRow& turn : shown.turns) {
    KOPT_TRY(ordered_json json, TurnJson(store, turn, false));
    turns.push_back(std::move(json));
  }
  for (const VerdictRow& row : shown.verdicts) verdicts.push_back(VerdictJson(row));
  context.Print(RunText(shown) + VerdictsText(shown.verdicts));
  if (!shown.turns.empty()) context.Print(fmt::format("\ncode and evidence: kopt show {} 0\n", shown.run.run));
  context.Document({{"kopt", 1}, {"run", RunJson(shown.run)}, {"turns", turns}, {"verdicts", verdicts}});
  return 0;
}

// One turn: its code, and every verdict with the evidence.
Result<int> ShowTurn(const Shown& shown, int number, Store& store, Context& context) {
  const auto turn =
      std::find_if(shown.turns.begin(), shown.turns.end(), [&](const TurnRow& row) { return row.turn == number; });
  KOPT_TRY(const ordered_json json, TurnJson(store, *turn, true));
  ordered_json verdicts = ordered_json::array();
  std::string text =
      fmt::format("{}, turn {}\n\n{}\n", shown.run.run, number, Printable(json["code"].get_ref<const std::string&>()));
  for (const VerdictRow& row : shown.verdicts) {
    if (row.turn != number) continue;
    text += EvidenceOf(row);
    verdicts.push_back(VerdictJson(row));
  }
  context.Print(text);
  context.Document({{"kopt", 1}, {"run", RunJson(shown.run)}, {"turn", json}, {"verdicts", verdicts}});
  return 0;
}

Result<int> RunShow(const std::string& name, const std::string& turn, Context& context) {
  KOPT_TRY(Store store, context.OpenStore());
  Shown shown;
  KOPT_TRY(shown.run, store.FindRun(name));
  KOPT_TRY(shown.turns, store.Turns(shown.run.run));
  KOPT_TRY(shown.verdicts, store.Verdicts(shown.run.run));
  if (turn.empty()) return ShowRun(shown, store, context);
  KOPT_TRY(const int number, ParseTurn(turn, shown));
  return ShowTurn(shown, number, store, context);
}

}  // namespace

void AddShow(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("show", "show a run: its verdicts; with TURN: the code and the evidence");
  auto run = std::make_shared<std::string>(), turn = std::make_shared<std::string>();
  command->add_option("RUN", *run, "a run's name, the beginning of one, or `last`")->required();
  command->add_option("TURN", *turn, "0: the seed");
  AddStateFlags(*command, context.flags());
  command->callback([&action, run, turn] { action = [run, turn](Context& c) { return RunShow(*run, *turn, c); }; });
}

}  // namespace kopt

#include <fmt/format.h>

#include <algorithm>

#include "agent/asking.h"
#include "agent/evidence.h"
#include "agent/format.h"
#include "agent/recorder.h"
#include "base/printable.h"
#include "cli/output.h"
#include "cli/show.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

constexpr size_t kLongestCell = 60;  // bytes

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

// On one line, cut where it is long.
std::string Cell(const std::string& text) {
  std::string cell = Printable(text);
  std::ranges::replace_if(cell, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  if (cell.size() <= kLongestCell) return cell;
  size_t end = kLongestCell - 3;
  while (end > 0 && (cell[end] & 0xc0) == 0x80) --end;
  return cell.substr(0, end) + "...";
}

Asking AskingOf(const RunView& shown) {
  const ordered_json& settings = shown.run.settings;
  return kopt::AskingOf(settings.is_object() && settings.contains("asking") ? settings["asking"] : ordered_json());
}

std::string AskedText(const RunView& shown) {
  const Asking asking = AskingOf(shown);
  if (asking.external) return "somebody outside of kopt";
  std::string text;
  for (const std::string& model : asking.models) text += (text.empty() ? "" : ", ") + Printable(model);
  return asking.base_url.empty() ? text : fmt::format("{} at {}", text, Printable(asking.base_url));
}

// What was asked and what it cost; what was lost is in it.
std::string CostText(const RunView& shown) {
  const auto count = [&](const char* state) { return std::ranges::count(shown.exchanges, state, &ExchangeRow::state); };
  const Spend spend = SpendOf(shown.exchanges);
  std::string text = fmt::format("{} {}: {}", spend.asked, spend.asked == 1 ? "prompt" : "prompts", Text(spend));
  for (const char* state : {"failed", "cancelled"}) {
    if (const auto lost = count(state); lost > 0) text += fmt::format(", {} {}", lost, state);
  }
  if (const auto open = count("asked"); open > 0) text += fmt::format(", {} still out", open);
  return text;
}

std::string TurnsText(const RunView& shown) {
  if (shown.exchanges.empty()) return "";
  const auto tokens = [](const std::optional<int64_t>& count) {
    return count ? FormatCount(static_cast<double>(*count)) : "-";
  };
  Rows rows = {
      {"turn", "model", "showed", "asked", "answered", "prompt", "reply", "best", "reward", "tried", "outcome"}};
  for (const TurnRecord& record : RecordsOf(shown)) {
    const ExchangeRow seed{.model = "the seed"};
    const ExchangeRow& exchange = record.exchange == nullptr ? seed : *record.exchange;
    rows.push_back({fmt::to_string(record.number), Cell(exchange.model), Cell(NumbersText(exchange.shown)),
                    record.exchange == nullptr ? "-" : FormatDuration(exchange.asked_at),
                    exchange.answered_at ? FormatDuration(*exchange.answered_at) : "-", tokens(exchange.prompt_tokens),
                    tokens(exchange.completion_tokens),
                    record.best == nullptr ? "-" : FormatSpeedup(*record.best->speedup),
                    record.reward ? fmt::format("{:.2f}", *record.reward) : "-", fmt::to_string(record.tried),
                    Cell(OutcomeText(record))});
  }
  return "\n" + Table(rows, 0);
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

std::string FactsText(const RunView& shown) {
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
  if (AskingOf(shown).Asks()) {
    rows.push_back({"model", AskedText(shown)});
    rows.push_back({"asked", CostText(shown)});
  }
  if (run.result.is_object() && run.result.contains("report") && run.result["report"].is_string()) {
    rows.push_back({"report", run.result["report"].get<std::string>()});
  }
  return Table(rows, 0);
}

ordered_json TextOrNull(const std::string& text) { return text.empty() ? ordered_json() : ordered_json(text); }

}  // namespace

std::vector<TurnRecord> RecordsOf(const RunView& shown) {
  std::vector<TurnVerdict> verdicts;
  for (const VerdictRow& row : shown.verdicts) {
    verdicts.push_back({.turn = row.turn,
                        .configuration = row.configuration,
                        .confirmation = row.confirmation,
                        .verdict = &row.verdict});
  }
  return TurnRecordsOf(shown.exchanges, verdicts, AskingOf(shown).reward);
}

std::string RunText(const RunView& shown) {
  std::string text = FactsText(shown) + TurnsText(shown) + VerdictsText(shown.verdicts);
  if (!shown.exchanges.empty()) {
    text += fmt::format("\nprompt, reply, code and evidence: kopt show {} TURN\n", shown.run.run);
  } else if (!shown.turns.empty()) {
    text += fmt::format("\ncode and evidence: kopt show {} 0\n", shown.run.run);
  }
  return text;
}

ordered_json RunJson(const RunView& shown) {
  ordered_json turns = ordered_json::array(), exchanges = turns, verdicts = turns;
  for (const TurnRow& turn : shown.turns) turns.push_back(RowJson(turn));
  for (const TurnRecord& record : RecordsOf(shown)) {
    if (record.exchange == nullptr) continue;
    exchanges.push_back(Json(record));
    exchanges.back().erase("file");
  }
  for (const VerdictRow& row : shown.verdicts) verdicts.push_back(RowJson(row));
  return {{"kopt", 1}, {"run", RowJson(shown.run)}, {"turns", turns}, {"exchanges", exchanges}, {"verdicts", verdicts}};
}

ordered_json RowJson(const RunRow& run) {
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

ordered_json RowJson(const TurnRow& turn) {
  return {{"turn", turn.turn}, {"created", turn.created}, {"detail", turn.detail}};
}

ordered_json RowJson(const VerdictRow& row) {
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

}  // namespace kopt

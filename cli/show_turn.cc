#include <fmt/format.h>

#include "agent/evidence.h"
#include "agent/format.h"
#include "base/printable.h"
#include "cli/output.h"
#include "cli/show.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

std::string EvidenceOf(const VerdictRow& row) {
  std::string text =
      fmt::format("\n{}{}: {}\n", row.configuration, row.confirmation ? " (confirmation)" : "", Summary(row.verdict));
  const std::string evidence = EvidenceText(row.verdict.evidence, 4000);
  if (evidence.empty()) return text;
  text += "  ";
  for (char c : evidence) text += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return text + "\n";
}

std::string Line(const std::string& text) {
  std::string line = Printable(text);
  for (char& c : line) c = c == '\n' || c == '\t' ? ' ' : c;
  return line;
}

// Every line of what others wrote is indented: none of them can pass for one of kopt's.
std::string Part(const std::string& title, const std::string& text) {
  if (text.empty()) return "";
  std::string part = fmt::format("\n{}:\n  ", title), printable = Printable(text);
  while (printable.ends_with('\n')) printable.pop_back();
  for (char c : printable) part += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return part + "\n";
}

std::string TokensText(const ExchangeRow& exchange) {
  const auto count = [](const std::optional<int64_t>& tokens) {
    return tokens ? FormatCount(static_cast<double>(*tokens)) : "not known";
  };
  const bool estimated = exchange.detail.is_object() && exchange.detail.value("estimated", ordered_json()) == true;
  return fmt::format("{} of the prompt, {} of the reply{}", count(exchange.prompt_tokens),
                     count(exchange.completion_tokens), estimated ? ", estimated" : "");
}

std::string ShownText(const ExchangeRow& exchange) {
  if (exchange.shown.empty()) return "no turn";
  return fmt::format("{} {}", exchange.shown.size() == 1 ? "turn" : "turns", NumbersText(exchange.shown));
}

std::string AnsweredText(const ExchangeRow& exchange) {
  std::string text = "after " + FormatDuration(*exchange.answered_at);
  if (!exchange.answered.empty()) text += ", " + exchange.answered;
  const std::string reason = DetailText(exchange, "finish_reason");
  return reason.empty() ? text : fmt::format("{}, it ended with `{}`", text, Line(reason));
}

std::string FiguresText(const TurnRecord& record, const ExchangeRow& exchange) {
  Rows rows = {{"asked", fmt::format("{}, after {}{}", Line(exchange.model), FormatDuration(exchange.asked_at),
                                     exchange.asked.empty() ? "" : ", " + exchange.asked)},
               {"prompt showed", ShownText(exchange)}};
  if (exchange.answered_at) rows.push_back({"answered", AnsweredText(exchange)});
  rows.push_back({"tokens", TokensText(exchange)});
  if (exchange.usd) rows.push_back({"money", fmt::format("${:.4f}", *exchange.usd)});
  rows.push_back({"outcome", Line(OutcomeText(record))});
  if (record.best != nullptr) {
    rows.push_back({"best", fmt::format("{}, {}", FormatSpeedup(*record.best), record.best_configuration)});
  }
  if (record.reward) rows.push_back({"reward", fmt::format("{:.2f}", *record.reward)});
  const ordered_json notes = Json(record)["notes"];
  for (const ordered_json& note : notes.is_array() ? notes : ordered_json::array()) {
    if (note.is_string()) rows.push_back({"note", Line(note.get<std::string>())});
  }
  return Table(rows, 0);
}

// The messages as they were sent; what is no list of messages as it is.
std::string PromptText(const std::string& prompt) {
  const auto json = ordered_json::parse(prompt, nullptr, false);
  if (!json.is_array()) return Part("prompt", prompt);
  std::string text;
  for (const ordered_json& message : json) {
    const auto part = [&](const char* key) {
      const auto found = message.is_object() ? message.find(key) : message.end();
      return message.is_object() && found != message.end() && found->is_string() ? found->get<std::string>() : "";
    };
    text += Part(fmt::format("prompt, {}", Line(part("role"))), part("content"));
  }
  return text;
}

std::string ExchangeText(const TurnView& turn) {
  const ExchangeRow& exchange = *turn.exchange;
  return FiguresText(turn.record, exchange) + PromptText(exchange.prompt) +
         Part("reasoning", DetailText(exchange, "reasoning")) + Part("reply", exchange.reply) +
         (turn.turn ? Part("candidate", turn.code) : "");
}

ordered_json ExchangeJson(const TurnView& turn) {
  if (!turn.exchange) return nullptr;
  const ExchangeRow& exchange = *turn.exchange;
  const auto prompt = ordered_json::parse(exchange.prompt, nullptr, false);
  ordered_json json = Json(turn.record);
  json.erase("file");
  json["prompt"] = prompt.is_array() ? prompt : ordered_json(exchange.prompt);
  json["reply"] = exchange.answered_at ? ordered_json(exchange.reply) : ordered_json();
  const std::string reasoning = DetailText(exchange, "reasoning");
  json["reasoning"] = reasoning.empty() ? ordered_json() : ordered_json(reasoning);
  json["detail"] = exchange.detail;
  if (exchange.detail.is_object()) json["detail"].erase("reasoning");
  return json;
}

}  // namespace

std::string TurnText(const RunView& shown, const TurnView& turn) {
  std::string text = fmt::format("{}, turn {}\n\n", shown.run.run, turn.record.number);
  text += turn.exchange ? ExchangeText(turn) : Printable(turn.code) + "\n";
  for (const VerdictRow& row : shown.verdicts) {
    if (row.turn == turn.record.number) text += EvidenceOf(row);
  }
  return text;
}

ordered_json TurnJson(const RunView& shown, const TurnView& turn) {
  ordered_json verdicts = ordered_json::array(), row;
  for (const VerdictRow& verdict : shown.verdicts) {
    if (verdict.turn == turn.record.number) verdicts.push_back(RowJson(verdict));
  }
  if (turn.turn) {
    row = RowJson(*turn.turn);
    row["code"] = turn.code;
  }
  return {{"kopt", 1},
          {"run", RowJson(shown.run)},
          {"turn", row},
          {"exchange", ExchangeJson(turn)},
          {"verdicts", verdicts}};
}

}  // namespace kopt

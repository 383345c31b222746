// What `kopt show` prints: a run, or one of its turns.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/turn_record.h"
#include "store/store.h"

namespace kopt {

// A run as the state has it, whether it can still be read back or not.
struct RunView {
  RunRow run;
  std::vector<TurnRow> turns;
  std::vector<ExchangeRow> exchanges;  // without texts
  std::vector<VerdictRow> verdicts;
};

// One for each turn and exchange; they name parts of `shown`.
std::vector<TurnRecord> RecordsOf(const RunView& shown);

std::string RunText(const RunView& shown);
nlohmann::ordered_json RunJson(const RunView& shown);

// All that is known of a turn.
struct TurnView {
  TurnRecord record;
  std::optional<TurnRow> turn;          // nothing: there is no candidate
  std::string code;                     // of it
  std::optional<ExchangeRow> exchange;  // with texts; nothing: nobody was asked
};

// Texts of models and candidates are shown as they came, Printable.
std::string TurnText(const RunView& shown, const TurnView& turn);
nlohmann::ordered_json TurnJson(const RunView& shown, const TurnView& turn);

// ---- parts of both documents ----
nlohmann::ordered_json RowJson(const RunRow& run);
nlohmann::ordered_json RowJson(const TurnRow& turn);
nlohmann::ordered_json RowJson(const VerdictRow& row);

}  // namespace kopt

// What became of each turn of a run: the same figures for the report, turns.json and `kopt show`.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/reward.h"
#include "agent/spend.h"
#include "store/store.h"
#include "verifier/core/verdict.h"

namespace kopt {

// A verdict on a configuration of a turn's candidate.
struct TurnVerdict {
  int turn = 0;
  std::string configuration;  // Text(Configuration)
  bool confirmation = false;
  const Verdict* verdict = nullptr;
};

struct TurnRecord {
  int number = 0;                         // 0: the seed
  const ExchangeRow* exchange = nullptr;  // null: nobody was asked for it
  const Verdict* first = nullptr;         // screening of its default configuration; null: it was not judged
  const Verdict* best = nullptr;          // of its fastest configuration; null: none has a speedup
  std::string best_configuration;
  int tried = 0;                 // configurations
  std::optional<double> reward;  // the highest of its configurations; nothing: it was not judged

  // A reply is there that may hold a candidate, and no verdict on it.
  bool Waits() const;
};

// In order of their numbers. What a confirmation said of a configuration stands in place of its screening. `verdicts`
// in the order of judging; what both name must outlive the records.
std::vector<TurnRecord> TurnRecordsOf(std::span<const ExchangeRow> exchanges, std::span<const TurnVerdict> verdicts,
                                      Reward reward);

Spend SpendOf(std::span<const ExchangeRow> exchanges);

// The text under `key` of an exchange's detail; empty if there is none.
std::string DetailText(const ExchangeRow& exchange, std::string_view key);
// How it ended: the verdict on its default configuration, or why there is none. Data, and not always one line.
std::string OutcomeText(const TurnRecord& record);
// "0, 2"; "-" for none.
std::string NumbersText(std::span<const int> numbers);

// An entry of turns.json, see docs/commands.md; `file` is null there.
nlohmann::ordered_json Json(const TurnRecord& record);

}  // namespace kopt

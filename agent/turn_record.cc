#include "agent/turn_record.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "agent/evidence.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;
using ByConfiguration = std::map<std::string, const Verdict*, std::less<>>;

ordered_json Detail(const ExchangeRow* exchange, std::string_view key) {
  if (exchange == nullptr || !exchange->detail.is_object()) return nullptr;
  const auto found = exchange->detail.find(key);
  return found == exchange->detail.end() ? ordered_json() : *found;
}

template <typename T>
ordered_json OrNull(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

ordered_json TextOrNull(const std::string& text) { return text.empty() ? ordered_json() : ordered_json(text); }

// A confirmation that noise spoilt says nothing about the speed.
bool Replaces(const TurnVerdict& later) {
  return !later.confirmation || !later.verdict->correct() || later.verdict->speedup;
}

void Summarise(const ByConfiguration& verdicts, Reward reward, TurnRecord& record) {
  for (const auto& [configuration, verdict] : verdicts) {
    record.reward = std::max(record.reward.value_or(0), RewardOf(reward, *verdict));
    if (!verdict->correct() || !verdict->speedup) continue;
    if (record.best != nullptr && *verdict->speedup <= *record.best->speedup) continue;
    record.best = verdict;
    record.best_configuration = configuration;
  }
}

std::string FailureText(const ExchangeRow& exchange) {
  const std::string kind = DetailText(exchange, "failure"), message = DetailText(exchange, "message");
  std::string text = exchange.state;
  if (kind.starts_with(exchange.state)) {
    text = kind;
  } else if (!kind.empty()) {
    text += ": " + kind;
  }
  return message.empty() ? text : text + ", " + message;
}

}  // namespace

bool TurnRecord::Waits() const {
  if (exchange == nullptr || first != nullptr) return false;
  return exchange->state == "answered" ||
         (exchange->state == "looked_at" && DetailText(*exchange, "complaint").empty() &&
          Detail(exchange, "duplicate_of").is_null());
}

std::vector<TurnRecord> TurnRecordsOf(std::span<const ExchangeRow> exchanges, std::span<const TurnVerdict> verdicts,
                                      Reward reward) {
  std::map<int, TurnRecord> records;
  std::map<int, ByConfiguration> judged;
  for (const ExchangeRow& exchange : exchanges) records[exchange.turn].exchange = &exchange;
  for (const TurnVerdict& verdict : verdicts) {
    TurnRecord& record = records[verdict.turn];
    if (!verdict.confirmation) ++record.tried;
    if (!verdict.confirmation && record.first == nullptr) record.first = verdict.verdict;
    if (Replaces(verdict)) judged[verdict.turn][verdict.configuration] = verdict.verdict;
  }
  std::vector<TurnRecord> list;
  for (auto& [number, record] : records) {
    record.number = number;
    Summarise(judged[number], reward, record);
    list.push_back(std::move(record));
  }
  return list;
}

Spend SpendOf(std::span<const ExchangeRow> exchanges) {
  Spend spend;
  for (const ExchangeRow& exchange : exchanges) spend.Add(exchange);
  return spend;
}

std::string DetailText(const ExchangeRow& exchange, std::string_view key) {
  const ordered_json value = Detail(&exchange, key);
  return value.is_string() ? value.get<std::string>() : "";
}

std::string OutcomeText(const TurnRecord& record) {
  if (record.first != nullptr) return Summary(*record.first);
  if (record.exchange == nullptr) return "not judged";
  const ExchangeRow& exchange = *record.exchange;
  if (exchange.state == "failed" || exchange.state == "cancelled") return FailureText(exchange);
  if (exchange.state == "asked") return "no reply yet";
  if (exchange.state == "answered") return "the reply was not looked at";
  const ordered_json same = Detail(&exchange, "duplicate_of");
  if (same.is_number_integer()) return fmt::format("the code of turn {} again", same.get<int>());
  const std::string complaint = DetailText(exchange, "complaint");
  return complaint.empty() ? "not judged" : "no candidate: " + complaint;
}

std::string NumbersText(std::span<const int> numbers) {
  return numbers.empty() ? "-" : fmt::format("{}", fmt::join(numbers, ", "));
}

ordered_json Json(const TurnRecord& record) {
  const ExchangeRow seed{.state = "seed"};
  const ExchangeRow& exchange = record.exchange == nullptr ? seed : *record.exchange;
  const bool lost = exchange.state == "failed" || exchange.state == "cancelled";
  const ordered_json speedup = record.best == nullptr ? ordered_json() : OrNull(record.best->speedup);
  return {{"turn", record.number},
          {"state", record.exchange == nullptr && record.number > 0 ? "looked_at" : exchange.state},
          {"model", TextOrNull(exchange.model)},
          {"shown", exchange.shown},
          {"asked", TextOrNull(exchange.asked)},
          {"answered", TextOrNull(exchange.answered)},
          {"asked_at", record.exchange == nullptr ? ordered_json() : ordered_json(exchange.asked_at)},
          {"answered_at", OrNull(exchange.answered_at)},
          {"prompt_tokens", OrNull(exchange.prompt_tokens)},
          {"completion_tokens", OrNull(exchange.completion_tokens)},
          {"estimated", Detail(&exchange, "estimated") == true},
          {"usd", OrNull(exchange.usd)},
          {"complaint", Detail(&exchange, "complaint")},
          {"notes", Detail(&exchange, "notes")},
          {"duplicate_of", Detail(&exchange, "duplicate_of")},
          {"failure", lost ? TextOrNull(FailureText(exchange)) : ordered_json()},
          {"outcome", record.first == nullptr ? ordered_json() : ordered_json(Name(record.first->outcome))},
          {"configurations", record.tried},
          {"speedup", speedup},
          {"best_configuration", TextOrNull(record.best_configuration)},
          {"reward", OrNull(record.reward)},
          {"file", nullptr}};
}

}  // namespace kopt

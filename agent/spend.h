// What asking cost, and what it will.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "store/store.h"

namespace kopt {

// The sum over a run's exchanges: whatever was asked, also what failed or was cancelled.
struct Spend {
  int replies = 0;  // that arrived
  int asked = 0;    // all exchanges
  int64_t prompt_tokens = 0, completion_tokens = 0;
  double usd = 0;
  bool estimated = false;    // some tokens were not counted by the endpoint
  bool priced = false;       // some exchange had a price
  double reply_seconds = 0;  // of all replies together, in active time

  int64_t tokens() const { return prompt_tokens + completion_tokens; }
  void Add(const ExchangeRow& row);
};

// "12 replies, 85.1 k tokens, $0.17".
std::string Text(const Spend& spend);

// What a run will have spent when `seconds_left` are over, if replies go on as they did.
struct Forecast {
  double replies = 0, tokens = 0;
  std::optional<double> usd;
};
// `in_flight`: requests at a time. Nothing without a reply to judge by.
std::optional<Forecast> ForecastOf(const Spend& spend, double seconds_left, int in_flight);
std::string Text(const Forecast& forecast);

}  // namespace kopt

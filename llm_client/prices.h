// What replies cost.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "llm_client/chat.h"

namespace kopt {

// US dollars per million tokens.
struct Price {
  double prompt = 0;
  double completion = 0;
};

// By the name under which the model is asked.
using Prices = std::map<std::string, Price, std::less<>>;

// US dollars; nothing if the model has no price or the server did not count.
inline std::optional<double> Dollars(const Prices& prices, std::string_view model, const Usage& usage) {
  const auto price = prices.find(model);
  if (price == prices.end() || !usage.known) return std::nullopt;
  return (static_cast<double>(usage.prompt_tokens) * price->second.prompt +
          static_cast<double>(usage.completion_tokens) * price->second.completion) /
         1e6;
}

}  // namespace kopt

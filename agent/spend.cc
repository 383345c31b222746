#include "agent/spend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/format.h"

namespace kopt {

void Spend::Add(const ExchangeRow& row) {
  ++asked;
  if (row.state == "answered" || row.state == "looked_at") {
    ++replies;
    reply_seconds += std::max(0.0, row.answered_at.value_or(row.asked_at) - row.asked_at);
  }
  prompt_tokens += row.prompt_tokens.value_or(0);
  completion_tokens += row.completion_tokens.value_or(0);
  usd += row.usd.value_or(0);
  priced = priced || row.usd.has_value();
  const auto guess = row.detail.is_object() ? row.detail.find("estimated") : row.detail.end();
  if (row.detail.is_object() && guess != row.detail.end() && *guess == true) estimated = true;
}

std::string Text(const Spend& spend) {
  std::string text = fmt::format("{} {}, {}{} tokens", spend.replies, spend.replies == 1 ? "reply" : "replies",
                                 spend.estimated ? "about " : "", FormatCount(static_cast<double>(spend.tokens())));
  if (spend.priced) text += fmt::format(", ${:.4f}", spend.usd);
  return text;
}

std::optional<Forecast> ForecastOf(const Spend& spend, double seconds_left, int in_flight) {
  if (spend.replies == 0 || spend.reply_seconds <= 0 || !std::isfinite(seconds_left)) return std::nullopt;
  const double each = spend.reply_seconds / spend.replies;
  const double more = std::max(0.0, std::floor(seconds_left / each)) * in_flight;
  const double factor = 1 + more / spend.replies;
  Forecast forecast{.replies = spend.replies + more, .tokens = static_cast<double>(spend.tokens()) * factor};
  if (spend.priced) forecast.usd = spend.usd * factor;
  return forecast;
}

std::string Text(const Forecast& forecast) {
  std::string text = fmt::format("about {:.0f} replies, {} tokens", forecast.replies, FormatCount(forecast.tokens));
  if (forecast.usd) text += fmt::format(", ${:.2f}", *forecast.usd);
  return text;
}

}  // namespace kopt

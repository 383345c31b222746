#include "agent/asking.h"

#include <algorithm>

namespace kopt {
namespace {

using nlohmann::ordered_json;

template <class T>
ordered_json OrNull(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

bool IsOf(const ordered_json& value, const std::string&) { return value.is_string(); }
bool IsOf(const ordered_json& value, bool) { return value.is_boolean(); }
template <class Number>
bool IsOf(const ordered_json& value, Number) {
  return value.is_number();
}

template <class T>
void Read(const ordered_json& json, const char* key, T& value) {
  const auto found = json.find(key);
  if (found != json.end() && IsOf(*found, T())) value = found->template get<T>();
}

template <class T>
void Read(const ordered_json& json, const char* key, std::optional<T>& value) {
  const auto found = json.find(key);
  if (found != json.end() && IsOf(*found, T())) value = found->template get<T>();
}

}  // namespace

ordered_json Json(const Asking& asking) {
  return {{"models", asking.models},
          {"external", asking.external},
          {"base_url", asking.base_url},
          {"in_flight", asking.in_flight},
          {"most_waiting", asking.most_waiting},
          {"strategy", Name(asking.strategy)},
          {"top", asking.top},
          {"reward", Name(asking.reward)},
          {"max_tokens", asking.max_tokens},
          {"temperature", OrNull(asking.temperature)},
          {"prompt_tokens", asking.prompt_tokens},
          {"budget_tokens", OrNull(asking.budget_tokens)},
          {"budget_usd", OrNull(asking.budget_usd)},
          {"hint", asking.hint}};
}

Asking AskingOf(const ordered_json& json) {
  Asking asking;
  if (!json.is_object()) return asking;
  if (const auto models = json.find("models"); models != json.end() && models->is_array()) {
    for (const ordered_json& model : *models) {
      if (model.is_string()) asking.models.push_back(model.get<std::string>());
    }
  }
  std::string strategy, reward;
  Read(json, "external", asking.external);
  Read(json, "base_url", asking.base_url);
  Read(json, "in_flight", asking.in_flight);
  Read(json, "most_waiting", asking.most_waiting);
  Read(json, "strategy", strategy);
  Read(json, "top", asking.top);
  Read(json, "reward", reward);
  Read(json, "max_tokens", asking.max_tokens);
  Read(json, "temperature", asking.temperature);
  Read(json, "prompt_tokens", asking.prompt_tokens);
  Read(json, "budget_tokens", asking.budget_tokens);
  Read(json, "budget_usd", asking.budget_usd);
  Read(json, "hint", asking.hint);
  asking.in_flight = std::clamp(asking.in_flight, 1, kMostInFlight);
  asking.most_waiting = std::clamp(asking.most_waiting, 1, kMostInFlight);
  asking.top = std::clamp<size_t>(asking.top, 1, kMostShown);
  if (const auto known = ParseStrategy(strategy)) asking.strategy = *known;
  if (const auto known = ParseReward(reward)) asking.reward = *known;
  return asking;
}

}  // namespace kopt

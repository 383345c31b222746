#include "verifier/core/verdict.h"

#include <array>
#include <cmath>

namespace kopt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 9> kOutcomes = {
    "rejected", "compile_error", "launch_error", "crashed", "timeout", "mismatch", "unsafe", "quarantined", "measured"};
constexpr std::array<std::string_view, 7> kStages = {"parse", "screen",  "compile", "load",
                                                     "check", "measure", "profile"};

Json Number(std::optional<double> value) { return value && std::isfinite(*value) ? Json(*value) : Json(nullptr); }

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json Pair(const std::optional<Interval>& interval) {
  if (!interval || !std::isfinite(interval->low) || !std::isfinite(interval->high)) return nullptr;
  return Json::array({interval->low, interval->high});
}

Json Seconds(const std::vector<std::pair<std::string, double>>& stages) {
  Json seconds = Json::object();
  for (const auto& [stage, cost] : stages) {
    const double before = seconds.contains(stage) && seconds[stage].is_number() ? seconds[stage].get<double>() : 0;
    seconds[stage] = Number(before + cost);
  }
  return seconds;
}

// Evidence as others built it, with null for numbers that JSON cannot hold.
Json Finite(Json value) {
  if (value.is_number_float()) return Number(value.get<double>());
  if (value.is_structured()) {
    for (Json& part : value) part = Finite(std::move(part));
  }
  return value;
}

}  // namespace

std::string_view Name(Outcome outcome) { return kOutcomes[static_cast<size_t>(outcome)]; }

std::optional<Outcome> ParseOutcome(std::string_view name) {
  for (size_t i = 0; i < kOutcomes.size(); ++i) {
    if (kOutcomes[i] == name) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

std::string_view Name(Stage stage) { return kStages[static_cast<size_t>(stage)]; }

std::optional<Stage> ParseStage(std::string_view name) {
  for (size_t i = 0; i < kStages.size(); ++i) {
    if (kStages[i] == name) return static_cast<Stage>(i);
  }
  return std::nullopt;
}

nlohmann::ordered_json Verdict::Json() const {
  const bool compared = remark.empty();
  return {{"kopt", 1},
          {"outcome", Name(outcome)},
          {"correct", correct()},
          {"reason", TextOrNull(reason)},
          {"time_us", Number(time_us)},
          {"baseline_us", Number(baseline_us)},
          {"speedup", compared ? Number(speedup) : nlohmann::ordered_json(nullptr)},
          {"speedup_interval", compared ? Pair(speedup_interval) : nlohmann::ordered_json(nullptr)},
          {"sol_fraction", Number(sol_fraction)},
          {"coverage", Number(coverage)},
          {"evidence", evidence.is_object() ? Finite(evidence) : nlohmann::ordered_json::object()},
          {"stage", Name(stage)},
          {"remark", TextOrNull(remark)},
          {"confirmed", confirmed},
          {"seconds", Seconds(stage_seconds)}};
}

}  // namespace kopt

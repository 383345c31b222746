// How a run asks for candidates. Stored with the run, so that it goes on in the same way.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/reward.h"
#include "agent/window.h"

namespace kopt {

inline constexpr int kMostInFlight = 64;
inline constexpr size_t kMostShown = 1000;

struct Asking {
  std::vector<std::string> models;  // asked in turn; none: kopt asks nobody
  bool external = false;            // prompts are fetched, and replies handed in, from outside
  std::string base_url;             // of the endpoint; for reports
  int in_flight = 4;                // requests at a time
  int most_waiting = 4;             // no new request while so many replies wait to be judged
  Strategy strategy = Strategy::kWindow;
  size_t top = 4;  // turns that `window` shows
  Reward reward = Reward::kDrKernel;
  int max_tokens = 0;  // of one reply; 0: the endpoint's limit
  std::optional<double> temperature;
  long long prompt_tokens = 64'000;      // at most, as estimated
  std::optional<int64_t> budget_tokens;  // of prompts and replies together
  std::optional<double> budget_usd;
  std::string hint;  // the user's, for every prompt

  bool Asks() const { return external || !models.empty(); }
};

// The name under which somebody outside is noted.
inline constexpr const char* kExternalModel = "external";

nlohmann::ordered_json Json(const Asking& asking);
// What is missing or of another type has its default: runs that asked nobody have none of it.
Asking AskingOf(const nlohmann::ordered_json& json);

}  // namespace kopt

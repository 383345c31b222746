// What a step of judging a candidate gives: a value, or the reason to stop - the candidate's fault (a refusal: an
// outcome with its evidence), or ours (an error: no verdict).
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "base/error.h"
#include "verifier/core/verdict.h"
#include "verifier/cpu/session.h"

namespace kopt {

struct Refusal {
  Outcome outcome = Outcome::kCrashed;
  Stage stage = Stage::kCheck;
  std::string reason;
  nlohmann::ordered_json evidence = nlohmann::ordered_json::object();
};

struct Stop {
  Stop(Error error) : ours(std::move(error)) {}           // NOLINT: a Result's error becomes a Stop by itself
  Stop(Refusal refused) : refusal(std::move(refused)) {}  // NOLINT
  std::optional<Error> ours;
  Refusal refusal;
};

// Why a batch that did not end well is refused, without what it was about. `seconds`: what it was given.
Refusal RefusalOf(const BatchEnd& end, Stage stage, double seconds);

template <class T>
using Judged = std::expected<T, Stop>;

}  // namespace kopt

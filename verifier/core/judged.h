// What a step of judging a candidate gives: a value, or the reason to stop - the candidate's fault (a refusal: an
// outcome with its evidence), or ours (an error: no verdict).
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "verifier/core/statistics.h"
#include "verifier/core/verdict.h"

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
  bool neighbour_lost = false;  // ours because of what runs beside the candidate; the refusal has what befell it
  Refusal refusal;
};

// Why, in words.
std::string Words(const Stop& stop);

template <class T>
using Judged = std::expected<T, Stop>;

// What befalls the baseline is no verdict on the candidate.
Stop BaselineLost(const Stop& stop, std::string_view what = "does not load any more");

// A plan that breaks a rule; the evidence has its line.
Refusal PlanRefusal(const Error& error, Outcome outcome, Stage stage);

// If the baseline is disturbed, widens Verdict::alone of that shape by what each takes alone.
void AddAlone(const AloneTimes& times, int shape, Verdict& verdict);

// The verdict that a judgement ends with: measured, with the ratio that its samples and Verdict::alone give, or
// refused.
Result<Verdict> FinishVerdict(Judged<void> judged, Verdict verdict);

}  // namespace kopt

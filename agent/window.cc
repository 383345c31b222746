#include "agent/window.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "task/nearest.h"

namespace kopt {
namespace {

bool Better(const TurnSummary& a, const TurnSummary& b) {
  return a.reward != b.reward ? a.reward > b.reward : a.number > b.number;
}

}  // namespace

std::string_view Name(Strategy strategy) {
  switch (strategy) {
    case Strategy::kWindow:
      return "window";
    case Strategy::kHistory:
      return "history";
    case Strategy::kBestOfN:
      return "best-of-n";
  }
  return "";
}

Result<Strategy> ParseStrategy(std::string_view name) {
  std::array<std::string, 3> names;
  for (const Strategy strategy : {Strategy::kWindow, Strategy::kHistory, Strategy::kBestOfN}) {
    if (Name(strategy) == name) return strategy;
    names[static_cast<size_t>(strategy)] = Name(strategy);
  }
  return UsageError(fmt::format("there is no strategy `{}`", Shown(name)), NearestHint(name, names));
}

void Window::Add(TurnSummary turn) {
  if (!std::isfinite(turn.reward)) turn.reward = 0;
  if (strategy_ == Strategy::kWindow) AddToBest(turn);
  if (strategy_ == Strategy::kHistory) AddToHistory(std::move(turn));
}

void Window::AddToBest(const TurnSummary& turn) {
  if (failure_ && failure_->number == turn.number) failure_.reset();
  if (!turn.correct && (!failure_ || turn.number > failure_->number)) failure_ = turn;
  std::erase_if(best_, [&](const TurnSummary& known) { return known.number == turn.number; });
  const auto same = std::ranges::find(best_, turn.code_hash, &TurnSummary::code_hash);
  if (same != best_.end()) {
    if (Better(*same, turn)) return;
    best_.erase(same);
  }
  // What falls off is behind `top_` turns of other codes, which only get better: it can come back as a new turn only.
  const auto place = std::ranges::lower_bound(best_, turn, Better);
  if (static_cast<size_t>(place - best_.begin()) >= top_) return;
  best_.insert(place, turn);
  if (best_.size() > top_) best_.pop_back();
}

void Window::AddToHistory(TurnSummary turn) {
  const auto place = std::ranges::lower_bound(history_, turn.number, {}, &TurnSummary::number);
  if (place != history_.end() && place->number == turn.number) {
    *place = std::move(turn);
  } else {
    history_.insert(place, std::move(turn));
  }
}

Window::Choice Window::Choose(long long most_tokens) const {
  Choice choice{.turns = best_};
  const auto hides_failure = [&](const TurnSummary& turn) {
    return turn.number >= failure_->number || turn.code_hash == failure_->code_hash;
  };
  if (failure_ && std::ranges::none_of(best_, hides_failure)) choice.failure = failure_;

  auto first = history_.end();
  while (first != history_.begin() && std::prev(first)->tokens <= most_tokens) most_tokens -= (--first)->tokens;
  choice.turns.insert(choice.turns.end(), first, history_.end());
  return choice;
}

}  // namespace kopt

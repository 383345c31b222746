// Which turns the next prompt shows.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace kopt {

enum class Strategy {
  kWindow,   // the turns of the highest rewards, and the newest failure
  kHistory,  // all turns, in order
  kBestOfN,  // none: every turn answers the first prompt
};
std::string_view Name(Strategy strategy);  // "window", "history", "best-of-n"
// An unknown name is a usage error with the nearest valid one.
Result<Strategy> ParseStrategy(std::string_view name);

// What a choice needs to know of a turn; its texts stay where they are stored.
struct TurnSummary {
  int number = 0;
  double reward = 0;      // not finite: 0
  bool correct = false;   // false: a failure, also where the reply held no code
  std::string code_hash;  // ContentHash of NormalisedCode; empty: no code
  long long tokens = 0;   // of its text in a prompt
};

// Follows a run's turns. Adding costs O(top) and choosing O(what is shown), whatever the number of turns.
//
// `window` shows at most `top` turns by reward, no two of equal code, of equal rewards the newer one. The newest
// failure comes on top of them if it is newer than all of them and no turn shown has its code.
class Window {
 public:
  explicit Window(Strategy strategy, size_t top = 4) : strategy_(strategy), top_(top) {}

  // Turns may come in any order. One that is added again replaces what was known of it, and its reward may have risen
  // meanwhile. Where rewards have fallen or a verdict was withdrawn, make a new Window of all turns.
  void Add(TurnSummary turn);

  struct Choice {
    std::vector<TurnSummary> turns;      // window: the highest reward first; history: the oldest first
    std::optional<TurnSummary> failure;  // window: the newest failure, if it is shown beside them
  };
  // `most_tokens` limits the history, which has no other end: the newest turns that fit together are shown.
  Choice Choose(long long most_tokens = std::numeric_limits<long long>::max()) const;

 private:
  void AddToBest(const TurnSummary& turn);
  void AddToHistory(TurnSummary turn);

  Strategy strategy_;
  size_t top_;
  std::vector<TurnSummary> best_;       // of different codes, sorted, at most top_
  std::optional<TurnSummary> failure_;  // the newest
  std::vector<TurnSummary> history_;    // sorted by number
};

}  // namespace kopt

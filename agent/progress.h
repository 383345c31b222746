// What a run tells the person who watches it. Nothing here runs by itself: a line appears when the loop says so,
// because a second thread would disturb the samples.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "verifier/core/verdict.h"

namespace kopt {

using OutcomeCounts = std::map<Outcome, int>;

// What is going on at this moment.
struct Status {
  std::string doing;                   // "testing BM=64", "confirming BM=64"
  std::optional<double> best;          // best speedup so far, screened or confirmed
  OutcomeCounts counts;                // configurations judged, by outcome
  std::optional<double> seconds_left;  // of the budget; empty: only `doing` is shown; infinite: `spent` is
  double spent = 0;                    // active time, seconds
  std::string asked;                   // what models were asked and cost; empty: none is asked
};

// "37 tested: 31 measured, 4 mismatch, 2 compile_error"; the most frequent first.
std::string Text(const OutcomeCounts& counts);
// "0:43 left  best 1.830x  37 tested: ...  testing BM=64".
std::string Text(const Status& status);

class Progress {
 public:
  virtual ~Progress() = default;
  // A line worth keeping: a phase begins, a faster configuration was found.
  virtual void Line(std::string_view text) = 0;
  virtual void Show(const Status& status) = 0;
  // Clears what is not to be kept. Called before anything else is written.
  virtual void End() = 0;
};

// Says nothing.
std::unique_ptr<Progress> NoProgress();
// Every line, and the status at most once in `every_seconds`.
std::unique_ptr<Progress> PlainProgress(std::ostream& out, Clock& clock, double every_seconds = 10);
// Every line, and below them one that is rewritten in place, cut to `columns`.
std::unique_ptr<Progress> TerminalProgress(std::ostream& out, int columns);

}  // namespace kopt

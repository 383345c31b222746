// Which configuration to try next. A search keeps nothing that matters between calls: its proposals are a function of
// the space, the random seed and the trials, so that a run killed anywhere goes on from the trials that it recorded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/search/space.h"
#include "base/error.h"
#include "task/candidate.h"
#include "verifier/core/verdict.h"

namespace kopt {

// What became of a configuration.
struct Trial {
  Configuration configuration;
  bool correct = false;
  std::optional<double> speedup;  // nothing: not correct, or correct but its speed could not be told
  double deviation = 0;           // standard error of log(speedup); 0: not known
  bool pending = false;           // being tried: nothing is known yet, and `correct` is a hope
};

// A verdict as a trial; the deviation comes from the verdict's samples.
Trial TrialOf(const Configuration& configuration, const Verdict& verdict);

class Search {
 public:
  virtual ~Search() = default;
  // Up to `n` admissible configurations, the best first, none of them among the trials, none twice. None: nothing is
  // left to try, or no more could be found.
  virtual std::vector<Configuration> Propose(std::span<const Trial> trials, size_t n) = 0;
};

// "model": learns from the trials (agent/search/trial_model.h); "random": uniform, without repetition; "exhaustive": in
// the order of the file, the last tunable fastest (of a space too large to list: in an order that tests each `where`
// early). The first is the default.
const std::vector<std::string>& SearchNames();

// The space must outlive the search. An unknown name is a usage error that lists the names.
Result<std::unique_ptr<Search>> NewSearch(std::string_view name, const Space& space, uint64_t random_seed);

}  // namespace kopt

// Which configuration of which candidate is tried next.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/judged.h"
#include "agent/search/search.h"
#include "agent/search/space.h"
#include "task/candidate.h"
#include "task/spec.h"

namespace kopt {

// The configurations of one run's candidates. A candidate is worth the next trial by its best speedup so far, less
// 10 % for each doubling of the trials since its last gain: the fastest comes first, and those behind it get their turn
// once it stops gaining. What is proposed follows from what was added and learnt, in its order.
class Tuner {
 public:
  // `device`: what plan expressions may name. `search`, `random_seed`: see NewSearch. `verifiers`: how many ask.
  Tuner(const Spec& spec, Target target, Values device, std::string search, uint64_t random_seed, size_t verifiers = 1);

  // `candidate` must outlive the tuner. Errors (exit 2, with file and line) if its default tunables satisfy no `where`.
  Result<void> Add(int turn, const Candidate& candidate);
  // A screening.
  void Learn(const Judged& judged);

  struct Proposal {
    int turn = 0;
    Configuration configuration;
    std::vector<Configuration>
        ahead;  // probably proposed next, of the same candidate: so many that compilers need not wait
  };
  // What it proposes is being tried from here on, until it is learnt: it is not proposed again. Nothing: there is
  // nothing left to try, or no candidate that has proved right.
  std::optional<Proposal> Next();

  // The best speedup of a turn so far; 0: none.
  double BestOf(int turn) const;
  // Of a turn that was added; null if it was not.
  const Space* SpaceOf(int turn) const;

 private:
  struct Entry {
    std::unique_ptr<Space> space;
    std::unique_ptr<Search> search;
    std::vector<Trial> trials;
    std::vector<Configuration> coming;
    std::vector<Configuration> running;  // being tried
    double best = 0;                     // speedup, or 1 of the baseline itself
    int fruitless = 0;                   // trials since `best` rose
    bool exhausted = false;
  };
  static double Worth(const Entry& entry);
  void Propose(Entry& entry) const;

  const Spec& spec_;
  size_t pending_;  // a search is asked for more when fewer proposals than this are left
  std::vector<const Shape*> shapes_;
  Values device_;
  std::string search_;
  uint64_t random_seed_;
  std::map<int, Entry> entries_;
};

}  // namespace kopt

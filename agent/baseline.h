// What speedup is measured against, and the proof that it is right, before any budget is spent.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "task/candidate.h"
#include "verifier/core/verifier.h"

namespace kopt {

// The seed of a search and the baseline it is compared with.
struct Contestants {
  std::optional<Candidate> seed;
  std::optional<Candidate> baseline;  // as the spec names it; nothing: the seed with its default tunables

  bool SeedIsBaseline() const { return seed && !baseline; }
  const Candidate* Baseline() const { return baseline ? &*baseline : seed ? &*seed : nullptr; }
  // "attention_baseline.cpp", or "the seed attention.cpp with its default tunables (BM=64)".
  std::string BaselineText() const;
};

// Reads and parses what the spec names for `target`; `seed_file`, if not empty, replaces the spec's seed.
Result<Contestants> ReadContestants(const Spec& spec, Target target, const std::string& seed_file);

// What the user names as the baseline: a file of its code, or on cuda a library (task/library_problem.h).
Result<Candidate> NamedBaseline(const Spec& spec, Target target, const std::string& file_or_library);

// What the spec names as the baseline; nothing if it names none.
Result<std::optional<Candidate>> ReadBaseline(const Spec& spec, Target target);

// An error (exit 2) with the verdict's evidence in `log` if `verdict` is not measured. `what`: "the baseline", "the
// seed".
Result<void> MustBeMeasured(const Verdict& verdict, const std::string& what, const Candidate& candidate);

// Judges the baseline and makes it the one to compare with; it must be measured.
Result<Verdict> EstablishBaseline(Verifier& verifier, const Contestants& contestants);

}  // namespace kopt

// Interleaved timing of a candidate against the baseline.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "verifier/core/interrupt.h"
#include "verifier/core/statistics.h"
#include "verifier/cpu/candidate_run.h"

namespace kopt {

// One side of a comparison at one shape: how many calls a batch has, and what a batch without calls costs.
struct Side {
  CandidateRun* run = nullptr;
  const Shape* shape = nullptr;
  SetPool* pool = nullptr;
  Deadline deadline;
  size_t calls = 1;
  double empty = 0;  // seconds
};

// Chooses `calls` so that a batch lasts 20 ms (or as long as the pool allows); `empty` is still to be measured.
// `known_calls`: what it came to in an earlier process; 0: not known.
Judged<Side> PrepareSide(CandidateRun& run, const Shape& shape, SetPool& pool, const Deadline& deadline,
                         size_t most_sets, size_t known_calls = 0);

struct FailedSide {
  size_t side = 0;
  Stop stop;
};
// Measures what a batch without calls costs: the side's own, or that of a process without candidate code where it is
// shorter, so that nobody gains by making it long. The sides take turns, shortly before they are timed, because a batch
// ends with its memory being given back, which takes as long as the machine's memory makes it.
std::expected<void, FailedSide> MeasureEmpty(std::span<Side> sides);

// Seconds per call of one batch on sets drawn at random, the empty batch subtracted.
Judged<double> TimeBatch(const Side& side);

// One batch of every side in their order, then one of every side in the reverse: seconds per call. In every second
// round the last side is the first: where in a round a batch lies costs two sides the same, of more the first and the
// last.
struct RoundTimes {
  double forward = 0, back = 0;  // the earlier one and the later one
};
using Round = std::vector<RoundTimes>;
// Two sides of a round: what lies between their batches lies evenly around its middle, so drift cancels.
Quad QuadOf(const Round& round, size_t a, size_t b);

// Measures the empty batches, then rounds until `rule` is content with every pair.
std::expected<std::vector<Round>, FailedSide> TimeRounds(std::span<Side> sides, const StoppingRule& rule,
                                                         const VerifierOptions& options);

// Rounds of two, that is quads, ABBA and BAAB by turns, until `rule` is content. A refusal is the candidate's; the
// baseline's own failure is an error.
Judged<ShapeSamples> Interleave(const Side& candidate, const Side& baseline, const StoppingRule& rule,
                                const VerifierOptions& options);

// What a call takes at least where no call can know the inputs of the next one: in a batch kopt might be timing the
// work of several calls done at once, which no call by itself is that fast at.
struct OneByOne {
  std::vector<double> calls;       // seconds of single calls, handing over included
  std::vector<double> hand_overs;  // seconds of handing over without a call
};
// Adds some of either to `times`. `flush`: as CandidateRun has it.
Judged<void> TimeOneByOne(const Side& side, bool flush, OneByOne& times);

// Refuses a candidate whose every call takes longer that way than those of `samples` (seconds a call in batches of
// several), or that leaves anything else then. Of empty batches the shortest is taken off, so that noise speaks for the
// candidate. Returns what the evidence says. `baseline`: whom `samples` compare it with; null: nobody.
Judged<nlohmann::ordered_json> CheckOneByOne(const Side& candidate, const Side* baseline, const ShapeSamples& samples,
                                             const Spec& spec, const VerifierOptions& options);

}  // namespace kopt

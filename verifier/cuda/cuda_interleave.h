// Timing a candidate beside the baseline, in one process.
#pragma once

#include "verifier/core/statistics.h"
#include "verifier/cuda/cuda_run.h"
#include "verifier/cuda/cuda_sets.h"

namespace kopt {

// Calls of a timed batch: one, of calls shorter than 20 us as many as last 50 us, each on a set of its own. The sets
// that so many calls take are solved then.
Judged<size_t> CallsFor(CudaContext& context, CudaRun& run, int side, const CudaShape& shape, const Deadline& deadline);

// A batch on random sets. Seconds a call.
Judged<double> TimeOnce(CudaRun& run, int side, const CudaShape& shape, size_t calls, const Deadline& deadline);

struct Timing {
  int process = 0;  // of the verdict
  StoppingRule rule;
  Deadline deadline;
  std::vector<CudaSets::Known> unseen;  // sets that this process was never given, beside its own shapes' for audits
};

// Quads, ABBA and BAAB by turns, until the rule is content, added to the verdict's samples. Among them are batches on
// inputs that nobody has seen, to find out whether the candidate remembers (verifier/core/unseen_inputs.h). Of some of
// them the outputs of one call are compared. Where the baseline beside the candidate is slower or faster than it was
// alone, as beside one that heats the chip, each is timed alone as well and Verdict::alone is set.
Judged<void> Interleave(CudaContext& context, CudaRun& run, const CudaShape& shape, const Timing& how,
                        Verdict& verdict);

// Median seconds a call of the candidate's side, with nothing else in the process. `calls`: of a batch.
Judged<double> TimeByItself(CudaContext& context, CudaRun& run, const CudaShape& shape, size_t calls,
                            const Deadline& deadline);

}  // namespace kopt

// The times of a confirmation against what the device itself recorded.
#pragma once

#include <functional>

#include "verifier/cuda/cuda_run.h"

namespace kopt {

// Seconds of a call with so many launches: they may differ by 5 %, or by 2 us and 1.5 us a launch where that is more.
bool RecordsAgree(double events, double records, size_t launches);

// Whether timed calls took less than 0.8 of what the records of others say, less the same: no effect of records, nor of
// a device that cools down in between, is so large.
bool IsTooShort(double timed, double records, size_t launches);

// Takes records of a few more calls of the candidate at every scored shape; the evidence gets them with the time
// between events around the same calls ("records"). Refuses (quarantined) where they disagree, and where the samples of
// the verdict are too short. Nothing may be timed in this process afterwards.
Judged<void> CheckRecords(CudaContext& context, CudaRun& run, const CudaShapes& shapes,
                          const std::function<Deadline(const Shape&)>& deadline, Verdict& verdict);

}  // namespace kopt

// Whether what a call of a timed batch writes is complete when the call ends. Calls of a batch can leave notes for each
// other in shared memory, so one might do nothing and leave its work to the last, which does everybody's in one launch.
// After calls that are drawn in secret a few words of their outputs are copied; after the batch they must be the same.
#pragma once

#include <vector>

#include "verifier/cuda/blocked_timer.h"
#include "verifier/cuda/buffers.h"

namespace kopt::worker {

class Snapshots {
 public:
  explicit Snapshots(const Device& device) : device_(device) {}

  // Draws for a batch with these sets, one a call: one call of all but the last, and each other of these with a chance
  // of 1 in 32, so that a candidate that has noticed one by its time cannot rely on it to be the only one.
  void Draw(const std::vector<const BufferSet*>& sets);
  // Puts what follows a call into the stream, behind `timer`.
  void Take(OwnKernels& kernels, BlockedTimer& timer, size_t call) const;
  // As much as all calls together, but of the last set, which is never drawn: what it leaves in caches says nothing.
  void TakeIdle(OwnKernels& kernels, BlockedTimer& timer) const;
  // Adds the number of words that have changed since they were copied.
  void Compare(OwnKernels& kernels, CUdeviceptr changed) const;

 private:
  struct Copy {
    size_t call = 0;
    Stretch from;
    uint64_t seed = 0;
  };
  CUdeviceptr PlaceOf(size_t copy) const;

  const Device& device_;
  Mapping memory_;
  std::vector<Copy> copies_;
  Stretch idle_;
};

}  // namespace kopt::worker

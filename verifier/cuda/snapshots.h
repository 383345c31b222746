// Whether each call of a timed batch does its own work, no less and no more. Calls of a batch can leave notes for each
// other in shared memory, so one might do nothing and leave its work to the last, which does everybody's in one launch;
// or the first one does everybody's. After calls that are drawn in secret a few words of their outputs are copied:
// after the batch they must be the same. And a few of a later call's outputs: they must be as they were before the
// batch.
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
  // When everything is prepared: what later calls write, before the batch.
  void TakeBefore(OwnKernels& kernels) const;
  // Puts what follows a call into the stream, behind `timer`.
  void Take(OwnKernels& kernels, BlockedTimer& timer, size_t call) const;
  // As much as all calls together, but of the last set, which is never drawn: what it leaves in caches says nothing.
  void TakeIdle(OwnKernels& kernels, BlockedTimer& timer) const;
  // Adds the number of words that were written after their call, and of those that were before it.
  void Compare(OwnKernels& kernels, CUdeviceptr late, CUdeviceptr early) const;

 private:
  struct Copy {
    size_t call = 0;  // after which it is taken
    Stretch from;
    uint64_t seed = 0;
    bool later = false;  // `from` is what a later call writes
  };
  // Of the copy that is taken after a call, and of that before the batch.
  CUdeviceptr PlaceOf(size_t copy) const;
  CUdeviceptr PlaceBefore(size_t copy) const { return PlaceOf(copies_.size() + copy); }

  const Device& device_;
  Mapping memory_;
  std::vector<Copy> copies_;
  Stretch idle_;
};

}  // namespace kopt::worker

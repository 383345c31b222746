// Times what is put into the stream while the stream is blocked, so that the host's speed is not measured.
#pragma once

#include "verifier/cuda/device.h"

namespace kopt::worker {

class BlockedTimer {
 public:
  explicit BlockedTimer(const Device& device);

  // Microseconds between events around what `queue` puts into the stream. Throws DeadlinePassed if that is not done
  // within `seconds`. The driver's queue holds about 1000 launches, and a full one would never empty: behind 64 of them
  // the stream goes on, and the rest is queued while they run.
  template <class Queue>
  double Time(double seconds, const Queue& queue) {
    Block();
    queue();
    return Unblock(seconds);
  }
  // To be called before each launch of `queue`.
  void CountLaunch() {
    if (++launches_ > kMostLaunches) *flag_ = turn_;
  }

 private:
  static constexpr int kMostLaunches = 64;
  void Block();
  double Unblock(double seconds);

  const Device& device_;
  volatile uint32_t* flag_ = nullptr;  // in pinned memory; the stream waits until it is turn_
  CUdeviceptr flag_address_ = 0;
  uint32_t turn_ = 0;
  int launches_ = 0;  // of this turn
  CUevent start_ = nullptr, stop_ = nullptr;
};

}  // namespace kopt::worker

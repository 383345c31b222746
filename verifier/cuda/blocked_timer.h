// Times what is put into the stream while the stream is blocked, so that the host's speed is not measured.
#pragma once

#include "verifier/cuda/device.h"

namespace kopt::worker {

class BlockedTimer {
 public:
  explicit BlockedTimer(const Device& device);

  // Microseconds between events around what `queue` puts into the stream. Throws DeadlinePassed if that is not done
  // within `seconds`.
  template <class Queue>
  double Time(double seconds, const Queue& queue) {
    Block();
    queue();
    return Unblock(seconds);
  }

 private:
  void Block();
  double Unblock(double seconds);

  const Device& device_;
  volatile uint32_t* flag_ = nullptr;  // in pinned memory; the stream waits until it is turn_
  CUdeviceptr flag_address_ = 0;
  uint32_t turn_ = 0;
  CUevent start_ = nullptr, stop_ = nullptr;
};

}  // namespace kopt::worker

// A clock that moves only when told to, by one thread at a time.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace kopt {

class FakeClock : public Clock {
 public:
  double Now() override { return now_; }
  void Sleep(double seconds) override { now_ = now_ + seconds; }

 private:
  std::atomic<double> now_ = 1000;
};

}  // namespace kopt

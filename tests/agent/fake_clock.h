// A clock that moves only when told to.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace kopt {

class FakeClock : public Clock {
 public:
  double Now() override { return now_; }
  void Sleep(double seconds) override { now_ += seconds; }

 private:
  std::atomic<double> now_ = 1000;
};

}  // namespace kopt

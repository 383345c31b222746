// The budget of a run in active time, and the part of it that is kept for confirmation.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace kopt {

class Budget {
 public:
  // `spent`: of the budget, by the same run before it was resumed.
  Budget(Clock& clock, double seconds, double spent = 0) : clock_(&clock), seconds_(seconds), spent_(spent) {}

  // Active time counts from here on; what came before (registration, the baseline) is free. Then any thread may ask
  // for figures.
  void Start() { started_ = clock_->Now(); }
  double Active() const { return spent_ + (started_ < 0 ? 0 : clock_->Now() - started_ - waited_); }
  // Takes out time that was spent waiting for the machine: another kopt was timing.
  void Waited(double seconds) { waited_ = waited_ + seconds; }
  double Left() const { return seconds_ - Active(); }
  double seconds() const { return seconds_; }

  // Keeps min(leaders * (15 s + check_seconds), a quarter of the budget) for confirmation, at least min(5 s, half of
  // the budget); nothing of a budget without end. check_seconds: what compiling and checking cost in one confirmation.
  void KeepForConfirmation(double check_seconds, int leaders = 1);
  double tail() const { return tail_; }

  // True if work that is expected to take this long ends before the tail begins.
  bool RoomToSearch(double expected_seconds) const { return Left() - tail_ > 0 && Left() - tail_ >= expected_seconds; }
  // True if it ends before the budget does.
  bool RoomToConfirm(double expected_seconds) const { return Left() > 0 && Left() >= expected_seconds; }

 private:
  Clock* clock_;
  double seconds_;
  double spent_;
  double tail_ = 0;
  double started_ = -1;
  std::atomic<double> waited_ = 0;  // written by one thread
};

}  // namespace kopt

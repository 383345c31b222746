// What the stages of a verdict cost, and how a confirmation shares its time.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/lane.h"

namespace kopt {

inline constexpr int kConfirmationProcesses = 3;
inline constexpr double kConfirmationSeconds = 15;  // of samples, all processes and shapes together

// Collects what each stage of a verdict cost; waiting for another kopt is a stage of its own.
class StageTimes {
 public:
  explicit StageTimes(Lane& lane) : lane_(lane), begin_(SystemClock().Now()), waited_(lane.waited()) {}
  void Finish(const std::string& stage) {
    const double now = SystemClock().Now();
    const double waited = lane_.waited();
    seconds_.emplace_back(stage, now - begin_ - (waited - waited_));
    waiting_ += waited - waited_;
    begin_ = now;
    waited_ = waited;
  }
  std::vector<std::pair<std::string, double>> Take() {
    waiting_ += lane_.waited() - waited_;  // of a stage that failed
    if (waiting_ > 0.001) seconds_.emplace_back("waiting", waiting_);
    return std::move(seconds_);
  }

 private:
  Lane& lane_;
  double begin_;
  double waited_;
  double waiting_ = 0;
  std::vector<std::pair<std::string, double>> seconds_;
};

// Shares the time for samples evenly between the processes and shapes to come. What a process costs besides, the first
// ones tell.
class ConfirmationTime {
 public:
  ConfirmationTime(const Lane& lane, double seconds, size_t shapes)
      : lane_(lane), seconds_(seconds), shapes_(static_cast<double>(shapes)) {}

  // Active seconds since the beginning: waiting for another kopt is not counted.
  double Elapsed() const { return SystemClock().Now() - begin_ - (lane_.waited() - waited_); }

  // Seconds for each shape of the process that is ready to be timed.
  double Share(int process) const {
    const double processes_left = kConfirmationProcesses - process;
    const double elapsed = Elapsed();
    const double beside = (elapsed - sampled_ - once_) / (process + 1);
    const double preparing = process > 0 ? preparing_ / process : 0;
    const double left =
        std::min(seconds_ - elapsed - preparing - beside * (processes_left - 1), kConfirmationSeconds - sampled_);
    return std::max(left / (processes_left * shapes_), kLeastShare);
  }
  // What no other process will need took this long.
  void DoneOnce(double seconds) { once_ += seconds; }
  // Measuring took this long, of which `share` a shape was for samples, the rest to find the sizes of batches.
  void Measured(double elapsed, double share) {
    sampled_ += std::min(elapsed, share * shapes_);
    preparing_ += std::max(elapsed - share * shapes_, 0.0);
  }

 private:
  static constexpr double kLeastShare = 1e-3;  // the stopping rule's own minimum is more
  const Lane& lane_;
  double seconds_;
  double shapes_;
  double begin_ = SystemClock().Now();
  double waited_ = lane_.waited();
  double sampled_ = 0;
  double preparing_ = 0;
  double once_ = 0;
};

}  // namespace kopt

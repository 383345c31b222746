// The verifiers of a run, one a device, all at work at the same time.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "verifier/core/verifier.h"

namespace kopt {

// Each does one thing at a time, in a thread that lives as long as the pool: the processes of a verifier end with the
// thread that started them, so that none of several verifiers can be used after the pool. A single one works in the
// thread of the caller, when it is told to. To be used by one thread.
class VerifierPool {
 public:
  using Work = std::function<Result<Verdict>(Verifier&)>;
  struct Done {
    size_t verifier = 0;
    Result<Verdict> verdict;
    double at = 0;  // by the clock
  };

  // One verifier at least; all of them, and the clock, must outlive the pool.
  VerifierPool(std::span<Verifier* const> verifiers, Clock& clock);
  VerifierPool(const VerifierPool&) = delete;
  VerifierPool& operator=(const VerifierPool&) = delete;

  size_t size() const { return seats_.size(); }
  // One that is at work must be let alone, but for what never changes.
  Verifier& At(size_t verifier) const { return *seats_[verifier].verifier; }
  // The first that has nothing to do.
  std::optional<size_t> Idle() const;
  // Those that were not left out.
  size_t in_use() const;
  // Those whose work was not taken back by Await.
  size_t at_work() const;
  // `verifier` is idle. An exception of `work` is an error.
  void Start(size_t verifier, Work work);
  // What ended first of what was not taken yet; waits at most `seconds` of real time for it. Somebody is at work.
  std::optional<Done> Await(double seconds = kNoLimit);
  // It is idle, and gets nothing to do any more.
  void LeaveOut(size_t verifier) { seats_[verifier].left_out = true; }

 private:
  struct Seat {
    Verifier* verifier = nullptr;
    bool at_work = false, left_out = false;
    Work work;  // that its thread has not begun
    std::jthread thread;
  };
  void Serve(size_t verifier, const std::stop_token& stop);

  Clock& clock_;
  std::mutex mutex_;  // for Seat::work and done_
  std::condition_variable_any changed_;
  std::deque<Done> done_;
  std::vector<Seat> seats_;  // last, so that its threads end first
};

}  // namespace kopt

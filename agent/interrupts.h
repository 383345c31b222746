// SIGINT and SIGTERM: the first ends the search and lets the best be confirmed, the second ends at once.
#pragma once

#include <atomic>

namespace kopt {

// Signal() may be called from a signal handler.
struct Interrupts {
  std::atomic<int> signals{0};           // received so far
  std::atomic<int> work{0};              // for VerifierOptions::interrupts: work under way ends when it grows
  std::atomic<bool> finish_work{false};  // set while the last confirmation runs: the first signal does not end it

  // From here on the first signal is dealt with, or will be: only the second one ends work.
  void FinishWork() {
    finish_work = true;
    work = signals > 1 ? 1 : 0;
  }
  void Signal() {
    if (signals.fetch_add(1) == 0 && finish_work.load()) return;
    work.fetch_add(1);
  }
};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

}  // namespace kopt

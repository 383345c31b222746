// Compiles candidates that are probably judged next, while something else is on the device; and keeps compilers away
// from times that they would disturb.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "verifier/cuda/compile.h"

namespace kopt {

// The verifiers of a run, one a device, share one of these: any thread may call it.
class CompileAhead {
 public:
  // Results are found in `compiler`. `verifiers`: how many may ask.
  explicit CompileAhead(CudaCompileService compiler, size_t verifiers = 1);
  CompileAhead(const CompileAhead&) = delete;
  CompileAhead& operator=(const CompileAhead&) = delete;
  ~CompileAhead();

  struct Text {
    std::string text;
    CudaCompileService::Prefix prefix;
  };
  // In this order, in place of what anybody asked for before and has not begun. The calling thread must live as long as
  // the compiler is used.
  void Ask(std::vector<Text> texts);

  // What Quiet and Load give, until it goes.
  class Hold {
   public:
    Hold(CompileAhead& of, size_t CompileAhead::* count) : of_(&of), count_(count) {}
    Hold(Hold&& other) noexcept : of_(std::exchange(other.of_, nullptr)), count_(other.count_) {}
    Hold& operator=(Hold&&) = delete;
    ~Hold();

   private:
    CompileAhead* of_;
    size_t CompileAhead::* count_;
  };
  // Until the last of these goes nothing is compiled. What waits to be compiled ahead is dropped, what runs is waited
  // for. A thread that holds a Load must not ask for it.
  Hold Quiet();
  // To be held while the holder compiles by itself: waits until nobody is quiet.
  Hold Load();

 private:
  void Work(const std::stop_token& stop);

  CudaCompileService compiler_;
  size_t most_;       // compiled at a time
  std::mutex mutex_;  // for what follows
  std::condition_variable_any changed_;
  std::deque<Text> waiting_;
  size_t running_ = 0;  // compiles of this, and Loads
  size_t quiet_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace kopt

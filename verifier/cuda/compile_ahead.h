// Compiles candidates that are probably judged next, while something else is on the device.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "verifier/core/verifier.h"
#include "verifier/cuda/compile.h"

namespace kopt {

class CompileAhead {
 public:
  // `compiler` must outlive it; its results are found there.
  explicit CompileAhead(CudaCompileService& compiler) : compiler_(compiler) {}
  ~CompileAhead();

  struct Text {
    std::string text;
    CudaCompileService::Prefix prefix;
  };
  // In this order, in place of what was asked for before and has not begun. The calling thread must live as long as the
  // compiler is used.
  void Ask(std::vector<Text> texts);
  // Nothing more is begun until the next Ask. `wait`: until nothing runs any more.
  void Pause(bool wait);

 private:
  void Work(const std::stop_token& stop);

  CudaCompileService& compiler_;
  std::mutex mutex_;  // for what follows
  std::condition_variable_any changed_;
  std::deque<Text> waiting_;
  int running_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace kopt

// One reader-writer lock per device and machine: timing takes it alone; compiles, checks and oracles share it, so that
// two kopts on one machine do not spoil each other's figures. (Beside a GPU what comes next is compiled without it.)
#pragma once

#include <atomic>
#include <string>

#include "base/error.h"
#include "base/files.h"

namespace kopt {

class Lane {
 public:
  // `device`: part of the lock file's name ("cpu"). Waiting ends without the lock once `interrupts` is above 0.
  // Errors (exit 3): a file that cannot be opened.
  static Result<Lane> Open(const std::string& device, const std::atomic<int>* interrupts = nullptr);

  class Hold {
   public:
    explicit Hold(int fd) : fd_(fd) {}
    Hold(Hold&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Hold& operator=(Hold&&) = delete;
    ~Hold();

   private:
    int fd_;
  };
  Hold Alone();
  Hold Shared();
  // Seconds spent waiting so far: not active time.
  double waited() const { return waited_; }

 private:
  Hold Take(int operation);
  Fd fd_;
  const std::atomic<int>* interrupts_ = nullptr;
  double waited_ = 0;
};

}  // namespace kopt

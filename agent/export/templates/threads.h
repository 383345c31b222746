// Memory and threads of a call. Written by kopt.
#pragma once

#include <omp.h>

#include <cstddef>
#include <cstdlib>

#include "checked.h"

namespace {

// The caller's workspace, or memory of the call's own.
class Workspace {
 public:
  Workspace(void* given, std::size_t bytes) : given_(given), own_(nullptr) {
    if (given == nullptr && bytes > 0) own_ = std::aligned_alloc(Checked::kAlign, bytes);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() { std::free(own_); }
  unsigned char* data() const { return static_cast<unsigned char*>(own_ != nullptr ? own_ : given_); }

 private:
  void* given_;
  void* own_;
};

// OpenMP's number of threads in the calling thread, as long as this lives.
class Team {
 public:
  explicit Team(int threads) : threads_(omp_get_max_threads()), dynamic_(omp_get_dynamic()) {
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    omp_set_num_threads(threads_);
    omp_set_dynamic(dynamic_);
  }
  // Whether OpenMP would give that many here: not inside of a parallel region, unless nested ones are on.
  static bool CanHave(int threads) {
    return threads == 1 || (omp_get_active_level() < omp_get_max_active_levels() && threads <= omp_get_thread_limit());
  }

 private:
  int threads_, dynamic_;
};

}  // namespace

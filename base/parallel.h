// Work spread over the CPUs, and finished when the call returns: nothing of kopt's may run while a sample is taken.
#pragma once

#include <algorithm>
#include <cstddef>
#include <thread>
#include <vector>

#include "base/process.h"

namespace kopt {

// Calls work(begin, end) on parts of 0 .. count, at most one a CPU. `work` must not throw.
template <class Work>
void Parallel(size_t count, const Work& work) {
  const size_t parts = std::min(count, AllowedCpus().size());
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < parts; ++i) threads.emplace_back(work, count * i / parts, count * (i + 1) / parts);
  if (count > 0) work(0, count / parts);
}

}  // namespace kopt

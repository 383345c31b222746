// Where kopt and a child meet while calls are made one by one.
#pragma once

#include <sched.h>

namespace kopt {

// Moves the calling thread to the first of `cpus`; false: it may not go there.
inline bool MoveToFirstCpu(const cpu_set_t& cpus) {
  int first = 0;
  while (first < CPU_SETSIZE - 1 && !CPU_ISSET(first, &cpus)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  return sched_setaffinity(0, sizeof(one), &one) == 0;
}

}  // namespace kopt

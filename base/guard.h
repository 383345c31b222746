// What kopt tells its guard, a process that outlives it by a moment and clears up what a killed kopt leaves behind.
#pragma once

#include <cstdint>

namespace kopt {

// One message. Smaller than PIPE_BUF, so that messages of several threads do not mix.
struct GuardMessage {
  int32_t group = 0;      // a process group: positive to watch it, negative to forget it; 0: none
  char folder[508] = {};  // a folder to remove, with everything in it; empty: none
};

}  // namespace kopt

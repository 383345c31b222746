// A missing barrier shows only where a warp happens to be late. Here warps are late on purpose: a kernel in which each
// of them now and then sleeps for a few microseconds before it reads or writes memory that others see, or waits for
// them. What is right however warps are scheduled stays right.
#pragma once

#include <string>
#include <string_view>

namespace kopt {

// PTX with a sleep before such instructions: before the first of each run of equal kind, and before every barrier.
// Whether a warp sleeps (1 time in 8) and for how long (nanosleep of up to 8 us, which may take twice as long) is drawn
// from its number and the clock when it gets there; all lanes that come together sleep together. Text that is no PTX
// comes back with nothing lost.
std::string WithLateWarps(std::string_view ptx);

}  // namespace kopt

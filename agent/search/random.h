// A small generator whose numbers are the same everywhere: the search must repeat itself from its seed alone.
#pragma once

#include <cstdint>

#include "base/hash.h"

namespace kopt {

class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}

  uint64_t Next() { return Mix(seed_, index_++); }
  // 0 .. count-1, count > 0; the bias of the remainder is below 2^-32 for any count that fits 32 bits.
  uint64_t Below(uint64_t count) { return Next() % count; }

 private:
  uint64_t seed_;
  uint64_t index_ = 0;
};

}  // namespace kopt

// A random order of 0 .. size-1 that is computed, not stored: works for spaces of any size.
#pragma once

#include <cstdint>

namespace kopt {

// A Feistel network over the smallest even number of bits that holds `size`, walked until it lands inside
// (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). The same seed gives the same order everywhere.
class Permutation {
 public:
  Permutation(uint64_t size, uint64_t seed);

  uint64_t size() const { return size_; }
  // The element at place `index` < size(); distinct places give distinct elements.
  uint64_t At(uint64_t index) const;

 private:
  uint64_t Scramble(uint64_t value) const;

  uint64_t size_;
  uint64_t seed_;
  int half_bits_ = 1;
};

}  // namespace kopt

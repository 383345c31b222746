#include "agent/search/permutation.h"

#include "base/hash.h"

namespace kopt {
namespace {

constexpr int kRounds = 6;

}  // namespace

Permutation::Permutation(uint64_t size, uint64_t seed) : size_(size), seed_(seed) {
  while (half_bits_ < 32 && (uint64_t{1} << (2 * half_bits_)) < size) ++half_bits_;
}

uint64_t Permutation::At(uint64_t index) const {
  if (size_ < 2) return 0;
  uint64_t value = Scramble(index);
  while (value >= size_) value = Scramble(value);
  return value;
}

uint64_t Permutation::Scramble(uint64_t value) const {
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  uint64_t left = value >> half_bits_;
  uint64_t right = value & mask;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t next = left ^ (Mix(Mix(seed_, static_cast<uint64_t>(round)), right) & mask);
    left = right;
    right = next;
  }
  return left << half_bits_ | right;
}

}  // namespace kopt

// Random numbers by number. NVRTC compiles this too, without the includes.
#pragma once

#include <cstdint>

namespace kopt {

// A counter-based generator (splitmix64): the value depends on (seed, index) only.
inline uint64_t Mix(uint64_t seed, uint64_t index) {
  uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace kopt

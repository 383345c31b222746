#include "base/hash.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <xxhash.h>

namespace kopt {

std::string ContentHash(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

uint64_t Digest(std::span<const std::byte> bytes, uint64_t secret) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), secret);
}

uint64_t SecretSeed() {
  uint64_t seed = 0;
  while (getrandom(&seed, sizeof(seed), 0) != static_cast<ssize_t>(sizeof(seed))) {
  }
  return seed;
}

}  // namespace kopt

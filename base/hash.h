// Hashes: content addresses and keyed digests of outputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/mix.h"

namespace kopt {

// 128-bit XXH3 as 32 hex digits: names of cached and stored content. Not against an adversary who chooses both texts.
std::string ContentHash(std::string_view text);

// 64-bit XXH3 keyed by a secret seed, over all bytes.
uint64_t Digest(std::span<const std::byte> bytes, uint64_t secret);

// 64 bits from the kernel's random source.
uint64_t SecretSeed();

}  // namespace kopt

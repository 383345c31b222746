// The valid name that a misspelt one probably stands for.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kopt {

// The entry of `valid` with the least edit distance (insert, delete, replace, swap of neighbours; case counts half) to
// `name`; the first of several. Empty if none is near: more than half of the name would have to change.
std::string Nearest(std::string_view name, std::span<const std::string> valid);

// "did you mean `fill`?", or "it can be `a`, `b`, `c`" if nothing is near; empty if `valid` is.
std::string NearestHint(std::string_view name, std::span<const std::string> valid);

// The text for a message: control characters replaced by `?`, cut to `most` bytes with "..." (never inside a UTF-8
// sequence).
std::string Shown(std::string_view text, size_t most = 64);

}  // namespace kopt

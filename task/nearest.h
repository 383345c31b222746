// The nearest valid word, for the hint of an error about an unknown one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kopt {

// The word of `known` with the smallest edit distance to `word` (ties: the first), or "" if none is near: the distance
// may be at most a third of the longer word's length, at least 1. Case is ignored at half price.
std::string NearestWord(std::string_view word, const std::vector<std::string>& known);

// "did you mean `x`?" for the nearest word; else "known: a, b, c"; "" if nothing is known.
std::string NearestHint(std::string_view word, const std::vector<std::string>& known);

}  // namespace kopt

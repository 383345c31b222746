// Where a compiler's message points.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace kopt {

// The position in front of a compiler's message, and its words behind it: "a.cpp:11:3: error: what".
struct CompilerPlace {
  int line = 0;    // 1-based; 0: not known, or in another file
  int column = 0;  // 1-based; 0: not known
  std::string words;
};

inline CompilerPlace PlaceIn(std::string_view file, const std::string& message) {
  CompilerPlace place{.words = message};
  if (!message.starts_with(file)) return place;
  const char* position = message.c_str() + file.size();
  int length = 0;
  std::sscanf(position, ":%9d:%9d: %n", &place.line, &place.column, &length);
  if (length > 0) place.words = position + length;
  return place;
}

}  // namespace kopt

// Text from elsewhere, made fit to be shown: a candidate's, a compiler's, a model's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kopt {

struct Utf8Character {
  size_t length = 0;  // bytes of its sequence; 0: what stands there is not valid UTF-8
  char32_t code = 0;
};

// The character at the start of `text`, which is not empty.
Utf8Character FirstCharacter(std::string_view text);

// Tabs and newlines stay, other control characters become \xNN, characters that turn the direction of writing or end a
// line \uNNNN, invalid UTF-8 becomes '?'.
std::string Printable(std::string_view text);

// Every byte that is not part of a character becomes U+FFFD; the rest stays as it is.
std::string ValidUtf8(std::string_view text);

// What encloses `text` in Markdown: at least `least` (1 or more) backticks, more than stand in a row inside.
std::string Fence(std::string_view text, size_t least);

}  // namespace kopt

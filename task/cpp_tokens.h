// The tokens of C++ text before preprocessing: enough to look for directives and attributes, and to compare sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kopt {

struct CppToken {
  enum class Kind { kName, kNumber, kString, kChar, kPunctuator, kHeader };
  Kind kind = Kind::kPunctuator;
  std::string text;          // without line splices; strings with prefix, quotes and suffix; digraphs as what they mean
  int line = 1, column = 1;  // where it begins in the physical text
  bool starts_line = false;  // first of a logical line, comments aside
  bool space_before = false;  // white space or a comment stands before it

  bool Is(std::string_view word) const { return kind != Kind::kString && kind != Kind::kChar && text == word; }
};

// Follows translation phases 2 and 3 (splices, comments, raw strings, longest match) and never fails: an open comment
// ends with the text, an open quote with its line. Trigraphs are not read, as in C++20. Stops after `most` tokens.
std::vector<CppToken> Tokenise(std::string_view source, size_t most = SIZE_MAX);

// A directive: the tokens from `#` to the end of its logical line.
struct CppDirective {
  const CppToken* begin = nullptr;  // the `#`
  const CppToken* end = nullptr;
  std::string_view Word(size_t index) const {  // after the `#`; empty past the end
    return begin + 1 + index < end ? std::string_view(begin[1 + index].text) : std::string_view();
  }
};
std::vector<CppDirective> Directives(const std::vector<CppToken>& tokens);

}  // namespace kopt

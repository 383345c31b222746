// What a piece of a reply is: enough to choose among blocks and to say what is wrong with them.
#pragma once

#include <string>
#include <string_view>

namespace kopt {

struct CodeTraits {
  bool plan = false;      // it has a `//@` line
  bool step = false;      // one of these is `//@ launch` or `//@ call`
  bool code = false;      // it has a line that is neither blank nor a comment
  bool function = false;  // it has `extern "C"` or `__global__`
  std::string language;   // "C++", "CUDA", "Triton", "Rust", ...; empty: no programming language that is known

  bool IsCpp() const { return language == "C++" || language == "CUDA"; }
};

// `info`: what the fence says, in lower case; empty: nothing. What the code itself shows counts more.
CodeTraits TraitsOf(std::string_view info, std::string_view code);

// In a text without fences: whether code begins with this line, and whether it can end with it.
bool BeginsCode(std::string_view line);
bool EndsCode(std::string_view line);

}  // namespace kopt

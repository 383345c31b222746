// The pieces of C++ in a spec, looked at before they are compiled: references, input codes, accept predicates.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "task/spec.h"

namespace kopt {

// A piece must stay inside the function that is written around it: braces balance, no preprocessor directives, no
// `asm`, no name that begins with kopt_. The error has the spec's file, the line and, for one-line pieces, the column.
Result<void> CheckOracleCode(const Spec& spec, const std::string& code, const Position& position);

// The piece between #line directives, so that the compiler's messages name the spec's file, line and column.
std::string WithSpecLines(const Spec& spec, const std::string& code, const Position& position);

// True if every mention of `name` in the code assigns an element: `name(...) = ...`.
bool OnlyAssigns(std::string_view code, std::string_view name);
// True if the code adds to, or otherwise combines into, an element of `name`: `name(...) += ...`.
bool Accumulates(std::string_view code, std::string_view name);

// A header's text with empty lines in place of its #include and #pragma lines: for NVRTC, which has no files to
// include.
std::string WithoutIncludes(std::string_view text);

}  // namespace kopt

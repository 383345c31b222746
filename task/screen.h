// What a cpu candidate's source may not say. The compiler's flags are kopt's, and so are the positions in its messages.
//
// Two looks, because each sees what the other cannot: the raw text has the directives and headers as written; the
// preprocessed text has what macros made of it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "task/candidate.h"

namespace kopt {

// `#line` and `# 1 "file"`, which would forge the place of a message. ParseCandidate has done this.
Result<void> ScreenLineDirectives(const Candidate& candidate);

// The raw text: whoever judges a candidate has to ask for this. Refuses, with file, line, column and the word at fault:
//   #line and line markers; #embed; #include, #include_next, #import and __has_include of an absolute name, of one with
//   `..`, or of one that a macro makes; #pragma STDC, float_control and fp_contract, #pragma GCC other than diagnostic,
//   ivdep, unroll, target, push_options, pop_options, reset_options, poison, error, warning, visibility (so `optimize`
//   above all); the same in _Pragma; the attribute `optimize` in every spelling.
Result<void> ScreenCpuSource(const Candidate& candidate);

// The text after preprocessing (`g++ -E` of CpuSource::candidate): attributes and pragmas again, in the candidate and
// in every header, since a macro can reach into those. `file` names the candidate in the error; its line is that of the
// line markers for "candidate.cpp", its column is not known (0). More than 4 million tokens or 64 MB are refused too.
// What is compiled must be this text, or the screen proves nothing.
Result<void> ScreenPreprocessed(std::string_view text, std::string_view file);

}  // namespace kopt

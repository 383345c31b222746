// What a tool of compute-sanitizer found, as its log says.
#pragma once

#include <string>
#include <string_view>

namespace kopt {

struct SanitizerFindings {
  long long errors = 0, warnings = 0;  // as it counted them; of a tool that was ended before, 1 of what `first` is
  // Of what it found, in its words, with the place: "Invalid __global__ read of size 4 bytes at ...". An error where
  // there is one.
  std::string first;
  std::string remark;  // the first of its words that are about itself: why it could not go on
  bool ended = false;  // the tool got to its end
};

// Words that are no finding of a known kind never count as one. Two kinds are warnings, since code that is right shows
// them: a thread that arrives at a barrier again without having waited ("Missing wait"), as pipelines do, which is no
// fault as long as the phase has changed; and reads of more than 4 bytes beside a block's shared memory, because the
// assembler makes one wide read of several neighbours and of what lies behind them.
SanitizerFindings ReadSanitizerLog(std::string_view log);

}  // namespace kopt

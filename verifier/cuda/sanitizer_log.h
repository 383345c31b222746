// What a tool of compute-sanitizer found, as its log says.
#pragma once

#include <string>
#include <string_view>

namespace kopt {

struct SanitizerFindings {
  long long errors = 0, warnings = 0;  // as it counted them; of a tool that was ended before, 1 of what `first` is
  std::string
      first;  // of what it found, in its words, with the place: "Invalid __global__ read of size 4 bytes at ..."
  std::string remark;  // the first of its words that are about itself: why it could not go on
  bool ended = false;  // the tool got to its end
};

// Words that are no finding of a known kind never count as one.
SanitizerFindings ReadSanitizerLog(std::string_view log);

}  // namespace kopt

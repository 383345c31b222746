#include "verifier/cuda/sanitizer_log.h"

#include <cstdio>
#include <sstream>

#include "base/printable.h"

namespace kopt {
namespace {

constexpr std::string_view kPrefix = "=========";
constexpr size_t kMostFirst = 300;

std::string Trimmed(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return std::string(line.substr(0, line.find_last_not_of(' ') + 1));
}

// Is it one of the lines with the tool's name or its sums?
bool IsFrame(std::string_view line) {
  return line.empty() || line.starts_with("COMPUTE-SANITIZER") || line.find("SUMMARY:") != std::string_view::npos;
}

}  // namespace

SanitizerFindings ReadSanitizerLog(std::string_view log) {
  std::istringstream lines{std::string(log)};
  SanitizerFindings found;
  int taken = 0;  // lines of the first finding
  for (std::string raw; std::getline(lines, raw);) {
    if (!raw.starts_with(kPrefix)) continue;
    const std::string line = Trimmed(std::string_view(raw).substr(kPrefix.size()));
    long long shown = 0;
    if (std::sscanf(line.c_str(), "ERROR SUMMARY: %lld", &found.errors) == 1 ||
        std::sscanf(line.c_str(), "RACECHECK SUMMARY: %lld %*s displayed (%lld %*[^,], %lld", &shown, &found.errors,
                    &found.warnings) == 3) {
      found.ended = true;
    } else if (!IsFrame(line) && taken < 2) {  // what, and where
      found.first += (taken == 0 ? "" : " ") + line;
      ++taken;
    }
  }
  if (!found.ended && taken > 0) ++(found.first.starts_with("Warning") ? found.warnings : found.errors);
  found.first = Printable(found.first.substr(0, kMostFirst));
  return found;
}

}  // namespace kopt

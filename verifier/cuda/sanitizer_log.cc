#include "verifier/cuda/sanitizer_log.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "base/printable.h"

namespace kopt {
namespace {

constexpr std::string_view kPrefix = "=========";
constexpr size_t kMostWords = 300;

// How findings begin: memcheck, racecheck, synccheck, initcheck.
constexpr std::string_view kFindings[] = {"Invalid ",         "Misaligned ",   "Error: Race",
                                          "Error: Potential", "Warning: Race", "Warning: Potential",
                                          "Barrier error",    "Warpgroup ",    "Uninitialized "};

std::string Trimmed(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return std::string(line.substr(0, line.find_last_not_of(' ') + 1));
}

// What code that is right shows, too. A read of up to 4 bytes is the kernel's own.
bool IsLegal(std::string_view line) {
  int bytes = 0;
  const bool read = std::sscanf(std::string(line).c_str(), "Invalid __shared__ read of size %d", &bytes) == 1;
  return line.find("Missing wait") != std::string_view::npos || (read && bytes > 4);
}

bool IsFinding(std::string_view line) {
  return std::ranges::any_of(kFindings, [&](std::string_view begin) { return line.starts_with(begin); });
}

}  // namespace

SanitizerFindings ReadSanitizerLog(std::string_view log) {
  std::istringstream lines{std::string(log)};
  SanitizerFindings found;
  std::string legal;  // the first finding that is no fault
  long long legal_count = 0;
  std::string* place = nullptr;  // of the finding that the next line is about
  for (std::string raw; std::getline(lines, raw);) {
    if (!raw.starts_with(kPrefix)) continue;
    const bool detail = raw.starts_with(std::string(kPrefix) + "  ");  // of what the line before says
    const std::string line = Trimmed(std::string_view(raw).substr(kPrefix.size()));
    long long shown = 0;
    if (std::sscanf(line.c_str(), "ERROR SUMMARY: %lld", &found.errors) == 1 ||
        std::sscanf(line.c_str(), "RACECHECK SUMMARY: %lld %*s displayed (%lld %*[^,], %lld", &shown, &found.errors,
                    &found.warnings) == 3) {
      found.ended = true;
    } else if (detail) {
      if (place != nullptr) *place += " " + line;
      place = nullptr;
    } else if (IsFinding(line)) {
      const bool is_legal = IsLegal(line);
      legal_count += is_legal ? 1 : 0;
      std::string& first = is_legal ? legal : found.first;
      place = first.empty() ? &first : nullptr;
      if (place != nullptr) first = line;
    } else if (!line.empty() && !line.starts_with("COMPUTE-SANITIZER") && found.remark.empty()) {
      found.remark = line;
    }
  }
  if (found.first.empty() && !legal.empty()) {
    found.first = legal;
    if (found.errors > legal_count) found.remark = "it found more than it printed; the first: " + legal;
    found.errors = 0;
    found.warnings = legal_count;
  } else if (!found.ended && !found.first.empty()) {
    ++(found.first.starts_with("Warning") ? found.warnings : found.errors);
  }
  if (found.first.empty()) found.errors = found.warnings = 0;
  found.first = Printable(found.first.substr(0, kMostWords));
  found.remark = Printable(found.remark.substr(0, kMostWords));
  return found;
}

}  // namespace kopt

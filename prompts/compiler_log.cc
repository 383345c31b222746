#include "prompts/compiler_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "prompts/data_block.h"

namespace kopt {
namespace {

constexpr size_t kMostBefore = 3;    // lines that say where the first error is
constexpr size_t kMostAfter = 12;    // lines that explain it
constexpr size_t kMostFurther = 12;  // further errors
constexpr size_t kLongestLine = 300;

bool Holds(std::string_view line, std::string_view part) { return line.find(part) != std::string_view::npos; }

bool IsError(std::string_view line) {
  return Holds(line, ": error") || Holds(line, "fatal error") || Holds(line, "error   :") ||
         Holds(line, "undefined reference to");
}

bool IsWarning(std::string_view line) { return Holds(line, ": warning") || Holds(line, "warning :"); }

// "In function 'f':", "In file included from a.h:1,", "required from here"
bool LeadsToError(std::string_view line) {
  return Holds(line, ": In ") || line.starts_with("In file included") || Holds(line, "  from ") ||
         Holds(line, "required from");
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void Append(std::string& text, std::string_view line) {
  const std::string_view shown = Prefix(line, kLongestLine);
  text += shown;
  text += shown.size() < line.size() ? " ...\n" : "\n";
}

}  // namespace

std::string ErrorsOf(std::string_view log) {
  const std::vector<std::string_view> lines = Lines(log);
  const auto first = std::ranges::find_if(lines, IsError);
  if (first == lines.end()) return std::string(log);

  auto line = first;
  while (line != lines.begin() && first - line < static_cast<ptrdiff_t>(kMostBefore) &&
         LeadsToError(*std::prev(line))) {
    --line;
  }
  std::string text;
  for (; line != first; ++line) Append(text, *line);
  Append(text, *line++);
  for (size_t i = 0; i < kMostAfter && line != lines.end() && !IsError(*line) && !IsWarning(*line); ++i) {
    Append(text, *line++);
  }

  size_t further = 0;
  for (; line != lines.end(); ++line) {
    if (IsError(*line) && further++ < kMostFurther) Append(text, *line);
  }
  if (further > kMostFurther) text += fmt::format("[... {} more errors]\n", further - kMostFurther);
  return text;
}

}  // namespace kopt

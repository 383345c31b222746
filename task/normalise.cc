// One text for all layouts of a source.
#include <algorithm>
#include <cctype>

#include "task/candidate.h"
#include "task/cpp_tokens.h"

namespace kopt {
namespace {

constexpr std::string_view kMark = "//@";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

// A plan line without its comment and without any blank that only separates: "BM = 64" and "BM=64" are equal.
std::string FoldPlanLine(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::string text;
  bool blank = false;
  auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80); };
  for (char c : line) {
    if (IsBlank(c)) {
      blank = true;
      continue;
    }
    if (blank && !text.empty() && is_word(text.back()) && is_word(c)) text += ' ';
    blank = false;
    text += c;
  }
  return text;
}

std::string PlanPart(std::string_view source) {
  std::string text;
  for (size_t begin = 0; begin < source.size();) {
    size_t end = std::min(source.find('\n', begin), source.size());
    std::string_view line = source.substr(begin, end - begin);
    begin = end + 1;
    if (!line.starts_with(kMark)) continue;
    std::string folded = FoldPlanLine(line.substr(kMark.size()));
    if (!folded.empty()) text += fmt::format("//@ {}\n", folded);
  }
  return text;
}

}  // namespace

std::string NormalisedCode(std::string_view source) {
  std::string text = PlanPart(source);
  bool directive = false;
  for (const CppToken& token : Tokenise(source)) {
    bool was_directive = directive;
    if (token.starts_line) directive = token.Is("#");
    if (token.starts_line && (directive || was_directive) && !text.empty() && text.back() != '\n') text += '\n';
    // In a directive a blank can matter: `#define F (x)` is not `#define F(x)`.
    bool separate = directive ? token.space_before : true;
    if (separate && !text.empty() && text.back() != '\n') text += ' ';
    text += token.text;
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

}  // namespace kopt

#include "bench/mutants_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace kopt {
namespace {

using Kind = CppToken::Kind;

// In the candidate's namespace they would be its own; each is one line, so that the others keep their numbers.
constexpr std::string_view kCpuHelpers =
    "namespace mutant { "
    "template <class T, class F> inline T Each(T value, F change) { static_assert(!std::is_pointer_v<T>); "
    "if constexpr (std::is_floating_point_v<T>) { return change(value); } else { "
    "static_assert(std::is_same_v<std::remove_cvref_t<decltype(value[0])>, float>); "
    "for (unsigned i = 0; i < sizeof(T) / 4; ++i) value[i] = change(value[i]); return value; } } "
    "inline float Cut(float value, unsigned bits) { unsigned word; std::memcpy(&word, &value, 4); "
    "if (~word & 0x7f800000) word = (word + (1u << bits >> 1)) >> bits << bits; "
    "std::memcpy(&value, &word, 4); return value; } "
    "template <class T> inline T Bf16(T v) { return Each(v, [](float x) { return Cut(x, 16); }); } "
    "template <class T> inline T Tf32(T v) { return Each(v, [](float x) { return Cut(x, 13); }); } "
    "template <class T> inline T Scaled(T v) { return Each(v, [](auto x) { return x * 1.0001f; }); } } ";
constexpr std::string_view kCudaHelpers =
    "namespace mutant { "
    "__device__ inline float Cut(float value, unsigned bits) { unsigned word = __float_as_uint(value); "
    "if (~word & 0x7f800000) word = (word + (1u << bits >> 1)) >> bits << bits; return __uint_as_float(word); } "
    "__device__ inline float Bf16(float v) { return Cut(v, 16); } template <class T> T Bf16(T) = delete; "
    "__device__ inline float Tf32(float v) { return Cut(v, 13); } template <class T> T Tf32(T) = delete; "
    "__device__ inline float Scaled(float v) { return v * 1.01f; } template <class T> T Scaled(T) = delete; } ";

// Calls and attributes that decide about speed only.
const std::set<std::string_view> kFixedCalls = {"__attribute__",      "alignas",      "__align__", "__launch_bounds__",
                                                "__builtin_prefetch", "static_assert"};

std::string Short(std::string_view text) {
  std::string folded;
  for (const char c : text) {
    const char blank = c == '\n' || c == ' ' ? ' ' : c;
    if (blank != ' ' || (!folded.empty() && folded.back() != ' ')) folded += blank;
  }
  while (folded.ends_with(' ')) folded.pop_back();
  return folded.size() <= 60 ? folded : folded.substr(0, 58) + "..";
}

}  // namespace

Edits::Edits(std::string_view source, std::string_view file, Target target)
    : source_(source), file_(file), target_(target), tokens_(Tokenise(source)), lines_{0} {
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\n') lines_.push_back(i + 1);
  }
  match_.resize(tokens_.size(), tokens_.size());
  fixed_.resize(tokens_.size());
  std::vector<size_t> open;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& text = tokens_[i].text;
    if (text == "(" || text == "[" || text == "{") open.push_back(i);
    if ((text == ")" || text == "]" || text == "}") && !open.empty()) {
      match_[open.back()] = i;
      match_[i] = open.back();
      open.pop_back();
    }
  }
  for (size_t i = 0; i + 1 < tokens_.size(); ++i) {
    if (!kFixedCalls.contains(tokens_[i].text) || tokens_[i + 1].text != "(") continue;
    for (size_t k = i; k <= match_[i + 1] && k < tokens_.size(); ++k) fixed_[k] = true;
  }
  for (const CppDirective& directive : Directives(tokens_)) {
    for (const CppToken* token = directive.begin; token != directive.end; ++token)
      fixed_[token - tokens_.data()] = true;
  }
}

size_t Edits::Begin(size_t i) const {
  return lines_[static_cast<size_t>(tokens_[i].line - 1)] + static_cast<size_t>(tokens_[i].column - 1);
}

std::string Edits::Text(size_t begin, size_t end) const {
  return begin < end ? source_.substr(Begin(begin), End(end - 1) - Begin(begin)) : "";
}

size_t Edits::Find(std::string_view text, size_t begin, size_t end) const {
  for (size_t i = begin; i < end; ++i) {
    if (tokens_[i].text == text) return i;
    if (tokens_[i].text == "(" || tokens_[i].text == "[" || tokens_[i].text == "{") i = std::min(match_[i], end);
  }
  return end;
}

bool Edits::IsBinary(size_t i) const {
  const CppToken& before = tokens_[i - 1];
  const bool value = before.kind == Kind::kName || before.kind == Kind::kNumber || before.text == ")" ||
                     before.text == "]" || before.text == "}";
  return value && !before.Is("return") && tokens_[i].kind == Kind::kPunctuator && tokens_[i].space_before &&
         i + 1 < size() && tokens_[i + 1].space_before;
}

bool Edits::BeginsStatement(size_t i) const {
  const std::string& before = tokens_[i - 1].text;
  if (fixed_[i] || tokens_[i].kind == Kind::kString || tokens_[i].text == "{" || tokens_[i].text == "}") return false;
  if (fixed_[i - 1]) {  // a directive, as before the body of a loop
    return tokens_[i].starts_line;
  }
  if (before == ")") {
    const size_t open = match_[i - 1];
    return open > 0 && open < size() &&
           (tokens_[open - 1].Is("for") || tokens_[open - 1].Is("if") || tokens_[open - 1].Is("while"));
  }
  return before == ";" || before == "{" || before == "}" || tokens_[i - 1].Is("else");
}

size_t Edits::BeginOfStatement(size_t i) const {
  while (i > 0 && !BeginsStatement(i)) --i;
  return i;
}

bool Edits::Declares(size_t i) const {
  const size_t begin = BeginOfStatement(i);
  for (size_t k = begin; k < i; ++k) {
    if (tokens_[k].text == "=" || tokens_[k].text == "{" || tokens_[k].text == "(") return false;
  }
  return begin + 1 < size() &&
         (tokens_[begin].Is("const") || tokens_[begin + 1].kind == Kind::kName || tokens_[begin].Is("alignas"));
}

size_t Edits::EndOfTerm(size_t i) const {
  static const std::set<std::string_view> ends = {"+", "-",  ",",  ";",  ")",  "]",  "}",  "?", ":", "<",
                                                  ">", "<=", ">=", "==", "!=", "&&", "||", "&", "|", "^"};
  const size_t begin = i;
  while (i < size() && (i == begin || !ends.contains(tokens_[i].text))) {
    const bool opens = tokens_[i].text == "(" || tokens_[i].text == "[" || tokens_[i].text == "{";
    i = opens ? match_[i] + 1 : i + 1;
  }
  return std::min(i, size());
}

size_t Edits::EndOfExpression(size_t i) const {
  while (i < size() && tokens_[i].text != ";" && tokens_[i].text != "," && tokens_[i].text != ")") {
    const bool opens = tokens_[i].text == "(" || tokens_[i].text == "[" || tokens_[i].text == "{";
    i = opens ? match_[i] + 1 : i + 1;
  }
  return std::min(i, size());
}

std::vector<std::pair<size_t, size_t>> Edits::Arguments(size_t open) const {
  std::vector<std::pair<size_t, size_t>> arguments;
  const size_t close = match_[open];
  if (close >= size()) return {};
  for (size_t begin = open + 1; begin < close;) {
    const size_t end = Find(",", begin, close);
    const bool declared = end - begin >= 2 && tokens_[end - 1].kind == Kind::kName &&
                          (tokens_[end - 2].kind == Kind::kName || tokens_[begin].Is("const"));
    if (declared || end == begin) return {};
    arguments.emplace_back(begin, end);
    begin = end + 1;
  }
  return arguments;
}

void Edits::Add(const std::string& kind, size_t begin, size_t end, std::string_view text, bool helped) {
  const auto line = std::ranges::upper_bound(lines_, begin) - lines_.begin();
  Mutant mutant{.kind = kind, .line = static_cast<int>(line)};
  const std::string before = source_.substr(begin, end - begin);
  mutant.name = fmt::format("{}:{}:{}:{}->{}", file_, line, kind, Short(before), Short(text));
  const int number = ++names_[mutant.name];
  if (number > 1) mutant.name += fmt::format("#{}", number);
  // Line breaks of what was there are kept.
  std::string with(text);
  const auto breaks = [](std::string_view part) { return std::ranges::count(part, '\n'); };
  for (auto i = breaks(text); i < breaks(before); ++i) with += '\n';
  mutant.source = source_.substr(0, begin) + with + source_.substr(end);
  if (helped) {
    const auto place = std::ranges::find_if(tokens_, [](const CppToken& token) { return token.Is("namespace"); });
    if (place == tokens_.end()) return;
    const size_t at = Begin(static_cast<size_t>(place - tokens_.begin()));
    if (at > begin) return;
    mutant.source.insert(at, target_ == Target::kCpu ? kCpuHelpers : kCudaHelpers);
  }
  mutants_.push_back(std::move(mutant));
}

void Edits::Replace(const std::string& kind, size_t begin, size_t end, std::string_view text) {
  if (begin >= end || end > size() ||
      std::any_of(fixed_.begin() + static_cast<long>(begin), fixed_.begin() + static_cast<long>(end),
                  [](bool b) { return b; })) {
    return;
  }
  Add(kind, Begin(begin), End(end - 1), text);
}

void Edits::Helped(const std::string& kind, size_t begin, size_t end, std::string_view text) {
  if (begin < end && end <= size() && !fixed_[begin]) Add(kind, Begin(begin), End(end - 1), text, true);
}

void Edits::Insert(const std::string& kind, size_t before, std::string_view text) {
  if (before == 0 || before >= size() || fixed_[before - 1]) return;
  Add(kind, End(before - 1), End(before - 1), text);
}

void Edits::ReplaceDirective(const std::string& kind, size_t i, std::string_view text) {
  Add(kind, Begin(i), End(i), text);
}

void Edits::ReplacePlan(const std::string& kind, size_t begin, size_t end, std::string_view text) {
  Add(kind, begin, end, text);
  mutants_.back().plan = true;
}

}  // namespace kopt

#include "task/cpp_tokens.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <utility>

namespace kopt {
namespace {

using Kind = CppToken::Kind;

// Longer ones before their prefixes. `>>` stays two tokens: it closes two template lists as often as it shifts.
constexpr std::array<std::string_view, 25> kPunctuators = {
    "<<=", "<=>", "->*", "...", "<<", "<=", ">=", "==", "!=", "&&", "||", "++", "--",
    "+=",  "-=",  "*=",  "/=",  "%=", "&=", "|=", "^=", "->", "::", "##", ".*"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kDigraphs = {
    {{"%:%:", "##"}, {"%:", "#"}, {"<:", "["}, {":>", "]"}, {"<%", "{"}, {"%>", "}"}}};

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }
bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$' || (c & 0x80); }
bool IsNameChar(char c) { return IsNameStart(c) || IsDigit(c); }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == '\0'; }

// The length of the line splice at `at`, or 0. Like GCC, blanks between the backslash and the newline do not matter.
size_t SpliceLength(std::string_view source, size_t at) {
  if (source[at] != '\\') return 0;
  size_t end = at + 1;
  while (end < source.size() && IsBlank(source[end])) ++end;
  return end < source.size() && source[end] == '\n' ? end + 1 - at : 0;
}

class Tokeniser {
 public:
  explicit Tokeniser(std::string_view source) : source_(source) {
    text_.reserve(source.size());
    for (size_t at = 0; at < source.size();) {
      if (size_t splice = SpliceLength(source, at)) {
        at += splice;
        continue;
      }
      text_ += source[at];
      origin_.push_back(static_cast<uint32_t>(at++));
    }
    origin_.push_back(static_cast<uint32_t>(source.size()));
  }

  std::vector<CppToken> Run(size_t most) {
    while (tokens_.size() < most && SkipSpace()) Next();
    return std::move(tokens_);
  }

 private:
  char At(size_t offset = 0) const { return at_ + offset < text_.size() ? text_[at_ + offset] : '\0'; }
  bool StartsWith(std::string_view word) const { return std::string_view(text_).substr(at_).starts_with(word); }

  // To the next token; false at the end.
  bool SkipSpace() {
    space_ = false;
    while (at_ < text_.size()) {
      if (At() == '\n') {
        starts_line_ = true;
        ++at_;
      } else if (IsBlank(At())) {
        ++at_;
      } else if (StartsWith("//")) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (StartsWith("/*")) {
        size_t end = text_.find("*/", at_ + 2);
        at_ = end == std::string::npos ? text_.size() : end + 2;
      } else {
        return true;
      }
      space_ = true;
    }
    return false;
  }

  void Next() {
    size_t begin = at_;
    if (IsNameStart(At())) return NameOrString(begin);
    if (IsDigit(At()) || (At() == '.' && IsDigit(At(1)))) return Number(begin);
    if (ExpectsHeader() && (At() == '<' || At() == '"') && Header(begin)) return;
    if (At() == '"' || At() == '\'') return Quoted(begin);
    Punctuator(begin);
  }

  void NameOrString(size_t begin) {
    while (IsNameChar(At())) ++at_;
    std::string_view word = std::string_view(text_).substr(begin, at_ - begin);
    bool raw = word == "R" || word == "LR" || word == "uR" || word == "UR" || word == "u8R";
    bool prefix = word == "L" || word == "u" || word == "U" || word == "u8";
    if (raw && At() == '"' && RawString(begin)) return;
    if (prefix && (At() == '"' || At() == '\'')) return Quoted(begin);
    Add(Kind::kName, begin);
  }

  // Line splices count as text in a raw string, so its end is looked for in the source.
  bool RawString(size_t begin) {
    size_t quote = origin_[at_];
    size_t length = source_.substr(quote, 18).find('(');
    if (length == std::string_view::npos) return false;
    size_t open = quote + length;
    std::string_view delimiter = source_.substr(quote + 1, open - quote - 1);
    if (delimiter.find_first_of(" \t\v\f\r\n\\)\"") != std::string_view::npos) return false;
    size_t end = source_.find(")" + std::string(delimiter) + "\"", open);
    end = end == std::string_view::npos ? source_.size() : end + delimiter.size() + 2;
    at_ = std::lower_bound(origin_.begin(), origin_.end(), static_cast<uint32_t>(end)) - origin_.begin();
    at_ = std::min(at_, text_.size());
    Suffix();
    Add(Kind::kString, begin);
    size_t first = origin_[begin];
    tokens_.back().text = source_.substr(first, origin_[at_] - first);
    return true;
  }

  void Quoted(size_t begin) {
    char quote = At();
    ++at_;
    while (at_ < text_.size() && At() != quote && At() != '\n') at_ += At() == '\\' && At(1) != '\n' ? 2 : 1;
    at_ = std::min(at_, text_.size());
    if (At() == quote) {
      ++at_;
      Suffix();
    }
    Add(quote == '"' ? Kind::kString : Kind::kChar, begin);
  }

  void Suffix() {
    while (IsNameChar(At())) ++at_;
  }

  void Number(size_t begin) {
    while (true) {
      char before = std::tolower(static_cast<unsigned char>(At()));
      if ((before == 'e' || before == 'p') && (At(1) == '+' || At(1) == '-')) {
        at_ += 2;
      } else if (IsNameChar(At()) || At() == '.') {
        ++at_;
      } else if (At() == '\'' && IsNameChar(At(1))) {
        at_ += 2;
      } else {
        return Add(Kind::kNumber, begin);
      }
    }
  }

  // True where the next token can be a header's name: #include and its kin, __has_include(.
  bool ExpectsHeader() const {
    if (starts_line_ || tokens_.empty()) return false;
    auto is_reader = [](const CppToken& token) {
      return token.Is("include") || token.Is("include_next") || token.Is("import") || token.Is("embed");
    };
    auto is_query = [](const CppToken& token) { return token.text.starts_with("__has_"); };
    const CppToken& last = tokens_.back();
    const CppToken* before = tokens_.size() > 1 ? &tokens_[tokens_.size() - 2] : nullptr;
    if (is_reader(last) && before && before->Is("#") && before->starts_line) return true;
    return is_query(last) || (last.Is("(") && before && is_query(*before));
  }

  bool Header(size_t begin) {
    size_t end = text_.find_first_of(At() == '<' ? ">\n" : "\"\n", at_ + 1);
    if (end == std::string::npos || text_[end] == '\n') return false;
    at_ = end + 1;
    Add(Kind::kHeader, begin);
    return true;
  }

  void Punctuator(size_t begin) {
    // `<::` is `<` and `::` unless a third colon or `>` follows.
    bool scope = StartsWith("<::") && At(3) != ':' && At(3) != '>';
    for (const auto& [digraph, meaning] : kDigraphs) {
      if (scope || !StartsWith(digraph)) continue;
      at_ += digraph.size();
      Add(Kind::kPunctuator, begin);
      tokens_.back().text = meaning;
      return;
    }
    auto found = std::find_if(kPunctuators.begin(), kPunctuators.end(), [&](auto word) { return StartsWith(word); });
    at_ += found == kPunctuators.end() ? 1 : found->size();
    Add(Kind::kPunctuator, begin);
  }

  void Add(Kind kind, size_t begin) {
    size_t physical = origin_[begin];
    for (; counted_ < physical; ++counted_) {
      if (source_[counted_] != '\n') continue;
      ++line_;
      line_begin_ = counted_ + 1;
    }
    tokens_.push_back({kind, text_.substr(begin, at_ - begin), line_, static_cast<int>(physical - line_begin_) + 1,
                       starts_line_, space_});
    starts_line_ = false;
  }

  std::string_view source_;
  std::string text_;              // without splices
  std::vector<uint32_t> origin_;  // per character of text_: its place in source_
  size_t at_ = 0;
  bool starts_line_ = true, space_ = false;
  size_t counted_ = 0, line_begin_ = 0;
  int line_ = 1;
  std::vector<CppToken> tokens_;
};

}  // namespace

std::vector<CppToken> Tokenise(std::string_view source, size_t most) { return Tokeniser(source).Run(most); }

std::vector<CppDirective> Directives(const std::vector<CppToken>& tokens) {
  std::vector<CppDirective> directives;
  const CppToken* end = tokens.data() + tokens.size();
  for (const CppToken* token = tokens.data(); token < end; ++token) {
    if (!token->starts_line || !token->Is("#")) continue;
    const CppToken* stop = std::find_if(token + 1, end, [](const CppToken& next) { return next.starts_line; });
    directives.push_back({token, stop});
    token = stop - 1;
  }
  return directives;
}

}  // namespace kopt

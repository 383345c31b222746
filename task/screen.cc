#include "task/screen.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>
#include <vector>

#include "task/cpp_tokens.h"
#include "task/nearest.h"

namespace kopt {
namespace {

using Kind = CppToken::Kind;

constexpr size_t kLongestText = size_t{64} << 20;
constexpr size_t kMostTokens = 4'000'000;
constexpr std::string_view kCandidate = "candidate.cpp";
constexpr std::string_view kFlagsHint = "remove it: every candidate is compiled with the same options";

// The pragmas of GCC that leave options, positions and other files alone.
constexpr std::string_view kGccPragmas[] = {"diagnostic",   "ivdep",       "unroll",        "target",
                                            "push_options", "pop_options", "reset_options", "poison",
                                            "error",        "warning",     "visibility"};
// libstdc++'s own use of the attribute `optimize`, in std::experimental::simd.
constexpr std::string_view kSimdHeaders = "/experimental/bits/simd";
constexpr std::string_view kSimdOptions = "\"finite-math-only,no-signed-zeros\"";

bool IsGccPragma(std::string_view word) {
  return std::find(std::begin(kGccPragmas), std::end(kGccPragmas), word) != std::end(kGccPragmas);
}
bool IsOptimize(const CppToken& token) { return token.Is("optimize") || token.Is("__optimize__"); }

// Where lines of a preprocessed text come from.
struct Marker {
  int physical = 0;  // line of the marker itself
  int line = 0;      // of the line after it
  std::string file;
};

std::string Unquoted(std::string_view quoted) {
  if (quoted.size() < 2) return "";
  return std::string(quoted.substr(1, quoted.size() - 2));
}

// The text of a string literal as _Pragma reads it; raw strings lose their delimiters.
std::string Destringised(std::string_view literal) {
  size_t quote = literal.find('"');
  if (quote == std::string_view::npos || literal.size() < quote + 2) return "";
  bool raw = quote > 0 && literal[quote - 1] == 'R';
  std::string_view inside = literal.substr(quote + 1, literal.rfind('"') - quote - 1);
  if (raw) {
    size_t open = inside.find('('), close = inside.rfind(')');
    return close == std::string_view::npos || close < open + 1 ? ""
                                                               : std::string(inside.substr(open + 1, close - open - 1));
  }
  std::string text;
  for (size_t i = 0; i < inside.size(); ++i) {
    bool escape = inside[i] == '\\' && i + 1 < inside.size() && (inside[i + 1] == '"' || inside[i + 1] == '\\');
    text += inside[escape ? ++i : i];
  }
  return text;
}

std::unexpected<Error> TooLong(std::string_view file, const std::string& most) {
  Error error{.exit = Exit::kUsage, .message = "after preprocessing the source has more than " + most};
  error.file = file;
  error.hint = "include less, expand fewer macros";
  return std::unexpected(std::move(error));
}

class Screen {
 public:
  Screen(std::string_view text, std::string_view file) : file_(file), tokens_(Tokenise(text, kMostTokens)) {
    directives_ = Directives(tokens_);
  }

  Result<void> LineDirectives() const {
    for (const CppDirective& directive : directives_) {
      if (directive.end - directive.begin < 2) continue;
      bool marker = directive.begin[1].kind == Kind::kNumber;
      if (!marker && directive.Word(0) != "line") continue;
      return Fail(*directive.begin,
                  fmt::format("`#{}` would change the file and line that messages name", marker ? " NUMBER" : "line"),
                  "#line", "remove it");
    }
    return {};
  }

  Result<void> Raw() const {
    KOPT_CHECK(LineDirectives());
    for (const CppDirective& directive : directives_) KOPT_CHECK(Headers(directive));
    return Options();
  }

  Result<void> Preprocessed() {
    if (tokens_.size() == kMostTokens) return TooLong(file_, fmt::format("{} tokens", kMostTokens));
    for (const CppDirective& directive : directives_) {
      const CppToken* number = directive.begin + 1;
      if (directive.end - directive.begin < 3 || number->kind != Kind::kNumber) continue;
      int line = std::atoi(number->text.substr(0, 9).c_str());
      markers_.push_back({directive.begin->line, line, Unquoted(number[1].text)});
    }
    return Options();
  }

 private:
  Result<void> Options() const {
    for (const CppDirective& directive : directives_)
      if (directive.Word(0) == "pragma") KOPT_CHECK(Pragma(*directive.begin, directive.Word(1), directive.Word(2)));
    KOPT_CHECK(PragmaOperators());
    return Attributes();
  }

  // ---- headers ----

  Result<void> Headers(const CppDirective& directive) const {
    std::string_view word = directive.Word(0);
    if (word == "embed") return Fail(directive.begin[1], "`#embed` reads a file into the program", word, "remove it");
    bool includes = word == "include" || word == "include_next" || word == "import";
    if (includes) KOPT_CHECK(Header(directive.begin + 1, directive.begin + 2, directive.end));
    for (const CppToken* token = directive.begin; token < directive.end; ++token) {
      if (!token->Is("__has_include") && !token->Is("__has_include_next") && !token->Is("__has_embed")) continue;
      const CppToken* name = token + 1;
      if (name < directive.end && name->Is("(")) ++name;
      // `defined(__has_include)` and `#ifdef __has_include` name no header.
      bool named = name < directive.end && !name->Is(")") && name != token + 1;
      if (named || (name < directive.end && name->kind == Kind::kHeader))
        KOPT_CHECK(Header(token, name, directive.end));
    }
    return {};
  }

  Result<void> Header(const CppToken* reader, const CppToken* name, const CppToken* end) const {
    if (name >= end || name->kind != Kind::kHeader)
      return Fail(*reader, fmt::format("the header of `{}` is not written out, as in <cmath>", reader->text),
                  reader->text);
    std::string path = Unquoted(name->text);
    if (path.starts_with('/'))
      return Fail(*name, fmt::format("{} is an absolute path", Shown(name->text)), reader->text,
                  "include standard headers by their names");
    if (path.find("..") != std::string::npos)
      return Fail(*name, fmt::format("{} leaves its folder", Shown(name->text)), reader->text,
                  "include standard headers by their names");
    return {};
  }

  // ---- pragmas ----

  Result<void> Pragma(const CppToken& at, std::string_view space, std::string_view word) const {
    if (space == "STDC" || space == "float_control" || space == "fp_contract")
      return Fail(at,
                  fmt::format("`#pragma {}{}{}` changes how floating point is evaluated", space,
                              word.empty() || space != "STDC" ? "" : " ", space == "STDC" ? Shown(word) : ""),
                  space, std::string(kFlagsHint));
    if (space != "GCC" || IsGccPragma(word)) return {};
    if (word == "optimize")
      return Fail(at, "`#pragma GCC optimize` changes the compiler's options", word, std::string(kFlagsHint));
    if (IsHeader(at)) return {};
    return Fail(at, fmt::format("`#pragma GCC {}` is not allowed", Shown(word)), word,
                fmt::format("allowed: {}", fmt::join(kGccPragmas, ", ")));
  }

  Result<void> PragmaOperators() const {
    for (size_t i = 0; i + 2 < tokens_.size(); ++i) {
      if (!tokens_[i].Is("_Pragma") && !tokens_[i].Is("__pragma")) continue;
      if (!tokens_[i + 1].Is("(") || tokens_[i + 2].kind != Kind::kString) continue;
      std::vector<CppToken> words = Tokenise(Destringised(tokens_[i + 2].text));
      auto word = [&](size_t index) { return index < words.size() ? words[index].text : std::string(); };
      KOPT_CHECK(Pragma(tokens_[i], word(0), word(1)));
    }
    return {};
  }

  // ---- attributes ----

  Result<void> Attributes() const {
    for (size_t i = 0; i + 2 < tokens_.size(); ++i) {
      size_t open = 0;
      bool gnu = tokens_[i].Is("__attribute__") || tokens_[i].Is("__attribute");
      if (gnu && tokens_[i + 1].Is("(")) open = i + 1;
      bool standard = tokens_[i].Is("[") && tokens_[i + 1].Is("[");
      if (standard) open = i;
      if (!gnu && !standard) continue;
      if (open < i) continue;
      KOPT_TRY(i, Attribute(open));
    }
    return {};
  }

  // From the opening bracket to the last token before the end, or the closing bracket, whose index it returns.
  Result<size_t> Attribute(size_t open) const {
    int depth = 0;
    for (size_t i = open; i < tokens_.size(); ++i) {
      const CppToken& token = tokens_[i];
      depth += token.Is("(") || token.Is("[");
      depth -= token.Is(")") || token.Is("]");
      if (depth == 0) return i;
      if (IsOptimize(token) && !IsSimd(i))
        return Fail(token, "the attribute `optimize` changes the compiler's options", "optimize",
                    std::string(kFlagsHint));
    }
    return tokens_.size();
  }

  bool IsSimd(size_t i) const {
    const Marker* marker = MarkerOf(tokens_[i]);
    return marker && marker->file.find(kSimdHeaders) != std::string::npos && i + 2 < tokens_.size() &&
           tokens_[i + 2].text == kSimdOptions;
  }

  // ---- places ----

  const Marker* MarkerOf(const CppToken& token) const {
    auto after = std::partition_point(markers_.begin(), markers_.end(),
                                      [&](const Marker& marker) { return marker.physical < token.line; });
    return after == markers_.begin() ? nullptr : &*(after - 1);
  }

  bool IsHeader(const CppToken& token) const {
    const Marker* marker = MarkerOf(token);
    return marker && marker->file != kCandidate;
  }

  std::unexpected<Error> Fail(const CppToken& at, std::string message, std::string_view key,
                              std::string hint = "") const {
    Error error{.exit = Exit::kUsage,
                .message = std::move(message),
                .file = std::string(file_),
                .line = at.line,
                .column = at.column,
                .key = std::string(key),
                .hint = std::move(hint)};
    if (const Marker* marker = MarkerOf(at)) {
      bool own = marker->file == kCandidate;
      error.line = own ? marker->line + at.line - marker->physical - 1 : 0;
      error.column = 0;
      error.message += own ? " (after macros)" : fmt::format(" (through a macro in `{}`)", Shown(marker->file, 200));
    }
    return std::unexpected(std::move(error));
  }

  std::string_view file_;
  std::vector<CppToken> tokens_;
  std::vector<CppDirective> directives_;
  std::vector<Marker> markers_;
};

}  // namespace

Result<void> ScreenLineDirectives(const Candidate& candidate) {
  return Screen(candidate.source, candidate.file).LineDirectives();
}

Result<void> ScreenCpuSource(const Candidate& candidate) { return Screen(candidate.source, candidate.file).Raw(); }

Result<void> ScreenPreprocessed(std::string_view text, std::string_view file) {
  if (text.size() > kLongestText) return TooLong(file, fmt::format("{} bytes", kLongestText));
  return Screen(text, file).Preprocessed();
}

}  // namespace kopt

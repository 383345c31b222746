#include "task/plan_lexer.h"

#include <algorithm>
#include <cctype>

#include "task/nearest.h"

namespace kopt {
namespace {

constexpr size_t kLongestSource = size_t{1} << 20;
constexpr size_t kMostPlanLines = 1024;
constexpr std::string_view kMark = "//@";
constexpr std::string_view kBlanks = " \t\r\v\f";

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }
bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool IsNameChar(char c) { return IsNameStart(c) || IsDigit(c); }
bool IsOpen(char c) { return c == '(' || c == '['; }
bool IsClose(char c) { return c == ')' || c == ']'; }

Result<void> CheckText(std::string_view source, std::string_view file) {
  if (source.size() > kLongestSource)
    return PlanError(file, 1, 1,
                     fmt::format("the file has {} bytes; at most {} are allowed", source.size(), kLongestSource));
  if (source.starts_with("\xef\xbb\xbf"))
    return PlanError(file, 1, 1, "the file begins with a byte order mark", "", "save it as plain UTF-8");
  if (size_t zero = source.find('\0'); zero != std::string_view::npos)
    return PlanError(file, 1 + static_cast<int>(std::count(source.begin(), source.begin() + zero, '\n')),
                     static_cast<int>(zero - (source.substr(0, zero).rfind('\n') + 1)) + 1,
                     "the file holds a zero byte: it is not text");
  return {};
}

// The plan on one raw line, if there is one.
Result<std::optional<PlanText>> PlanOn(std::string_view raw, int line, std::string_view file) {
  size_t first = raw.find_first_not_of(kBlanks);
  if (first == std::string_view::npos || !raw.substr(first).starts_with(kMark)) return std::nullopt;
  if (first > 0)
    return PlanError(file, line, static_cast<int>(first) + 1, "a plan line begins in column 1", kMark,
                     "remove the blanks before `//@`");
  size_t last = raw.find_last_not_of(kBlanks);
  if (raw[last] == '\\')
    return PlanError(file, line, static_cast<int>(last) + 1,
                     "a plan line may not end with a backslash: the compiler would take the next line as a part of it",
                     "\\", "write the whole plan line on one line");
  std::string_view text = raw.substr(kMark.size(), last + 1 - kMark.size());
  return PlanText{std::string(text.substr(0, text.find('#'))), line, static_cast<int>(kMark.size()) + 1};
}

}  // namespace

std::unexpected<Error> PlanError(std::string_view file, int line, int column, std::string message, std::string_view key,
                                 std::string hint) {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = std::move(message),
                               .file = std::string(file),
                               .line = line,
                               .column = column,
                               .key = std::string(key),
                               .hint = std::move(hint)});
}

Result<std::vector<PlanText>> PlanLines(std::string_view source, std::string_view file) {
  KOPT_CHECK(CheckText(source, file));
  std::vector<PlanText> lines;
  int line = 1;
  for (size_t begin = 0; begin < source.size(); ++line) {
    size_t end = std::min(source.find('\n', begin), source.size());
    KOPT_TRY(auto plan, PlanOn(source.substr(begin, end - begin), line, file));
    begin = end + 1;
    if (!plan) continue;
    if (lines.size() == kMostPlanLines)
      return PlanError(file, line, 1, fmt::format("more than {} plan lines", kMostPlanLines), kMark);
    lines.push_back(*std::move(plan));
  }
  return lines;
}

void PlanScanner::SkipSpace() { at_ = std::min(plan_.text.find_first_not_of(kBlanks, at_), plan_.text.size()); }

int PlanScanner::Column() {
  SkipSpace();
  return plan_.column + static_cast<int>(at_);
}

bool PlanScanner::AtEnd() {
  SkipSpace();
  return at_ == plan_.text.size();
}

Piece PlanScanner::Slice(size_t begin, size_t end) const {
  std::string_view text = std::string_view(plan_.text).substr(begin, end - begin);
  size_t first = std::min(text.find_first_not_of(kBlanks), text.size());
  size_t last = text.find_last_not_of(kBlanks);
  return {text.substr(first, last == std::string_view::npos ? 0 : last + 1 - first),
          plan_.column + static_cast<int>(begin + first)};
}

std::unexpected<Error> PlanScanner::Fail(int column, std::string message, std::string_view key,
                                         std::string hint) const {
  return PlanError(file_, plan_.line, column, std::move(message), key, std::move(hint));
}

std::string PlanScanner::Found() {
  if (AtEnd()) return "the end of the line";
  size_t end = at_;
  while (end < plan_.text.size() && IsNameChar(plan_.text[end])) ++end;
  std::string_view rest = std::string_view(plan_.text).substr(at_);
  if (end == at_ && (rest[0] & 0x80)) return fmt::format("byte {:#04x}", rest[0] & 0xff);
  return fmt::format("`{}`", Shown(rest.substr(0, std::max<size_t>(end - at_, 1))));
}

Result<Piece> PlanScanner::Name(std::string_view what) {
  SkipSpace();
  if (AtEnd() || !IsNameStart(plan_.text[at_]))
    return Fail(Column(), fmt::format("{} is expected here, not {}", what, Found()));
  return Word(what);
}

Result<Piece> PlanScanner::Word(std::string_view what) {
  SkipSpace();
  size_t begin = at_;
  while (at_ < plan_.text.size() && IsNameChar(plan_.text[at_])) ++at_;
  if (at_ == begin) return Fail(Column(), fmt::format("{} is expected here, not {}", what, Found()));
  return Slice(begin, at_);
}

bool PlanScanner::Take(char c) {
  if (AtEnd() || plan_.text[at_] != c) return false;
  ++at_;
  return true;
}

Result<void> PlanScanner::Expect(char c) {
  if (!Take(c)) return Fail(Column(), fmt::format("`{}` is expected here, not {}", c, Found()));
  return {};
}

Result<void> PlanScanner::ExpectEnd() {
  if (!AtEnd()) return Fail(Column(), fmt::format("the line should end here, not go on with {}", Found()));
  return {};
}

Result<std::vector<Piece>> PlanScanner::List(char open) {
  int column = Column();
  KOPT_CHECK(Expect(open));
  std::vector<Piece> pieces;
  std::string closers(1, open == '(' ? ')' : ']');
  for (size_t begin = at_; at_ < plan_.text.size(); ++at_) {
    char c = plan_.text[at_];
    if (IsOpen(c)) closers += c == '(' ? ')' : ']';
    if (IsClose(c) && c != closers.back())
      return Fail(Column(), fmt::format("`{}` is expected here, not `{}`", closers.back(), c));
    if (IsClose(c)) closers.pop_back();
    if (!closers.empty() && !(c == ',' && closers.size() == 1)) continue;
    Piece piece = Slice(begin, at_);
    if (!closers.empty() || !pieces.empty() || !piece.text.empty()) pieces.push_back(piece);
    begin = at_ + 1;
    if (!closers.empty()) continue;
    ++at_;
    return pieces;
  }
  return Fail(column, fmt::format("this `{}` is never closed", open), std::string_view(&open, 1));
}

std::vector<Piece> PlanScanner::Alternatives() {
  std::vector<Piece> pieces;
  size_t end = at_;
  for (size_t begin = at_; end < plan_.text.size(); begin = end + 1) {
    end = std::min(plan_.text.find('|', begin), plan_.text.size());
    pieces.push_back(Slice(begin, end));
  }
  at_ = plan_.text.size();
  return pieces;
}

Piece PlanScanner::Rest() {
  Piece piece = Slice(at_, plan_.text.size());
  at_ = plan_.text.size();
  return piece;
}

Result<Piece> PlanScanner::UpToRange() {
  SkipSpace();
  size_t begin = at_;
  int depth = 0;
  for (; at_ < plan_.text.size(); ++at_) {
    depth += IsOpen(plan_.text[at_]) - IsClose(plan_.text[at_]);
    if (depth != 0 || plan_.text.compare(at_, 2, "..") != 0) continue;
    at_ += 2;
    return Slice(begin, at_ - 2);
  }
  return Fail(plan_.column + static_cast<int>(begin), "a range `a..b` is expected here: its `..` is missing", "for");
}

Piece PlanScanner::Expression() {
  SkipSpace();
  size_t begin = at_;
  int depth = 0;
  bool operand = false;
  while (at_ < plan_.text.size()) {
    char c = plan_.text[at_];
    if (IsNameStart(c) && operand && depth == 0) break;
    if (IsNameChar(c)) {
      while (at_ < plan_.text.size() && IsNameChar(plan_.text[at_])) ++at_;
      operand = true;
      continue;
    }
    depth += IsOpen(c) - IsClose(c);
    if (kBlanks.find(c) == std::string_view::npos) operand = IsClose(c);
    ++at_;
  }
  return Slice(begin, at_);
}

Result<Expr> PlanScanner::Parse(const Piece& piece) const {
  auto parsed = Expr::Parse(piece.text);
  if (parsed) return parsed;
  Error error = std::move(parsed).error();
  error.file = file_;
  error.line = plan_.line;
  error.column += piece.column - 1;
  return std::unexpected(std::move(error));
}

}  // namespace kopt

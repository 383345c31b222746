// The `//@` lines of a candidate's raw text, and a scanner over one of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "task/expr.h"

namespace kopt {

// One `//@` line without its `#` comment; text[0] stands in `column`.
struct PlanText {
  std::string text;
  int line = 0;
  int column = 0;
};

// Every plan line of the raw text: comments, strings and #if around it do not matter. Refuses: a text above 1 MB, more
// than 1024 plan lines, `//@` after blanks, a backslash at the end of a plan line (which would swallow the next line of
// code), zero bytes and a byte order mark.
Result<std::vector<PlanText>> PlanLines(std::string_view source, std::string_view file);

// A part of a plan line.
struct Piece {
  std::string_view text;
  int column = 0;  // of text[0]
};

// Reads one plan line from left to right. Every error has file, line and column.
class PlanScanner {
 public:
  PlanScanner(std::string_view file, const PlanText& plan) : file_(file), plan_(plan) {}

  int line() const { return plan_.line; }
  // Where the next token begins, or the end of the line.
  int Column();
  bool AtEnd();

  // An identifier; `what` completes "... is expected".
  Result<Piece> Name(std::string_view what);
  // Letters, digits and `_`: a name or a number.
  Result<Piece> Word(std::string_view what);
  bool Take(char c);
  Result<void> Expect(char c);
  Result<void> ExpectEnd();

  // "(a, b)" or "[a, b]": the parts between its commas, brackets nested in them respected. "()" has none.
  Result<std::vector<Piece>> List(char open);
  // To the end of the line, divided at each `|`.
  std::vector<Piece> Alternatives();
  // Everything left.
  Piece Rest();
  // Up to `..`, outside brackets; takes it too.
  Result<Piece> UpToRange();
  // An expression that ends where a word follows a complete operand: `0..n when(...)` ends before `when`.
  Piece Expression();

  Result<Expr> Parse(const Piece& piece) const;
  std::unexpected<Error> Fail(int column, std::string message, std::string_view key = "", std::string hint = "") const;

 private:
  void SkipSpace();
  Piece Slice(size_t begin, size_t end) const;
  std::string Found();

  std::string_view file_;
  const PlanText& plan_;
  size_t at_ = 0;
};

// An error of a plan: exit kUsage, with its place.
std::unexpected<Error> PlanError(std::string_view file, int line, int column, std::string message,
                                 std::string_view key = "", std::string hint = "");

}  // namespace kopt

// Typed reading of TOML tables with positions: unknown keys, wrong types and missing keys become Problems.
#pragma once

#include <toml++/toml.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "task/expr.h"
#include "task/spec_problems.h"

namespace kopt {

using Keys = std::vector<std::string>;

// A value and where its first character stands (for a string: after the quotes, and after the line break that TOML
// drops at the start of a multi-line string).
template <class T>
struct Located {
  T value;
  Position position;
};
using Text = Located<std::string>;

// The text of the file by line and column.
class SpecText {
 public:
  explicit SpecText(std::string_view text);
  // Where the content of the string that begins (with its quotes) at `quotes` begins.
  Position Content(Position quotes) const;

 private:
  std::string_view text_;
  std::vector<size_t> lines_;  // offset of each line
};

// Why the text cannot even be given to the TOML parser (too large, keys nested so deeply that it would run out of
// stack), or nothing. `position` is set to where.
std::optional<std::string> RefuseText(std::string_view text, Position& position);

Position PositionOf(const toml::node& node);

class TableReader {
 public:
  // `title` as messages name the table: "[[input]]", "the spec". Unknown keys are reported at once.
  TableReader(const toml::table& table, std::string title, const Keys& keys, const SpecText& text, Problems& problems);

  Position position() const { return position_; }
  const std::string& title() const { return title_; }
  bool Has(std::string_view key) const { return table_.contains(key); }
  // Of the key itself; of the table if the key is absent.
  Position KeyPosition(std::string_view key) const;

  // A missing key is reported, unless an unknown key of the same table probably stands for it.
  void Require(std::string_view key, std::string hint = "");

  // Nothing if the key is absent or its value has the wrong type or range (then reported).
  std::optional<Text> String(std::string_view key);
  std::optional<bool> Bool(std::string_view key);
  std::optional<long long> Integer(std::string_view key, long long least, long long most);
  std::optional<double> Number(std::string_view key);
  std::optional<std::vector<Text>> Strings(std::string_view key, size_t most);
  // A string or a number; in lists integers may stand beside strings: ["B", 4].
  std::optional<Located<Expr>> Expression(std::string_view key);
  std::optional<std::vector<Located<Expr>>> Expressions(std::string_view key, size_t most);
  // The index of the key's string in `names`.
  std::optional<size_t> OneOf(std::string_view key, const Keys& names);
  const toml::table* Table(std::string_view key);
  // The tables of [[key]]. Each is a table; [key] in its place is reported.
  std::vector<const toml::table*> Tables(std::string_view key, size_t most);

  void Report(std::string_view key, std::string message, std::string hint = "");

 private:
  const toml::array* List(std::string_view key, size_t most, std::string_view of);
  std::nullopt_t WrongType(std::string_view key, const toml::node& node, std::string_view expected);
  std::optional<Located<Expr>> ParseExpression(std::string_view key, const toml::node& node);

  const toml::table& table_;
  std::string title_;
  const SpecText& text_;
  Problems& problems_;
  Position position_;
  bool has_unknown_ = false;
};

}  // namespace kopt

// Arithmetic expressions of specs and plans, parsed once, evaluated against names.
//
// One grammar for both: literals, names, + - * / % , comparisons, && || ! ?: , parentheses, calls.
// Integer evaluation: long long; division truncates; overflow, division by zero and unknown names are errors.
//   Functions: min, max (two or more arguments), ceil_div(a, b > 0), align(a, b > 0) (a rounded up to a multiple of b),
//   pow(a, b >= 0).
// Real evaluation: double. Functions: min, max, pow, sqrt, exp, log, ceil_div; the constant pi. Division by zero and a
//   result that is not a number are errors.
// && || ?: evaluate only what they need. Comparisons give 1 or 0 and do not chain: `a < b < c` is refused.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace kopt {

// Names to values. Ordered, so that iteration is reproducible.
using Values = std::map<std::string, long long, std::less<>>;

class Expr {
 public:
  // The errors of Parse and of evaluation carry exit kUsage, a message, and `column`: 1-based within `text`; callers
  // add file and line and shift the column. Nesting deeper than 200 and texts above 4096 characters are refused.
  static Result<Expr> Parse(std::string_view text);
  static Expr Constant(long long value);

  const std::string& text() const { return text_; }
  // Every free name, sorted, without duplicates; function names excluded, `pi` excluded.
  std::vector<std::string> Names() const;

  // Where free names and calls of functions the grammar does not know stand, in text order, for callers that check
  // them; the arguments of such a call are not themselves names.
  struct Use {
    std::string name;
    int column = 0;  // 1-based within text()
    bool is_call = false;
    std::vector<std::string> arguments;  // a call's, as written
  };
  std::vector<Use> Uses() const;
  // An error, with column, if no integer can come of it: a literal with a fraction, pi, sqrt, exp, log.
  Result<void> CheckInteger() const;

  // Calls to functions the grammar does not know are passed to `call` (name, argument texts); used for occupancy(fn).
  using Call = std::function<Result<long long>(std::string_view name, const std::vector<std::string>& arguments)>;
  Result<long long> Int(const Values& values, const Call& call = nullptr) const;
  Result<double> Real(const Values& values) const;

  struct Node;
  const Node* tree() const { return root_.get(); }  // task/expr_tree.h; null: never parsed

 private:
  std::string text_;
  std::shared_ptr<const Node> root_;
};

}  // namespace kopt

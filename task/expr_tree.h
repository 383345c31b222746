// The tree of an expression, for the files that parse and evaluate it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "task/expr.h"

namespace kopt {

struct Expr::Node {
  enum class Kind { kInt, kReal, kName, kNegate, kNot, kBinary, kConditional, kCall };
  Kind kind = Kind::kInt;
  int column = 0;
  long long integer = 0;
  double real = 0;
  std::string name;  // kName, kCall; kBinary: the operator
  std::vector<std::shared_ptr<const Node>> children;
  std::vector<std::string> arguments;  // kCall: the texts
};

namespace expr {

using Node = Expr::Node;
using NodePtr = std::shared_ptr<const Node>;
using Kind = Node::Kind;

inline constexpr size_t kLongest = 4096;  // characters

struct Function {
  std::string_view name;
  size_t least, most;  // arguments
  bool in_int, in_real;
};
// A function of the grammar; null if there is none of that name.
const Function* FindFunction(std::string_view name);

inline std::unexpected<Error> Fail(int column, std::string message, std::string key = "", std::string hint = "") {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = std::move(message),
                               .column = column,
                               .key = std::move(key),
                               .hint = std::move(hint)});
}

}  // namespace expr
}  // namespace kopt

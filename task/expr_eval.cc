// Evaluation of expressions, in integers and in reals.
#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <numbers>

#include "task/expr_tree.h"
#include "task/nearest.h"

namespace kopt {
namespace expr {
namespace {

constexpr std::array kFunctions = {
    Function{"min", 2, kLongest, true, true}, Function{"max", 2, kLongest, true, true},
    Function{"ceil_div", 2, 2, true, true},   Function{"align", 2, 2, true, false},
    Function{"pow", 2, 2, true, true},        Function{"sqrt", 1, 1, false, true},
    Function{"exp", 1, 1, false, true},       Function{"log", 1, 1, false, true},
};

std::unexpected<Error> Overflow(const Node& node) {
  return Fail(node.column, fmt::format("the result of `{}` does not fit 64 bits", node.name), node.name);
}

std::unexpected<Error> UnknownName(const Node& node, const Values& values) {
  std::vector<std::string> known;
  for (const auto& [name, value] : values) known.push_back(name);
  return Fail(node.column, fmt::format("unknown name `{}`", node.name), node.name, NearestHint(node.name, known));
}

std::unexpected<Error> UnknownFunction(const Node& node, bool real) {
  if (const Function* function = FindFunction(node.name); function && (real ? !function->in_real : !function->in_int))
    return Fail(node.column,
                fmt::format("`{}` is for {} expressions, this one is {}", node.name, real ? "integer" : "real",
                            real ? "real" : "an integer"),
                node.name);
  std::vector<std::string> known;
  for (const Function& function : kFunctions)
    if (real ? function.in_real : function.in_int) known.emplace_back(function.name);
  return Fail(node.column, fmt::format("unknown function `{}`", node.name), node.name, NearestHint(node.name, known));
}

Result<long long> PowInt(const Node& node, long long base, long long exponent) {
  if (exponent < 0) return Fail(node.column, "`pow` of a negative exponent is not an integer", node.name);
  long long result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return Overflow(node);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return Overflow(node);
  }
  return result;
}

// ceil_div and align, for b > 0.
Result<long long> RoundUp(const Node& node, long long a, long long b) {
  if (b <= 0) return Fail(node.column, fmt::format("`{}` needs a positive divisor, not {}", node.name, b), node.name);
  long long quotient = a / b + (a % b > 0 ? 1 : 0);
  long long aligned = 0;
  if (node.name == "ceil_div") return quotient;
  if (__builtin_mul_overflow(quotient, b, &aligned)) return Overflow(node);
  return aligned;
}

Result<long long> Arithmetic(const Node& node, long long a, long long b) {
  long long result = 0;
  bool overflow = false;
  switch (node.name[0]) {
    case '+':
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case '-':
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case '*':
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    default:
      if (b == 0) return Fail(node.column, "division by zero", node.name);
      overflow = a == LLONG_MIN && b == -1;
      if (!overflow) result = node.name == "/" ? a / b : a % b;
  }
  if (overflow) return Overflow(node);
  return result;
}

template <class T>
std::optional<bool> Compared(const std::string& op, T a, T b) {
  if (op == "==") return a == b;
  if (op == "!=") return a != b;
  if (op == "<") return a < b;
  if (op == ">") return a > b;
  if (op == "<=") return a <= b;
  if (op == ">=") return a >= b;
  return std::nullopt;
}

// What && and || give without their right side, if they do.
std::optional<bool> ShortCircuit(const std::string& op, bool left) {
  if (op == "&&" && !left) return false;
  if (op == "||" && left) return true;
  return std::nullopt;
}

std::unexpected<Error> NotAnInteger(const Node& node) {
  return Fail(node.column, fmt::format("an integer is expected, not `{}`", node.name), node.name);
}

// The operators of a long sum or product are each other's left sides: not the depth of a call for each. The innermost
// comes last; `first` is what it begins with.
struct Chain {
  explicit Chain(const Node& node) : first(&node) {
    for (; first->kind == Kind::kBinary; first = first->children[0].get()) operators.push_back(first);
  }
  std::vector<const Node*> operators;
  const Node* first;
};

class IntEvaluator {
 public:
  IntEvaluator(const Values& values, const Expr::Call& call) : values_(values), call_(call) {}

  Result<long long> operator()(const Node& node) const {
    switch (node.kind) {
      case Kind::kInt:
        return node.integer;
      case Kind::kReal:
        return NotAnInteger(node);
      case Kind::kName:
        return Name(node);
      case Kind::kNegate:
        return Negate(node);
      case Kind::kNot: {
        KOPT_TRY(long long value, (*this)(*node.children[0]));
        return value == 0;
      }
      case Kind::kBinary:
        return Binary(node);
      case Kind::kConditional: {
        KOPT_TRY(long long condition, (*this)(*node.children[0]));
        return (*this)(*node.children[condition ? 1 : 2]);
      }
      case Kind::kCall:
        return Function(node);
    }
    return InternalError("unknown expression node");
  }

 private:
  Result<long long> Name(const Node& node) const {
    if (auto found = values_.find(node.name); found != values_.end()) return found->second;
    if (node.name == "pi") return NotAnInteger(node);
    return UnknownName(node, values_);
  }

  Result<long long> Negate(const Node& node) const {
    KOPT_TRY(long long value, (*this)(*node.children[0]));
    if (value == LLONG_MIN) return Fail(node.column, "the result of `-` does not fit 64 bits", "-");
    return -value;
  }

  Result<long long> Binary(const Node& node) const {
    const Chain chain(node);
    KOPT_TRY(long long value, (*this)(*chain.first));
    for (auto step = chain.operators.rbegin(); step != chain.operators.rend(); ++step) {
      KOPT_TRY(value, Step(**step, value));
    }
    return value;
  }

  Result<long long> Step(const Node& node, long long a) const {
    if (auto known = ShortCircuit(node.name, a != 0)) return *known;
    KOPT_TRY(long long b, (*this)(*node.children[1]));
    if (node.name == "&&" || node.name == "||") return b != 0;
    if (auto compared = Compared(node.name, a, b)) return *compared;
    return Arithmetic(node, a, b);
  }

  Result<long long> Function(const Node& node) const {
    const expr::Function* function = FindFunction(node.name);
    if (!function && call_) return call_(node.name, node.arguments);
    if (!function || !function->in_int) return UnknownFunction(node, false);
    std::vector<long long> values;
    for (const NodePtr& child : node.children) {
      KOPT_TRY(long long value, (*this)(*child));
      values.push_back(value);
    }
    if (node.name == "min") return *std::min_element(values.begin(), values.end());
    if (node.name == "max") return *std::max_element(values.begin(), values.end());
    if (node.name == "pow") return PowInt(node, values[0], values[1]);
    return RoundUp(node, values[0], values[1]);
  }

  const Values& values_;
  const Expr::Call& call_;
};

class RealEvaluator {
 public:
  explicit RealEvaluator(const Values& values) : values_(values) {}

  Result<double> operator()(const Node& node) const {
    switch (node.kind) {
      case Kind::kInt:
        return static_cast<double>(node.integer);
      case Kind::kReal:
        return node.real;
      case Kind::kName:
        return Name(node);
      case Kind::kNegate: {
        KOPT_TRY(double value, (*this)(*node.children[0]));
        return -value;
      }
      case Kind::kNot: {
        KOPT_TRY(double value, (*this)(*node.children[0]));
        return value == 0;
      }
      case Kind::kBinary:
        return Binary(node);
      case Kind::kConditional: {
        KOPT_TRY(double condition, (*this)(*node.children[0]));
        return (*this)(*node.children[condition != 0 ? 1 : 2]);
      }
      case Kind::kCall:
        return Function(node);
    }
    return InternalError("unknown expression node");
  }

 private:
  Result<double> Name(const Node& node) const {
    if (auto found = values_.find(node.name); found != values_.end()) return static_cast<double>(found->second);
    if (node.name == "pi") return std::numbers::pi;
    return UnknownName(node, values_);
  }

  Result<double> Binary(const Node& node) const {
    const Chain chain(node);
    KOPT_TRY(double value, (*this)(*chain.first));
    for (auto step = chain.operators.rbegin(); step != chain.operators.rend(); ++step) {
      KOPT_TRY(value, Step(**step, value));
    }
    return value;
  }

  Result<double> Step(const Node& node, double a) const {
    if (auto known = ShortCircuit(node.name, a != 0)) return *known;
    KOPT_TRY(double b, (*this)(*node.children[1]));
    if (node.name == "&&" || node.name == "||") return b != 0;
    if (auto compared = Compared(node.name, a, b)) return *compared;
    if ((node.name == "/" || node.name == "%") && b == 0) return Fail(node.column, "division by zero", node.name);
    switch (node.name[0]) {
      case '+':
        return a + b;
      case '-':
        return a - b;
      case '*':
        return a * b;
      case '/':
        return a / b;
      default:
        return std::fmod(a, b);
    }
  }

  Result<double> Function(const Node& node) const {
    const expr::Function* function = FindFunction(node.name);
    if (!function || !function->in_real) return UnknownFunction(node, true);
    std::vector<double> values;
    for (const NodePtr& child : node.children) {
      KOPT_TRY(double value, (*this)(*child));
      values.push_back(value);
    }
    if (node.name == "min") return *std::min_element(values.begin(), values.end());
    if (node.name == "max") return *std::max_element(values.begin(), values.end());
    if (node.name == "pow") return std::pow(values[0], values[1]);
    if (node.name == "sqrt") return std::sqrt(values[0]);
    if (node.name == "exp") return std::exp(values[0]);
    if (node.name == "log") return std::log(values[0]);
    if (values[1] <= 0) return Fail(node.column, "`ceil_div` needs a positive divisor", node.name);
    return std::ceil(values[0] / values[1]);
  }

  const Values& values_;
};

Result<void> CheckIntegerNode(const Node& node) {
  if (node.kind == Kind::kReal || (node.kind == Kind::kName && node.name == "pi")) return NotAnInteger(node);
  const Function* function = node.kind == Kind::kCall ? FindFunction(node.name) : nullptr;
  if (function && !function->in_int) return UnknownFunction(node, false);
  if (node.kind == Kind::kCall && !function) return {};
  for (const NodePtr& child : node.children) KOPT_CHECK(CheckIntegerNode(*child));
  return {};
}

}  // namespace

const Function* FindFunction(std::string_view name) {
  auto found = std::find_if(kFunctions.begin(), kFunctions.end(), [&](const Function& f) { return f.name == name; });
  return found == kFunctions.end() ? nullptr : &*found;
}

}  // namespace expr

Result<long long> Expr::Int(const Values& values, const Call& call) const {
  if (!root_) return InternalError("an expression was never parsed");
  return expr::IntEvaluator(values, call)(*root_);
}

Result<void> Expr::CheckInteger() const {
  if (!root_) return InternalError("an expression was never parsed");
  return expr::CheckIntegerNode(*root_);
}

Result<double> Expr::Real(const Values& values) const {
  if (!root_) return InternalError("an expression was never parsed");
  KOPT_TRY(double value, expr::RealEvaluator(values)(*root_));
  if (std::isnan(value)) return expr::Fail(1, fmt::format("`{}` is not a number", text_), text_);
  return value;
}

}  // namespace kopt

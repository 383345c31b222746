#include "task/expr.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <climits>
#include <cmath>
#include <numbers>

#include "task/nearest.h"

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

namespace {

using Node = Expr::Node;
using NodePtr = std::shared_ptr<const Node>;
using Kind = Node::Kind;

constexpr int kDeepest = 200;
constexpr size_t kLongest = 4096;

struct Function {
  std::string_view name;
  size_t least, most;  // arguments
  bool in_int, in_real;
};
constexpr std::array kFunctions = {
    Function{"min", 2, kLongest, true, true}, Function{"max", 2, kLongest, true, true},
    Function{"ceil_div", 2, 2, true, true},   Function{"align", 2, 2, true, false},
    Function{"pow", 2, 2, true, true},        Function{"sqrt", 1, 1, false, true},
    Function{"exp", 1, 1, false, true},       Function{"log", 1, 1, false, true},
};

const Function* FindFunction(std::string_view name) {
  auto found = std::find_if(kFunctions.begin(), kFunctions.end(), [&](const Function& f) { return f.name == name; });
  return found == kFunctions.end() ? nullptr : &*found;
}

std::unexpected<Error> Fail(int column, std::string message, std::string key = "", std::string hint = "") {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = std::move(message),
                               .column = column,
                               .key = std::move(key),
                               .hint = std::move(hint)});
}

bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool IsNameChar(char c) { return IsNameStart(c) || std::isdigit(static_cast<unsigned char>(c)); }

// ---- parsing ----

struct Level {
  std::vector<std::string_view> operators;  // longer ones before their prefixes
  bool chains = true;
};

// Binary operators, loosest first.
const std::vector<Level>& Levels() {
  static const std::vector<Level> levels = {
      {{"||"}}, {{"&&"}}, {{"==", "!="}, false}, {{"<=", ">=", "<", ">"}, false}, {{"+", "-"}}, {{"*", "/", "%"}}};
  return levels;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<NodePtr> Whole() {
    KOPT_TRY(NodePtr root, Conditional());
    if (!AtEnd()) return Unexpected("an operator or the end");
    return root;
  }

 private:
  Result<NodePtr> Conditional() {
    if (++depth_ > kDeepest) return Fail(Column(), "the expression is nested too deeply (at most 200 levels)");
    KOPT_TRY(NodePtr condition, Binary(0));
    if (AtEnd() || !Take("?")) {
      --depth_;
      return condition;
    }
    int column = Column() - 1;
    KOPT_TRY(NodePtr yes, Conditional());
    if (!Take(":")) return Unexpected("`:`");
    KOPT_TRY(NodePtr no, Conditional());
    --depth_;
    return Make({.kind = Kind::kConditional, .column = column, .children = {condition, yes, no}});
  }

  Result<NodePtr> Binary(size_t level) {
    if (level == Levels().size()) return Unary();
    KOPT_TRY(NodePtr left, Binary(level + 1));
    for (int count = 0;; ++count) {
      SkipSpace();
      int column = Column();
      std::string_view op = TakeOneOf(Levels()[level].operators);
      if (op.empty()) return left;
      if (count > 0 && !Levels()[level].chains)
        return Fail(column, "comparisons do not chain", std::string(op), "write `a < b && b < c`");
      KOPT_TRY(NodePtr right, Binary(level + 1));
      left = Make({.kind = Kind::kBinary, .column = column, .name = std::string(op), .children = {left, right}});
    }
  }

  Result<NodePtr> Unary() {
    SkipSpace();
    int column = Column();
    std::string_view op = TakeOneOf({"-", "+", "!"});
    if (op.empty()) return Primary();
    if (++depth_ > kDeepest) return Fail(column, "the expression is nested too deeply (at most 200 levels)");
    KOPT_TRY(NodePtr operand, Unary());
    --depth_;
    if (op == "+") return operand;
    return Make({.kind = op == "-" ? Kind::kNegate : Kind::kNot, .column = column, .children = {operand}});
  }

  Result<NodePtr> Primary() {
    if (AtEnd()) return Unexpected("a number, a name or `(`");
    char c = text_[at_];
    bool fraction = c == '.' && at_ + 1 < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_ + 1]));
    if (std::isdigit(static_cast<unsigned char>(c)) || fraction) return Number();
    if (IsNameStart(c)) return NameOrCall();
    if (!Take("(")) return Unexpected("a number, a name or `(`");
    KOPT_TRY(NodePtr inner, Conditional());
    if (!Take(")")) return Unexpected("`)`");
    return inner;
  }

  Result<NodePtr> Number() {
    int column = Column();
    size_t begin = at_;
    bool real = false;
    while (at_ < text_.size() && (IsNameChar(text_[at_]) || text_[at_] == '.' || IsExponentSign())) {
      real |= !std::isdigit(static_cast<unsigned char>(text_[at_]));
      ++at_;
    }
    std::string_view word = text_.substr(begin, at_ - begin);
    Node node{.kind = real ? Kind::kReal : Kind::kInt, .column = column};
    const char* end = word.data() + word.size();
    auto [stop, code] =
        real ? std::from_chars(word.data(), end, node.real) : std::from_chars(word.data(), end, node.integer);
    if (code == std::errc::result_out_of_range)
      return Fail(column, fmt::format("the number {} is too large", word), std::string(word));
    if (code != std::errc() || stop != end)
      return Fail(column, fmt::format("`{}` is not a number", word), std::string(word));
    node.name = word;
    return Make(std::move(node));
  }

  bool IsExponentSign() const {
    char before = text_[at_ - (at_ > 0 ? 1 : 0)];
    return (text_[at_] == '+' || text_[at_] == '-') && (before == 'e' || before == 'E');
  }

  Result<NodePtr> NameOrCall() {
    int column = Column();
    size_t begin = at_;
    while (at_ < text_.size() && IsNameChar(text_[at_])) ++at_;
    Node node{.kind = Kind::kName, .column = column, .name = std::string(text_.substr(begin, at_ - begin))};
    if (!Take("(")) return Make(std::move(node));
    node.kind = Kind::kCall;
    KOPT_CHECK(Arguments(node));
    const Function* function = FindFunction(node.name);
    size_t count = node.children.size();
    if (function && (count < function->least || count > function->most))
      return Fail(column,
                  fmt::format("`{}` takes {}{} argument{}, not {}", node.name, function->most > 2 ? "at least " : "",
                              function->least, function->least == 1 ? "" : "s", count),
                  node.name);
    return Make(std::move(node));
  }

  Result<void> Arguments(Node& node) {
    if (Take(")")) return {};
    while (true) {
      SkipSpace();
      size_t begin = at_;
      KOPT_TRY(NodePtr argument, Conditional());
      std::string_view text = text_.substr(begin, at_ - begin);
      while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
      node.children.push_back(argument);
      node.arguments.emplace_back(text);
      if (Take(")")) return {};
      if (!Take(",")) return Unexpected("`,` or `)`");
    }
  }

  static NodePtr Make(Node node) { return std::make_shared<const Node>(std::move(node)); }

  int Column() const { return static_cast<int>(at_) + 1; }
  void SkipSpace() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool AtEnd() {
    SkipSpace();
    return at_ == text_.size();
  }
  bool Take(std::string_view word) {
    SkipSpace();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::string_view TakeOneOf(const std::vector<std::string_view>& words) {
    for (std::string_view word : words)
      if (Take(word)) return word;
    return "";
  }

  std::unexpected<Error> Unexpected(std::string_view expected) {
    if (AtEnd()) return Fail(Column(), fmt::format("{} is expected here, but the expression ends", expected));
    char c = text_[at_];
    std::string found =
        std::isprint(static_cast<unsigned char>(c)) ? fmt::format("`{}`", c) : fmt::format("byte {:#04x}", c & 0xff);
    return Fail(Column(), fmt::format("{} is expected here, not {}", expected, found));
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

// ---- evaluation ----

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
    const kopt::Function* function = FindFunction(node.name);
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
    const kopt::Function* function = FindFunction(node.name);
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

void Collect(const Node& node, std::vector<Expr::Use>& uses) {
  bool foreign = node.kind == Kind::kCall && !FindFunction(node.name);
  if (foreign || node.kind == Kind::kName) uses.push_back({node.name, node.column, foreign, node.arguments});
  if (foreign) return;
  for (const NodePtr& child : node.children) Collect(*child, uses);
}

Result<void> CheckIntegerNode(const Node& node) {
  if (node.kind == Kind::kReal || (node.kind == Kind::kName && node.name == "pi")) return NotAnInteger(node);
  const Function* function = node.kind == Kind::kCall ? FindFunction(node.name) : nullptr;
  if (function && !function->in_int) return UnknownFunction(node, false);
  if (node.kind == Kind::kCall && !function) return {};
  for (const NodePtr& child : node.children) KOPT_CHECK(CheckIntegerNode(*child));
  return {};
}

}  // namespace

Result<Expr> Expr::Parse(std::string_view text) {
  if (text.size() > kLongest)
    return Fail(1, fmt::format("the expression is too long ({} characters, at most {})", text.size(), kLongest));
  Expr expr;
  expr.text_ = text;
  KOPT_TRY(expr.root_, Parser(expr.text_).Whole());
  return expr;
}

Expr Expr::Constant(long long value) {
  Expr expr;
  expr.text_ = std::to_string(value);
  expr.root_ =
      std::make_shared<const Node>(Node{.kind = Node::Kind::kInt, .column = 1, .integer = value, .name = expr.text_});
  return expr;
}

std::vector<Expr::Use> Expr::Uses() const {
  std::vector<Use> uses;
  if (root_) Collect(*root_, uses);
  std::sort(uses.begin(), uses.end(), [](const Use& a, const Use& b) { return a.column < b.column; });
  std::erase_if(uses, [](const Use& use) { return use.name == "pi"; });
  return uses;
}

std::vector<std::string> Expr::Names() const {
  std::vector<std::string> names;
  for (const Use& use : Uses())
    if (!use.is_call) names.push_back(use.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<long long> Expr::Int(const Values& values, const Call& call) const {
  if (!root_) return InternalError("an expression was never parsed");
  return IntEvaluator(values, call)(*root_);
}

Result<void> Expr::CheckInteger() const {
  if (!root_) return InternalError("an expression was never parsed");
  return CheckIntegerNode(*root_);
}

Result<double> Expr::Real(const Values& values) const {
  if (!root_) return InternalError("an expression was never parsed");
  KOPT_TRY(double value, RealEvaluator(values)(*root_));
  if (std::isnan(value)) return Fail(1, fmt::format("`{}` is not a number", text_), text_);
  return value;
}

}  // namespace kopt

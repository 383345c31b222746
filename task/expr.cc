#include "task/expr.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "task/expr_tree.h"

namespace kopt {
namespace expr {
namespace {

constexpr int kDeepest = 200;

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

void Collect(const Node& node, std::vector<Expr::Use>& uses) {
  bool foreign = node.kind == Kind::kCall && !FindFunction(node.name);
  if (foreign || node.kind == Kind::kName) uses.push_back({node.name, node.column, foreign, node.arguments});
  if (foreign) return;
  for (const NodePtr& child : node.children) Collect(*child, uses);
}

}  // namespace
}  // namespace expr

Result<Expr> Expr::Parse(std::string_view text) {
  if (text.size() > expr::kLongest)
    return expr::Fail(
        1, fmt::format("the expression is too long ({} characters, at most {})", text.size(), expr::kLongest));
  Expr expr;
  expr.text_ = text;
  KOPT_TRY(expr.root_, expr::Parser(expr.text_).Whole());
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
  if (root_) expr::Collect(*root_, uses);
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

}  // namespace kopt

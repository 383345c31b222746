#include "agent/export/expr.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <climits>

#include "task/expr_tree.h"

namespace kopt {
namespace {

using expr::Kind;
using expr::Node;

class Translator {
 public:
  explicit Translator(const NameTexts& names) : names_(names) {}

  std::string operator()(const Node& node) const {
    switch (node.kind) {
      case Kind::kInt:
        return CppLiteral(node.integer);
      case Kind::kName:
        return names_.at(node.name);
      case Kind::kNegate:
        return fmt::format("at.Neg({})", Child(node, 0));
      case Kind::kNot:
        return fmt::format("at.Is({} == 0)", Child(node, 0));
      case Kind::kConditional:
        return fmt::format("({} != 0 ? {} : {})", Child(node, 0), Child(node, 1), Child(node, 2));
      case Kind::kBinary:
        return Binary(node);
      case Kind::kCall:
        return Function(node);
      case Kind::kReal:
        break;
    }
    return "0";
  }

 private:
  std::string Child(const Node& node, size_t i) const { return (*this)(*node.children[i]); }

  std::string Binary(const Node& node) const {
    static const std::map<std::string, const char*, std::less<>> kFunctions = {
        {"+", "Add"}, {"-", "Sub"}, {"*", "Mul"}, {"/", "Div"}, {"%", "Mod"}};
    const std::string a = Child(node, 0), b = Child(node, 1);
    if (const auto found = kFunctions.find(node.name); found != kFunctions.end())
      return fmt::format("at.{}({}, {})", found->second, a, b);
    if (node.name == "&&" || node.name == "||") return fmt::format("at.Is({} != 0 {} {} != 0)", a, node.name, b);
    return fmt::format("at.Is({} {} {})", a, node.name, b);
  }

  std::string Function(const Node& node) const {
    const auto named = names_.find(fmt::format("{}({})", node.name, fmt::join(node.arguments, ", ")));
    if (named != names_.end()) return named->second;
    std::string arguments;
    for (size_t i = 0; i < node.children.size(); ++i) arguments += (i > 0 ? ", " : "") + Child(node, i);
    if (node.name == "min") return fmt::format("at.Min({{{}}})", arguments);
    if (node.name == "max") return fmt::format("at.Max({{{}}})", arguments);
    const char* name = node.name == "pow" ? "Pow" : node.name == "align" ? "Align" : "CeilDiv";
    return fmt::format("at.{}({})", name, arguments);
  }

  const NameTexts& names_;
};

}  // namespace

std::string CppText(const Expr& expr, const NameTexts& names) {
  return expr.tree() == nullptr ? "0" : Translator(names)(*expr.tree());
}

std::string CppLiteral(long long value) {
  if (value == LLONG_MIN) return fmt::format("(-{}LL - 1)", LLONG_MAX);
  const bool fits = value >= -INT_MAX && value <= INT_MAX;
  const std::string text = fmt::format("{}{}", value, fits ? "" : "LL");
  return value < 0 ? "(" + text + ")" : text;
}

}  // namespace kopt

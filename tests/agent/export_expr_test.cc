#include <gtest/gtest.h>

#include <climits>
#include <cstdlib>
#include <random>
#include <sstream>

#include "agent/export/expr.h"
#include "base/files.h"

namespace kopt {
namespace {

const NameTexts kNames = {{"A", "dims.A"}, {"B", "dims.B"}, {"C", "dims.C"}, {"BM", "64"}, {"p", "kopt_i"}};

std::string Translated(const std::string& text) {
  const auto expr = Expr::Parse(text);
  EXPECT_TRUE(expr) << text;
  return CppText(*expr, kNames);
}

TEST(ExportExpr, IsCheckedArithmetic) {
  EXPECT_EQ(Translated("A"), "dims.A");
  EXPECT_EQ(Translated("A + B * BM - p"), "at.Sub(at.Add(dims.A, at.Mul(dims.B, 64)), kopt_i)");
  EXPECT_EQ(Translated("ceil_div(A, BM) * BM"), "at.Mul(at.CeilDiv(dims.A, 64), 64)");
  EXPECT_EQ(Translated("A / B % 7"), "at.Mod(at.Div(dims.A, dims.B), 7)");
  EXPECT_EQ(Translated("A > 1024 && !B"), "at.Is(at.Is(dims.A > 1024) != 0 && at.Is(dims.B == 0) != 0)");
  EXPECT_EQ(Translated("A ? -B : 3000000000"), "(dims.A != 0 ? at.Neg(dims.B) : 3000000000LL)");
  EXPECT_EQ(Translated("min(A, 2, C) + max(A, B)"), "at.Add(at.Min({dims.A, 2, dims.C}), at.Max({dims.A, dims.B}))");
  EXPECT_EQ(Translated("pow(2, align(A, 8))"), "at.Pow(2, at.Align(dims.A, 8))");
}

TEST(ExportExpr, Literals) {
  EXPECT_EQ(CppLiteral(7), "7");
  EXPECT_EQ(CppLiteral(-7), "(-7)");
  EXPECT_EQ(CppLiteral(INT_MAX), "2147483647");
  EXPECT_EQ(CppLiteral(INT_MIN), "(-2147483648LL)");
  EXPECT_EQ(CppLiteral(LLONG_MAX), "9223372036854775807LL");
  EXPECT_EQ(CppLiteral(LLONG_MIN), "(-9223372036854775807LL - 1)");
}

// Random expressions, of every operator and function.
class Random {
 public:
  std::string Text(int depth) {
    if (depth == 0 || Below(6) == 0) return Leaf();
    static const char* kOperators[] = {"+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||"};
    const std::string a = Text(depth - 1), b = Text(depth - 1);
    switch (Below(9)) {
      case 0:
        return "(" + a + " ? " + b + " : " + Text(depth - 1) + ")";
      case 1:
        return std::string(Below(2) ? "-" : "!") + "(" + a + ")";
      case 2: {
        static const char* kFunctions[] = {"min", "max", "ceil_div", "align", "pow"};
        return std::string(kFunctions[Below(5)]) + "(" + a + ", " + b + ")";
      }
      case 3:
        return "max(" + a + ", " + b + ", " + Leaf() + ")";
      default:
        return "(" + a + " " + kOperators[Below(13)] + " " + b + ")";
    }
  }
  long long Value() {
    static const long long kValues[] = {0, 1, -1, 2, 3, 64, 1000, -77, LLONG_MAX, LLONG_MIN, INT_MAX, 1LL << 40};
    return kValues[Below(12)];
  }

 private:
  std::string Leaf() {
    static const char* kLeaves[] = {"A", "B", "C", "BM", "0", "1", "3", "9223372036854775807"};
    return kLeaves[Below(8)];
  }
  unsigned Below(unsigned n) { return static_cast<unsigned>(engine_() % n); }
  std::mt19937_64 engine_{20261121};
};

// A program that prints each expression's value, or that there is none.
class Program {
 public:
  void Add(const std::string& expression, const Values& values) {
    text_ += "{ Checked at; struct { long long A, B, C; } dims{";
    for (const char* dim : {"A", "B", "C"}) text_ += CppLiteral(values.at(dim)) + ", ";
    text_ += "}; const long long value = " + Translated(expression) +
             "; if (at.fault.empty()) std::printf(\"%lld\\n\", value); else std::printf(\"none\\n\"); }\n";
  }
  std::string Run() const {
    auto folder = TemporaryFolder::Create("kopt-export-expr");
    EXPECT_TRUE(folder);
    const std::string path = folder->path().string();
    const std::string include =
        "#include \"" KOPT_SOURCE_DIR "/agent/export/templates/checked.h\"\n#include <cstdio>\n";
    EXPECT_TRUE(WriteFile(folder->path() / "main.cpp", include + "int main() {\n" + text_ + "}\n"));
    const std::string command = "g++ -std=c++20 -w -fopenmp -fsanitize=undefined -fno-sanitize-recover " + path +
                                "/main.cpp -o " + path + "/main && " + path + "/main > " + path + "/out";
    EXPECT_EQ(std::system(command.c_str()), 0);
    auto out = ReadFile(folder->path() / "out");
    return out ? *out : "";
  }

 private:
  std::string text_;
};

TEST(ExportExpr, HasTheValueOfTheExpression) {
  Random random;
  Program program;
  std::vector<std::pair<std::string, std::string>> wanted;
  std::string sum = "A";
  for (int i = 0; i < 600; ++i) sum += "+1";
  for (int i = 0; i < 400; ++i) {
    const std::string text = i == 0 ? sum : random.Text(1 + i % 4);
    const Values values = {{"A", random.Value()}, {"B", random.Value()}, {"C", random.Value()}, {"BM", 64}};
    const auto value = Expr::Parse(text)->Int(values);
    wanted.emplace_back(text, value ? std::to_string(*value) : "none");
    program.Add(text, values);
  }
  std::istringstream lines(program.Run());
  size_t without_value = 0;
  for (const auto& [text, want] : wanted) {
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(line, want) << text;
    without_value += want == "none";
  }
  EXPECT_GT(without_value, 40U);
  EXPECT_LT(without_value, 300U);
}

}  // namespace
}  // namespace kopt

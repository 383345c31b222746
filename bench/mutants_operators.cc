#include "bench/mutants_operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "bench/mutants_edit.h"

namespace kopt {
namespace {

using Kind = CppToken::Kind;

// What orders or waits.
const std::set<std::string_view> kBarriers = {
    "__syncthreads", "__syncwarp",    "MultiplyFence", "MultiplyCommit",   "MultiplyWait", "Wait",
    "Arrive",        "Expect",        "FenceAsync",    "FenceBarrierInit", "GroupSync",    "Pin",
    "StoreCommit",   "StoreWaitRead", "CopyCommit",    "CopyWait",         "_mm_sfence",   "__builtin_ia32_sfence"};

// Words that do not begin a statement which could be left out.
const std::set<std::string_view> kNoStatement = {
    "alignas", "auto",   "bool",   "case",   "char",     "const",   "constexpr", "default", "do",        "double",
    "else",    "extern", "float",  "for",    "if",       "inline",  "int",       "long",    "namespace", "public",
    "return",  "static", "struct", "switch", "template", "typedef", "unsigned",  "using",   "while",     "IntVec"};

// The order of their arguments does not matter.
const std::set<std::string_view> kCommutative = {"Max", "Add", "min", "max", "fmaxf", "combine", "_mm_add_ps"};

const std::map<std::string_view, std::string_view> kComparisons = {{"<", "<="}, {"<=", "<"},  {">", ">="},
                                                                   {">=", ">"}, {"==", "!="}, {"!=", "=="}};
const std::map<std::string_view, std::string_view> kArithmetic = {{"+", "-"}, {"-", "+"}, {"*", "/"},  {"/", "*"},
                                                                  {"%", "/"}, {"^", "+"}, {"<<", ">>"}};
const std::map<std::string_view, std::string_view> kAssignments = {
    {"+=", "-="}, {"-=", "+="}, {"*=", "/="}, {"/=", "*="}, {"^=", "|="}};

void Operators(Edits& edits) {
  for (size_t i = 1; i + 1 < edits.size(); ++i) {
    const std::string& text = edits[i].text;
    if (kAssignments.contains(text)) {
      edits.Replace("assignment", i, kAssignments.at(text));
      edits.Replace("assignment", i, "=");
    }
    if (text == "&&" && edits.IsBinary(i)) edits.Replace("logical", i, "||");
    if (text == "||") edits.Replace("logical", i, "&&");
    if (!edits.IsBinary(i)) continue;
    if (kComparisons.contains(text)) edits.Replace("comparison", i, kComparisons.at(text));
    if (kArithmetic.contains(text)) edits.Replace("arithmetic", i, kArithmetic.at(text));
    if (text == "+" || text == "-") {
      const size_t end = edits.EndOfTerm(i + 1);
      edits.Replace("dropped term", i, end, "");
    }
  }
}

void Numbers(Edits& edits) {
  for (size_t i = 1; i < edits.size(); ++i) {
    const std::string& text = edits[i].text;
    if (edits[i].Is("INFINITY") || (edits[i].Is("Infinity") && edits[i - 1].text != "float")) {
      const bool minus = edits[i - 1].text == "-";
      edits.Replace("infinity", minus ? i - 1 : i, i + 1, minus ? "+ " + text : "-" + text);
    }
    if (edits[i].kind != Kind::kNumber) continue;
    const bool hexadecimal = text.starts_with("0x");
    if (text.find_first_of(hexadecimal ? "p" : ".e") != std::string::npos) {
      edits.Replace("constant", i, std::stod(text) == 0 ? "1.f" : fmt::format("({} * 1.01f)", text));
    } else if (!hexadecimal) {
      const long long value = std::stoll(text);
      const size_t digits = text.find_first_not_of("0123456789");
      const std::string suffix = digits == std::string::npos ? "" : text.substr(digits);
      edits.Replace("constant", i, fmt::format("{}{}", value + 1, suffix));
      if (value > 1) edits.Replace("doubled constant", i, fmt::format("{}{}", 2 * value, suffix));
    }
  }
}

// The header of `for (int i = first; condition; step)` and, of its body, one turn.
void Loops(Edits& edits) {
  for (size_t i = 0; i + 1 < edits.size(); ++i) {
    if (!edits[i].Is("for") || edits[i + 1].text != "(") continue;
    const size_t close = edits.Match(i + 1), first = edits.Find("=", i + 2, close),
                 half = edits.Find(";", i + 2, close);
    const size_t last = edits.Find(";", half + 1, close);
    if (last >= close) continue;
    edits.Insert("loop bound", last, " - 1");
    const size_t step = edits.Find("+=", last + 1, close);
    const std::string by = step < close ? edits.Text(step + 1, close) : "1";
    if (edits[last + 1].text == "++") edits.Replace("loop step", last + 1, close, edits[last + 2].text + " += 2");
    if (step < close) edits.Replace("loop step", step + 1, close, fmt::format("2 * ({})", by));
    if (first >= half) continue;
    edits.Insert("loop start", half, " + 1");
    const std::string index = edits[first - 1].text, start = edits.Text(first + 1, half);
    for (const std::string& turn : {fmt::format("({})", start), fmt::format("({}) + ({})", start, by)}) {
      if (edits[last + 1].text != "++" && step >= close) continue;
      edits.Insert("skipped turn", close + 1, fmt::format(" if ({} != {})", index, turn));
    }
  }
}

void Conditions(Edits& edits) {
  for (size_t i = 0; i + 1 < edits.size(); ++i) {
    if (edits[i].Is("if") && edits[i + 1].text == "(") {
      const size_t close = edits.Match(i + 1);
      edits.Replace("negated condition", i + 2, close, fmt::format("!({})", edits.Text(i + 2, close)));
      edits.Replace("guard removed", i + 2, close, "true");
      edits.Replace("branch dropped", i + 2, close, "false");
    }
    const bool lowest = edits[i].Is("min"), largest = edits[i].Is("max") || edits[i].Is("fmaxf") || edits[i].Is("Max");
    if ((!lowest && !largest) || edits[i + 1].text != "(") continue;
    const auto arguments = edits.Arguments(i + 1);
    if (arguments.size() != 2) continue;
    const size_t begin = i >= 2 && edits[i - 1].text == "::" ? i - 2 : i;
    for (const auto& [from, to] : arguments) {
      edits.Replace("clamp removed", begin, edits.Match(i + 1) + 1, fmt::format("({})", edits.Text(from, to)));
    }
  }
}

void Statements(Edits& edits) {
  for (size_t i = 1; i + 1 < edits.size(); ++i) {
    if (!edits.BeginsStatement(i)) continue;
    const CppToken& word = edits[i];
    if (kNoStatement.contains(word.text)) continue;
    const bool is_asm = word.Is("asm");
    if (!is_asm && word.kind == Kind::kName && edits[i + 1].kind == Kind::kName) continue;  // a declaration
    if (!is_asm && (edits[i + 1].text == "*" || edits[i + 1].text == "&") && !edits[i + 1].space_before) continue;
    const size_t end = edits.Find(";", i, edits.size());
    if (end >= edits.size() || edits.Text(i, end).find('{') < edits.Text(i, end).find('"')) continue;
    edits.Replace(kBarriers.contains(word.text) ? "barrier dropped" : "statement dropped", i, end, "");
  }
}

void Places(Edits& edits) {
  for (size_t i = 1; i + 1 < edits.size(); ++i) {
    const bool after_value = edits[i - 1].kind == Kind::kName || edits[i - 1].text == ")" || edits[i - 1].text == "]";
    if (edits[i].text == "[" && after_value && !edits[i].space_before) {
      const size_t close = edits.Match(i);
      if (close > i + 1 && !edits.Declares(i)) {
        edits.Insert("index", close, " + 1");
        edits.Replace("index", i + 1, close, fmt::format("({}) ^ 1", edits.Text(i + 1, close)));
        if (close + 1 < edits.size() && edits[close + 1].text == "[") {
          const size_t end = edits.Match(close + 1);
          edits.Replace("swapped", i, end + 1,
                        fmt::format("[{}][{}]", edits.Text(close + 2, end), edits.Text(i + 1, close)));
        }
      }
    }
    if (edits[i].text != "(" || edits[i - 1].kind != Kind::kName || kCommutative.contains(edits[i - 1].text)) continue;
    const auto arguments = edits.Arguments(i);
    for (size_t k = 0; k + 1 < arguments.size(); ++k) {
      const auto& [a, a_end] = arguments[k];
      const auto& [b, b_end] = arguments[k + 1];
      const std::string left = edits.Text(a, a_end), right = edits.Text(b, b_end);
      if (left != right) edits.Replace("swapped", a, b_end, right + ", " + left);
    }
  }
}

// What is computed with fewer bits, or a little off.
void LowerPrecision(Edits& edits) {
  for (size_t i = 1; i + 1 < edits.size(); ++i) {
    const std::string& text = edits[i].text;
    if (edits[i].Is("double")) edits.Replace("float for double", i, "float");
    const bool adds = text == "+=", returns = edits[i].Is("return");
    if (text != "=" && !adds && !returns) continue;
    const size_t end = edits.EndOfExpression(i + 1);
    const std::string value = edits.Text(i + 1, end);
    if (value.empty() || value.find('{') != std::string::npos || value.starts_with("[")) continue;
    for (const auto& [kind, helper] : {std::pair{"bf16", "Bf16"}, {"11 bits", "Tf32"}, {"scaled", "Scaled"}}) {
      edits.Helped(kind, i + 1, end, fmt::format("mutant::{}({})", helper, value));
    }
    const size_t begin = edits.BeginOfStatement(i);
    if (adds) {
      const std::string sum = edits.Text(begin, i);
      edits.Helped("bf16 sum", i, end, fmt::format("= mutant::Bf16({} + ({}))", sum, value));
      edits.Helped("11 bits sum", i, end, fmt::format("= mutant::Tf32({} + ({}))", sum, value));
    }
  }
}

// Directives and instructions.
void Parallelism(Edits& edits) {
  for (size_t i = 0; i + 2 < edits.size(); ++i) {
    if (!edits[i].Is("omp") || !edits[i + 1].Is("for")) continue;
    edits.ReplaceDirective("barrier dropped", i + 1, "for nowait");
  }
  for (size_t i = 0; i < edits.size(); ++i) {
    if (edits[i].Is("expf")) edits.Replace("fast function", i, "__expf");
    const size_t at = edits[i].kind == Kind::kString ? edits[i].text.find(".trans") : std::string::npos;
    if (at == std::string::npos) continue;
    std::string text = edits[i].text;
    edits.Replace("not transposed", i, text.erase(at, 6));
  }
}

}  // namespace

std::vector<Mutant> MutantsOf(std::string_view source, std::string_view file, Target target) {
  Edits edits(source, file, target);
  for (void (*each)(Edits&) :
       {Operators, Numbers, Loops, Conditions, Statements, Places, LowerPrecision, Parallelism, PlanFaults}) {
    each(edits);
  }
  return edits.Take();
}

std::vector<Mutant> Spread(std::vector<Mutant> mutants) {
  std::map<std::string, std::vector<Mutant>> kinds;
  for (Mutant& mutant : mutants) kinds[mutant.kind].push_back(std::move(mutant));
  for (auto& [kind, all] : kinds) {
    std::ranges::stable_sort(all, {}, &Mutant::line);
    // Places by steps of the golden section: wherever one stops, no part of the file is left out.
    std::vector<Mutant> order;
    double place = 0;
    for (size_t left = all.size(); left > 0; --left) {
      place += 0.61803398875;
      place -= static_cast<int>(place);
      const auto at = all.begin() + static_cast<long>(place * static_cast<double>(left));
      order.push_back(std::move(*at));
      all.erase(at);
    }
    all = std::move(order);
  }
  std::vector<Mutant> spread;
  for (size_t turn = 0; spread.size() < mutants.size(); ++turn) {
    for (auto& [kind, all] : kinds) {
      if (turn < all.size()) spread.push_back(std::move(all[turn]));
    }
  }
  return spread;
}

std::string Difference(std::string_view source, const Mutant& mutant) {
  const auto line = [&](std::string_view text) {
    for (int i = 1; i < mutant.line; ++i) text.remove_prefix(text.find('\n') + 1);
    return std::string(text.substr(0, text.find('\n')));
  };
  return fmt::format("- {}\n+ {}\n", line(source), line(mutant.source));
}

}  // namespace kopt

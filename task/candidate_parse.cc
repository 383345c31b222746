// Plan lines to syntax: statements, clauses and expressions, no names looked up.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "task/candidate.h"
#include "task/library_problem.h"
#include "task/nearest.h"
#include "task/plan_lexer.h"
#include "task/plan_syntax.h"
#include "task/screen.h"

namespace kopt {
namespace {

using Kind = PlacedName::Kind;

constexpr size_t kMostTunables = 64;
constexpr size_t kMostValues = 4096;
constexpr size_t kMostAxes = 3;  // of a grid, block, cluster
constexpr size_t kMostRank = 5;  // of a tensormap

const std::vector<std::string> kStatements = {"tune", "where", "scratch", "zero", "tensormap", "launch", "call"};
const std::vector<std::string> kLaunchClauses = {"grid",        "block", "smem", "args", "cluster",
                                                 "cooperative", "pdl",   "when", "for"};
const std::vector<std::string> kCallClauses = {"args", "when", "for"};
const std::vector<std::string> kTensorMapParts = {"dims", "box", "swizzle", "strides", "step", "l2", "fill", "type"};
const std::vector<std::string> kMapFills = {"zero", "nan"};
const std::vector<std::string> kMapTypes = {"u8",  "u16", "u32",  "i32",     "u64",  "i64",     "f16",
                                            "f32", "f64", "bf16", "f32_ftz", "tf32", "tf32_ftz"};

bool Contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<std::string> DTypeNames() {
  std::vector<std::string> names;
  for (int i = 0; i < kDTypeCount; ++i) names.emplace_back(Name(static_cast<DType>(i)));
  return names;
}

// The inside of `i64(...)` if it encloses the whole argument.
std::optional<Piece> InsideI64(const Piece& piece) {
  constexpr std::string_view kCast = "i64";
  if (!piece.text.starts_with(kCast) || !piece.text.ends_with(')')) return std::nullopt;
  size_t open = piece.text.find_first_not_of(" \t", kCast.size());
  if (open == std::string_view::npos || piece.text[open] != '(') return std::nullopt;
  int depth = 0;
  for (size_t i = open; i < piece.text.size(); ++i) {
    depth += (piece.text[i] == '(') - (piece.text[i] == ')');
    if (depth == 0 && i + 1 < piece.text.size()) return std::nullopt;
  }
  return Piece{piece.text.substr(open + 1, piece.text.size() - open - 2), piece.column + static_cast<int>(open) + 1};
}

class PlanParser {
 public:
  PlanParser(Target target, std::string source, std::string file) {
    candidate_.target = target;
    candidate_.source = std::move(source);
    candidate_.file = std::move(file);
  }

  Result<PlanSyntax> Parse() {
    KOPT_TRY(auto lines, PlanLines(candidate_.source, candidate_.file));
    for (const PlanText& line : lines) {
      PlanScanner scanner(candidate_.file, line);
      if (!scanner.AtEnd()) KOPT_CHECK(Statement(scanner));
    }
    if (!HasStep()) return NoStep();
    return std::move(syntax_);
  }

 private:
  bool IsCpu() const { return candidate_.target == Target::kCpu; }

  bool HasStep() const {
    return std::any_of(candidate_.plan.begin(), candidate_.plan.end(),
                       [](const PlanLine& line) { return line.kind != PlanLine::Kind::kZero; });
  }

  std::unexpected<Error> NoStep() const {
    return PlanError(candidate_.file, 1, 1, fmt::format("the plan has no `{}` line", IsCpu() ? "call" : "launch"),
                     IsCpu() ? "call" : "launch",
                     IsCpu() ? "add a line `//@ call FUNCTION args(...)`"
                             : "add a line `//@ launch KERNEL grid(...) block(...) args(...)`");
  }

  Result<void> Statement(PlanScanner& scanner) {
    int column = scanner.Column();
    KOPT_TRY(Piece word, scanner.Name("a plan word (tune, where, scratch, zero, tensormap, launch, call)"));
    if (!candidate_.Library().empty()) return scanner.Fail(column, "`library` is the only line of its plan", word.text);
    if (word.text == "tune") return Tune(scanner);
    if (word.text == "where") return Where(scanner);
    if (word.text == "scratch") return ScratchLine(scanner);
    if (word.text == "zero") return Zero(scanner);
    if (word.text == "call" && !IsCpu())
      return scanner.Fail(column, "`call` is for the cpu target: on cuda only kernels run", word.text,
                          "write `launch KERNEL grid(...) block(...) args(...)`");
    if (word.text == "call") return Step(scanner, PlanLine::Kind::kCall);
    if (word.text == "launch" && IsCpu())
      return scanner.Fail(column, "`launch` is for the cuda target: the cpu has no kernels to launch", word.text,
                          "write `call FUNCTION args(...)`");
    if (word.text == "launch") return Step(scanner, PlanLine::Kind::kLaunch);
    if (word.text == "tensormap" && IsCpu())
      return scanner.Fail(column, "`tensormap` is for the cuda target: the cpu has no tensor memory accelerator",
                          word.text, "pass the tensor itself in args(...)");
    if (word.text == "tensormap") return TensorMapLine(scanner);
    if (word.text == "library" && !IsCpu()) return LibraryLine(scanner);
    return scanner.Fail(column, fmt::format("unknown plan word `{}`", Shown(word.text)), word.text,
                        NearestHint(word.text, kStatements));
  }

  void Placed(Kind kind, const PlanScanner& scanner, const Piece& name, int plan = -1) {
    syntax_.names.push_back({kind, std::string(name.text), scanner.line(), name.column, plan});
  }

  // An integer expression; `plan`: the line whose loop variable it may use.
  Result<Expr> Integer(const PlanScanner& scanner, const Piece& piece, int plan = -1) {
    KOPT_TRY(Expr expr, scanner.Parse(piece));
    syntax_.exprs.push_back({expr, scanner.line(), piece.column, plan});
    return expr;
  }

  Result<std::vector<Expr>> Integers(PlanScanner& scanner, char open, size_t least, size_t most, std::string_view what,
                                     int plan = -1) {
    int column = scanner.Column();
    KOPT_TRY(auto pieces, scanner.List(open));
    if (pieces.size() < least || pieces.size() > most)
      return scanner.Fail(
          column, fmt::format("`{}` takes {} to {} expressions, not {}", what, least, most, pieces.size()), what);
    std::vector<Expr> exprs;
    for (const Piece& piece : pieces) {
      KOPT_TRY(Expr expr, Integer(scanner, piece, plan));
      exprs.push_back(std::move(expr));
    }
    return exprs;
  }

  // ---- tune, where, scratch, zero ----

  Result<void> Tune(PlanScanner& scanner) {
    KOPT_TRY(Piece name, scanner.Name("the tunable's name"));
    if (candidate_.tunables.size() == kMostTunables)
      return scanner.Fail(name.column, fmt::format("more than {} tunables", kMostTunables), name.text);
    KOPT_CHECK(scanner.Expect('='));
    int column = scanner.Column();
    Tunable tunable{.name = std::string(name.text), .line = scanner.line()};
    std::vector<Piece> pieces = scanner.Alternatives();
    if (pieces.empty()) return scanner.Fail(column, "a value is expected here, not the end of the line", name.text);
    if (pieces.size() > kMostValues)
      return scanner.Fail(column, fmt::format("{} values; at most {} are allowed", pieces.size(), kMostValues),
                          name.text);
    std::set<long long> seen;
    for (const Piece& piece : pieces) {
      KOPT_TRY(long long value, TunableValue(scanner, piece));
      if (!seen.insert(value).second)
        return scanner.Fail(piece.column, fmt::format("the value {} is listed twice", value), name.text);
      tunable.values.push_back(value);
    }
    candidate_.tunables.push_back(std::move(tunable));
    Placed(Kind::kTunable, scanner, name);
    return {};
  }

  static Result<long long> TunableValue(const PlanScanner& scanner, const Piece& piece) {
    KOPT_TRY(Expr expr, scanner.Parse(piece));
    if (auto uses = expr.Uses(); !uses.empty())
      return scanner.Fail(piece.column + uses[0].column - 1,
                          fmt::format("a tunable's values are integers, `{}` is none", uses[0].name), uses[0].name);
    auto value = expr.Int({});
    if (!value) return scanner.Fail(piece.column + value.error().column - 1, value.error().message, value.error().key);
    return *value;
  }

  Result<void> Where(PlanScanner& scanner) {
    KOPT_TRY(Expr condition, Integer(scanner, scanner.Rest()));
    candidate_.where.push_back({std::move(condition), scanner.line()});
    return {};
  }

  Result<void> ScratchLine(PlanScanner& scanner) {
    KOPT_TRY(Piece name, scanner.Name("the scratch's name"));
    KOPT_TRY(Piece type, scanner.Name("the scratch's element type"));
    auto dtype = ParseDType(type.text);
    if (!dtype)
      return scanner.Fail(type.column, fmt::format("unknown element type `{}`", Shown(type.text)), type.text,
                          NearestHint(type.text, DTypeNames()));
    Scratch scratch{.name = std::string(name.text), .dtype = *dtype, .line = scanner.line()};
    KOPT_TRY(scratch.shape, Integers(scanner, '[', 1, 8, "scratch"));
    candidate_.scratch.push_back(std::move(scratch));
    Placed(Kind::kScratch, scanner, name);
    return scanner.ExpectEnd();
  }

  Result<void> Zero(PlanScanner& scanner) {
    KOPT_TRY(Piece name, scanner.Name("a scratch or an output"));
    Placed(Kind::kZeroed, scanner, name, static_cast<int>(candidate_.plan.size()));
    PlanLine line{.kind = PlanLine::Kind::kZero, .function = std::string(name.text), .line = scanner.line()};
    candidate_.plan.push_back(std::move(line));
    return scanner.ExpectEnd();
  }

  // What `[baseline] library` becomes: it stands alone, so that nothing of a candidate's runs beside it.
  Result<void> LibraryLine(PlanScanner& scanner) {
    KOPT_TRY(Piece name, scanner.Name("a library"));
    if (!Contains(LibraryNames(), name.text))
      return scanner.Fail(name.column, fmt::format("unknown library `{}`", Shown(name.text)), name.text,
                          NearestHint(name.text, LibraryNames()));
    if (!candidate_.plan.empty() || !candidate_.scratch.empty() || !candidate_.tunables.empty())
      return scanner.Fail(name.column, "`library` is the only line of its plan", "library");
    candidate_.plan.push_back(
        {.kind = PlanLine::Kind::kLibrary, .function = std::string(name.text), .line = scanner.line()});
    return scanner.ExpectEnd();
  }

  // ---- launch, call ----

  Result<void> Step(PlanScanner& scanner, PlanLine::Kind kind) {
    bool is_call = kind == PlanLine::Kind::kCall;
    KOPT_TRY(Piece name, scanner.Name(is_call ? "the function's name" : "the kernel's name"));
    int index = static_cast<int>(candidate_.plan.size());
    Placed(Kind::kFunction, scanner, name, index);
    PlanLine line{.kind = kind, .function = std::string(name.text), .line = scanner.line()};
    std::set<std::string, std::less<>> seen;
    while (!scanner.AtEnd()) {
      KOPT_TRY(Piece word, scanner.Name("a clause"));
      KOPT_CHECK(CheckClause(scanner, word, is_call));
      if (!seen.emplace(word.text).second)
        return scanner.Fail(word.column, fmt::format("`{}` is given twice", word.text), word.text);
      KOPT_CHECK(Clause(scanner, word, index, line));
    }
    for (const char* needed : {"grid", "block"})
      if (!is_call && !seen.contains(needed))
        return scanner.Fail(name.column, fmt::format("the launch has no `{}`", needed), needed,
                            fmt::format("add {}(...)", needed));
    candidate_.plan.push_back(std::move(line));
    return {};
  }

  static Result<void> CheckClause(const PlanScanner& scanner, const Piece& word, bool is_call) {
    const auto& known = is_call ? kCallClauses : kLaunchClauses;
    if (Contains(known, word.text)) return {};
    if (is_call && Contains(kLaunchClauses, word.text))
      return scanner.Fail(word.column,
                          fmt::format("`{}` is for the cuda target: on cpu a function is called once, and "
                                      "divides its work itself (OpenMP)",
                                      word.text),
                          word.text, "a call takes args(...), when(...), for p in a..b");
    return scanner.Fail(word.column, fmt::format("unknown clause `{}`", Shown(word.text)), word.text,
                        NearestHint(word.text, known));
  }

  Result<void> Clause(PlanScanner& scanner, const Piece& word, int index, PlanLine& line) {
    if (word.text == "args") return Args(scanner, index, line);
    if (word.text == "for") return For(scanner, index, line);
    if (word.text == "when") return Single(scanner, word, index, line.when);
    if (word.text == "smem") return Single(scanner, word, index, line.smem);
    if (word.text == "pdl") return Pdl(scanner, word, line);
    if (word.text == "cooperative") {
      line.cooperative = true;
      return {};
    }
    auto& axes = word.text == "grid" ? line.grid : word.text == "block" ? line.block : line.cluster;
    KOPT_TRY(axes, Integers(scanner, '(', 1, kMostAxes, word.text, index));
    return {};
  }

  Result<void> Single(PlanScanner& scanner, const Piece& word, int index, std::optional<Expr>& into) {
    int column = scanner.Column();
    KOPT_TRY(auto pieces, scanner.List('('));
    if (pieces.size() != 1)
      return scanner.Fail(column, fmt::format("`{}` takes one expression, not {}", word.text, pieces.size()),
                          word.text);
    KOPT_TRY(into, Integer(scanner, pieces[0], index));
    return {};
  }

  Result<void> Pdl(const PlanScanner& scanner, const Piece& word, PlanLine& line) {
    bool first = std::none_of(candidate_.plan.begin(), candidate_.plan.end(),
                              [](const PlanLine& before) { return before.kind == PlanLine::Kind::kLaunch; });
    if (first)
      return scanner.Fail(word.column, "the first launch cannot have `pdl`: there is no kernel before it to overlap",
                          word.text, "remove `pdl` from this line");
    line.pdl = true;
    return {};
  }

  Result<void> For(PlanScanner& scanner, int index, PlanLine& line) {
    KOPT_TRY(Piece name, scanner.Name("the loop variable"));
    KOPT_TRY(Piece in, scanner.Word("`in`"));
    if (in.text != "in")
      return scanner.Fail(in.column, fmt::format("`in` is expected here, not `{}`", Shown(in.text)), "for",
                          "write `for p in a..b`");
    KOPT_TRY(Piece begin, scanner.UpToRange());
    KOPT_TRY(line.loop_begin, Integer(scanner, begin));
    KOPT_TRY(line.loop_end, Integer(scanner, scanner.Expression()));
    line.loop_name = name.text;
    Placed(Kind::kLoop, scanner, name, index);
    return {};
  }

  Result<void> Args(PlanScanner& scanner, int index, PlanLine& line) {
    KOPT_TRY(auto pieces, scanner.List('('));
    for (const Piece& piece : pieces) {
      Arg arg{.kind = Arg::Kind::kInt, .column = piece.column};
      auto inside = InsideI64(piece);
      if (inside) arg.kind = Arg::Kind::kInt64;
      KOPT_TRY(arg.expr, scanner.Parse(inside ? *inside : piece));
      syntax_.args.push_back({index, static_cast<int>(line.args.size()), inside ? inside->column : piece.column});
      line.args.push_back(std::move(arg));
    }
    return {};
  }

  // ---- tensormap ----

  Result<void> TensorMapLine(PlanScanner& scanner) {
    KOPT_TRY(Piece name, scanner.Name("the tensormap's name"));
    KOPT_CHECK(scanner.Expect('='));
    KOPT_TRY(Piece tensor, scanner.Name("a tensor or scratch"));
    TensorMap map{.name = std::string(name.text), .tensor = std::string(tensor.text), .line = scanner.line()};
    std::set<std::string, std::less<>> seen;
    while (!scanner.AtEnd()) {
      KOPT_TRY(Piece word, scanner.Name("a part of the tensormap"));
      if (!Contains(kTensorMapParts, word.text))
        return scanner.Fail(word.column, fmt::format("unknown part `{}` of a tensormap", Shown(word.text)), word.text,
                            NearestHint(word.text, kTensorMapParts));
      if (!seen.emplace(word.text).second)
        return scanner.Fail(word.column, fmt::format("`{}` is given twice", word.text), word.text);
      KOPT_CHECK(TensorMapPart(scanner, word, map));
    }
    KOPT_CHECK(CheckRanks(scanner, name, map));
    candidate_.tensormaps.push_back(std::move(map));
    Placed(Kind::kTensorMap, scanner, name);
    Placed(Kind::kMapped, scanner, tensor);
    return {};
  }

  Result<void> TensorMapPart(PlanScanner& scanner, const Piece& word, TensorMap& map) {
    if (word.text == "swizzle") return OneOf(scanner, word, {0, 32, 64, 128}, map.swizzle);
    if (word.text == "l2") return OneOf(scanner, word, {0, 64, 128, 256}, map.l2);
    if (word.text == "fill") return OneOf(scanner, word, kMapFills, map.fill);
    if (word.text == "type") return OneOf(scanner, word, kMapTypes, map.type);
    auto& list = word.text == "dims"   ? map.dims
                 : word.text == "box"  ? map.box
                 : word.text == "step" ? map.step
                                       : map.strides;
    KOPT_TRY(list, Integers(scanner, '[', 1, kMostRank, word.text));
    return {};
  }

  static Result<void> OneOf(PlanScanner& scanner, const Piece& word, const std::vector<int>& valid, int& into) {
    KOPT_TRY(Piece value, scanner.Word("a number of bytes"));
    for (int known : valid) {
      if (value.text != std::to_string(known)) continue;
      into = known;
      return {};
    }
    return scanner.Fail(value.column, fmt::format("`{}` cannot be {}", word.text, Shown(value.text)), word.text,
                        fmt::format("it can be {}, {}, {}, {}", valid[0], valid[1], valid[2], valid[3]));
  }

  static Result<void> OneOf(PlanScanner& scanner, const Piece& word, const std::vector<std::string>& valid,
                            std::string& into) {
    KOPT_TRY(Piece value, scanner.Word("a word"));
    if (!Contains(valid, value.text))
      return scanner.Fail(value.column, fmt::format("`{}` cannot be `{}`", word.text, Shown(value.text)), word.text,
                          NearestHint(value.text, valid));
    into = value.text;
    return {};
  }

  static Result<void> CheckRanks(const PlanScanner& scanner, const Piece& name, const TensorMap& map) {
    size_t rank = map.dims.size();
    if (map.dims.empty()) return scanner.Fail(name.column, "the tensormap has no `dims`", "dims", "add dims [...]");
    if (map.box.empty()) return scanner.Fail(name.column, "the tensormap has no `box`", "box", "add box [...]");
    struct Part {
      std::string_view word;
      size_t size, needed;
    };
    for (auto [word, size, needed] : {Part{"box", map.box.size(), rank}, Part{"step", map.step.size(), rank},
                                      Part{"strides", map.strides.size(), rank - 1}}) {
      if (size == 0 || size == needed) continue;
      return scanner.Fail(name.column, fmt::format("`{}` needs {} entries with these dims, not {}", word, needed, size),
                          word);
    }
    return {};
  }

  PlanSyntax syntax_;
  Candidate& candidate_ = syntax_.candidate;
};

}  // namespace

Result<PlanSyntax> ParsePlan(Target target, std::string source, std::string file) {
  return PlanParser(target, std::move(source), std::move(file)).Parse();
}

Result<Candidate> ParseCandidate(const Spec& spec, Target target, std::string source, std::string file) {
  KOPT_TRY(PlanSyntax syntax, ParsePlan(target, std::move(source), std::move(file)));
  KOPT_TRY(Candidate candidate, CheckPlan(spec, std::move(syntax)));
  KOPT_CHECK(ScreenLineDirectives(candidate));
  return candidate;
}

}  // namespace kopt

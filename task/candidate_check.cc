// Every name of a plan against the spec, and the agreement of its lines with one another.
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

#include "task/candidate.h"
#include "task/nearest.h"
#include "task/plan_lexer.h"
#include "task/plan_syntax.h"
#include "task/spec_names.h"

namespace kopt {
namespace {

using Kind = PlacedName::Kind;

constexpr std::string_view kLoopVariable = "a loop variable of the plan";
const std::vector<std::string> kCpuNames = {"THREADS"};
const std::vector<std::string> kCudaNames = {"SMS", "SMEM_BLOCK"};

bool Contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class PlanChecker {
 public:
  PlanChecker(const Spec& spec, PlanSyntax syntax)
      : spec_(spec), syntax_(std::move(syntax)), candidate_(syntax_.candidate) {}

  Result<Candidate> Check() {
    CollectSpecNames();
    for (const PlacedName& name : syntax_.names) KOPT_CHECK(Declare(name));
    for (const PlacedName& name : syntax_.names) KOPT_CHECK(Use(name));
    for (const PlacedExpr& expr : syntax_.exprs) KOPT_CHECK(CheckExpr(expr));
    for (const PlacedArg& arg : syntax_.args) KOPT_CHECK(ResolveArg(arg));
    KOPT_CHECK(CheckSignatures());
    return std::move(candidate_);
  }

 private:
  std::unexpected<Error> Fail(const PlacedName& at, std::string message, std::string hint = "") const {
    return PlanError(candidate_.file, at.line, at.column, std::move(message), at.name, std::move(hint));
  }

  bool IsCpu() const { return candidate_.target == Target::kCpu; }
  const std::vector<std::string>& DeviceNames() const { return IsCpu() ? kCpuNames : kCudaNames; }
  const std::vector<std::string>& ForeignNames() const { return IsCpu() ? kCudaNames : kCpuNames; }

  // ---- names that the plan gives ----

  void CollectSpecNames() {
    for (const std::string& dim : spec_.dims) taken_[dim] = "a dim of the spec";
    for (const Scalar& scalar : spec_.scalars) taken_[scalar.name] = "a scalar of the spec";
    for (const Tensor& tensor : spec_.tensors) {
      bool temp = tensor.role == Tensor::Role::kTemp;
      taken_[tensor.name] = temp ? "a temp of the spec" : "a tensor of the spec";
      if (!temp) types_[tensor.name + "_t"] = tensor.name;
    }
  }

  Result<void> Declare(const PlacedName& name) {
    if (name.kind == Kind::kZeroed || name.kind == Kind::kMapped) return {};
    if (std::string why = WhyRefused(name.name); !why.empty()) return Fail(name, why, "choose another name");
    if (name.name == "main" || name.name == "i64")
      return Fail(name, fmt::format("`{}` has a meaning of its own", name.name), "choose another name");
    if (auto type = types_.find(name.name); type != types_.end())
      return Fail(name, fmt::format("`{}` is already the element type of `{}`", name.name, type->second),
                  "choose another name");
    if (auto taken = taken_.find(name.name); taken != taken_.end() && !MayRepeat(name, taken->second))
      return Fail(name, fmt::format("`{}` is already {}", name.name, taken->second), "choose another name");
    return Remember(name);
  }

  // Functions and loop variables may stand on several lines.
  static bool MayRepeat(const PlacedName& name, const std::string& taken) {
    return (name.kind == Kind::kFunction && taken == "a function of the plan") ||
           (name.kind == Kind::kLoop && taken == kLoopVariable);
  }

  Result<void> Remember(const PlacedName& name) {
    std::string line = fmt::format("(line {})", name.line);
    switch (name.kind) {
      case Kind::kTunable:
        taken_[name.name] = "a tunable " + line;
        break;
      case Kind::kTensorMap:
        taken_[name.name] = "a tensormap " + line;
        break;
      case Kind::kFunction:
        taken_[name.name] = "a function of the plan";
        break;
      case Kind::kLoop:
        taken_[name.name] = kLoopVariable;
        break;
      default:
        taken_[name.name] = "a scratch " + line;
    }
    if (name.kind != Kind::kScratch) return {};
    std::string type = name.name + "_t";
    if (taken_.contains(type))
      return Fail(name, fmt::format("the scratch's element type `{}` would have the name of {}", type, taken_[type]),
                  "choose another name");
    types_[type] = name.name;
    return {};
  }

  // ---- names that the plan uses ----

  Result<void> Use(const PlacedName& name) const {
    if (name.kind == Kind::kZeroed) return CheckZeroed(name);
    if (name.kind == Kind::kMapped) return CheckMapped(name);
    return {};
  }

  bool IsScratch(std::string_view name) const { return candidate_.FindScratch(name) != nullptr; }
  bool IsTunable(std::string_view name) const {
    return std::any_of(candidate_.tunables.begin(), candidate_.tunables.end(),
                       [&](const Tunable& tunable) { return tunable.name == name; });
  }
  bool IsTensorMap(std::string_view name) const {
    return std::any_of(candidate_.tensormaps.begin(), candidate_.tensormaps.end(),
                       [&](const TensorMap& map) { return map.name == name; });
  }

  Result<void> CheckZeroed(const PlacedName& name) const {
    const Tensor* tensor = spec_.FindTensor(name.name);
    if (IsScratch(name.name) || (tensor && tensor->role == Tensor::Role::kOutput)) return {};
    if (tensor && tensor->role == Tensor::Role::kInput)
      return Fail(name, fmt::format("`{}` is an input; `zero` takes a scratch or an output", name.name));
    if (tensor && tensor->role == Tensor::Role::kInout)
      return Fail(
          name, fmt::format("`{}` is an inout: its values are needed; `zero` takes a scratch or an output", name.name));
    std::vector<std::string> known;
    for (const Tensor& output : spec_.tensors)
      if (output.role == Tensor::Role::kOutput) known.push_back(output.name);
    for (const Scratch& scratch : candidate_.scratch) known.push_back(scratch.name);
    return Fail(name, fmt::format("`{}` is neither a scratch nor an output", Shown(name.name)),
                NearestHint(name.name, known));
  }

  Result<void> CheckMapped(const PlacedName& name) const {
    const Tensor* tensor = spec_.FindTensor(name.name);
    if (IsScratch(name.name) || (tensor && tensor->role != Tensor::Role::kTemp)) return {};
    return Fail(name, fmt::format("`{}` is neither a tensor nor a scratch", Shown(name.name)),
                NearestHint(name.name, Storages()));
  }

  // Everything with elements that an argument can be.
  std::vector<std::string> Storages() const {
    std::vector<std::string> names;
    for (const Tensor& tensor : spec_.tensors)
      if (tensor.role != Tensor::Role::kTemp) names.push_back(tensor.name);
    for (const Scratch& scratch : candidate_.scratch) names.push_back(scratch.name);
    return names;
  }

  std::vector<std::string> IntegerNames(const std::string& loop) const {
    std::vector<std::string> names = spec_.dims;
    for (const Tunable& tunable : candidate_.tunables) names.push_back(tunable.name);
    names.insert(names.end(), DeviceNames().begin(), DeviceNames().end());
    if (!loop.empty()) names.push_back(loop);
    return names;
  }

  // ---- expressions ----

  Result<void> CheckExpr(const PlacedExpr& placed) const {
    if (auto integer = placed.expr.CheckInteger(); !integer) {
      const Error& error = integer.error();
      return PlanError(candidate_.file, placed.line, placed.column + error.column - 1, error.message, error.key,
                       error.hint);
    }
    const std::string loop = placed.plan < 0 ? "" : candidate_.plan[placed.plan].loop_name;
    for (const Expr::Use& use : placed.expr.Uses()) {
      PlacedName at{Kind::kFunction, use.name, placed.line, placed.column + use.column - 1};
      if (use.is_call) KOPT_CHECK(CheckCall(at, placed.expr, use));
      if (!use.is_call) KOPT_CHECK(CheckInteger(at, loop));
    }
    return {};
  }

  Result<void> CheckCall(const PlacedName& at, const Expr& expr, const Expr::Use& use) const {
    if (at.name == "i64")
      return Fail(at, "`i64(...)` marks a whole argument of args(...), not a part of an expression");
    std::vector<std::string> known = {"min", "max", "ceil_div", "align", "pow"};
    if (at.name == "occupancy" && IsCpu())
      return Fail(at, "`occupancy` is for the cuda target: it counts the blocks of a kernel that fit an SM",
                  "on cpu use THREADS");
    if (!IsCpu()) known.push_back("occupancy");
    if (at.name != "occupancy")
      return Fail(at, fmt::format("unknown function `{}`", Shown(at.name)), NearestHint(at.name, known));
    std::vector<std::string> kernels;
    for (const PlanLine& line : candidate_.plan)
      if (line.kind == PlanLine::Kind::kLaunch) kernels.push_back(line.function);
    if (use.arguments.size() == 1 && Contains(kernels, use.arguments[0])) return {};
    std::string given = use.arguments.size() == 1 ? use.arguments[0] : expr.text();
    return Fail(at, fmt::format("`occupancy` takes one kernel that the plan launches, not `{}`", Shown(given)),
                NearestHint(given, kernels));
  }

  Result<void> CheckInteger(const PlacedName& at, const std::string& loop) const {
    std::vector<std::string> known = IntegerNames(loop);
    if (Contains(known, at.name)) return {};
    if (Contains(ForeignNames(), at.name))
      return Fail(at, fmt::format("`{}` is for the {} target", at.name, IsCpu() ? "cuda" : "cpu"),
                  fmt::format("the {} target has {}", Name(candidate_.target), fmt::join(DeviceNames(), ", ")));
    if (at.name == "occupancy") return Fail(at, "`occupancy` is a function of a kernel", "write occupancy(KERNEL)");
    if (What(at.name) == kLoopVariable)
      return Fail(at,
                  fmt::format("the loop variable `{}` is known only in the other clauses of its own line", at.name));
    if (IsAnything(at.name))
      return Fail(at, fmt::format("`{}` is {}, not an integer that the plan can compute with", at.name, What(at.name)));
    return Fail(at, fmt::format("unknown name `{}`", Shown(at.name)), NearestHint(at.name, known));
  }

  bool IsAnything(const std::string& name) const { return taken_.contains(name); }
  std::string What(const std::string& name) const {
    auto found = taken_.find(name);
    return found == taken_.end() ? "" : found->second;
  }

  // ---- arguments ----

  Result<void> ResolveArg(const PlacedArg& placed) {
    PlanLine& line = candidate_.plan[placed.plan];
    Arg& arg = line.args[placed.arg];
    auto uses = arg.expr->Uses();
    bool bare = uses.size() == 1 && !uses[0].is_call && arg.expr->text() == uses[0].name;
    if (bare && arg.kind == Arg::Kind::kInt) {
      KOPT_TRY(bool resolved, ResolveName({Kind::kFunction, uses[0].name, line.line, placed.column}, line, arg));
      if (resolved) return {};
    }
    return CheckExpr({*arg.expr, line.line, placed.column, placed.plan});
  }

  // True if the name is a tensor, scratch, tensormap or scalar; false if an integer; else an error.
  Result<bool> ResolveName(const PlacedName& at, const PlanLine& line, Arg& arg) const {
    const Tensor* tensor = spec_.FindTensor(at.name);
    if (tensor && tensor->role == Tensor::Role::kTemp)
      return Fail(at, fmt::format("`{}` is a temp: only the reference sees it", at.name), "declare a scratch");
    auto take = [&](Arg::Kind kind) {
      arg.kind = kind;
      arg.name = at.name;
      arg.expr.reset();
      return true;
    };
    if (tensor) return take(Arg::Kind::kTensor);
    if (IsScratch(at.name)) return take(Arg::Kind::kScratch);
    if (IsTensorMap(at.name)) return take(Arg::Kind::kTensorMap);
    if (spec_.FindScalar(at.name)) return take(Arg::Kind::kScalar);
    std::vector<std::string> known = IntegerNames(line.loop_name);
    if (Contains(known, at.name) || IsAnything(at.name) || Contains(ForeignNames(), at.name) || at.name == "occupancy")
      return false;
    auto more = Storages();
    known.insert(known.begin(), more.begin(), more.end());
    for (const Scalar& scalar : spec_.scalars) known.push_back(scalar.name);
    for (const TensorMap& map : candidate_.tensormaps) known.push_back(map.name);
    return Fail(at, fmt::format("unknown name `{}`", Shown(at.name)), NearestHint(at.name, known));
  }

  // ---- one function, several lines ----

  // The parameter's type as the candidate has to write it.
  std::string ParameterType(const Arg& arg) const {
    switch (arg.kind) {
      case Arg::Kind::kTensor: {
        const Tensor* tensor = spec_.FindTensor(arg.name);
        return fmt::format("{}{}*", tensor->IsWritten() ? "" : "const ", Name(tensor->dtype));
      }
      case Arg::Kind::kScratch:
        return fmt::format("{}*", Name(candidate_.FindScratch(arg.name)->dtype));
      case Arg::Kind::kScalar:
        return std::string(Name(spec_.FindScalar(arg.name)->dtype));
      case Arg::Kind::kTensorMap:
        return "tensormap";
      case Arg::Kind::kInt:
        return "int";
      case Arg::Kind::kInt64:
        return "i64";
    }
    return "";
  }

  Result<void> CheckSignatures() const {
    std::map<std::string, const PlanLine*> first;
    for (const PlacedName& name : syntax_.names) {
      if (name.kind != Kind::kFunction) continue;
      const PlanLine& line = candidate_.plan[name.plan];
      auto [known, is_new] = first.emplace(line.function, &line);
      if (!is_new) KOPT_CHECK(CompareSignatures(*known->second, line, name));
    }
    return {};
  }

  Result<void> CompareSignatures(const PlanLine& before, const PlanLine& line, const PlacedName& at) const {
    if (before.args.size() != line.args.size())
      return Fail(at,
                  fmt::format("the number of arguments of `{}` is {} here, but {} in line {}", line.function,
                              line.args.size(), before.args.size(), before.line),
                  "give one function the same parameters on every line");
    for (size_t i = 0; i < line.args.size(); ++i) {
      std::string here = ParameterType(line.args[i]), there = ParameterType(before.args[i]);
      if (here == there) continue;
      return PlanError(candidate_.file, line.line, line.args[i].column,
                       fmt::format("argument {} of `{}` is `{}` here, but `{}` in line {}", i + 1, line.function, here,
                                   there, before.line),
                       line.function, "give one function the same parameters on every line");
    }
    return {};
  }

  const Spec& spec_;
  PlanSyntax syntax_;
  Candidate& candidate_;
  std::map<std::string, std::string, std::less<>> taken_;  // name: what it is
  std::map<std::string, std::string, std::less<>> types_;  // NAME_t: NAME
};

}  // namespace

Result<Candidate> CheckPlan(const Spec& spec, PlanSyntax syntax) {
  return PlanChecker(spec, std::move(syntax)).Check();
}

}  // namespace kopt

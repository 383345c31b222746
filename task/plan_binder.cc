#include "task/plan_binder.h"

#include <climits>
#include <utility>

#include "task/plan_lexer.h"

namespace kopt {
namespace {

constexpr size_t kMostSteps = 65536;
constexpr size_t kMostArguments = 1 << 20;

}  // namespace

PlanBinder::PlanBinder(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                       const Shape& shape, const Values& device, Expr::Call call)
    : spec_(spec), candidate_(candidate), call_(std::move(call)), values_(shape.dims) {
  values_.insert(configuration.begin(), configuration.end());
  values_.insert(device.begin(), device.end());
}

std::unexpected<Error> PlanBinder::Fail(int line, std::string message, std::string_view key, std::string hint) const {
  return PlanError(candidate_.file, line, 0, std::move(message), key, std::move(hint));
}

Result<long long> PlanBinder::Evaluate(const Expr& expr, int line, const Values& values) const {
  auto value = expr.Int(values, call_);
  if (value) return value;
  Error error = std::move(value).error();
  error.message = fmt::format("`{}` has no value: {}", expr.text(), error.message);
  error.file = candidate_.file;
  error.line = line;
  error.column = 0;
  return std::unexpected(std::move(error));
}

Result<void> PlanBinder::CheckConditions() const {
  for (const Candidate::Where& where : candidate_.where) {
    KOPT_TRY(long long holds, Evaluate(where.condition, where.line));
    if (holds == 0)
      return Fail(where.line, fmt::format("`where {}` does not hold for {}", where.condition.text(), Text(values_)),
                  "where");
  }
  return {};
}

Result<std::vector<BoundScratch>> PlanBinder::BindScratch() const {
  std::vector<BoundScratch> bound;
  long long total = 0;
  for (const Scratch& scratch : candidate_.scratch) {
    auto bytes = static_cast<long long>(Size(scratch.dtype));
    bool overflow = false;
    for (const Expr& expr : scratch.shape) {
      KOPT_TRY(long long extent, Evaluate(expr, scratch.line));
      if (extent < 1)
        return Fail(scratch.line,
                    fmt::format("the extent `{}` of scratch `{}` is {}; it must be at least 1", expr.text(),
                                scratch.name, extent),
                    scratch.name);
      overflow |= __builtin_mul_overflow(bytes, extent, &bytes);
    }
    overflow |= __builtin_add_overflow(total, bytes, &total);
    if (overflow || total > spec_.limits.scratch)
      return Fail(scratch.line,
                  fmt::format("with `{}` the plan needs {} bytes of scratch; the spec allows {}", scratch.name,
                              overflow ? "more than 2^63" : std::to_string(total), spec_.limits.scratch),
                  scratch.name, "use less, or raise `[limits] scratch` in the spec");
    bound.push_back({scratch.name, scratch.dtype, static_cast<size_t>(bytes)});
  }
  return bound;
}

Result<void> PlanBinder::ForEachStep(const std::function<Result<void>(const PlanLine&)>& step) {
  for (const PlanLine& line : candidate_.plan) {
    line_ = &line;
    KOPT_CHECK(VisitLine(line, step));
    line_ = nullptr;
  }
  return {};
}

Result<void> PlanBinder::VisitLine(const PlanLine& line, const std::function<Result<void>(const PlanLine&)>& step) {
  if (line.loop_name.empty()) return Visit(line, step);
  KOPT_TRY(long long begin, Evaluate(*line.loop_begin, line.line));
  KOPT_TRY(long long end, Evaluate(*line.loop_end, line.line));
  for (long long value = begin; value < end; ++value) {
    values_[line.loop_name] = value;
    KOPT_CHECK(Visit(line, step));
  }
  values_.erase(line.loop_name);
  return {};
}

Result<void> PlanBinder::Visit(const PlanLine& line, const std::function<Result<void>(const PlanLine&)>& step) {
  if (++visited_ > kMostSteps)
    return Fail(line.line, fmt::format("the plan has more than {} steps", kMostSteps), line.function);
  if (line.when) {
    KOPT_TRY(long long wanted, Evaluate(*line.when, line.line));
    if (wanted == 0) return {};
  }
  return step(line);
}

Result<std::vector<BoundArg>> PlanBinder::BindArgs(const PlanLine& line) {
  arguments_ += line.args.size();
  if (arguments_ > kMostArguments)
    return Fail(line.line, fmt::format("the steps of the plan have more than {} arguments", kMostArguments),
                line.function);
  std::vector<BoundArg> args;
  for (size_t i = 0; i < line.args.size(); ++i) {
    BoundArg bound{.kind = line.args[i].kind, .name = line.args[i].name};
    if (line.args[i].expr) {
      KOPT_TRY(bound.value, BindInteger(line, i));
    }
    args.push_back(std::move(bound));
  }
  return args;
}

Result<long long> PlanBinder::BindInteger(const PlanLine& line, size_t index) const {
  const Arg& arg = line.args[index];
  KOPT_TRY(long long value, Evaluate(*arg.expr, line.line));
  if (arg.kind == Arg::Kind::kInt && (value < INT_MIN || value > INT_MAX))
    return PlanError(
        candidate_.file, line.line, arg.column,
        fmt::format("argument {} of `{}` is {}, which does not fit `int`", index + 1, line.function, value),
        line.function, fmt::format("write i64({}) and take a `long long`", arg.expr->text()));
  return value;
}

}  // namespace kopt

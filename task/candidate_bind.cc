// The plan for one shape and configuration on the cpu target.
#include <climits>
#include <utility>

#include "task/candidate.h"
#include "task/plan_lexer.h"

namespace kopt {
namespace {

constexpr size_t kMostSteps = 65536;

class Binder {
 public:
  Binder(const Spec& spec, const Candidate& candidate, Values values)
      : spec_(spec), candidate_(candidate), values_(std::move(values)) {}

  Result<BoundPlan> Bind() {
    for (const Candidate::Where& where : candidate_.where) {
      KOPT_TRY(long long holds, Evaluate(where.condition, where.line));
      if (holds == 0)
        return PlanError(candidate_.file, where.line, 0,
                         fmt::format("`where {}` does not hold for {}", where.condition.text(), Text(values_)),
                         "where");
    }
    for (const Scratch& scratch : candidate_.scratch) KOPT_CHECK(BindScratch(scratch));
    for (const PlanLine& line : candidate_.plan) KOPT_CHECK(BindLine(line));
    return std::move(plan_);
  }

 private:
  Result<long long> Evaluate(const Expr& expr, int line) const {
    auto value = expr.Int(values_);
    if (value) return value;
    Error error = std::move(value).error();
    error.message = fmt::format("`{}` has no value: {}", expr.text(), error.message);
    error.file = candidate_.file;
    error.line = line;
    error.column = 0;
    return std::unexpected(std::move(error));
  }

  Result<void> BindScratch(const Scratch& scratch) {
    auto bytes = static_cast<long long>(Size(scratch.dtype));
    bool overflow = false;
    for (const Expr& expr : scratch.shape) {
      KOPT_TRY(long long extent, Evaluate(expr, scratch.line));
      if (extent < 1)
        return PlanError(candidate_.file, scratch.line, 0,
                         fmt::format("the extent `{}` of scratch `{}` is {}; it must be at least 1", expr.text(),
                                     scratch.name, extent),
                         scratch.name);
      overflow |= __builtin_mul_overflow(bytes, extent, &bytes);
    }
    overflow |= __builtin_add_overflow(scratch_bytes_, bytes, &scratch_bytes_);
    if (overflow || scratch_bytes_ > spec_.limits.scratch)
      return PlanError(candidate_.file, scratch.line, 0,
                       fmt::format("with `{}` the plan needs {} bytes of scratch; the spec allows {}", scratch.name,
                                   overflow ? "more than 2^63" : std::to_string(scratch_bytes_), spec_.limits.scratch),
                       scratch.name, "use less, or raise `[limits] scratch` in the spec");
    plan_.scratch.push_back({scratch.name, scratch.dtype, static_cast<size_t>(bytes)});
    return {};
  }

  Result<void> BindLine(const PlanLine& line) {
    int stub = line.kind == PlanLine::Kind::kCall ? stubs_++ : -1;
    if (line.loop_name.empty()) return BindStep(line, stub);
    KOPT_TRY(long long begin, Evaluate(*line.loop_begin, line.line));
    KOPT_TRY(long long end, Evaluate(*line.loop_end, line.line));
    for (long long value = begin; value < end; ++value) {
      values_[line.loop_name] = value;
      KOPT_CHECK(BindStep(line, stub));
    }
    values_.erase(line.loop_name);
    return {};
  }

  Result<void> BindStep(const PlanLine& line, int stub) {
    if (++visited_ > kMostSteps)
      return PlanError(candidate_.file, line.line, 0, fmt::format("the plan has more than {} steps", kMostSteps),
                       line.function);
    if (line.when) {
      KOPT_TRY(long long wanted, Evaluate(*line.when, line.line));
      if (wanted == 0) return {};
    }
    BoundStep step{.kind = line.kind, .function = line.function, .stub = stub, .line = line.line};
    for (size_t i = 0; i < line.args.size(); ++i) {
      KOPT_TRY(BoundArg arg, BindArg(line, i));
      step.args.push_back(std::move(arg));
    }
    plan_.steps.push_back(std::move(step));
    return {};
  }

  Result<BoundArg> BindArg(const PlanLine& line, size_t i) const {
    const Arg& arg = line.args[i];
    BoundArg bound{.kind = arg.kind, .name = arg.name};
    if (!arg.expr) return bound;
    KOPT_TRY(bound.value, Evaluate(*arg.expr, line.line));
    if (arg.kind == Arg::Kind::kInt && (bound.value < INT_MIN || bound.value > INT_MAX))
      return PlanError(
          candidate_.file, line.line, arg.column,
          fmt::format("argument {} of `{}` is {}, which does not fit `int`", i + 1, line.function, bound.value),
          line.function, fmt::format("write i64({}) and take a `long long`", arg.expr->text()));
    return bound;
  }

  const Spec& spec_;
  const Candidate& candidate_;
  Values values_;  // dims, tunables, device names; the loop variable while its line is bound
  long long scratch_bytes_ = 0;
  size_t visited_ = 0;  // steps, skipped ones too
  int stubs_ = 0;
  BoundPlan plan_;
};

}  // namespace

Result<BoundPlan> BindCpu(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                          const Shape& shape, const Values& device) {
  if (candidate.target != Target::kCpu) return InternalError("a plan for cuda cannot be bound for the cpu");
  for (const Tunable& tunable : candidate.tunables)
    if (!configuration.contains(tunable.name))
      return PlanError(candidate.file, tunable.line, 0,
                       fmt::format("the configuration has no value for `{}`", tunable.name), tunable.name);
  Values values = shape.dims;
  values.insert(configuration.begin(), configuration.end());
  values.insert(device.begin(), device.end());
  return Binder(spec, candidate, std::move(values)).Bind();
}

}  // namespace kopt

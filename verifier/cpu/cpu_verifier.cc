#include "verifier/cpu/cpu_verifier.h"

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "verifier/core/conclude.h"
#include "verifier/core/statistics.h"
#include "verifier/core/verdict_times.h"
#include "verifier/cpu/compare_all.h"
#include "verifier/cpu/draw_example.h"
#include "verifier/cpu/measure.h"
#include "verifier/cpu/power_check.h"
#include "verifier/cpu/shape_pool.h"
#include "verifier/cpu/steps.h"
#include "verifier/cpu/vectorised.h"

namespace kopt {
namespace {

constexpr int kBaselineBatches = 5;
constexpr uint64_t kStatic = 1 << 16;  // stream of a confirmation's static inputs

class CpuVerifier final : public Verifier {
 public:
  explicit CpuVerifier(CpuContext context) : context_(std::move(context)) {}

  const Device& device() const override { return context_.device; }
  const Peaks& peaks() const override { return context_.options.peaks; }
  Result<Registration> Register() override {
    const Lane::Hold hold = context_.lane.Shared();
    return ProvePower(context_, pools_);
  }
  Result<Verdict> SetBaseline(const Candidate& candidate, const Configuration& configuration) override;
  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override;
  Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration,
                          const Confirmation& how) override;
  Result<SideBySide> Compare(std::span<const Contender> contenders, double seconds) override {
    return CompareAll(context_, pools_, contenders, seconds);
  }
  Result<Example> DrawExample(const Shape& shape) override { return kopt::DrawExample(context_, shape); }

  Result<void> Start();

 private:
  // Calls in a batch by shape, found once and used again, unless scratch left room for fewer then than there is now.
  struct Calls {
    size_t calls = 0, most = 0;
  };
  using CallsOf = std::map<const Shape*, Calls>;
  struct Baseline {
    Candidate candidate;
    Configuration configuration;
    std::unique_ptr<CandidateRun> run;
    std::map<const Shape*, double> call_seconds;
    CallsOf calls;
  };

  Deadline DeadlineFor(const Shape& shape) const;
  DeadlineOf Deadlines() const {
    return [this](const Shape& shape) { return DeadlineFor(shape); };
  }
  // Returns rows of the evidence: `one_by_one`.
  Judged<nlohmann::ordered_json> Measure(CandidateRun& run, CandidateRun& baseline, CallsOf& run_calls,
                                         CallsOf& baseline_calls, ShapePools& pools, int process,
                                         const StoppingRule& rule, Verdict& verdict);
  Judged<Side> SideOf(CandidateRun& run, CallsOf& calls, ShapePool& shape, size_t most);
  Judged<void> JudgeAlone(Baseline& candidate, Verdict& verdict, StageTimes& times);
  Judged<void> JudgeScreening(const Candidate& candidate, const Configuration& configuration,
                              const Screening& screening, Verdict& verdict, StageTimes& times);
  Judged<void> JudgeConfirmation(const Candidate& candidate, const Configuration& configuration,
                                 const Confirmation& how, Verdict& verdict, StageTimes& times);
  Result<Verdict> Finish(Judged<void> judged, Verdict verdict, StageTimes& times);

  CpuContext context_;
  ShapePools pools_;
  std::optional<Baseline> baseline_;
};

Result<void> CpuVerifier::Start() {
  const Lane::Hold hold = context_.lane.Shared();
  KOPT_TRY(
      context_.oracle,
      Oracle::Create(context_.spec, context_.compiler,
                     {.worker = context_.worker, .sandbox = context_.options.sandbox, .threads = context_.threads}));
  KOPT_TRY(pools_, NewShapePools(context_, SecretSeed(), SecretSeed()));
  return {};
}

Deadline CpuVerifier::DeadlineFor(const Shape& shape) const {
  Deadline deadline{.limit_seconds = context_.spec.limits.seconds};
  if (baseline_) deadline.baseline_call_seconds = baseline_->call_seconds.at(&shape);
  return deadline;
}

Judged<Side> CpuVerifier::SideOf(CandidateRun& run, CallsOf& calls, ShapePool& shape, size_t most) {
  Calls& known = calls[shape.shape];
  const bool valid = known.calls <= most && (known.calls < known.most || known.most >= most);
  auto side = PrepareSide(run, *shape.shape, *shape.pool, DeadlineFor(*shape.shape), most, valid ? known.calls : 0);
  if (side && !valid) known = {.calls = side->calls, .most = most};
  return side;
}

Judged<nlohmann::ordered_json> CpuVerifier::Measure(CandidateRun& run, CandidateRun& baseline, CallsOf& run_calls,
                                                    CallsOf& baseline_calls, ShapePools& pools, int process,
                                                    const StoppingRule& rule, Verdict& verdict) {
  auto one_by_one = nlohmann::ordered_json::array();
  for (ShapePool& shape : pools) {
    if (!shape.scored) continue;
    const size_t scratch = std::max(run.ScratchBytes(*shape.shape), baseline.ScratchBytes(*shape.shape));
    KOPT_TRY(const size_t most, shape.pool->Most(scratch));
    const Lane::Hold hold = context_.lane.Alone();
    KOPT_TRY(const Side a, SideOf(run, run_calls, shape, most));
    const auto b = SideOf(baseline, baseline_calls, shape, most);
    if (!b) return std::unexpected(BaselineLost(b.error(), "failed while it was timed"));
    KOPT_TRY(ShapeSamples samples, Interleave(a, *b, rule, context_.options));
    samples.shape = shape.number;
    samples.process = process;
    if (a.calls > 1) {
      KOPT_TRY(nlohmann::ordered_json row, CheckOneByOne(a, &*b, samples, context_.spec, context_.options));
      one_by_one.push_back(std::move(row));
    }
    verdict.samples.push_back(std::move(samples));
  }
  return one_by_one;
}

Judged<void> CpuVerifier::JudgeAlone(Baseline& candidate, Verdict& verdict, StageTimes& times) {
  KOPT_TRY(candidate.run, CompileAndLoad(context_, pools_, candidate.candidate, candidate.configuration, {}, times));
  verdict.stage = Stage::kCheck;
  KOPT_CHECK(CheckAll(context_, *candidate.run, pools_, Deadlines(), true, &candidate.call_seconds));
  times.Finish("check");
  verdict.stage = Stage::kMeasure;
  for (ShapePool& shape : pools_) {
    if (!shape.scored) continue;
    KOPT_TRY(const size_t most, shape.pool->Most(candidate.run->ScratchBytes(*shape.shape)));
    const Lane::Hold hold = context_.lane.Alone();
    KOPT_TRY(Side side, PrepareSide(*candidate.run, *shape.shape, *shape.pool, DeadlineFor(*shape.shape), most));
    if (auto measured = MeasureEmpty({&side, 1}); !measured) return std::unexpected(std::move(measured.error().stop));
    std::vector<double> seconds;
    ShapeSamples samples{.shape = shape.number, .calls_a = static_cast<int>(side.calls), .empty_a = side.empty};
    for (int i = 0; i < kBaselineBatches; ++i) {
      KOPT_CHECK(CheckInterrupt(context_.options));
      KOPT_TRY(const double one, TimeBatch(side));
      KOPT_TRY(const double two, TimeBatch(side));
      samples.quads.push_back({.a1 = one, .a2 = two});
      seconds.insert(seconds.end(), {one, two});
    }
    verdict.samples.push_back(std::move(samples));
    candidate.call_seconds[shape.shape] = Median(seconds);
  }
  auto concluded = Conclude(ScaleOf(context_, pools_), verdict);
  verdict.baseline_us = std::nullopt;
  times.Finish("measure");
  return concluded;
}

Judged<void> CpuVerifier::JudgeScreening(const Candidate& candidate, const Configuration& configuration,
                                         const Screening& screening, Verdict& verdict, StageTimes& times) {
  KOPT_TRY(auto run, CompileAndLoad(context_, pools_, candidate, configuration, screening.ahead, times));
  KOPT_CHECK(CheckAll(context_, *run, pools_, Deadlines(), true));
  times.Finish("check");
  auto one_by_one = nlohmann::ordered_json::array();
  if (baseline_) {
    CallsOf calls;
    if (auto loaded = baseline_->run->Load(); !loaded) return std::unexpected(BaselineLost(loaded.error()));
    KOPT_TRY(one_by_one, Measure(*run, *baseline_->run, calls, baseline_->calls, pools_, 0,
                                 CpuScreening(screening.incumbent), verdict));
  }
  verdict.evidence = run->evidence();
  if (!one_by_one.empty()) verdict.evidence["one_by_one"] = std::move(one_by_one);
  verdict.evidence["bitwise_repeatable"] = run->bitwise_repeatable();
  auto concluded = Conclude(ScaleOf(context_, pools_), verdict);
  times.Finish("measure");
  return concluded;
}

Judged<void> CpuVerifier::JudgeConfirmation(const Candidate& candidate, const Configuration& configuration,
                                            const Confirmation& how, Verdict& verdict, StageTimes& times) {
  if (!baseline_) return std::unexpected(Stop(Error{.message = "there is no baseline to confirm against"}));
  const uint64_t seed = how.seed.value_or(SecretSeed());
  ConfirmationTime time(context_.lane, how.seconds,
                        static_cast<size_t>(std::ranges::count_if(pools_, &ShapePool::scored)));
  CallsOf run_calls, baseline_calls;  // the later processes take them over
  nlohmann::ordered_json late_threads;
  auto one_by_one = nlohmann::ordered_json::array();
  for (int process = 0; process < kConfirmationProcesses; ++process) {
    KOPT_TRY(ShapePools pools, NewShapePools(context_, Mix(seed, static_cast<uint64_t>(process)), Mix(seed, kStatic)));
    KOPT_TRY(auto run, CompileAndLoad(context_, pools_, candidate, configuration, {}, times));
    auto baseline = CompileAndLoad(context_, pools_, baseline_->candidate, baseline_->configuration, {}, times);
    if (!baseline) return std::unexpected(BaselineLost(baseline.error()));
    KOPT_CHECK(CheckAll(context_, *run, pools, Deadlines(), false));
    if (process == 0) {
      const double checked = time.Elapsed();
      KOPT_TRY(late_threads["others"], CheckWithLateThreads(context_, *run, Late::kOthers, pools));
      KOPT_TRY(late_threads["caller"], CheckWithLateThreads(context_, *run, Late::kCaller, pools));
      time.DoneOnce(time.Elapsed() - checked);
    }
    times.Finish("check");
    const double share = time.Share(process);
    const double begin = time.Elapsed();
    KOPT_TRY(const auto rows,
             Measure(*run, **baseline, run_calls, baseline_calls, pools, process, ConfirmationRule(share), verdict));
    one_by_one.insert(one_by_one.end(), rows.begin(), rows.end());
    time.Measured(time.Elapsed() - begin, share);
    times.Finish("measure");
    if (process == 0) verdict.evidence = run->evidence();
    verdict.evidence["bitwise_repeatable"] = run->bitwise_repeatable();
  }
  verdict.evidence["processes"] = kConfirmationProcesses;
  verdict.evidence["input_seed"] = fmt::format("{:016x}", seed);
  verdict.evidence["late_threads"] = late_threads;
  if (!one_by_one.empty()) verdict.evidence["one_by_one"] = std::move(one_by_one);
  verdict.evidence["device_checkers"] = "not checked: the cpu target has none";
  KOPT_CHECK(Conclude(ScaleOf(context_, pools_), verdict));
  times.Finish("measure");
  // For people: a compiler that does not tell decides nothing.
  const auto loops = VectorisedLoops(context_, candidate, configuration, *pools_.front().shape);
  if (loops) verdict.evidence["vectorised"] = Json(*loops);
  times.Finish("compile");
  return {};
}

Result<Verdict> CpuVerifier::Finish(Judged<void> judged, Verdict verdict, StageTimes& times) {
  verdict.stage_seconds = times.Take();
  return FinishVerdict(std::move(judged), std::move(verdict));
}

Result<Verdict> CpuVerifier::SetBaseline(const Candidate& candidate, const Configuration& configuration) {
  StageTimes times(context_.lane);
  Verdict verdict;
  Baseline next{.candidate = candidate, .configuration = configuration};
  auto previous = std::move(baseline_);
  baseline_.reset();  // its own deadline is the spec's limit
  auto judged = JudgeAlone(next, verdict, times);
  const bool good = judged.has_value();
  if (good) {
    verdict.evidence.update(next.run->evidence());
    verdict.evidence["bitwise_repeatable"] = next.run->bitwise_repeatable();
  }
  // Also where the error is kopt's own: the earlier baseline is still good.
  baseline_ = good ? std::optional<Baseline>(std::move(next)) : std::move(previous);
  return Finish(std::move(judged), std::move(verdict), times);
}

Result<Verdict> CpuVerifier::Screen(const Candidate& candidate, const Configuration& configuration,
                                    const Screening& screening) {
  StageTimes times(context_.lane);
  Verdict verdict;
  auto judged = JudgeScreening(candidate, configuration, screening, verdict, times);
  return Finish(std::move(judged), std::move(verdict), times);
}

Result<Verdict> CpuVerifier::Confirm(const Candidate& candidate, const Configuration& configuration,
                                     const Confirmation& how) {
  StageTimes times(context_.lane);
  Verdict verdict;
  auto judged = JudgeConfirmation(candidate, configuration, how, verdict, times);
  KOPT_TRY(verdict, Finish(std::move(judged), std::move(verdict), times));
  verdict.confirmed = verdict.outcome == Outcome::kMeasured;
  return verdict;
}

}  // namespace

Result<std::unique_ptr<Verifier>> NewCpuVerifier(const Spec& spec, VerifierOptions options) {
  const std::string worker = (ProgramFolder() / "kopt-worker-cpu").string();
  KOPT_CHECK(CheckHost(worker, ProbeSandbox(), options.sandbox));
  Device device = CpuDevice();
  KOPT_TRY(CompileService compiler, CompileService::Create(worker, options.sandbox, options.cache));
  KOPT_CHECK(AddFacts(device, worker, compiler.compiler()));
  KOPT_TRY(Arenas arenas, Arenas::Create());
  KOPT_TRY(Lane lane, Lane::Open("cpu", options.interrupts));
  auto verifier = std::make_unique<CpuVerifier>(CpuContext{.spec = spec,
                                                           .options = std::move(options),
                                                           .device = device,
                                                           .worker = worker,
                                                           .threads = static_cast<int>(device.values.at("THREADS")),
                                                           .compiler = std::move(compiler),
                                                           .arenas = std::move(arenas),
                                                           .lane = std::move(lane)});
  KOPT_CHECK(verifier->Start());
  return verifier;
}

}  // namespace kopt

#include "verifier/cpu/cpu_verifier.h"

#include <algorithm>
#include <map>

#include "verifier/core/roofline.h"
#include "verifier/core/statistics.h"
#include "verifier/cpu/draw_example.h"
#include "verifier/cpu/measure.h"
#include "verifier/cpu/power_check.h"
#include "verifier/cpu/shape_pool.h"
#include "verifier/cpu/verdict_times.h"

namespace kopt {
namespace {

constexpr double kClockJitter = 60e-6;  // seconds by which the end of a batch may be seen late or early
constexpr int kBaselineBatches = 5;
constexpr size_t kScoredCheckSets = 2;

class CpuVerifier final : public Verifier {
 public:
  explicit CpuVerifier(CpuContext context) : context_(std::move(context)) {}

  const Device& device() const override { return context_.device; }
  Result<Registration> Register() override {
    const Lane::Hold hold = context_.lane.Shared();
    return ProvePower(context_, pools_);
  }
  Result<Verdict> SetBaseline(const Candidate& candidate, const Configuration& configuration) override;
  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override;
  Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration, double seconds) override;
  Result<Example> DrawExample(const Shape& shape) override { return kopt::DrawExample(context_, shape); }

  Result<void> Start();

 private:
  struct Baseline {
    Candidate candidate;
    Configuration configuration;
    std::unique_ptr<CandidateRun> run;
    std::map<const Shape*, double> call_seconds;
    std::map<const Shape*, Side> sides;
  };

  std::vector<const Shape*> AllShapes() const;
  Deadline DeadlineFor(const Shape& shape) const;
  Judged<std::unique_ptr<CandidateRun>> CompileAndLoad(const Candidate& candidate, const Configuration& configuration,
                                                       std::span<const Configuration> ahead, StageTimes& times);
  Judged<void> CheckAll(CandidateRun& run, ShapePools& pools, bool fresh, std::map<const Shape*, double>* call_seconds);
  // The baseline's side at each shape, prepared once and used again as long as its process lives.
  using Sides = std::map<const Shape*, Side>;
  Judged<void> Measure(CandidateRun& run, CandidateRun& baseline, Sides& sides, ShapePools& pools, int process,
                       const StoppingRule& rule, Verdict& verdict);
  Judged<Side> BaselineSide(CandidateRun& baseline, Sides& sides, ShapePool& shape, size_t most);
  Judged<void> JudgeAlone(Baseline& candidate, Verdict& verdict, StageTimes& times);
  Judged<void> JudgeScreening(const Candidate& candidate, const Configuration& configuration,
                              const Screening& screening, Verdict& verdict, StageTimes& times);
  Judged<void> JudgeConfirmation(const Candidate& candidate, const Configuration& configuration, double seconds,
                                 Verdict& verdict, StageTimes& times);
  void Summarise(Verdict& verdict) const;
  Judged<void> Believe(const Verdict& verdict) const;
  Result<Verdict> Finish(Judged<void> judged, Verdict verdict, StageTimes& times);

  CpuContext context_;
  ShapePools pools_;
  std::optional<Baseline> baseline_;
};

std::vector<double> SecondsPerCall(const Verdict& verdict, int shape, bool baseline) {
  std::vector<double> seconds;
  for (const ShapeSamples& samples : verdict.samples) {
    if (samples.shape != shape) continue;
    for (const Quad& quad : samples.quads) {
      seconds.push_back(baseline ? quad.b1 : quad.a1);
      seconds.push_back(baseline ? quad.b2 : quad.a2);
    }
  }
  return seconds;
}

int CallsPerBatch(const Verdict& verdict, int shape) {
  for (const ShapeSamples& samples : verdict.samples) {
    if (samples.shape == shape) return samples.calls_a;
  }
  return 1;
}

Result<void> CpuVerifier::Start() {
  KOPT_TRY(
      context_.oracle,
      Oracle::Create(context_.spec, context_.compiler,
                     {.worker = context_.worker, .sandbox = context_.options.sandbox, .threads = context_.threads}));
  KOPT_TRY(pools_, NewShapePools(context_));
  return {};
}

std::vector<const Shape*> CpuVerifier::AllShapes() const {
  std::vector<const Shape*> shapes;
  for (const ShapePool& pool : pools_) shapes.push_back(pool.shape);
  return shapes;
}

Deadline CpuVerifier::DeadlineFor(const Shape& shape) const {
  Deadline deadline{.limit_seconds = context_.spec.limits.seconds};
  if (baseline_) deadline.baseline_call_seconds = baseline_->call_seconds.at(&shape);
  return deadline;
}

Judged<std::unique_ptr<CandidateRun>> CpuVerifier::CompileAndLoad(const Candidate& candidate,
                                                                  const Configuration& configuration,
                                                                  std::span<const Configuration> ahead,
                                                                  StageTimes& times) {
  KOPT_TRY(const bool admissible,
           Admissible(context_.spec, candidate, configuration, AllShapes(), context_.device.values));
  if (!admissible) {
    return std::unexpected(Stop(Refusal{.outcome = Outcome::kLaunchError,
                                        .stage = Stage::kParse,
                                        .reason = fmt::format("a `where` does not hold for {}", Text(configuration))}));
  }
  auto objects = CompileCandidate(context_, candidate, configuration, AllShapes(), ahead);
  times.Finish("compile");
  if (!objects) return std::unexpected(std::move(objects.error()));
  auto run = std::make_unique<CandidateRun>(context_, std::move(*objects));
  KOPT_CHECK(run->Load());
  times.Finish("load");
  return run;
}

Judged<void> CpuVerifier::CheckAll(CandidateRun& run, ShapePools& pools, bool fresh,
                                   std::map<const Shape*, double>* call_seconds) {
  // The small shapes first: what is wrong fails soonest.
  for (const bool scored : {false, true}) {
    for (ShapePool& shape : pools) {
      if (shape.scored != scored) continue;
      KOPT_CHECK(CheckInterrupt(context_.options));
      std::vector<size_t> sets;
      const size_t count = scored ? kScoredCheckSets : shape.pool->check_count();
      for (size_t i = 0; i < count; ++i) sets.push_back(i);
      if (scored && fresh) sets.push_back(CandidateRun::kFreshSet);
      KOPT_TRY(const double seconds, run.Check(*shape.shape, *shape.pool, sets, DeadlineFor(*shape.shape)));
      if (call_seconds != nullptr) (*call_seconds)[shape.shape] = seconds / static_cast<double>(sets.size());
    }
  }
  return {};
}

Judged<Side> CpuVerifier::BaselineSide(CandidateRun& baseline, Sides& sides, ShapePool& shape, size_t most) {
  if (const auto found = sides.find(shape.shape); found != sides.end()) return found->second;
  auto side = PrepareSide(baseline, *shape.shape, *shape.pool, DeadlineFor(*shape.shape), most);
  if (!side && !side.error().ours) {
    return std::unexpected(
        Stop(Error{.message = "the baseline failed while it was timed: " + side.error().refusal.reason}));
  }
  if (side) sides[shape.shape] = *side;
  return side;
}

Judged<void> CpuVerifier::Measure(CandidateRun& run, CandidateRun& baseline, Sides& sides, ShapePools& pools,
                                  int process, const StoppingRule& rule, Verdict& verdict) {
  for (ShapePool& shape : pools) {
    if (!shape.scored) continue;
    const size_t scratch = std::max(run.ScratchBytes(*shape.shape), baseline.ScratchBytes(*shape.shape));
    KOPT_TRY(const size_t most, shape.pool->Most(scratch));
    const Lane::Hold hold = context_.lane.Alone();
    KOPT_TRY(const Side a, PrepareSide(run, *shape.shape, *shape.pool, DeadlineFor(*shape.shape), most));
    KOPT_TRY(const Side b, BaselineSide(baseline, sides, shape, most));
    KOPT_TRY(ShapeSamples samples, Interleave(a, b, rule, context_.options));
    samples.shape = shape.number;
    samples.process = process;
    verdict.samples.push_back(std::move(samples));
  }
  return {};
}

// The figures of a measured verdict, from its samples.
void CpuVerifier::Summarise(Verdict& verdict) const {
  std::vector<double> times;
  std::vector<double> baselines;
  std::vector<double> fractions;
  auto& shapes = verdict.evidence["shapes"] = nlohmann::ordered_json::array();
  for (const ShapePool& shape : pools_) {
    if (!shape.scored) continue;
    const double a = Median(SecondsPerCall(verdict, shape.number, false));
    const double b = Median(SecondsPerCall(verdict, shape.number, true));
    const Roofline light = RooflineOf(shape.task, context_.options.peaks, LastCacheBytes());
    nlohmann::ordered_json row{{"shape", Text(context_.spec, *shape.shape)}, {"time_us", a * 1e6}};
    if (b > 0) row["baseline_us"] = b * 1e6;
    if (a > 0 && shape.task.flops > 0) row["gflops"] = shape.task.flops / a * 1e-9;
    if (a > 0) row["gbytes"] = (shape.task.read_bytes + shape.task.write_bytes) / a * 1e-9;
    if (a > 0 && light.seconds > 0) {
      row["sol_fraction"] = light.seconds / a;
      // No proof of anything (Winograd and its like need fewer operations), but worth a look.
      if (light.flop_seconds > a) row["remark"] = "faster than the declared operations at this machine's peak rate";
      row["bound"] = light.flop_seconds >= light.byte_seconds ? "arithmetic" : "memory";
      fractions.push_back(light.seconds / a);
    }
    for (const ShapeSamples& samples : verdict.samples) {
      if (samples.shape != shape.number) continue;
      row["calls_per_batch"] = samples.calls_a;
      row["resolution_ms"] = a * samples.calls_a * 1e3;
    }
    shapes.push_back(std::move(row));
    if (a > 0) times.push_back(a);
    if (b > 0) baselines.push_back(b);
  }
  const size_t count = shapes.size();
  if (times.size() == count) verdict.time_us = GeometricMean(times) * 1e6;
  if (baselines.size() == count) verdict.baseline_us = GeometricMean(baselines) * 1e6;
  if (!fractions.empty() && fractions.size() == count) verdict.sol_fraction = GeometricMean(fractions);
  verdict.coverage = 1;  // no code but the candidate's runs in a call
}

// Faster than the bytes can be moved: not believed.
Judged<void> CpuVerifier::Believe(const Verdict& verdict) const {
  for (const ShapePool& shape : pools_) {
    if (!shape.scored) continue;
    const double seconds = Median(SecondsPerCall(verdict, shape.number, false));
    const Roofline light = RooflineOf(shape.task, context_.options.peaks, LastCacheBytes());
    const double unsure = kClockJitter / std::max(CallsPerBatch(verdict, shape.number), 1);
    if (light.floor_seconds <= 0 || seconds + unsure >= kBelievable * light.floor_seconds) continue;
    return std::unexpected(Stop(
        Refusal{.outcome = Outcome::kQuarantined,
                .stage = Stage::kMeasure,
                .reason = fmt::format(
                    "{:.3g} us a call is below {:.0f} % of the {:.3g} us that reading its inputs takes at this "
                    "machine's best bandwidth (shape {})",
                    seconds * 1e6, 100 * kBelievable, light.floor_seconds * 1e6, Text(context_.spec, *shape.shape))}));
  }
  return {};
}

Judged<void> CpuVerifier::JudgeAlone(Baseline& candidate, Verdict& verdict, StageTimes& times) {
  KOPT_TRY(candidate.run, CompileAndLoad(candidate.candidate, candidate.configuration, {}, times));
  verdict.stage = Stage::kCheck;
  KOPT_CHECK(CheckAll(*candidate.run, pools_, true, &candidate.call_seconds));
  times.Finish("check");
  verdict.stage = Stage::kMeasure;
  for (ShapePool& shape : pools_) {
    if (!shape.scored) continue;
    KOPT_TRY(const size_t most, shape.pool->Most(candidate.run->ScratchBytes(*shape.shape)));
    const Lane::Hold hold = context_.lane.Alone();
    KOPT_TRY(const Side side, PrepareSide(*candidate.run, *shape.shape, *shape.pool, DeadlineFor(*shape.shape), most));
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
  times.Finish("measure");
  Summarise(verdict);
  verdict.baseline_us = std::nullopt;
  return Believe(verdict);
}

Judged<void> CpuVerifier::JudgeScreening(const Candidate& candidate, const Configuration& configuration,
                                         const Screening& screening, Verdict& verdict, StageTimes& times) {
  KOPT_TRY(auto run, CompileAndLoad(candidate, configuration, screening.ahead, times));
  KOPT_CHECK(CheckAll(*run, pools_, true, nullptr));
  times.Finish("check");
  if (baseline_) {
    if (auto loaded = baseline_->run->Load(); !loaded) {
      return std::unexpected(
          Stop(Error{.message = "the baseline does not load any more: " + loaded.error().refusal.reason}));
    }
    KOPT_CHECK(Measure(*run, *baseline_->run, baseline_->sides, pools_, 0, CpuScreening(screening.incumbent), verdict));
  }
  times.Finish("measure");
  verdict.evidence = run->evidence();
  verdict.evidence["bitwise_repeatable"] = run->bitwise_repeatable();
  Summarise(verdict);
  return Believe(verdict);
}

Judged<void> CpuVerifier::JudgeConfirmation(const Candidate& candidate, const Configuration& configuration,
                                            double seconds, Verdict& verdict, StageTimes& times) {
  if (!baseline_) return std::unexpected(Stop(Error{.message = "there is no baseline to confirm against"}));
  ConfirmationTime time(context_.lane, seconds, static_cast<size_t>(std::ranges::count_if(pools_, &ShapePool::scored)));
  for (int process = 0; process < kConfirmationProcesses; ++process) {
    KOPT_TRY(ShapePools pools, NewShapePools(context_));  // seeds nobody has used
    KOPT_TRY(auto run, CompileAndLoad(candidate, configuration, {}, times));
    KOPT_TRY(auto baseline, CompileAndLoad(baseline_->candidate, baseline_->configuration, {}, times));
    KOPT_CHECK(CheckAll(*run, pools, false, nullptr));
    times.Finish("check");
    Sides sides;
    const double share = time.Share(process);
    const double begin = time.Elapsed();
    KOPT_CHECK(Measure(*run, *baseline, sides, pools, process, Confirmation(share), verdict));
    time.Measured(time.Elapsed() - begin, share);
    times.Finish("measure");
    if (process == 0) verdict.evidence = run->evidence();
    verdict.evidence["bitwise_repeatable"] = run->bitwise_repeatable();
  }
  Summarise(verdict);
  verdict.evidence["processes"] = kConfirmationProcesses;
  verdict.evidence["device_checkers"] = "not checked: the cpu target has none";
  return Believe(verdict);
}

Result<Verdict> CpuVerifier::Finish(Judged<void> judged, Verdict verdict, StageTimes& times) {
  verdict.stage_seconds = times.Take();
  if (!judged && judged.error().ours) return std::unexpected(*judged.error().ours);
  if (!judged) {
    const Refusal& refusal = judged.error().refusal;
    verdict.outcome = refusal.outcome;
    verdict.stage = refusal.stage;
    verdict.reason = refusal.reason;
    verdict.evidence.update(refusal.evidence);
    if (refusal.outcome != Outcome::kQuarantined) verdict.time_us = verdict.baseline_us = std::nullopt;
    verdict.sol_fraction = verdict.coverage = std::nullopt;
    return verdict;
  }
  verdict.outcome = Outcome::kMeasured;
  verdict.stage = Stage::kMeasure;
  if (!verdict.baseline_us) return verdict;
  const Assessment assessment = Assess(verdict.samples);
  verdict.evidence["noise"] = assessment.noise;
  verdict.evidence["quads_dropped"] = assessment.dropped;
  if (assessment.noisy || !assessment.estimate) {
    verdict.remark = "noisy";
    return verdict;
  }
  verdict.speedup = assessment.estimate->speedup;
  verdict.speedup_interval = assessment.estimate->interval;
  verdict.evidence["judged"] = Name(Judge(assessment.estimate->interval));
  return verdict;
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
  KOPT_TRY(verdict, Finish(std::move(judged), std::move(verdict), times));
  baseline_ = good ? std::optional<Baseline>(std::move(next)) : std::move(previous);
  return verdict;
}

Result<Verdict> CpuVerifier::Screen(const Candidate& candidate, const Configuration& configuration,
                                    const Screening& screening) {
  StageTimes times(context_.lane);
  Verdict verdict;
  auto judged = JudgeScreening(candidate, configuration, screening, verdict, times);
  return Finish(std::move(judged), std::move(verdict), times);
}

Result<Verdict> CpuVerifier::Confirm(const Candidate& candidate, const Configuration& configuration, double seconds) {
  StageTimes times(context_.lane);
  Verdict verdict;
  auto judged = JudgeConfirmation(candidate, configuration, seconds, verdict, times);
  KOPT_TRY(verdict, Finish(std::move(judged), std::move(verdict), times));
  verdict.confirmed = verdict.outcome == Outcome::kMeasured;
  return verdict;
}

}  // namespace

Result<std::unique_ptr<Verifier>> NewCpuVerifier(const Spec& spec, VerifierOptions options) {
  const std::string worker = (ProgramFolder() / "kopt-worker-cpu").string();
  KOPT_CHECK(CheckHost(worker, ProbeSandbox(), options.sandbox));
  const Device device = CpuDevice();
  KOPT_TRY(CompileService compiler, CompileService::Create(worker, options.sandbox, options.cache));
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

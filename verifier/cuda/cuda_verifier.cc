#include "verifier/cuda/cuda_verifier.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <map>
#include <numeric>
#include <random>

#include "base/clock.h"
#include "base/hash.h"
#include "task/candidate.h"
#include "verifier/core/interrupt.h"
#include "verifier/core/statistics.h"
#include "verifier/cuda/cuda_power.h"
#include "verifier/cuda/cuda_records.h"
#include "verifier/cuda/cuda_run.h"

namespace kopt {

extern const std::string_view kWorkerKernelsText;  // embedded: worker_kernels.cu

namespace {

constexpr size_t kScoredSets = 5;        // fully compared sets of a scored shape
constexpr size_t kMostSets = 16;         // of a timed batch
constexpr double kBatchSeconds = 50e-6;  // that a timed batch should last
constexpr double kMostSetBytes = 4e9;    // of the sets of one shape, on the device
constexpr size_t kMostLaunches = 64;     // that may be queued behind a blocked stream
constexpr int kBaselineQuads = 8;
constexpr uint64_t kStatic = 1 << 16;  // stream of a confirmation's static inputs
constexpr int kAloneBatches = 9;       // of the baseline, before the candidate has run beside it
constexpr int kWarmUpBatches = 2;      // before those
constexpr double kAmbiguous = 0.03;    // by which the baseline's time may change beside the candidate

// One side of a timing.
struct TimedSide {
  int side = 0;
  size_t calls = 1;
};

class CudaVerifier final : public Verifier {
 public:
  explicit CudaVerifier(CudaContext context) : context_(std::move(context)) {}
  Result<void> Start();

  const Device& device() const override { return context_.device.device; }
  const Peaks& peaks() const override { return context_.options.peaks; }
  Result<Registration> Register() override {
    const Lane::Hold hold = context_.lane.Shared();
    return ProveCudaPower(context_, shapes_);
  }
  Result<Verdict> SetBaseline(const Candidate& candidate, const Configuration& configuration) override;
  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override;
  Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration,
                          const Confirmation& how) override;
  Result<SideBySide> Compare(std::span<const Contender> contenders, double seconds) override;
  Result<Example> DrawExample(const Shape& shape) override;

 private:
  struct Baseline {
    Candidate candidate;
    Configuration configuration;
    CudaObjects objects;
    std::map<const Shape*, double> call_seconds;
    CudaRun::Digests digests;
  };

  Deadline DeadlineFor(const Shape& shape) const {
    Deadline deadline{.limit_seconds = context_.spec.limits.seconds};
    if (baseline_) deadline.baseline_call_seconds = baseline_->call_seconds.at(&shape);
    return deadline;
  }
  Judged<CudaObjects> Compile(const Candidate& candidate, const Configuration& configuration, StageTimes& times);
  Judged<std::unique_ptr<CudaRun>> LoadRun(const CudaShapes& shapes, const Candidate& candidate,
                                           const Configuration& configuration, const CudaObjects& objects,
                                           bool with_baseline);
  Judged<void> CheckAll(CudaRun& run, const CudaShapes& shapes, bool fresh, bool with_baseline,
                        std::map<const Shape*, double>* call_seconds);
  Judged<size_t> CallsFor(CudaRun& run, int side, const CudaShape& shape);
  Judged<std::vector<const CudaOracle::Set*>> RandomSets(const CudaShape& shape, size_t count);
  Judged<double> TimeOnce(CudaRun& run, const TimedSide& side, const CudaShape& shape);
  Judged<void> Interleave(CudaRun& run, const CudaShape& shape, int process, const StoppingRule& rule,
                          Verdict& verdict);
  Judged<void> JudgeAlone(Baseline& candidate, Verdict& verdict, StageTimes& times);
  Judged<void> JudgeScreening(const Candidate& candidate, const Configuration& configuration, Verdict& verdict,
                              StageTimes& times);
  Judged<void> JudgeConfirmation(const Candidate& candidate, const Configuration& configuration,
                                 const Confirmation& how, Verdict& verdict, StageTimes& times);
  Result<Verdict> Finish(Judged<void> judged, Verdict verdict, StageTimes& times);

  CudaContext context_;
  CudaShapes shapes_;
  std::optional<Baseline> baseline_;
};

Result<void> CudaVerifier::Start() {
  context_.digest_key = SecretSeed();
  KOPT_TRY(context_.own_kernels, CompileOwn(context_.compiler, std::string(kWorkerKernelsText), "kopt's kernels"));
  KOPT_TRY(context_.oracle, CudaOracle::Create(context_));
  KOPT_TRY(context_.spare, DeviceWorker::Start(context_.worker, "run", context_.ordinal));
  KOPT_TRY(shapes_, NewCudaShapes(context_, SecretSeed(), SecretSeed()));
  return {};
}

Judged<CudaObjects> CudaVerifier::Compile(const Candidate& candidate, const Configuration& configuration,
                                          StageTimes& times) {
  const Lane::Hold hold = context_.lane.Shared();
  auto objects = CompileCandidate(context_.spec, context_.compiler, context_.device.limits, candidate, configuration,
                                  ShapesOf(shapes_));
  times.Finish("compile");
  return objects;
}

Judged<std::unique_ptr<CudaRun>> CudaVerifier::LoadRun(const CudaShapes& shapes, const Candidate& candidate,
                                                       const Configuration& configuration, const CudaObjects& objects,
                                                       bool with_baseline) {
  KOPT_TRY(auto run, CudaRun::Start(context_, shapes));
  KOPT_CHECK(run->Load(CudaRun::kCandidate, candidate, configuration, objects));
  if (with_baseline) {
    auto loaded = run->Load(CudaRun::kBaseline, baseline_->candidate, baseline_->configuration, baseline_->objects);
    if (!loaded) return std::unexpected(BaselineLost(loaded.error()));
  }
  return run;
}

// The small shapes first: what is wrong fails soonest.
Judged<void> CudaVerifier::CheckAll(CudaRun& run, const CudaShapes& shapes, bool fresh, bool with_baseline,
                                    std::map<const Shape*, double>* call_seconds) {
  for (const bool scored : {false, true}) {
    for (const CudaShape& shape : shapes) {
      if (shape.scored != scored) continue;
      KOPT_CHECK(CheckInterrupt(context_.options));
      const Deadline deadline = DeadlineFor(*shape.shape);
      double slowest = 0;
      const size_t count = scored ? kScoredSets : shape.sets->check_count();
      for (size_t i = 0; i < count; ++i) {
        KOPT_TRY(const CudaOracle::Set* set, shape.sets->Get(i));
        KOPT_TRY(const double seconds, run.Check(CudaRun::kCandidate, shape, *set, deadline));
        slowest = std::max(slowest, seconds);
        if (scored && with_baseline) {
          auto checked = run.Check(CudaRun::kBaseline, shape, *set, deadline);
          if (!checked) return std::unexpected(BaselineLost(checked.error(), "is not right any more"));
        }
        if (!scored) KOPT_CHECK(run.Drop(*set));
      }
      if (scored && fresh) {
        KOPT_TRY(const CudaOracle::Set* set, shape.sets->Fresh());
        KOPT_CHECK(run.Check(CudaRun::kCandidate, shape, *set, deadline));
        KOPT_CHECK(run.Drop(*set));
      }
      if (call_seconds != nullptr) (*call_seconds)[shape.shape] = slowest;
    }
  }
  return {};
}

// As many calls as last 50 us, each on a set of its own.
Judged<size_t> CudaVerifier::CallsFor(CudaRun& run, int side, const CudaShape& shape) {
  KOPT_TRY(const CudaOracle::Set* first, shape.sets->Get(0));
  KOPT_TRY(const double seconds, run.Time(side, shape, {first}, DeadlineFor(*shape.shape)));
  const auto by_memory = static_cast<size_t>(kMostSetBytes / static_cast<double>(std::max<size_t>(first->bytes, 1)));
  const size_t by_launches = kMostLaunches / run.Launches(side, *shape.shape);
  const auto wanted = static_cast<size_t>(std::ceil(kBatchSeconds / std::max(seconds, 1e-7)));
  return std::clamp<size_t>(wanted, 1, std::max<size_t>(1, std::min({kMostSets, by_memory, by_launches})));
}

Judged<std::vector<const CudaOracle::Set*>> CudaVerifier::RandomSets(const CudaShape& shape, size_t count) {
  std::vector<size_t> numbers(std::max(count, shape.sets->size()));
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  std::mt19937_64 generator(SecretSeed());
  std::ranges::shuffle(numbers, generator);
  std::vector<const CudaOracle::Set*> sets;
  for (size_t i = 0; i < count; ++i) {
    KOPT_TRY(const CudaOracle::Set* set, shape.sets->Get(numbers[i]));
    sets.push_back(set);
  }
  return sets;
}

Judged<double> CudaVerifier::TimeOnce(CudaRun& run, const TimedSide& side, const CudaShape& shape) {
  KOPT_TRY(const auto sets, RandomSets(shape, side.calls));
  return run.Time(side.side, shape, sets, DeadlineFor(*shape.shape));
}

// ABBA quads until `rule` is content. Where the candidate makes the baseline beside it slower or faster than it is
// alone, as one that heats the chip does, the verdict says ambiguous.
Judged<void> CudaVerifier::Interleave(CudaRun& run, const CudaShape& shape, int process, const StoppingRule& rule,
                                      Verdict& verdict) {
  const Lane::Hold hold = context_.lane.Alone();
  // As many calls on either side: what a batch costs besides its calls is the same for both then.
  TimedSide a{.side = CudaRun::kCandidate}, b{.side = CudaRun::kBaseline};
  KOPT_TRY(a.calls, CallsFor(run, a.side, shape));
  KOPT_TRY(b.calls, CallsFor(run, b.side, shape));
  a.calls = b.calls = std::max(a.calls, b.calls);
  ShapeSamples samples{.shape = shape.number,
                       .process = process,
                       .calls_a = static_cast<int>(a.calls),
                       .calls_b = static_cast<int>(b.calls)};
  const auto timed = [&](const TimedSide& side) -> Judged<double> {
    auto seconds = TimeOnce(run, side, shape);
    if (!seconds && side.side == CudaRun::kBaseline) {
      return std::unexpected(BaselineLost(seconds.error(), "failed while it was timed"));
    }
    return seconds;
  };
  std::vector<double> alone, beside;
  for (int i = 0; i < kWarmUpBatches + kAloneBatches; ++i) {
    KOPT_TRY(const double seconds, timed(b));
    if (i >= kWarmUpBatches) alone.push_back(seconds);
  }
  std::vector<double> ratios;
  double seconds_a = 0;
  double seconds_b = 0;
  const double begin = SystemClock().Now();
  do {
    KOPT_CHECK(CheckInterrupt(context_.options));
    KOPT_CHECK(run.AwaitClock());
    Quad quad;
    KOPT_TRY(quad.a1, timed(a));
    KOPT_TRY(quad.b1, timed(b));
    KOPT_TRY(quad.b2, timed(b));
    KOPT_TRY(quad.a2, timed(a));
    samples.quads.push_back(quad);
    ratios.push_back(LogRatio(quad));
    beside.insert(beside.end(), {quad.b1, quad.b2});
    seconds_a += (quad.a1 + quad.a2) * static_cast<double>(a.calls);
    seconds_b += (quad.b1 + quad.b2) * static_cast<double>(b.calls);
  } while (!rule.Done(ratios, seconds_a, seconds_b, SystemClock().Now() - begin));
  samples.empty_a = samples.empty_b = run.empty_seconds();
  verdict.samples.push_back(std::move(samples));
  if (std::abs(Median(beside) / Median(alone) - 1) > kAmbiguous) verdict.remark = "ambiguous";
  return {};
}

Judged<void> CudaVerifier::JudgeAlone(Baseline& candidate, Verdict& verdict, StageTimes& times) {
  KOPT_TRY(candidate.objects, Compile(candidate.candidate, candidate.configuration, times));
  KOPT_TRY(auto run, LoadRun(shapes_, candidate.candidate, candidate.configuration, candidate.objects, false));
  times.Finish("load");
  {
    const Lane::Hold hold = context_.lane.Shared();
    KOPT_CHECK(CheckAll(*run, shapes_, true, false, &candidate.call_seconds));
  }
  times.Finish("check");
  for (const CudaShape& shape : shapes_) {
    if (!shape.scored) continue;
    const Lane::Hold hold = context_.lane.Alone();
    TimedSide side{.side = CudaRun::kCandidate};
    KOPT_TRY(side.calls, CallsFor(*run, side.side, shape));
    KOPT_CHECK(run->AwaitClock());
    std::vector<double> seconds;
    ShapeSamples samples{.shape = shape.number, .calls_a = static_cast<int>(side.calls)};
    for (int i = 0; i < kBaselineQuads; ++i) {
      KOPT_CHECK(CheckInterrupt(context_.options));
      KOPT_TRY(const double one, TimeOnce(*run, side, shape));
      KOPT_TRY(const double two, TimeOnce(*run, side, shape));
      samples.quads.push_back({.a1 = one, .a2 = two});
      seconds.insert(seconds.end(), {one, two});
    }
    samples.empty_a = run->empty_seconds();
    verdict.samples.push_back(std::move(samples));
    candidate.call_seconds[shape.shape] = Median(seconds);
  }
  candidate.digests = run->digests(CudaRun::kCandidate);
  verdict.evidence = run->evidence();
  verdict.evidence["bitwise_repeatable"] = run->bitwise_repeatable();
  auto concluded = Conclude(ScaleOf(context_, shapes_), verdict);
  verdict.baseline_us = std::nullopt;
  times.Finish("measure");
  return concluded;
}

Judged<void> CudaVerifier::JudgeScreening(const Candidate& candidate, const Configuration& configuration,
                                          Verdict& verdict, StageTimes& times) {
  // The sets that nobody has used are drawn while the compiler works.
  auto fresh = std::async(std::launch::async, [this]() -> Result<void> {
    for (const CudaShape& shape : shapes_) {
      if (shape.scored) KOPT_CHECK(shape.sets->DrawFresh());
    }
    return {};
  });
  auto objects = Compile(candidate, configuration, times);
  if (auto drawn = fresh.get(); !drawn) return std::unexpected(Stop(std::move(drawn.error())));
  if (!objects) return std::unexpected(std::move(objects.error()));
  times.Finish("draw");
  const bool relative = baseline_.has_value();
  KOPT_TRY(auto run, LoadRun(shapes_, candidate, configuration, *objects, relative));
  if (relative) run->TakeDigests(CudaRun::kBaseline, baseline_->digests);
  times.Finish("load");
  {
    const Lane::Hold hold = context_.lane.Shared();
    KOPT_CHECK(CheckAll(*run, shapes_, true, false, nullptr));
  }
  times.Finish("check");
  for (const CudaShape& shape : shapes_) {
    if (!shape.scored || !relative) continue;
    KOPT_CHECK(Interleave(*run, shape, 0, CudaScreening(), verdict));
  }
  verdict.evidence = run->evidence();
  verdict.evidence["bitwise_repeatable"] = run->bitwise_repeatable();
  auto concluded = Conclude(ScaleOf(context_, shapes_), verdict);
  times.Finish("measure");
  return concluded;
}

Judged<void> CudaVerifier::JudgeConfirmation(const Candidate& candidate, const Configuration& configuration,
                                             const Confirmation& how, Verdict& verdict, StageTimes& times) {
  if (!baseline_) return std::unexpected(Stop(Error{.message = "there is no baseline to confirm against"}));
  const uint64_t seed = how.seed.value_or(SecretSeed());
  KOPT_TRY(const CudaObjects objects, Compile(candidate, configuration, times));
  const auto scored = static_cast<size_t>(std::ranges::count_if(shapes_, &CudaShape::scored));
  ConfirmationTime time(context_.lane, how.seconds, scored);
  for (int process = 0; process < kConfirmationProcesses; ++process) {
    KOPT_TRY(const CudaShapes shapes,
             NewCudaShapes(context_, Mix(seed, static_cast<uint64_t>(process)), Mix(seed, kStatic)));
    KOPT_TRY(auto run, LoadRun(shapes_, candidate, configuration, objects, true));
    times.Finish("load");
    {
      const Lane::Hold hold = context_.lane.Shared();
      KOPT_CHECK(CheckAll(*run, shapes, false, true, nullptr));
    }
    times.Finish("check");
    const double share = time.Share(process);
    const double begin = time.Elapsed();
    for (const CudaShape& shape : shapes) {
      if (!shape.scored) continue;
      KOPT_CHECK(Interleave(*run, shape, process, ConfirmationRule(share), verdict));
    }
    time.Measured(time.Elapsed() - begin, share);
    times.Finish("measure");
    if (process == 0) {
      verdict.evidence = run->evidence();
      KOPT_CHECK(
          CheckRecords(context_, *run, shapes, [this](const Shape& shape) { return DeadlineFor(shape); }, verdict));
    }
    verdict.evidence["bitwise_repeatable"] = run->bitwise_repeatable();
  }
  verdict.evidence["processes"] = kConfirmationProcesses;
  verdict.evidence["input_seed"] = fmt::format("{:016x}", seed);
  verdict.evidence["device_checkers"] = "not checked";
  return Conclude(ScaleOf(context_, shapes_), verdict);
}

Result<Verdict> CudaVerifier::Finish(Judged<void> judged, Verdict verdict, StageTimes& times) {
  verdict.stage_seconds = times.Take();
  return FinishVerdict(std::move(judged), std::move(verdict));
}

Result<Verdict> CudaVerifier::SetBaseline(const Candidate& candidate, const Configuration& configuration) {
  StageTimes times(context_.lane);
  Verdict verdict;
  Baseline next{.candidate = candidate, .configuration = configuration};
  auto previous = std::move(baseline_);
  baseline_.reset();  // its own deadline is the spec's limit
  auto judged = JudgeAlone(next, verdict, times);
  const bool good = judged.has_value();
  baseline_ = good ? std::optional<Baseline>(std::move(next)) : std::move(previous);
  return Finish(std::move(judged), std::move(verdict), times);
}

Result<Verdict> CudaVerifier::Screen(const Candidate& candidate, const Configuration& configuration, const Screening&) {
  StageTimes times(context_.lane);
  Verdict verdict;
  auto judged = JudgeScreening(candidate, configuration, verdict, times);
  return Finish(std::move(judged), std::move(verdict), times);
}

Result<Verdict> CudaVerifier::Confirm(const Candidate& candidate, const Configuration& configuration,
                                      const Confirmation& how) {
  StageTimes times(context_.lane);
  Verdict verdict;
  auto judged = JudgeConfirmation(candidate, configuration, how, verdict, times);
  KOPT_TRY(verdict, Finish(std::move(judged), std::move(verdict), times));
  verdict.confirmed = verdict.outcome == Outcome::kMeasured;
  return verdict;
}

Result<SideBySide> CudaVerifier::Compare(std::span<const Contender>, double) {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = "several candidates cannot be compared on the cuda target yet",
                               .hint = "use `kopt verify` for each"});
}

Result<Example> CudaVerifier::DrawExample(const Shape& shape) {
  KOPT_CHECK(CheckInterrupt(context_.options));
  const Lane::Hold hold = context_.lane.Shared();
  KOPT_TRY(const BoundTask task, Bind(context_.spec, shape));
  KOPT_TRY(const auto set, context_.oracle->Draw(task, {.seed = SecretSeed(), .static_seed = SecretSeed()}, false));
  KOPT_CHECK(context_.oracle->Solve(task, *set));
  KOPT_TRY(InputSet inputs, context_.oracle->DownloadInputs(task, *set));
  Example example{.inputs = std::move(inputs.storage), .scalars = std::move(inputs.scalars)};
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    if (!task.tensors[i].tensor->IsWritten()) {
      example.outputs.emplace_back();
      continue;
    }
    KOPT_TRY(const CudaOracle::Truth truth, context_.oracle->Download(task, *set, i));
    example.outputs.push_back(ExpectedOf(task.tensors[i], truth.view()));
  }
  return example;
}

CudaDevice DeviceOf(const nlohmann::json& facts) {
  CudaDevice found;
  const auto number = [&](const char* key) { return facts.value(key, 0LL); };
  found.limits = {.multiprocessors = number("sms"),
                  .block_threads = number("block_threads"),
                  .block = {number("block_x"), number("block_y"), number("block_z")},
                  .grid = {number("grid_x"), number("grid_y"), number("grid_z")},
                  .shared_memory = number("block_shared"),
                  .cluster_blocks = number("major") >= 9 ? 16 : 1};
  const long long capability = 10 * number("major") + number("minor");
  found.architecture = fmt::format("sm_{}{}", capability, capability >= 90 ? "a" : "");
  found.l2_bytes = static_cast<double>(number("l2"));
  found.memory_bytes = static_cast<double>(number("memory"));
  found.uuid = facts.value("uuid", "");
  found.device.name = facts.value("name", "");
  found.device.values = DeviceValues(found.limits);
  found.device.facts["architecture"] = found.architecture;
  found.device.facts["cuda_driver"] = fmt::format("{}.{}", number("driver") / 1000, number("driver") % 1000 / 10);
  found.device.facts["multiprocessors"] = number("sms");
  return found;
}

}  // namespace

Result<CudaDevice> FindCudaDevice() {
  KOPT_TRY(const nlohmann::json probe, ProbeDevices((ProgramFolder() / "kopt-worker-cuda").string()));
  const nlohmann::json& facts = probe.at("devices").at(0);
  if (facts.value("virtual_memory", 0) == 0 || facts.value("shares_memory", 0) == 0) {
    return EnvironmentError(
        fmt::format("{} cannot share memory between processes, which kopt needs", facts.value("name", "the device")),
        "use a Linux driver without restrictions on cuMemCreate");
  }
  return DeviceOf(facts);
}

Result<std::unique_ptr<DeviceWorker>> TakeWorker(CudaContext& context) {
  auto worker = std::move(context.spare);
  if (!worker || !worker->running()) {
    KOPT_TRY(worker, DeviceWorker::Start(context.worker, "run", context.ordinal));
  }
  KOPT_CHECK(worker->Await());
  KOPT_TRY(const Fd memory, MemoryOf(context.own_kernels));
  KOPT_CHECK(Trusted(worker->Ask({{"do", "kernels"}}, 30, {memory.get()}), "loading kopt's kernels"));
  KOPT_TRY(context.spare, DeviceWorker::Start(context.worker, "run", context.ordinal));
  return worker;
}

Result<std::unique_ptr<Verifier>> NewCudaVerifier(const Spec& spec, VerifierOptions options) {
  RaiseDescriptorLimit();  // every input of every set is a descriptor
  KOPT_TRY(CudaDevice device, FindCudaDevice());
  KOPT_TRY(CudaCompileService compiler, OpenCompiler(device.architecture, options, spec.limits.compile_seconds));
  KOPT_TRY(Lane lane, Lane::Open("cuda-" + device.uuid, options.interrupts));
  auto verifier = std::make_unique<CudaVerifier>(CudaContext{.spec = spec,
                                                             .options = std::move(options),
                                                             .device = std::move(device),
                                                             .worker = (ProgramFolder() / "kopt-worker-cuda").string(),
                                                             .compiler = std::move(compiler),
                                                             .lane = std::move(lane)});
  KOPT_CHECK(verifier->Start());
  return verifier;
}

}  // namespace kopt

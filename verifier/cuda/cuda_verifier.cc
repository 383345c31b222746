#include "verifier/cuda/cuda_verifier.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "task/candidate.h"
#include "task/library_problem.h"
#include "verifier/core/interrupt.h"
#include "verifier/core/statistics.h"
#include "verifier/cuda/cuda_checkers.h"
#include "verifier/cuda/cuda_interleave.h"
#include "verifier/cuda/cuda_late_warps.h"
#include "verifier/cuda/cuda_power.h"
#include "verifier/cuda/cuda_profile.h"
#include "verifier/cuda/cuda_records.h"
#include "verifier/cuda/tenants.h"

namespace kopt {

extern const std::string_view kWorkerKernelsText;  // embedded: worker_kernels.cu

namespace {

constexpr size_t kScoredSets = 5;  // fully compared sets of a scored shape
constexpr int kReviewSets = 3;
constexpr size_t kQueuedLaunches = 64;  // behind a blocked stream: blocked_timer.h
constexpr int kBaselineQuads = 8;
constexpr int kProposalBatches = 3;
constexpr uint64_t kStatic = 1 << 16;  // stream of a confirmation's static inputs

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
  Result<void> ProfileBaseline(Verdict& verdict) override;
  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override;
  Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration,
                          const Confirmation& how) override;
  Result<SideBySide> Compare(std::span<const Contender> contenders, double seconds) override;
  Result<Example> DrawExample(const Shape& shape) override;
  Result<DeviceCode> Compile(const Candidate& candidate, const Configuration& configuration,
                             const std::vector<const Shape*>& shapes) override;

 private:
  struct Baseline {
    Candidate candidate;
    Configuration configuration;
    CudaObjects objects;
    std::map<const Shape*, double> call_seconds;
    CudaRun::Digests digests;
    nlohmann::ordered_json library;  // its version and what it chose, for the evidence; null: it is none
  };

  Deadline DeadlineFor(const Shape& shape) const {
    Deadline deadline{.limit_seconds = context_.spec.limits.seconds};
    if (baseline_) deadline.baseline_call_seconds = baseline_->call_seconds.at(&shape);
    return deadline;
  }
  Result<void> DrawFresh();
  std::optional<CompileAhead::Hold> LoadFor(const Candidate& candidate, const Configuration& configuration) const;
  // What the kernels of scored shapes need goes into the verdict's evidence. `draw`: the sets that nobody has used are
  // drawn while the compiler works.
  Judged<CudaObjects> Compile(const Candidate& candidate, const Configuration& configuration, Verdict& verdict,
                              StageTimes& times, bool draw = false);
  Judged<std::unique_ptr<CudaRun>> LoadRun(const CudaShapes& shapes, const Candidate& candidate,
                                           const Configuration& configuration, const CudaObjects& objects,
                                           bool with_baseline);
  Judged<void> CheckAll(CudaRun& run, const CudaShapes& shapes, bool fresh, bool with_baseline,
                        std::map<const Shape*, double>* call_seconds);
  Judged<void> Profile(CudaRun& run, const CudaShapes& shapes, const Candidate& candidate, Verdict& verdict) {
    return TakeProfile(
        context_, run, shapes, candidate, [this](const Shape& shape) { return DeadlineFor(shape); }, verdict);
  }
  Judged<void> Review(CudaRun& run, Verdict& verdict);
  // More than wait behind a blocked stream: the host's speed is in the time of such a call.
  bool HasManyLaunches(const CudaRun& run) const {
    return std::ranges::any_of(shapes_, [&](const CudaShape& shape) {
      return shape.scored && std::max(run.Launches(CudaRun::kCandidate, *shape.shape),
                                      run.Launches(CudaRun::kBaseline, *shape.shape)) > kQueuedLaunches;
    });
  }
  Result<void> LookForOthers(const CudaRun& run, Verdict& verdict);
  Judged<void> JudgeAlone(Baseline& candidate, Verdict& verdict, StageTimes& times);
  // What is measured against a library says which.
  Verdict AgainstBaseline() const {
    Verdict verdict;
    if (baseline_ && !baseline_->library.is_null()) verdict.evidence["library"] = baseline_->library;
    return verdict;
  }
  // Judges, and judges again if what runs beside the candidate does not survive it: the baseline, or kopt's own
  // kernels. If it does not a second time, and the baseline is right by itself, the candidate is `unsafe`.
  Judged<void> BesideOthers(const std::function<Judged<void>(Verdict&)>& judge, Verdict& verdict);
  Judged<void> CompareWithBaselineByItself(Verdict& verdict);
  Judged<void> ChooseProposals(CudaRun& run, Baseline& library, Verdict& verdict);
  Judged<double> TimeProposal(CudaRun& run, const CudaShape& shape, size_t proposal);
  Judged<void> JudgeScreening(const Candidate& candidate, const Configuration& configuration,
                              const Screening& screening, Verdict& verdict, StageTimes& times);
  Judged<void> JudgeConfirmation(const Candidate& candidate, const Configuration& configuration,
                                 const Confirmation& how, Verdict& verdict, StageTimes& times);
  Result<Verdict> Finish(Judged<void> judged, Verdict verdict, StageTimes& times);

  CudaContext context_;
  CudaShapes shapes_;
  std::optional<Baseline> baseline_;
  bool sets_used_ = false;  // by a candidate: until then all of them are new
};

Result<void> CudaVerifier::Start() {
  context_.digest_key = SecretSeed();
  KOPT_TRY(context_.own_kernels, CompileOwn(context_.compiler, std::string(kWorkerKernelsText), "kopt's kernels"));
  KOPT_TRY(context_.oracle, CudaOracle::Create(context_));
  KOPT_TRY(context_.spare, DeviceWorker::Start(context_.worker, "run", context_.options.device));
  KOPT_TRY(shapes_, NewCudaShapes(context_, SecretSeed(), SecretSeed()));
  return {};
}

Result<void> CudaVerifier::DrawFresh() {
  for (const CudaShape& shape : shapes_) {
    if (shape.scored) KOPT_CHECK(shape.sets->DrawFresh());
  }
  return {};
}

// A library is what a candidate is measured against.
Judged<void> MustNotBeLibrary(const Candidate& candidate) {
  auto kernels = MustHaveKernels(candidate);
  if (kernels) return {};
  return std::unexpected(Stop(
      Refusal{.outcome = Outcome::kRejected, .stage = Stage::kParse, .reason = std::move(kernels).error().message}));
}

// To be held while this is compiled; nothing if that was done before.
std::optional<CompileAhead::Hold> CudaVerifier::LoadFor(const Candidate& candidate,
                                                        const Configuration& configuration) const {
  const Contender contender{&candidate, configuration};
  const auto texts = TextsAhead(context_.spec, context_.device.limits, {&contender, 1}, ShapesOf(shapes_));
  const auto known = [&](const CompileAhead::Text& one) { return context_.compiler.IsCompiled(one.text, one.prefix); };
  if (std::ranges::all_of(texts, known)) return std::nullopt;
  return context_.ahead->Load();
}

Judged<CudaObjects> CudaVerifier::Compile(const Candidate& candidate, const Configuration& configuration,
                                          Verdict& verdict, StageTimes& times, bool draw) {
  // Before the lane: who holds the lane waits for nobody in this run.
  const auto load = LoadFor(candidate, configuration);
  const Lane::Hold hold = context_.lane.Shared();
  std::future<Result<void>> fresh;
  if (draw) fresh = std::async(std::launch::async, [this] { return DrawFresh(); });
  auto objects = CompileCandidate(context_.spec, context_.compiler, context_.device.limits, candidate, configuration,
                                  ShapesOf(shapes_));
  times.Finish("compile");
  if (objects) {
    verdict.evidence["kernels"] = KernelsJson(context_.spec, *objects, context_.spec.Scored(Target::kCuda));
    const std::vector<std::string> remarks = PerformanceRemarks(objects->log);
    if (!remarks.empty()) verdict.evidence["compiler_remarks"] = remarks;
  }
  if (!draw) return objects;
  if (auto drawn = fresh.get(); !drawn) return std::unexpected(Stop(std::move(drawn.error())));
  times.Finish("draw");
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

// What is faster than its declared operations at the device's peak rate may be right (Winograd's and other algorithms
// need fewer): it is shown, after three more sets that nobody has used were compared in full.
Judged<void> CudaVerifier::Review(CudaRun& run, Verdict& verdict) {
  for (const CudaShape& shape : shapes_) {
    if (!shape.scored) continue;
    auto& row = verdict.evidence.at("shapes").at(static_cast<size_t>(shape.number));
    if (!row.contains("remark")) continue;
    const Lane::Hold hold = context_.lane.Shared();
    for (int i = 0; i < kReviewSets; ++i) {
      KOPT_TRY(const auto set, shape.sets->Unused());
      KOPT_CHECK(run.Check(CudaRun::kCandidate, shape, *set, DeadlineFor(*shape.shape)));
      KOPT_CHECK(run.Drop(*set));
    }
    row["remark"] = fmt::format("{}; right on {} more unused input sets, compared in full",
                                row["remark"].get<std::string>(), kReviewSets);
  }
  return {};
}

// Other processes on the device disturb what is timed: the verdict says that they were there. Asked when no worker of
// an earlier judgement is still ending.
Result<void> CudaVerifier::LookForOthers(const CudaRun& run, Verdict& verdict) {
  KOPT_TRY(const auto processes, context_.oracle->Processes());
  if (!processes) return {};
  size_t own = 0;
  for (const pid_t pid : {context_.oracle->pid(), run.pid(), context_.spare ? context_.spare->pid() : -1}) {
    own += std::ranges::find(*processes, static_cast<unsigned>(pid)) != processes->end();
  }
  // In a container the numbers are those of another namespace.
  if (own == 0) own = 3;
  if (processes->size() > own) verdict.evidence["other_processes_on_the_device"] = processes->size() - own;
  return {};
}

// Seconds a call: the shortest of a few batches, made and timed like those of a verdict.
Judged<double> CudaVerifier::TimeProposal(CudaRun& run, const CudaShape& shape, size_t proposal) {
  KOPT_CHECK(CheckInterrupt(context_.options));
  KOPT_CHECK(run.Choose(*shape.shape, proposal));
  const Deadline deadline = DeadlineFor(*shape.shape);
  size_t calls = 0;
  {
    const Lane::Hold hold = context_.lane.Shared();
    KOPT_TRY(calls, CallsFor(context_, run, CudaRun::kCandidate, shape, deadline));
  }
  const Lane::Hold hold = context_.lane.Alone();
  KOPT_CHECK(run.AwaitClock());
  double least = kNoLimit;
  for (int i = 0; i < kProposalBatches; ++i) {
    KOPT_TRY(const double seconds, TimeOnce(run, CudaRun::kCandidate, shape, calls, deadline));
    least = std::min(least, seconds);
  }
  return least;
}

// The fastest of what a library proposes for each scored shape, once and for all: whatever is measured against it is
// measured against the same. What does not run, or is wrong, is left out.
Judged<void> CudaVerifier::ChooseProposals(CudaRun& run, Baseline& library, Verdict& verdict) {
  std::vector<std::string> lines = {run.library()};
  for (const CudaShape& shape : shapes_) {
    if (!shape.scored) continue;
    const size_t count = run.Proposals(*shape.shape);
    double least = kNoLimit;
    std::optional<Stop> failed;
    for (size_t i = 0; i < count; ++i) {
      auto seconds = TimeProposal(run, shape, i);
      if (!seconds && seconds.error().ours) return std::unexpected(std::move(seconds).error());
      if (!seconds) {
        failed = std::move(seconds).error();
      } else if (*seconds < least) {
        least = *seconds;
        library.objects.proposals[shape.shape] = i;
      }
    }
    const auto chosen = library.objects.proposals.find(shape.shape);
    if (chosen == library.objects.proposals.end()) return std::unexpected(*std::move(failed));
    KOPT_CHECK(run.Choose(*shape.shape, chosen->second));
    lines.push_back(fmt::format("{}: the fastest of its {} proposals is number {}",
                                ShapeText(context_.spec, *shape.shape), count, chosen->second + 1));
  }
  verdict.evidence["library"] = lines;
  return {};
}

Judged<void> CudaVerifier::JudgeAlone(Baseline& candidate, Verdict& verdict, StageTimes& times) {
  KOPT_TRY(candidate.objects, Compile(candidate.candidate, candidate.configuration, verdict, times));
  KOPT_TRY(auto run, LoadRun(shapes_, candidate.candidate, candidate.configuration, candidate.objects, false));
  times.Finish("load");
  if (!run->library().empty()) KOPT_CHECK(ChooseProposals(*run, candidate, verdict));
  {
    const Lane::Hold hold = context_.lane.Shared();
    KOPT_CHECK(CheckAll(*run, shapes_, sets_used_, false, &candidate.call_seconds));
    sets_used_ = true;
  }
  times.Finish("check");
  const CompileAhead::Hold quiet = context_.ahead->Quiet();
  for (const CudaShape& shape : shapes_) {
    if (!shape.scored) continue;
    const Deadline deadline = DeadlineFor(*shape.shape);
    size_t calls = 0;
    {
      const Lane::Hold hold = context_.lane.Shared();
      KOPT_TRY(calls, CallsFor(context_, *run, CudaRun::kCandidate, shape, deadline));
    }
    const Lane::Hold hold = context_.lane.Alone();
    KOPT_CHECK(run->AwaitClock());
    std::vector<double> seconds;
    ShapeSamples samples{.shape = shape.number, .calls_a = static_cast<int>(calls)};
    for (int i = 0; i < kBaselineQuads; ++i) {
      KOPT_CHECK(CheckInterrupt(context_.options));
      KOPT_TRY(const double one, TimeOnce(*run, CudaRun::kCandidate, shape, calls, deadline));
      KOPT_TRY(const double two, TimeOnce(*run, CudaRun::kCandidate, shape, calls, deadline));
      samples.quads.push_back({.a1 = one, .a2 = two});
      seconds.insert(seconds.end(), {one, two});
    }
    samples.empty_a = run->empty_seconds();
    verdict.samples.push_back(std::move(samples));
    candidate.call_seconds[shape.shape] = Median(seconds);
  }
  candidate.digests = run->digests(CudaRun::kCandidate);
  KOPT_CHECK(LookForOthers(*run, verdict));
  verdict.evidence.update(run->evidence());
  verdict.evidence["bitwise_repeatable"] = run->bitwise_repeatable();
  auto concluded = Conclude(ScaleOf(context_, shapes_), verdict);
  verdict.baseline_us = std::nullopt;
  if (concluded) KOPT_CHECK(Review(*run, verdict));
  times.Finish("measure");
  return concluded;
}

Judged<void> CudaVerifier::JudgeScreening(const Candidate& candidate, const Configuration& configuration,
                                          const Screening& screening, Verdict& verdict, StageTimes& times) {
  KOPT_CHECK(MustNotBeLibrary(candidate));
  KOPT_TRY(const CudaObjects objects, Compile(candidate, configuration, verdict, times, sets_used_));
  context_.ahead->Ask(TextsAhead(context_.spec, context_.device.limits, screening.ahead, ShapesOf(shapes_)));
  const bool relative = baseline_.has_value();
  KOPT_TRY(auto run, LoadRun(shapes_, candidate, configuration, objects, relative));
  if (relative) run->TakeDigests(CudaRun::kBaseline, baseline_->digests);
  times.Finish("load");
  {
    const Lane::Hold hold = context_.lane.Shared();
    // Without a timing nothing else is compared on a set that nobody has used.
    const bool fresh = sets_used_ && (!relative || !Varies(context_.spec));
    KOPT_CHECK(CheckAll(*run, shapes_, fresh, false, nullptr));
    sets_used_ = true;
  }
  times.Finish("check");
  std::optional<CompileAhead::Hold> quiet;
  if (relative && HasManyLaunches(*run)) quiet.emplace(context_.ahead->Quiet());
  for (const CudaShape& shape : shapes_) {
    if (!shape.scored || !relative) continue;
    KOPT_CHECK(
        Interleave(context_, *run, shape, {.rule = CudaScreening(), .deadline = DeadlineFor(*shape.shape)}, verdict));
  }
  quiet.reset();
  KOPT_CHECK(LookForOthers(*run, verdict));
  verdict.evidence.update(run->evidence());
  verdict.evidence["bitwise_repeatable"] = run->bitwise_repeatable();
  KOPT_CHECK(Conclude(ScaleOf(context_, shapes_), verdict));
  if (relative) KOPT_CHECK(Review(*run, verdict));
  times.Finish("measure");
  const double speedup = verdict.baseline_us.value_or(0) / verdict.time_us.value_or(1);
  if (!relative || speedup < screening.profile_from) return {};
  KOPT_CHECK(Profile(*run, shapes_, candidate, verdict));
  times.Finish("profile");
  return {};
}

Judged<void> CudaVerifier::JudgeConfirmation(const Candidate& candidate, const Configuration& configuration,
                                             const Confirmation& how, Verdict& verdict, StageTimes& times) {
  KOPT_CHECK(MustNotBeLibrary(candidate));
  if (!baseline_) return std::unexpected(Stop(Error{.message = "there is no baseline to confirm against"}));
  const uint64_t seed = how.seed.value_or(SecretSeed());
  KOPT_TRY(const CudaObjects objects, Compile(candidate, configuration, verdict, times));
  const auto scored = static_cast<size_t>(std::ranges::count_if(shapes_, &CudaShape::scored));
  ConfirmationTime time(context_.lane, how.seconds, scored);
  std::optional<CompileAhead::Hold> quiet;
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
    if (process == 0) {
      const double checked = time.Elapsed();
      KOPT_CHECK(RunDeviceCheckers(context_, *run, shapes_, candidate, objects, verdict));
      KOPT_CHECK(CheckWithLateWarps(context_, shapes_, candidate, configuration, verdict));
      time.DoneOnce(time.Elapsed() - checked);
      quiet.emplace(context_.ahead->Quiet());
      times.Finish("checkers");
    }
    const double share = time.Share(process);
    const double begin = time.Elapsed();
    for (const CudaShape& shape : shapes) {
      if (!shape.scored) continue;
      const auto screened = std::ranges::find(shapes_, shape.shape, &CudaShape::shape);
      KOPT_CHECK(Interleave(context_, *run, shape,
                            {.process = process,
                             .rule = ConfirmationRule(share),
                             .deadline = DeadlineFor(*shape.shape),
                             .unseen = screened->sets->All()},
                            verdict));
    }
    time.Measured(time.Elapsed() - begin, share);
    KOPT_CHECK(LookForOthers(*run, verdict));
    times.Finish("measure");
    if (process == 0) {
      verdict.evidence.update(run->evidence());
      KOPT_CHECK(
          CheckRecords(context_, *run, shapes, [this](const Shape& shape) { return DeadlineFor(shape); }, verdict));
    } else if (process == 1) {
      KOPT_CHECK(Profile(*run, shapes, candidate, verdict));
      times.Finish("profile");
    }
    verdict.evidence["bitwise_repeatable"] = run->bitwise_repeatable();
  }
  KOPT_CHECK(CompareWithBaselineByItself(verdict));
  times.Finish("measure");
  verdict.evidence["processes"] = kConfirmationProcesses;
  verdict.evidence["input_seed"] = fmt::format("{:016x}", seed);
  return Conclude(ScaleOf(context_, shapes_), verdict);
}

// The candidate could have slowed down the baseline of its process before that was timed for the first time, in code or
// memory of the driver. So what the baseline took there is compared with what it takes in a process without a
// candidate.
Judged<void> CudaVerifier::CompareWithBaselineByItself(Verdict& verdict) {
  KOPT_TRY(auto run, LoadRun(shapes_, baseline_->candidate, baseline_->configuration, baseline_->objects, false));
  for (const CudaShape& shape : shapes_) {
    if (!shape.scored) continue;
    std::optional<double> alone;
    std::vector<double> beside_all;
    for (const ShapeSamples& samples : verdict.samples) {
      if (samples.shape != shape.number) continue;
      if (!alone) {
        const auto calls = static_cast<size_t>(samples.calls_b);
        KOPT_TRY(alone, TimeByItself(context_, *run, shape, calls, DeadlineFor(*shape.shape)));
      }
      beside_all.push_back(Median(SecondsPerCall(samples, true)));
      AddAlone({.baseline_before = *alone,
                .baseline_beside = beside_all.back(),
                .baseline_after = *alone,
                .candidate_beside = Median(SecondsPerCall(samples, false))},
               shape.number, verdict);
    }
    for (double& seconds : beside_all) seconds *= 1e6;
    verdict.evidence["baseline_by_itself"].push_back(
        {{"shape", ShapeText(context_.spec, *shape.shape)}, {"us", *alone * 1e6}, {"beside_candidate_us", beside_all}});
  }
  return {};
}

Judged<void> CudaVerifier::BesideOthers(const std::function<Judged<void>(Verdict&)>& judge, Verdict& verdict) {
  const Verdict clean = verdict;
  auto judged = judge(verdict);
  if (judged || !baseline_ || !judged.error().neighbour_lost) return judged;
  verdict = clean;
  judged = judge(verdict);
  if (judged || !judged.error().neighbour_lost) return judged;
  KOPT_TRY(auto run, LoadRun(shapes_, baseline_->candidate, baseline_->configuration, baseline_->objects, false));
  const Lane::Hold hold = context_.lane.Shared();
  auto alone = CheckAll(*run, shapes_, false, false, nullptr);
  if (!alone) return std::unexpected(BaselineLost(alone.error(), "is not right any more"));
  const Refusal& lost = judged.error().refusal;
  return std::unexpected(
      Stop(Refusal{.outcome = Outcome::kUnsafe,
                   .stage = lost.stage,
                   .reason = "what runs beside it fails, twice, and not without it: " + lost.reason}));
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
  if (good && verdict.evidence.contains("library")) next.library = verdict.evidence["library"];
  baseline_ = good ? std::optional<Baseline>(std::move(next)) : std::move(previous);
  return Finish(std::move(judged), std::move(verdict), times);
}

Result<void> CudaVerifier::ProfileBaseline(Verdict& verdict) {
  if (baseline_ && !baseline_->candidate.Library().empty()) return {};  // nothing of it can be changed
  const auto profile = [&]() -> Judged<void> {
    KOPT_TRY(auto run, LoadRun(shapes_, baseline_->candidate, baseline_->configuration, baseline_->objects, false));
    return Profile(*run, shapes_, baseline_->candidate, verdict);
  };
  const auto profiled = baseline_ ? profile() : Judged<void>{};
  if (profiled) return {};
  KOPT_CHECK(CheckInterrupt(context_.options));
  verdict.evidence["profile"] = {"not taken: " + Words(profiled.error())};
  return {};
}

Result<Verdict> CudaVerifier::Screen(const Candidate& candidate, const Configuration& configuration,
                                     const Screening& screening) {
  StageTimes times(context_.lane);
  Verdict verdict = AgainstBaseline();
  auto judged = BesideOthers(
      [&](Verdict& next) { return JudgeScreening(candidate, configuration, screening, next, times); }, verdict);
  return Finish(std::move(judged), std::move(verdict), times);
}

Result<Verdict> CudaVerifier::Confirm(const Candidate& candidate, const Configuration& configuration,
                                      const Confirmation& how) {
  StageTimes times(context_.lane);
  Verdict verdict = AgainstBaseline();
  auto judged = BesideOthers(
      [&](Verdict& next) { return JudgeConfirmation(candidate, configuration, how, next, times); }, verdict);
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

Result<DeviceCode> CudaVerifier::Compile(const Candidate& candidate, const Configuration& configuration,
                                         const std::vector<const Shape*>& shapes) {
  const Lane::Hold hold = context_.lane.Shared();
  const auto objects =
      CompileCandidate(context_.spec, context_.compiler, context_.device.limits, candidate, configuration, shapes);
  if (!objects) return std::unexpected(ErrorOf(objects.error()));
  return DeviceCodeOf(context_.compiler, context_.device.architecture, candidate, *objects, shapes);
}

CudaDevice DeviceOf(const nlohmann::json& facts, int number_of_device) {
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
  found.device.which = fmt::format("{} ({})", number_of_device, UuidText(found.uuid));
  found.device.values = DeviceValues(found.limits);
  found.device.facts["architecture"] = found.architecture;
  found.device.facts["cuda_driver"] = fmt::format("{}.{}", number("driver") / 1000, number("driver") % 1000 / 10);
  found.device.facts["multiprocessors"] = number("sms");
  return found;
}

}  // namespace

Result<void> CheckComputeMode(int mode, const std::string& name) {
  constexpr int kProhibited = 2, kExclusiveProcess = 3;  // CUcomputemode
  if (mode != kProhibited && mode != kExclusiveProcess) return {};
  return EnvironmentError(
      fmt::format("{} is in the compute mode {}", name,
                  mode == kProhibited ? "prohibited: nobody may use it"
                                      : "exclusive process: kopt needs several processes on it at once"),
      "its administrator can allow it: nvidia-smi --compute-mode=DEFAULT");
}

namespace {

// "580.82.07": of the kernel's driver, which says more than the version of its API. Empty: not known.
std::string DriverVersion() {
  std::ifstream file("/proc/driver/nvidia/version");
  for (std::string word; file >> word;) {
    if (word.find('.') != std::string::npos && word.find_first_not_of("0123456789.") == std::string::npos) return word;
  }
  return "";
}

// What else verdicts hang on: worker, compiler (not every name has a version), driver.
Result<void> AddFacts(Device& device, const std::string& worker, const CudaToolkit& toolkit) {
  constexpr size_t kLargestProgram = size_t{1} << 30;
  KOPT_TRY(const std::string program, ReadFile(worker, kLargestProgram));
  device.facts["worker"] = ContentHash(program);
  std::error_code ignored;
  const std::filesystem::path compiler = std::filesystem::canonical(toolkit.nvrtc, ignored);
  device.facts["compiler"] =
      fmt::format("{}, {} bytes", compiler.filename().string(), std::filesystem::file_size(compiler, ignored));
  if (const std::string version = DriverVersion(); !version.empty()) device.facts["driver"] = version;
  return {};
}

}  // namespace

namespace {

Result<nlohmann::json> ProbeAll() {
  KOPT_TRY(nlohmann::json probe, ProbeDevices((ProgramFolder() / "kopt-worker-cuda").string()));
  return std::move(probe.at("devices"));
}

Result<CudaDevice> DeviceAmong(const nlohmann::json& devices, int number) {
  if (number < 0 || static_cast<size_t>(number) >= devices.size()) {
    return EnvironmentError(fmt::format("there is no device {}: the driver shows {}", number, devices.size()),
                            "devices are numbered from 0; CUDA_VISIBLE_DEVICES chooses which are shown");
  }
  const nlohmann::json& facts = devices.at(static_cast<size_t>(number));
  KOPT_CHECK(CheckComputeMode(facts.value("compute_mode", 0), facts.value("name", "the device")));
  if (facts.value("virtual_memory", 0) == 0 || facts.value("shares_memory", 0) == 0) {
    return EnvironmentError(
        fmt::format("{} cannot share memory between processes, which kopt needs", facts.value("name", "the device")),
        "use a Linux driver without restrictions on cuMemCreate");
  }
  return DeviceOf(facts, number);
}

}  // namespace

Result<CudaDevice> FindCudaDevice(int number) {
  KOPT_TRY(const nlohmann::json devices, ProbeAll());
  return DeviceAmong(devices, number);
}

Result<int> CountCudaDevices() {
  KOPT_TRY(const nlohmann::json devices, ProbeAll());
  return static_cast<int>(devices.size());
}

Result<void> CheckSameModel(const CudaDevice& first, const CudaDevice& other) {
  const auto model = [](const CudaDevice& device) {
    return fmt::format("{}, {}, {} multiprocessors", device.device.name, device.architecture,
                       device.limits.multiprocessors);
  };
  if (model(first) == model(other)) return {};
  return std::unexpected(
      Error{.exit = Exit::kUsage,
            .message = fmt::format("the devices are not of one model: {} is a {}; {} is a {}", first.device.which,
                                   model(first), other.device.which, model(other)),
            .key = "--devices",
            .hint = "what is proved is about one kind of device: name those of one model"});
}

Result<std::unique_ptr<DeviceWorker>> TakeWorker(CudaContext& context) {
  auto worker = std::move(context.spare);
  if (!worker || !worker->running()) {
    KOPT_TRY(worker, DeviceWorker::Start(context.worker, "run", context.options.device));
  }
  KOPT_CHECK(worker->Await());
  KOPT_TRY(const Fd memory, MemoryOf(context.own_kernels));
  KOPT_CHECK(Trusted(worker->Ask({{"do", "kernels"}}, 30, {memory.get()}), "loading kopt's kernels"));
  KOPT_TRY(context.spare, DeviceWorker::Start(context.worker, "run", context.options.device));
  return worker;
}

Result<std::unique_ptr<Verifier>> NewCudaVerifier(const Spec& spec, const VerifierOptions& options) {
  KOPT_TRY(auto verifiers, NewCudaVerifiers(spec, options, {&options.device, 1}));
  return std::move(verifiers.front());
}

Result<std::vector<std::unique_ptr<Verifier>>> NewCudaVerifiers(const Spec& spec, const VerifierOptions& options,
                                                                std::span<const int> devices) {
  RaiseDescriptorLimit();  // every input of every set is a descriptor
  KOPT_TRY(const nlohmann::json shown, ProbeAll());
  std::vector<CudaDevice> found;
  for (const int number : devices) {
    KOPT_TRY(CudaDevice device, DeviceAmong(shown, number));
    found.push_back(std::move(device));
    KOPT_CHECK(CheckSameModel(found.front(), found.back()));
  }
  const std::string worker = (ProgramFolder() / "kopt-worker-cuda").string();
  KOPT_TRY(const CudaToolkit toolkit, FindCudaToolkit());
  KOPT_TRY(const CudaCompileService compiler,
           OpenCompiler(found.front().architecture, options, spec.limits.compile_seconds));
  const auto ahead = std::make_shared<CompileAhead>(compiler, found.size());
  std::vector<std::unique_ptr<Verifier>> verifiers;
  for (size_t i = 0; i < found.size(); ++i) {
    KOPT_CHECK(AddFacts(found[i].device, worker, toolkit));
    KOPT_TRY(Lane lane, Lane::Open("cuda-" + found[i].uuid, options.interrupts));
    CudaContext context{.spec = spec,
                        .options = options,
                        .device = std::move(found[i]),
                        .toolkit = toolkit,
                        .worker = worker,
                        .compiler = compiler,
                        .ahead = ahead,
                        .lane = std::move(lane)};
    context.options.device = devices[i];
    auto verifier = std::make_unique<CudaVerifier>(std::move(context));
    KOPT_CHECK(verifier->Start());
    verifiers.push_back(std::move(verifier));
  }
  return verifiers;
}

}  // namespace kopt

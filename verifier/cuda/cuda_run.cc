#include "verifier/cuda/cuda_run.h"

#include <algorithm>

#include "base/hash.h"
#include "verifier/cuda/cuda_faults.h"
#include "verifier/cuda/plan_json.h"

namespace kopt {
namespace {

using nlohmann::json;

constexpr double kLoadSeconds = 30;
constexpr double kProfilerSeconds = 1;  // what a call may take longer under the profiler
constexpr int kProfiledCalls = 30;      // one a pass over the counters, and those for samples
constexpr double kSlackSeconds = 20;    // for kopt's own work around a call
constexpr int kPoisons = 5;  // drawn apart from the seed, which a candidate can compute from the patterns it sees

// Functions of the device's runtime that a candidate may not call: what they touch outlives a launch, or leaves it.
constexpr const char* kForbiddenImports[] = {"vprintf", "malloc", "free"};
// What ends the context, and what the compiler makes of instructions that some devices lack.
constexpr const char* kAllowedImports[] = {"__assertfail", "__cuda_syscall_cp_async_bulk"};

uint64_t Repeat(uint64_t element, size_t size) {
  uint64_t word = 0;
  for (size_t at = 0; at < 8; at += size) word |= element << (8 * at);
  return word;
}

// Eight bytes of NaN, and masks that leave of random bits finite numbers between 1 and 2 in magnitude.
struct PoisonWords {
  uint64_t nan, keep, set;
};
PoisonWords PoisonOf(DType type) {
  switch (type) {
    case DType::kF64:
      return {0x7ff8000000000000, 0x800fffffffffffff, 0x3ff0000000000000};
    case DType::kF32:
      return {Repeat(0x7fc00000, 4), Repeat(0x807fffff, 4), Repeat(0x3f800000, 4)};
    case DType::kF16:
      return {Repeat(0x7e00, 2), Repeat(0x83ff, 2), Repeat(0x3c00, 2)};
    case DType::kBF16:
      return {Repeat(0x7fc0, 2), Repeat(0x807f, 2), Repeat(0x3f80, 2)};
    case DType::kE4M3:
      return {Repeat(0x7f, 1), Repeat(0x87, 1), Repeat(0x38, 1)};
    case DType::kE5M2:
      return {Repeat(0x7e, 1), Repeat(0x83, 1), Repeat(0x3c, 1)};
    case DType::kBool:
      return {Repeat(0x5a, 1), Repeat(0x01, 1), 0};
    default:
      return {Repeat(0x5a, 1), ~uint64_t{0}, 0};
  }
}

json LayoutJson(const BoundTensor& bound) {
  return {{"elements", bound.elements},
          {"span", bound.span},
          {"width", Size(bound.tensor->dtype)},
          {"extents", bound.shape},
          {"strides", bound.strides}};
}

}  // namespace

Result<std::unique_ptr<CudaRun>> CudaRun::Start(CudaContext& context, const CudaShapes& shapes) {
  auto run = std::unique_ptr<CudaRun>(new CudaRun(context, shapes));
  KOPT_TRY(run->worker_, TakeWorker(context));
  return run;
}

CudaRun::~CudaRun() {
  for (const int id : used_) (void)context_.oracle->Detach(id);
  if (worker_) context_.ending.End(std::move(worker_));
  if (context_.crowded) context_.ending.Await();
}

Judged<DeviceAnswer> CudaRun::Ask(json request, double seconds, Stage stage, const Shape* shape,
                                  const std::vector<int>& descriptors) {
  request["seconds"] = seconds;
  auto answer = worker_->Ask(request, seconds + kSlackSeconds, descriptors);
  if (!answer) return std::unexpected(Stop(std::move(answer.error())));
  if (answer->json.contains("library_failed")) {
    return std::unexpected(
        Stop(Refusal{.outcome = Outcome::kLaunchError, .stage = stage, .reason = answer->json.at("library_failed")}));
  }
  if (!answer->IsFault()) return *std::move(answer);
  Stop stop = StopOf(answer->json.at("fault"), stage, seconds);
  if (!stop.ours && shape != nullptr) {
    stop.refusal.reason += fmt::format(" (shape {})", ShapeText(context_.spec, *shape));
    stop.refusal.evidence["shape"] = ShapeText(context_.spec, *shape);
  }
  return std::unexpected(std::move(stop));
}

Judged<void> CudaRun::Load(int side, const Candidate& candidate, const Configuration& configuration,
                           const CudaObjects& objects) {
  std::vector<std::string> libraries;
  if (!candidate.Library().empty()) {
    for (const auto& folder : context_.toolkit.libraries) libraries.push_back(folder.string());
  }
  std::vector<int> modules;
  for (const CudaObject& object : objects.objects) {
    json names = json::array();
    for (const KernelUsage& kernel : object.kernels) names.push_back(kernel.name);
    KOPT_TRY(const Fd memory, MemoryOf(object.cubin));
    KOPT_TRY(const DeviceAnswer answer, Ask({{"do", "module"}, {"id", next_module_}, {"functions", names}},
                                            kLoadSeconds, Stage::kLoad, nullptr, {memory.get()}));
    if (answer.json.contains("refused")) {
      return std::unexpected(
          Stop(Refusal{.outcome = Outcome::kRejected, .stage = Stage::kScreen, .reason = answer.json.at("refused")}));
    }
    for (const std::string name : answer.json.at("imports")) {
      if (std::ranges::any_of(kAllowedImports, [&](const char* allowed) { return name.starts_with(allowed); }))
        continue;
      const bool known = std::ranges::any_of(kForbiddenImports, [&](const char* word) { return name == word; });
      return std::unexpected(
          Stop(Refusal{.outcome = Outcome::kRejected,
                       .stage = Stage::kScreen,
                       .reason = fmt::format("it calls `{}`, {}", name == "vprintf" ? "printf" : name,
                                             known ? "which leaves something behind or outside of the call"
                                                   : "which is not in its code")}));
    }
    modules.push_back(next_module_++);
  }
  for (const CudaShape& shape : shapes_) {
    if (side == kBaseline && !shape.scored) continue;
    const int module = modules[objects.object_of.at(shape.shape)];
    std::optional<Stop> lost;
    const Occupancy occupancy = [&](const std::string& kernel, long long threads, long long smem) -> Result<long long> {
      auto answer =
          Ask({{"do", "occupancy"}, {"module", module}, {"function", kernel}, {"threads", threads}, {"shared", smem}},
              kLoadSeconds, Stage::kLoad, shape.shape);
      if (answer) return answer->json.at("blocks").get<long long>();
      lost = std::move(answer.error());
      return UsageError(fmt::format("the occupancy of `{}` is not known", kernel));
    };
    auto plan = BindCuda(context_.spec, candidate, configuration, *shape.shape, context_.device.device.values,
                         context_.device.limits, occupancy);
    if (lost) return std::unexpected(*std::move(lost));
    if (!plan) return std::unexpected(Stop(PlanRefusal(plan.error(), Outcome::kLaunchError, Stage::kParse)));
    json request = PlanJson(shape.task, *plan);
    for (json& row : request["steps"]) {
      if (!row.contains("library")) continue;
      const auto chosen = objects.proposals.find(shape.shape);
      row["folders"] = libraries;
      row["proposal"] = chosen == objects.proposals.end() ? 0 : chosen->second;
    }
    request["do"] = "plan";
    request["id"] = next_plan_;
    request["module"] = module;
    KOPT_TRY(const DeviceAnswer taken, Ask(std::move(request), kLoadSeconds, Stage::kLoad, shape.shape));
    if (taken.json.contains("library") && side == kCandidate) {
      library_ = taken.json.at("library");
      proposals_[shape.shape] = taken.json.at("proposals");
    }
    sides_[side].plan_of[shape.shape] = next_plan_++;
    sides_[side].plans[shape.shape] = *std::move(plan);
  }
  return {};
}

Judged<void> CudaRun::Choose(const Shape& shape, size_t proposal) {
  KOPT_CHECK(Ask({{"do", "choose"}, {"plan", sides_[kCandidate].plan_of.at(&shape)}, {"proposal", proposal}},
                 kLoadSeconds, Stage::kLoad, &shape));
  // Another one may sum in another order.
  std::erase_if(sides_[kCandidate].digests, [&](const auto& known) { return std::get<0>(known.first) == &shape; });
  repeatable_ = true;
  return {};
}

size_t CudaRun::Launches(int side, const Shape& shape) const {
  return std::max<size_t>(sides_[side].plans.at(&shape).steps.size(), 1);
}

std::vector<size_t> CudaRun::ScratchOf(const Shape& shape) const {
  std::vector<size_t> scratch;
  for (const Side& side : sides_) {
    const auto plan = side.plans.find(&shape);
    if (plan == side.plans.end()) continue;
    for (size_t i = 0; i < plan->second.scratch.size(); ++i) {
      if (scratch.size() <= i) scratch.push_back(0);
      scratch[i] = std::max(scratch[i], plan->second.scratch[i].bytes);
    }
  }
  return scratch;
}

size_t CudaRun::ScratchBytes(const Shape& shape) const {
  size_t bytes = 0;
  for (const size_t one : ScratchOf(shape)) bytes += one;
  return bytes;
}

Judged<void> CudaRun::UseSet(const CudaShape& shape, const CudaOracle::Set& set) {
  if (used_.contains(set.id())) return {};
  const size_t unit = context_.device.unit;
  json request{{"do", "set"},
               {"id", set.id()},
               {"scalars", set.scalars},
               {"tensors", json::array()},
               {"scratch", json::array()}};
  KOPT_TRY(const CudaOracle::Set* foreign, shape.sets->Foreign());
  std::vector<int> descriptors;
  size_t next_input = 0;
  size_t next_output = 0;
  for (size_t i = 0; i < shape.task.tensors.size(); ++i) {
    const BoundTensor& bound = shape.task.tensors[i];
    const Tensor& tensor = *bound.tensor;
    if (tensor.role == Tensor::Role::kTemp) continue;
    json row = set.places[i].Json();
    row["kind"] = tensor.role == Tensor::Role::kInput ? "input" : tensor.IsRead() ? "inout" : "output";
    if (tensor.IsRead()) descriptors.push_back(set.inputs.at(next_input++).get());
    if (tensor.IsWritten()) {
      const PoisonWords poison = PoisonOf(tensor.dtype);
      row["nan"] = poison.nan;
      row["keep"] = poison.keep;
      row["set"] = poison.set;
      if (!bound.IsDense()) row["layout"] = LayoutJson(bound);
    }
    if (tensor.role == Tensor::Role::kOutput) {
      const Fd& answer = foreign->foreign.at(next_output++);
      row["foreign"] = bound.IsDense();
      if (bound.IsDense()) descriptors.push_back(answer.get());
    }
    request["tensors"].push_back(std::move(row));
  }
  for (const size_t bytes : ScratchOf(*shape.shape)) request["scratch"].push_back(PlaceTensor(bytes, 256, unit).Json());
  KOPT_TRY(const DeviceAnswer answer,
           Trusted(worker_->Ask(request, kLoadSeconds, descriptors), "taking memory for an input set"));
  KOPT_CHECK(context_.oracle->Attach(shape.task, set, set.id(), answer.descriptors));
  used_.insert(set.id());
  return {};
}

Result<void> CudaRun::Drop(const CudaOracle::Set& set) {
  if (used_.erase(set.id()) == 0) return {};
  KOPT_CHECK(context_.oracle->Detach(set.id()));
  KOPT_CHECK(Trusted(worker_->Ask({{"do", "drop"}, {"sets", {set.id()}}}, kLoadSeconds), "giving memory back"));
  return {};
}

// What a call must not have done: written around its outputs and scratch, or to variables of a module, or left its work
// to a later one.
Judged<void> CudaRun::CheckDamage(const DeviceAnswer& answer, const CudaShape& shape, const BoundCudaPlan& plan,
                                  Stage stage) const {
  const auto unsafe = [&](const std::string& reason) {
    Refusal refusal{.outcome = Outcome::kUnsafe, .stage = stage, .reason = reason};
    refusal.reason += fmt::format(" (shape {})", ShapeText(context_.spec, *shape.shape));
    refusal.evidence["shape"] = ShapeText(context_.spec, *shape.shape);
    return std::unexpected(Stop(std::move(refusal)));
  };
  if (answer.json.at("image").get<uint64_t>() > 0) {
    return unsafe("it keeps state between calls: a device variable changed");
  }
  if (answer.json.at("late").get<uint64_t>() > 0) return unsafe("its outputs were not complete when its call ended");
  if (answer.json.at("early").get<uint64_t>() > 0) return unsafe("it wrote the outputs of a call that had not begun");
  for (const json& set : answer.json.at("sets")) {
    size_t output = 0;
    for (const BoundTensor& bound : shape.task.tensors) {
      if (!bound.tensor->IsWritten()) continue;
      if (set.at("around").at(output).get<uint64_t>() > 0) {
        return unsafe(fmt::format("it wrote before the start or behind the end of `{}`", bound.tensor->name));
      }
      if (set.at("gaps").at(output).get<uint64_t>() > 0) {
        return unsafe(
            fmt::format("it wrote between the rows of `{}`, where its strides leave a gap", bound.tensor->name));
      }
      ++output;
    }
    for (size_t i = 0; i < set.at("scratch").size(); ++i) {
      if (set.at("scratch").at(i).get<uint64_t>() == 0) continue;
      return unsafe(fmt::format("it wrote before the start or behind the end of scratch {}",
                                i < plan.scratch.size() ? "`" + plan.scratch[i].name + "`" : "memory"));
    }
  }
  return {};
}

Judged<void> CudaRun::Compare(int side, const CudaShape& shape, const CudaOracle::Set& set,
                              const CudaOracle::Set& answer, Stage stage) {
  KOPT_TRY(const auto comparisons, context_.oracle->Compare(shape.task, answer, set.id()));
  for (size_t i = 0; i < comparisons.size(); ++i) {
    if (!comparisons[i]) continue;
    const Comparison& comparison = *comparisons[i];
    const BoundTensor& bound = shape.task.tensors[i];
    if (!bound.tensor->accept && side == kCandidate) {
      auto& worst = evidence_["errors"][bound.tensor->name];
      if (worst.is_null()) worst = {{"largest", 0.0}, {"rms", 0.0}};
      worst["largest"] = std::max(worst["largest"].get<double>(), comparison.largest);
      worst["rms"] = std::max(worst["rms"].get<double>(), comparison.rms);
    }
    if (comparison.pass) continue;
    Refusal refusal{.outcome = Outcome::kMismatch, .stage = stage, .reason = comparison.reason};
    if (!bound.tensor->accept) {
      refusal.evidence["output"] = bound.tensor->name;
      refusal.evidence["index"] = bound.Coordinates(std::max<long long>(comparison.worst, 0));
      refusal.evidence["got"] = comparison.got;
      refusal.evidence["want"] = comparison.want;
      if (comparison.deviation > 0) refusal.evidence["deviation"] = comparison.deviation;
      refusal.evidence["wrong"] = comparison.wrong;
      refusal.evidence["compared"] = comparison.compared;
    }
    refusal.reason += fmt::format(" (shape {})", ShapeText(context_.spec, *shape.shape));
    refusal.evidence["shape"] = ShapeText(context_.spec, *shape.shape);
    return std::unexpected(Stop(std::move(refusal)));
  }
  return {};
}

// Repeats that differ bitwise are a fact, and where the spec forbids it a mismatch.
Judged<void> CudaRun::NotRepeatable(int side, const CudaShape& shape, size_t output) {
  if (side == kCandidate) repeatable_ = false;
  for (const BoundTensor& bound : shape.task.tensors) {
    if (!bound.tensor->IsWritten() || output-- > 0) continue;
    if (!bound.tensor->repeatable) return {};
    return std::unexpected(Stop(Refusal{
        .outcome = Outcome::kMismatch,
        .stage = Stage::kMeasure,
        .reason = fmt::format("`{}` is not the same bit by bit in every call, which the spec demands (shape {})",
                              bound.tensor->name, ShapeText(context_.spec, *shape.shape))}));
  }
  return {};
}

Judged<double> CudaRun::Check(int side, const CudaShape& shape, const CudaOracle::Set& set, const Deadline& deadline) {
  KOPT_CHECK(UseSet(shape, set));
  KOPT_TRY(const DeviceAnswer answer, Ask({{"do", "call"},
                                           {"plan", sides_[side].plan_of.at(shape.shape)},
                                           {"set", set.id()},
                                           {"scalars", {set.scalars}},
                                           {"poison", SecretSeed() % kPoisons},
                                           {"seed", SecretSeed()},
                                           {"key", context_.digest_key}},
                                          deadline.Of(Launches(side, *shape.shape), 1), Stage::kCheck, shape.shape));
  KOPT_CHECK(CheckDamage(answer, shape, sides_[side].plans.at(shape.shape), Stage::kCheck));
  KOPT_CHECK(Compare(side, shape, set, set, Stage::kCheck));
  const json& digests = answer.json.at("sets").at(0).at("digests");
  for (size_t i = 0; i < digests.size(); ++i) {
    sides_[side].digests[{shape.shape, set.id(), i}] = digests.at(i);
  }
  return answer.json.at("us").get<double>() * 1e-6;
}

Judged<DeviceAnswer> CudaRun::RunBatch(int side, const CudaShape& shape,
                                       const std::vector<const CudaOracle::Set*>& sets, const Deadline& deadline,
                                       bool moved) {
  json ids = json::array(), scalars = json::array();
  for (const CudaOracle::Set* set : sets) {
    KOPT_CHECK(UseSet(shape, *set));
    ids.push_back(set->id());
    scalars.push_back(set->scalars);
  }
  KOPT_TRY(DeviceAnswer answer,
           Ask({{"do", "time"},
                {"plan", sides_[side].plan_of.at(shape.shape)},
                {"sets", ids},
                {"move", moved && sets.size() > 1},
                {"scalars", scalars},
                {"poison", SecretSeed() % kPoisons},
                {"seed", SecretSeed()},
                {"key", context_.digest_key}},
               deadline.Of(Launches(side, *shape.shape), sets.size()), Stage::kMeasure, shape.shape));
  KOPT_CHECK(CheckDamage(answer, shape, sides_[side].plans.at(shape.shape), Stage::kMeasure));
  return answer;
}

double CudaRun::SecondsOf(const DeviceAnswer& answer, size_t calls) {
  empty_seconds_ = answer.json.at("empty_us").get<double>() * 1e-6;
  return (answer.json.at("us").get<double>() * 1e-6 - empty_seconds_) / static_cast<double>(calls);
}

Judged<double> CudaRun::TimeUnseen(int side, const CudaShape& shape, const std::vector<const CudaOracle::Set*>& sets,
                                   const Deadline& deadline, const std::optional<Audit>& audit) {
  KOPT_TRY(const DeviceAnswer answer, RunBatch(side, shape, sets, deadline, true));
  if (audit) KOPT_CHECK(Compare(side, shape, *sets.at(audit->call), *audit->answer, Stage::kMeasure));
  return SecondsOf(answer, sets.size());
}

Judged<double> CudaRun::Time(int side, const CudaShape& shape, const std::vector<const CudaOracle::Set*>& sets,
                             const Deadline& deadline) {
  KOPT_TRY(const DeviceAnswer answer, RunBatch(side, shape, sets, deadline, false));
  for (size_t s = 0; s < sets.size(); ++s) {
    const json& digests = answer.json.at("sets").at(s).at("digests");
    bool same = true;
    for (size_t i = 0; i < digests.size(); ++i) {
      const uint64_t digest = digests.at(i);
      const auto [known, first] = sides_[side].digests.try_emplace({shape.shape, sets[s]->id(), i}, digest);
      if (!first && known->second == digest) continue;
      same = false;
      if (!first) KOPT_CHECK(NotRepeatable(side, shape, i));
      known->second = digest;
    }
    if (same) continue;
    KOPT_CHECK(Compare(side, shape, *sets[s], *sets[s], Stage::kMeasure));
  }
  return SecondsOf(answer, sets.size());
}

Judged<std::optional<CudaRun::Recorded>> CudaRun::Records(int side, const CudaShape& shape, const CudaOracle::Set& set,
                                                          const std::string& cupti, const Deadline& deadline) {
  KOPT_CHECK(UseSet(shape, set));
  KOPT_TRY(const DeviceAnswer answer,
           Ask({{"do", "records"},
                {"plan", sides_[side].plan_of.at(shape.shape)},
                {"set", set.id()},
                {"scalars", {set.scalars}},
                {"poison", SecretSeed() % kPoisons},
                {"seed", SecretSeed()},
                {"library", cupti}},
               deadline.Of(Launches(side, *shape.shape), 1) + kLoadSeconds,  // CUPTI's own too
               Stage::kMeasure, shape.shape));
  const json& records = answer.json.at("records");
  if (records.is_null()) return std::nullopt;
  return Recorded{.records = records.at("us").get<double>() * 1e-6,
                  .events = records.at("events_us").get<double>() * 1e-6};
}

Judged<json> CudaRun::Profile(int side, const CudaShape& shape, const CudaOracle::Set& set, const std::string& cupti,
                              json metrics, const Deadline& deadline) {
  KOPT_CHECK(UseSet(shape, set));
  const double call_seconds = deadline.Of(Launches(side, *shape.shape), 1) + kProfilerSeconds;
  KOPT_TRY(DeviceAnswer answer, Ask({{"do", "profile"},
                                     {"plan", sides_[side].plan_of.at(shape.shape)},
                                     {"set", set.id()},
                                     {"scalars", {set.scalars}},
                                     {"poison", SecretSeed() % kPoisons},
                                     {"seed", SecretSeed()},
                                     {"library", cupti},
                                     {"metrics", std::move(metrics)},
                                     {"steps", PlanJson(shape.task, sides_[side].plans.at(shape.shape))},
                                     {"call_seconds", call_seconds}},
                                    kProfiledCalls * call_seconds, Stage::kProfile, shape.shape));
  return std::move(answer.json);
}

Judged<double> CudaRun::AwaitClock() {
  context_.ending.Await();
  KOPT_TRY(const DeviceAnswer answer,
           Trusted(worker_->Ask({{"do", "clock"}}, kSlackSeconds), "reading the device's clock"));
  const json& mhz = answer.json.at("mhz");
  return mhz.is_number() ? mhz.get<double>() : 0;
}

}  // namespace kopt

#include "verifier/cpu/candidate_run.h"

#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <future>

#include "base/hash.h"
#include "base/parallel.h"
#include "task/cpu_prefix.h"
#include "task/screen.h"
#include "verifier/sandbox/sandbox.h"

namespace kopt {
namespace {

constexpr double kLeastLaunchSeconds = 0.2;
constexpr double kBaselineFactor = 20;
constexpr uint64_t kOwnMemory = uint64_t{4} << 30;  // bytes beside the tensors
constexpr const char* kEmptyObject =
    "extern \"C\" void kopt_entry(int, void* const*) {\n#pragma omp parallel\n  asm volatile(\"\");\n}\n";
constexpr size_t kPrintedShown = 400;  // bytes of a candidate's output that evidence quotes

nlohmann::ordered_json Printed(const BatchEnd& end) { return end.printed.substr(0, kPrintedShown); }

Refusal CompileRefusal(const CompileResult& compiled) {
  Refusal refusal{.stage = Stage::kCompile, .reason = compiled.reason};
  refusal.evidence["log"] = compiled.log;
  switch (compiled.kind) {
    case CompileResult::Kind::kTimeout:
      refusal.outcome = Outcome::kTimeout;
      break;
    case CompileResult::Kind::kRejected:
      refusal.outcome = Outcome::kRejected;
      refusal.stage = Stage::kScreen;
      break;
    default:
      refusal.outcome = Outcome::kCompileError;
  }
  return refusal;
}

Refusal PlanRefusal(const Error& error, Outcome outcome, Stage stage) {
  Refusal refusal{.outcome = outcome, .stage = stage, .reason = error.Text()};
  if (error.line > 0) refusal.evidence["line"] = error.line;
  return refusal;
}

void FillCanary(std::span<std::byte> bytes, uint64_t secret, uint64_t place) {
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(Mix(secret + place, i / 8) >> (i % 8 * 8));
}

// Number of bytes that differ from what FillCanary wrote.
size_t CanaryDamage(std::span<const std::byte> bytes, uint64_t secret, uint64_t place) {
  size_t damage = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    damage += bytes[i] != static_cast<std::byte>(Mix(secret + place, i / 8) >> (i % 8 * 8)) ? 1 : 0;
  }
  return damage;
}

// All ones (NaN in every floating type), or random words.
void PoisonScratch(std::span<std::byte> bytes, Poison poison, uint64_t seed) {
  if (poison != Poison::kRandom && poison != Poison::kForeign) {
    std::ranges::fill(bytes, std::byte{0xFF});
    return;
  }
  // A page of random words, repeated.
  const size_t period = std::min<size_t>(bytes.size(), 4096);
  for (size_t i = 0; i < period; i += sizeof(uint64_t)) {
    const uint64_t word = Mix(seed, i);
    std::memcpy(bytes.data() + i, &word, std::min(sizeof(word), period - i));
  }
  for (size_t i = period; i < bytes.size(); i += period) {
    std::memcpy(bytes.data() + i, bytes.data(), std::min(period, bytes.size() - i));
  }
}

uint64_t CanaryPlace(size_t buffer, bool back) { return (uint64_t{buffer} << 20) * 2 + (back ? 1 : 0); }

}  // namespace

std::string Text(const Spec& spec, const Shape& shape) {
  std::string text;
  for (const std::string& dim : spec.dims)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", dim, shape.dims.at(dim));
  return text;
}

double Deadline::Of(size_t launches, size_t calls) const {
  const auto count = static_cast<double>(std::max<size_t>(calls, 1));
  const auto steps = static_cast<double>(std::max<size_t>(launches, 1));
  if (baseline_call_seconds <= 0) return limit_seconds * count;
  return std::max(std::min(kLeastLaunchSeconds * steps, limit_seconds), kBaselineFactor * baseline_call_seconds) *
         count;
}

Judged<std::unique_ptr<CandidateRun>> CandidateRun::Compile(CpuContext& context, const Candidate& candidate,
                                                            const Configuration& configuration,
                                                            const std::vector<const Shape*>& shapes) {
  auto run = std::unique_ptr<CandidateRun>(new CandidateRun(context, candidate));
  run->digest_secret_ = SecretSeed();
  if (auto screened = ScreenCpuSource(candidate); !screened) {
    return std::unexpected(Stop(PlanRefusal(screened.error(), Outcome::kRejected, Stage::kScreen)));
  }
  // Shapes that differ only in dynamic dims share their source, and so their object.
  std::map<std::string, CpuSource> sources;
  std::map<const Shape*, std::string> source_of;
  for (const Shape* shape : shapes) {
    auto plan = BindCpu(context.spec, candidate, configuration, *shape, context.device.values);
    if (!plan) return std::unexpected(Stop(PlanRefusal(plan.error(), Outcome::kLaunchError, Stage::kParse)));
    run->bound_[shape].plan = std::move(*plan);
    auto source = GenerateCpuSource(context.spec, candidate, configuration, *shape, context.device.values);
    if (!source) return std::unexpected(Stop(PlanRefusal(source.error(), Outcome::kRejected, Stage::kParse)));
    source_of[shape] = source->candidate + source->stubs;
    sources.try_emplace(source_of[shape], std::move(*source));
  }
  std::map<std::string, std::string> objects;
  KOPT_CHECK(run->CompileAll(sources, objects));
  for (const Shape* shape : shapes) {
    run->bound_[shape].object = objects[source_of[shape]];
    run->sessions_.try_emplace(run->bound_[shape].object);
  }
  return run;
}

// As many compilers at a time as there are CPUs.
Judged<void> CandidateRun::CompileAll(const std::map<std::string, CpuSource>& sources,
                                      std::map<std::string, std::string>& objects) {
  const Lane::Hold hold = context_.lane.Shared();
  std::vector<std::pair<const std::string*, std::future<Result<CompileResult>>>> running;
  const auto collect = [&](Judged<void>& outcome) {
    for (auto& [key, future] : running) {
      Result<CompileResult> compiled = future.get();
      if (!outcome) continue;
      if (!compiled) {
        outcome = std::unexpected(Stop(compiled.error()));
      } else if (compiled->kind != CompileResult::Kind::kObject) {
        outcome = std::unexpected(Stop(CompileRefusal(*compiled)));
      } else {
        objects[*key] = compiled->object.string();
        if (!compiled->log.empty()) evidence_["compiler_log"] = compiled->log;
      }
    }
    running.clear();
  };
  Judged<void> outcome;
  for (const auto& [key, source] : sources) {
    running.emplace_back(&key, std::async(std::launch::async, [this, &source] {
      return context_.compiler.Compile({.units = {{"unit.cpp", source.candidate}, {"stubs.cpp", source.stubs}},
                                        .prefix = kCpuPrefix,
                                        .quoted = {"candidate.cpp", candidate_.source},
                                        .flags = CandidateFlags(),
                                        .screen = true,
                                        .seconds = context_.spec.limits.compile_seconds});
    }));
    if (static_cast<int>(running.size()) >= context_.threads) collect(outcome);
    if (!outcome) return outcome;
  }
  collect(outcome);
  return outcome;
}

Judged<void> CandidateRun::Load() {
  const Lane::Hold hold = context_.lane.Shared();
  for (auto& [object, session] : sessions_) {
    if (session != nullptr && session->running()) continue;
    KOPT_TRY(session, Session::Start({.worker = context_.worker,
                                      .object = object,
                                      .sandbox = context_.options.sandbox,
                                      .address_space = AddressSpace(),
                                      .threads = context_.threads}));
    std::string reason;
    const BatchEnd end = session->Load(reason);
    if (end.kind == BatchEnd::Kind::kDone) continue;
    const BoundTask nothing;
    Refusal refusal = RefusalOf(end, *bound_.begin()->first, nothing, Prepared{}, Stage::kLoad, 10);
    if (end.kind == BatchEnd::Kind::kExited && !reason.empty()) {
      refusal.outcome = Outcome::kLaunchError;
      refusal.reason = "the loader refuses the object: " + reason;
    }
    return std::unexpected(Stop(std::move(refusal)));
  }
  return {};
}

// Room for the largest batch (1 GiB, or one call where that needs more) and what a candidate may take for itself.
uint64_t CandidateRun::AddressSpace() const {
  uint64_t largest = 0;
  for (const auto& [shape, bound] : bound_) {
    uint64_t bytes = ScratchBytes(*shape);
    const auto task = Bind(context_.spec, *shape);
    for (const BoundTensor& tensor : task ? task->tensors : std::vector<BoundTensor>()) bytes += tensor.bytes;
    largest = std::max(largest, bytes * (2 + context_.spec.checks.size()));
  }
  return kOwnMemory + std::max<uint64_t>(largest, uint64_t{2} << 30);
}

Result<Session*> EmptySession(CpuContext& context) {
  if (context.empty != nullptr && context.empty->running()) return context.empty.get();
  if (context.empty_object.empty()) {
    KOPT_TRY(const CompileResult compiled,
             context.compiler.Compile({.units = {{"empty.cpp", kEmptyObject}}, .flags = CandidateFlags()}));
    if (compiled.kind != CompileResult::Kind::kObject) {
      return std::unexpected(Error{.exit = Exit::kEnvironment,
                                   .message = "the compiler cannot build a small OpenMP program: " + compiled.reason,
                                   .hint = "reinstall g++ with its OpenMP library",
                                   .log = compiled.log});
    }
    context.empty_object = compiled.object;
  }
  KOPT_TRY(context.empty, Session::Start({.worker = context.worker,
                                          .object = context.empty_object,
                                          .sandbox = context.options.sandbox,
                                          .threads = context.threads}));
  std::string reason;
  if (context.empty->Load(reason).kind != BatchEnd::Kind::kDone)
    return InternalError("the empty object does not load: " + reason);
  return context.empty.get();
}

Result<double> CandidateRun::TrustedEmpty(const Shape& shape, SetPool& pool, const std::vector<size_t>& sets) {
  KOPT_TRY(Session * session, EmptySession(context_));
  const Prepared prepared = Prepare(pool.task(), bound_.at(&shape).plan, sets.size(), true);
  KOPT_CHECK(context_.arenas.Reserve(prepared.batch.read_only_bytes(), prepared.batch.read_write_bytes()));
  KOPT_TRY(const BatchEnd end, session->Run(context_.arenas, prepared.batch, {.empty = true}, [] {}));
  if (end.kind != BatchEnd::Kind::kDone) return InternalError("an empty batch did not end well: " + end.printed);
  return end.seconds;
}

size_t CandidateRun::ScratchBytes(const Shape& shape) const {
  size_t total = 0;
  for (const BoundScratch& scratch : bound_.at(&shape).plan.scratch) total += scratch.bytes;
  return total;
}

CandidateRun::Prepared CandidateRun::Prepare(const BoundTask& task, const BoundPlan& plan, size_t calls,
                                             bool timed) const {
  Prepared prepared;
  Batch& batch = prepared.batch;
  for (size_t c = 0; c < calls; ++c) {
    CallBuffers buffers;
    for (const BoundTensor& bound : task.tensors) {
      const Tensor& tensor = *bound.tensor;
      // Checks give the least alignment that the spec promises; timed calls the usual 256 bytes.
      const int align = timed ? std::max(tensor.align, 256) : tensor.align;
      buffers.tensors.push_back(
          tensor.role == Tensor::Role::kTemp ? -1 : batch.AddBuffer(bound.bytes, tensor.IsWritten(), align));
    }
    for (const BoundScratch& scratch : plan.scratch) buffers.scratch.push_back(batch.AddBuffer(scratch.bytes, true));
    prepared.calls.push_back(std::move(buffers));
  }
  return prepared;
}

// Adds the plan's steps for each call; scalars are those of its set.
static void AddSteps(const BoundTask& task, const BoundPlan& plan, const std::vector<int>& tensors,
                     const std::vector<int>& scratch, const InputSet& inputs, Batch& batch) {
  const Spec& spec = *task.spec;
  const auto buffer_of = [&](const std::string& name) {
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      if (task.tensors[i].tensor->name == name) return tensors[i];
    }
    for (size_t i = 0; i < plan.scratch.size(); ++i) {
      if (plan.scratch[i].name == name) return scratch[i];
    }
    return -1;
  };
  const auto entry_of = [&](const BoundArg& arg) {
    switch (arg.kind) {
      case Arg::Kind::kScalar: {
        const auto index = static_cast<size_t>(spec.FindScalar(arg.name) - spec.scalars.data());
        return ArgEntry{.value = inputs.scalars[index]};
      }
      case Arg::Kind::kInt:
      case Arg::Kind::kInt64:
        return ArgEntry{.value = static_cast<uint64_t>(arg.value)};
      default:
        return ArgEntry{.buffer = buffer_of(arg.name)};
    }
  };
  for (const BoundStep& step : plan.steps) {
    if (step.kind == PlanLine::Kind::kZero) {
      batch.AddZero(buffer_of(step.function));
      continue;
    }
    std::vector<ArgEntry> args;
    for (const BoundArg& arg : step.args) args.push_back(entry_of(arg));
    batch.AddStep(step.stub, args);
  }
}

Result<CandidateRun::Sets> CandidateRun::Gather(SetPool& pool, const std::vector<size_t>& numbers) {
  Sets sets;
  for (const size_t number : numbers) {
    KOPT_TRY(const SetPool::Entry* entry, number == kFreshSet ? pool.Fresh() : pool.Get(number));
    sets.push_back(entry);
  }
  return sets;
}

Judged<double> CandidateRun::RunBatch(const Shape& shape, SetPool& pool, const Sets& sets, const Prepared& prepared,
                                      bool empty, Stage stage, const Deadline& deadline, const Poisons& poisons) {
  const BoundTask& task = pool.task();
  const Batch& batch = prepared.batch;
  const Bound& bound = bound_.at(&shape);
  KOPT_CHECK(context_.arenas.Reserve(batch.read_only_bytes(), batch.read_write_bytes()));
  // Prepared before the group stands still: by call and tensor, what an output holds before it.
  std::vector<std::vector<const std::vector<std::byte>*>> contents(sets.size());
  for (size_t c = 0; c < sets.size() && !empty; ++c) {
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      const Tensor& tensor = *task.tensors[i].tensor;
      contents[c].push_back(tensor.IsRead() ? &sets[c]->inputs.storage[i] : nullptr);
      if (tensor.role == Tensor::Role::kOutput) {
        KOPT_TRY(contents[c].back(), pool.PoisonFor(i, poisons[c]));
      }
    }
  }
  const uint64_t secret = SecretSeed();
  const auto fill = [&] {
    if (empty) return;
    Parallel(sets.size(), [&](size_t begin, size_t end) {
      for (size_t c = begin; c < end; ++c) {
        const CallBuffers& buffers = prepared.calls[c];
        for (size_t i = 0; i < task.tensors.size(); ++i) {
          if (buffers.tensors[i] < 0) continue;
          const std::vector<std::byte>& from = *contents[c][i];
          std::memcpy(batch.Data(context_.arenas, buffers.tensors[i]).data(), from.data(), from.size());
        }
        for (const int scratch : buffers.scratch) {
          PoisonScratch(batch.Data(context_.arenas, scratch), poisons[c], secret + c);
        }
      }
    });
    for (size_t b = 0; b < batch.buffer_count(); ++b) {
      const int buffer = static_cast<int>(b);
      if (!batch.writable(buffer)) continue;
      FillCanary(batch.Front(context_.arenas, buffer), secret, CanaryPlace(b, false));
      FillCanary(batch.Back(context_.arenas, buffer), secret, CanaryPlace(b, true));
    }
  };
  const double seconds = deadline.Of(bound.plan.steps.size(), sets.size());
  KOPT_TRY(const BatchEnd end, sessions_.at(bound.object)
                                   ->Run(context_.arenas, batch,
                                         {.empty = empty, .linger = stage == Stage::kCheck, .seconds = seconds}, fill));
  if (end.kind != BatchEnd::Kind::kDone) {
    return std::unexpected(Stop(RefusalOf(end, shape, task, prepared, stage, seconds)));
  }
  if (!empty) {
    if (auto broken = BrokenCanary(task, prepared, secret)) {
      return std::unexpected(
          Stop(Refusal{.outcome = Outcome::kUnsafe,
                       .stage = stage,
                       .reason = fmt::format("{} (shape {})", *broken, Text(context_.spec, shape))}));
    }
  }
  return end.seconds;
}

Judged<double> CandidateRun::Check(const Shape& shape, SetPool& pool, const std::vector<size_t>& numbers,
                                   const Deadline& deadline) {
  KOPT_TRY(const Sets sets, Gather(pool, numbers));
  const Lane::Hold hold = context_.lane.Shared();
  const BoundTask& task = pool.task();
  const BoundPlan& plan = bound_.at(&shape).plan;
  Prepared prepared = Prepare(task, plan, sets.size(), false);
  for (size_t c = 0; c < sets.size(); ++c) {
    prepared.batch.BeginCall();
    AddSteps(task, plan, prepared.calls[c].tensors, prepared.calls[c].scratch, sets[c]->inputs, prepared.batch);
  }
  const Poisons poisons = DrawPoisons(sets.size());
  KOPT_TRY(const double seconds, RunBatch(shape, pool, sets, prepared, false, Stage::kCheck, deadline, poisons));
  for (size_t c = 0; c < sets.size(); ++c) {
    KOPT_CHECK(Compare(shape, pool, *sets[c], prepared.calls[c], prepared.batch, Stage::kCheck));
    KOPT_CHECK(CheckGaps(pool, *sets[c], prepared.calls[c], prepared.batch, poisons[c], Stage::kCheck));
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      if (!task.tensors[i].tensor->IsWritten()) continue;
      const auto storage = prepared.batch.Data(context_.arenas, prepared.calls[c].tensors[i]);
      if (pool.timed() && numbers[c] != kFreshSet) {
        digests_[{&shape, numbers[c], i}] = DigestOf(task.tensors[i], storage);
      }
    }
  }
  return seconds;
}

Judged<double> CandidateRun::Time(const Shape& shape, SetPool& pool, const std::vector<size_t>& numbers, bool empty,
                                  const Deadline& deadline) {
  KOPT_TRY(const Sets sets, Gather(pool, numbers));
  const BoundTask& task = pool.task();
  const BoundPlan& plan = bound_.at(&shape).plan;
  Prepared prepared = Prepare(task, plan, sets.size(), true);
  for (size_t c = 0; c < sets.size(); ++c) {
    prepared.batch.BeginCall();
    AddSteps(task, plan, prepared.calls[c].tensors, prepared.calls[c].scratch, sets[c]->inputs, prepared.batch);
  }
  const Poisons poisons = DrawPoisons(sets.size());
  KOPT_TRY(const double seconds, RunBatch(shape, pool, sets, prepared, empty, Stage::kMeasure, deadline, poisons));
  if (empty) return seconds;
  for (size_t c = 0; c < sets.size(); ++c) {
    KOPT_CHECK(CheckGaps(pool, *sets[c], prepared.calls[c], prepared.batch, poisons[c], Stage::kMeasure));
    bool compare = false;
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      if (!task.tensors[i].tensor->IsWritten()) continue;
      const uint64_t digest =
          DigestOf(task.tensors[i], prepared.batch.Data(context_.arenas, prepared.calls[c].tensors[i]));
      const auto [known, added] = digests_.try_emplace({&shape, numbers[c], i}, digest);
      if (!added && known->second == digest) continue;
      compare = true;
      if (added) continue;
      repeatable_ = false;
      if (task.tensors[i].tensor->repeatable) {
        return std::unexpected(
            Stop(Refusal{.outcome = Outcome::kMismatch,
                         .stage = Stage::kMeasure,
                         .reason = fmt::format(
                             "`{}` differs between two calls on the same inputs, and the spec demands `repeatable`",
                             task.tensors[i].tensor->name)}));
      }
    }
    if (compare) KOPT_CHECK(Compare(shape, pool, *sets[c], prepared.calls[c], prepared.batch, Stage::kMeasure));
  }
  return seconds;
}

Judged<void> CandidateRun::Compare(const Shape& shape, SetPool& pool, const SetPool::Entry& set,
                                   const CallBuffers& buffers, const Batch& batch, Stage stage) {
  const BoundTask& task = pool.task();
  std::vector<std::span<const std::byte>> got(task.tensors.size());
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    if (task.tensors[i].tensor->IsWritten()) got[i] = batch.Data(context_.arenas, buffers.tensors[i]);
  }
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const Tensor& tensor = *task.tensors[i].tensor;
    if (!tensor.IsWritten()) continue;
    Refusal refusal{.outcome = Outcome::kMismatch, .stage = stage};
    if (tensor.accept) {
      KOPT_TRY(refusal.reason, context_.oracle->Refusal(task, set.inputs, set.answer, i, got));
      if (refusal.reason.empty()) continue;
    } else {
      const Comparison comparison = CompareOutput(task.tensors[i], set.answer.truth(i), got[i]);
      auto& worst = evidence_["errors"][tensor.name];
      if (worst.is_null()) worst = {{"largest", 0.0}, {"rms", 0.0}};
      worst["largest"] = std::max(worst["largest"].get<double>(), comparison.largest);
      worst["rms"] = std::max(worst["rms"].get<double>(), comparison.rms);
      if (comparison.pass) continue;
      refusal.reason = comparison.reason;
      refusal.evidence["output"] = tensor.name;
      refusal.evidence["index"] = task.tensors[i].Coordinates(std::max<long long>(comparison.worst, 0));
      refusal.evidence["got"] = comparison.got;
      refusal.evidence["want"] = comparison.want;
      refusal.evidence["deviation"] = comparison.deviation;
      refusal.evidence["wrong"] = comparison.wrong;
      refusal.evidence["compared"] = comparison.compared;
    }
    refusal.reason += fmt::format(" (shape {})", Text(context_.spec, shape));
    refusal.evidence["shape"] = Text(context_.spec, shape);
    return std::unexpected(Stop(std::move(refusal)));
  }
  return {};
}

uint64_t CandidateRun::DigestOf(const BoundTensor& bound, std::span<const std::byte> storage) const {
  if (bound.IsDense()) return Digest(storage, digest_secret_);
  const size_t size = Size(bound.tensor->dtype);
  std::vector<std::byte> dense(static_cast<size_t>(bound.elements) * size);
  for (long long i = 0; i < bound.elements; ++i) {
    std::memcpy(dense.data() + static_cast<size_t>(i) * size,
                storage.data() + static_cast<size_t>(bound.Offset(i)) * size, size);
  }
  return Digest(dense, digest_secret_);
}

CandidateRun::Poisons CandidateRun::DrawPoisons(size_t calls) {
  Poisons poisons;
  const uint64_t seed = SecretSeed();
  for (size_t c = 0; c < calls; ++c) poisons.push_back(static_cast<Poison>(Mix(seed, c) % kPoisonCount));
  return poisons;
}

// The bytes between a written tensor's rows still hold what they held before the call.
Judged<void> CandidateRun::CheckGaps(SetPool& pool, const SetPool::Entry& set, const CallBuffers& buffers,
                                     const Batch& batch, Poison poison, Stage stage) {
  for (size_t t = 0; t < pool.task().tensors.size(); ++t) {
    const BoundTensor& bound = pool.task().tensors[t];
    if (bound.IsDense() || !bound.tensor->IsWritten()) continue;
    const std::vector<std::byte>* before = &set.inputs.storage[t];
    if (!bound.tensor->IsRead()) {
      KOPT_TRY(before, pool.PoisonFor(t, poison));
    }
    const auto storage = batch.Data(context_.arenas, buffers.tensors[t]);
    std::vector<std::byte> expected = *before;
    const size_t size = Size(bound.tensor->dtype);
    for (long long i = 0; i < bound.elements; ++i) {
      const size_t at = static_cast<size_t>(bound.Offset(i)) * size;
      std::memcpy(expected.data() + at, storage.data() + at, size);
    }
    if (std::ranges::equal(expected, storage)) continue;
    return std::unexpected(
        Stop(Refusal{.outcome = Outcome::kUnsafe,
                     .stage = stage,
                     .reason = fmt::format("it wrote between the rows of `{}`, where its strides leave a gap",
                                           bound.tensor->name)}));
  }
  return {};
}

std::optional<std::string> CandidateRun::BrokenCanary(const BoundTask& task, const Prepared& prepared,
                                                      uint64_t secret) const {
  const Batch& batch = prepared.batch;
  for (const CallBuffers& buffers : prepared.calls) {
    std::vector<std::pair<int, std::string>> places;
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      if (task.tensors[i].tensor->IsWritten()) places.emplace_back(buffers.tensors[i], task.tensors[i].tensor->name);
    }
    for (size_t i = 0; i < buffers.scratch.size(); ++i)
      places.emplace_back(buffers.scratch[i], candidate_.scratch[i].name);
    for (const auto& [buffer, name] : places) {
      const auto b = static_cast<size_t>(buffer);
      for (const bool back : {false, true}) {
        const auto bytes = back ? batch.Back(context_.arenas, buffer) : batch.Front(context_.arenas, buffer);
        if (const size_t damage = CanaryDamage(bytes, secret, CanaryPlace(b, back)); damage > 0) {
          return fmt::format("it wrote {} bytes {} `{}`", damage, back ? "behind the end of" : "before the start of",
                             name);
        }
      }
    }
  }
  return std::nullopt;
}

std::string CandidateRun::FaultText(const BatchStatus& status, const BoundTask& task, const Prepared& prepared,
                                    bool& wrote_input) const {
  const char* access = status.fault_write == 1 ? "write" : status.fault_write == 0 ? "read" : "access";
  for (const CallBuffers& buffers : prepared.calls) {
    for (size_t i = 0; i < buffers.tensors.size(); ++i) {
      if (buffers.tensors[i] < 0 || buffers.tensors[i] != status.fault_buffer) continue;
      const BoundTensor& bound = task.tensors[i];
      const auto bytes = static_cast<long long>(bound.bytes);
      if (status.fault_offset >= 0 && status.fault_offset < bytes) {
        wrote_input = status.fault_write == 1;
        return fmt::format("a {} at byte {} of input `{}`", access, status.fault_offset, bound.tensor->name);
      }
      return status.fault_offset < 0 ? fmt::format("a {} {:.0f} bytes before the start of `{}`", access,
                                                   -static_cast<double>(status.fault_offset), bound.tensor->name)
                                     : fmt::format("a {} {} bytes behind the end of `{}`", access,
                                                   status.fault_offset - bytes, bound.tensor->name);
    }
    for (size_t i = 0; i < buffers.scratch.size(); ++i) {
      if (buffers.scratch[i] == status.fault_buffer) {
        return fmt::format("a {} outside scratch `{}`", access, candidate_.scratch[i].name);
      }
    }
  }
  return fmt::format("a {} at address {:#x}, which belongs to no tensor", access, status.fault_address);
}

Refusal CandidateRun::RefusalOf(const BatchEnd& end, const Shape& shape, const BoundTask& task,
                                const Prepared& prepared, Stage stage, double seconds) const {
  Refusal refusal{.outcome = Outcome::kCrashed, .stage = stage};
  const std::string where =
      stage == Stage::kLoad ? " while it was loaded" : fmt::format(" (shape {})", Text(context_.spec, shape));
  switch (end.kind) {
    case BatchEnd::Kind::kTimeout:
      refusal.outcome = Outcome::kTimeout;
      refusal.reason = fmt::format("it did not end within {:.2f} s", seconds);
      break;
    case BatchEnd::Kind::kForbidden:
      refusal.outcome = Outcome::kUnsafe;
      refusal.reason = end.number >= 0
                           ? fmt::format("it made the forbidden system call {}", sandbox::SystemCallName(end.number))
                           : "it made a forbidden system call";
      break;
    case BatchEnd::Kind::kFlood:
      refusal.outcome = Outcome::kUnsafe;
      refusal.reason = fmt::format("it printed more than {} bytes", kMostOutput);
      break;
    case BatchEnd::Kind::kStray:
      refusal.outcome = Outcome::kUnsafe;
      refusal.reason = "it left a thread or a process behind";
      break;
    case BatchEnd::Kind::kForged:
      refusal.outcome = Outcome::kUnsafe;
      refusal.reason = "it interfered with the worker: messages or filters that are not the worker's own";
      break;
    case BatchEnd::Kind::kNoSetup:
      refusal.outcome = Outcome::kLaunchError;
      refusal.reason = "its memory cannot be set up: " + end.printed;
      break;
    case BatchEnd::Kind::kExited:
      refusal.reason = fmt::format("it ended the process itself, with status {}", end.number);
      break;
    default: {
      refusal.reason = fmt::format("it was ended by signal {} ({})", end.number, strsignal(end.number));
      if (end.status.fault_signal == SIGSEGV || end.status.fault_signal == SIGBUS) {
        bool wrote_input = false;
        refusal.reason += ": " + FaultText(end.status, task, prepared, wrote_input);
        if (wrote_input) refusal.outcome = Outcome::kUnsafe;
      }
    }
  }
  refusal.reason += where;
  if (stage != Stage::kLoad) refusal.evidence["shape"] = Text(context_.spec, shape);
  if (!end.printed.empty()) refusal.evidence["printed"] = Printed(end);
  return refusal;
}

}  // namespace kopt

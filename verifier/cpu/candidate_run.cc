#include "verifier/cpu/candidate_run.h"

#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "base/hash.h"
#include "base/parallel.h"
#include "verifier/cpu/batch_refusal.h"

namespace kopt {
namespace {

constexpr double kLoadSeconds = 10;
constexpr uint64_t kOwnMemory = uint64_t{4} << 30;  // bytes beside the tensors

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

// Writes back and forgets the lines of every cache that hold `bytes`. Only x86-64 has an instruction for it that needs
// no rights everywhere; elsewhere nothing is done.
void Flush(std::span<const std::byte> bytes) {
#if defined(__x86_64__)
  constexpr uintptr_t kLine = 64;
  const auto* end = bytes.data() + bytes.size();
  for (const auto* line = bytes.data() - reinterpret_cast<uintptr_t>(bytes.data()) % kLine; line < end; line += kLine) {
    _mm_clflush(line);
  }
  _mm_mfence();
#else
  static_cast<void>(bytes);
#endif
}

}  // namespace

CandidateRun::CandidateRun(CpuContext& context, CandidateObjects objects)
    : context_(context), objects_(std::move(objects.by_shape)), digest_secret_(SecretSeed()) {
  for (const auto& [shape, compiled] : objects_) sessions_.try_emplace(compiled.object);
  if (!objects.log.empty()) evidence_["compiler_log"] = objects.log;
}

std::unique_ptr<CandidateRun> CandidateRun::WithLate(Late late) const {
  auto run = std::make_unique<CandidateRun>(context_, CandidateObjects{.by_shape = objects_});
  run->late_ = late;
  return run;
}

Judged<void> CandidateRun::Load() {
  const Lane::Hold hold = context_.lane.Shared();
  for (auto& [object, session] : sessions_) {
    if (session != nullptr && session->running()) continue;
    KOPT_TRY(session, Session::Start({.worker = context_.worker,
                                      .object = object,
                                      .sandbox = context_.options.sandbox,
                                      .address_space = AddressSpace(),
                                      .threads = context_.threads,
                                      .late = late_,
                                      .load_seconds = kLoadSeconds}));
    std::string reason;
    const BatchEnd end = session->Load(reason);
    if (end.kind == BatchEnd::Kind::kDone) continue;
    Refusal refusal = RefusalOf(end, Stage::kLoad, kLoadSeconds);
    refusal.reason += " while it was loaded";
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
  for (const auto& [shape, compiled] : objects_) {
    uint64_t bytes = ScratchBytes(*shape);
    const auto task = Bind(context_.spec, *shape);
    for (const BoundTensor& tensor : task ? task->tensors : std::vector<BoundTensor>()) bytes += tensor.bytes;
    largest = std::max(largest, bytes * (2 + context_.spec.checks.size()));
  }
  return kOwnMemory + std::max<uint64_t>(largest, uint64_t{2} << 30);
}

Result<BatchEnd> CandidateRun::RunTrusted(const CallBatch& calls, const Session::RunOptions& how) {
  KOPT_TRY(Session * session, EmptySession(context_));
  KOPT_CHECK(context_.arenas.Reserve(calls.batch.read_only_bytes(), calls.batch.read_write_bytes()));
  KOPT_TRY(BatchEnd end, session->Run(context_.arenas, calls.batch, how, [] {}));
  if (end.kind != BatchEnd::Kind::kDone) return InternalError("an empty batch did not end well: " + end.printed);
  return end;
}

Result<double> CandidateRun::TrustedEmpty(const Shape& shape, SetPool& pool, const std::vector<size_t>& sets) {
  KOPT_TRY(const Sets gathered, Gather(pool, sets));
  const CallBatch calls = LayOut(pool.task(), objects_.at(&shape).plan, InputsOf(gathered), true);
  KOPT_TRY(const BatchEnd end, RunTrusted(calls, {.empty = true}));
  return end.seconds;
}

double CandidateRun::CheckedCallSeconds(const Shape& shape) const {
  const auto found = checked_call_seconds_.find(&shape);
  return found == checked_call_seconds_.end() ? 0 : found->second;
}

size_t CandidateRun::ScratchBytes(const Shape& shape) const {
  size_t total = 0;
  for (const BoundScratch& scratch : objects_.at(&shape).plan.scratch) total += scratch.bytes;
  return total;
}

Result<CandidateRun::Sets> CandidateRun::Gather(SetPool& pool, const std::vector<size_t>& numbers) {
  Sets sets;
  for (const size_t number : numbers) {
    KOPT_TRY(const SetPool::Entry* entry, number == kFreshSet ? pool.Fresh() : pool.Get(number));
    sets.push_back(entry);
  }
  return sets;
}

Judged<BatchEnd> CandidateRun::RunBatch(const Shape& shape, SetPool& pool, const Sets& sets, const CallBatch& calls,
                                        bool empty, Stage stage, const Deadline& deadline, const Poisons& poisons,
                                        const Returned& returned, bool flush) {
  const BoundTask& task = pool.task();
  const Batch& batch = calls.batch;
  const CandidateObject& compiled = objects_.at(&shape);
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
  // What call `c` finds; `known`: its inputs, too, else zeros in their place.
  const auto fill_call = [&](size_t c, bool known) {
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      if (calls.calls[c].tensors[i] < 0) continue;
      const std::vector<std::byte>& from = *contents[c][i];
      const auto to = batch.Data(context_.arenas, calls.calls[c].tensors[i]);
      if (known || !task.tensors[i].tensor->IsRead()) {
        std::memcpy(to.data(), from.data(), from.size());
      } else {
        std::ranges::fill(to, std::byte{0});
      }
      if (flush) Flush(to);
    }
  };
  const auto fill = [&] {
    if (empty) return;
    Parallel(sets.size(), [&](size_t begin, size_t end) {
      for (size_t c = begin; c < end; ++c) {
        fill_call(c, !returned || c == 0);
        for (const int scratch : calls.calls[c].scratch) {
          PoisonScratch(batch.Data(context_.arenas, scratch), poisons[c], secret + c);
        }
      }
    });
    FillRedzones(batch, context_.arenas, secret);
  };
  const double seconds = deadline.Of(compiled.plan.steps.size(), sets.size());
  Session::RunOptions how{
      .empty = empty, .linger = stage == Stage::kCheck && late_ == Late::kNobody, .seconds = seconds};
  if (returned) {
    how.returned = [&](size_t number) {
      returned(number);
      if (number + 1 < sets.size()) fill_call(number + 1, true);
    };
  }
  KOPT_TRY(BatchEnd end, sessions_.at(compiled.object)->Run(context_.arenas, batch, how, fill));
  if (end.kind != BatchEnd::Kind::kDone) {
    return std::unexpected(Stop(BatchRefusal(end, shape, task, calls, stage, seconds)));
  }
  if (!empty) {
    if (auto broken = BrokenRedzone(task, compiled.plan, calls, context_.arenas, secret)) {
      return std::unexpected(
          Stop(Refusal{.outcome = Outcome::kUnsafe,
                       .stage = stage,
                       .reason = fmt::format("{} (shape {})", *broken, ShapeText(context_.spec, shape))}));
    }
  }
  return end;
}

Judged<double> CandidateRun::Check(const Shape& shape, SetPool& pool, const std::vector<size_t>& numbers,
                                   const Deadline& deadline) {
  const Lane::Hold hold = context_.lane.Shared();  // the oracle, too, takes every CPU
  KOPT_TRY(const Sets sets, Gather(pool, numbers));
  const BoundTask& task = pool.task();
  const CallBatch calls = LayOut(task, objects_.at(&shape).plan, InputsOf(sets), false);
  const Poisons poisons = DrawPoisons(sets.size());
  KOPT_TRY(const BatchEnd end, RunBatch(shape, pool, sets, calls, false, Stage::kCheck, deadline, poisons));
  for (size_t c = 0; c < sets.size(); ++c) {
    KOPT_CHECK(Compare(shape, pool, *sets[c], calls.calls[c], calls.batch, Stage::kCheck));
    KOPT_CHECK(CheckGaps(pool, *sets[c], calls.calls[c], calls.batch, poisons[c], Stage::kCheck));
  }
  checked_call_seconds_[&shape] = end.seconds / static_cast<double>(sets.size());
  for (size_t c = 0; c < sets.size(); ++c) {
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      if (!task.tensors[i].tensor->IsWritten()) continue;
      const auto storage = calls.batch.Data(context_.arenas, calls.calls[c].tensors[i]);
      if (pool.timed() && numbers[c] != kFreshSet) {
        digests_[{&shape, numbers[c], i}] = DigestOf(task.tensors[i], storage);
      }
    }
  }
  return end.seconds;
}

Judged<double> CandidateRun::Time(const Shape& shape, SetPool& pool, const std::vector<size_t>& numbers, bool empty,
                                  const Deadline& deadline) {
  KOPT_TRY(const Sets sets, Gather(pool, numbers));
  const CallBatch calls = LayOut(pool.task(), objects_.at(&shape).plan, InputsOf(sets), true);
  const Poisons poisons = DrawPoisons(sets.size());
  KOPT_TRY(const BatchEnd end, RunBatch(shape, pool, sets, calls, empty, Stage::kMeasure, deadline, poisons));
  if (!empty) KOPT_CHECK(CheckTimed(shape, pool, numbers, sets, calls, poisons));
  return end.seconds;
}

std::vector<uint64_t> CandidateRun::DigestsOf(const BoundTask& task, const CallBuffers& call,
                                              const Batch& batch) const {
  std::vector<uint64_t> digests;
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    if (!task.tensors[i].tensor->IsWritten()) continue;
    digests.push_back(DigestOf(task.tensors[i], batch.Data(context_.arenas, call.tensors[i])));
  }
  return digests;
}

Judged<std::vector<double>> CandidateRun::TimeOneByOne(const Shape& shape, SetPool& pool,
                                                       const std::vector<size_t>& numbers, bool flush,
                                                       const Deadline& deadline) {
  KOPT_TRY(const Sets sets, Gather(pool, numbers));
  const CallBatch calls = LayOut(pool.task(), objects_.at(&shape).plan, InputsOf(sets), true);
  const Poisons poisons = DrawPoisons(sets.size());
  const auto digests_of = [&](size_t c) { return DigestsOf(pool.task(), calls.calls[c], calls.batch); };
  std::vector<std::vector<uint64_t>> returned;
  KOPT_TRY(BatchEnd end, RunBatch(
                             shape, pool, sets, calls, false, Stage::kMeasure, deadline, poisons,
                             [&](size_t c) { returned.push_back(digests_of(c)); }, flush));
  for (size_t c = 0; c < sets.size(); ++c) {
    if (digests_of(c) == returned[c]) continue;
    return std::unexpected(Stop(Refusal{
        .outcome = Outcome::kUnsafe,
        .stage = Stage::kMeasure,
        .reason = fmt::format("it writes outputs of a call after that has returned (shape {})",
                              ShapeText(context_.spec, shape)),
    }));
  }
  KOPT_CHECK(CheckTimed(shape, pool, numbers, sets, calls, poisons));
  return std::move(end.call_seconds);
}

Result<std::vector<double>> CandidateRun::TimeHandOvers(const Shape& shape, SetPool& pool,
                                                        const std::vector<size_t>& sets) {
  KOPT_TRY(const Sets gathered, Gather(pool, sets));
  const CandidateObject& compiled = objects_.at(&shape);
  const CallBatch calls = LayOut(pool.task(), compiled.plan, InputsOf(gathered), true);
  KOPT_TRY(const std::string object, ReadFile(compiled.object));
  // The digests are for nothing: the threads wait as long for the next call as they do in TimeOneByOne.
  KOPT_TRY(BatchEnd end,
           RunTrusted(calls, {.empty = true,
                              .alone = object.find("libgomp.so") == std::string::npos,
                              .returned = [&](size_t c) { DigestsOf(pool.task(), calls.calls[c], calls.batch); }}));
  return std::move(end.call_seconds);
}

// The outputs of timed calls: their digests, or all of them where those are new.
Judged<void> CandidateRun::CheckTimed(const Shape& shape, SetPool& pool, const std::vector<size_t>& numbers,
                                      const Sets& sets, const CallBatch& calls, const Poisons& poisons) {
  const BoundTask& task = pool.task();
  for (size_t c = 0; c < sets.size(); ++c) {
    KOPT_CHECK(CheckGaps(pool, *sets[c], calls.calls[c], calls.batch, poisons[c], Stage::kMeasure));
    bool compare = false;
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      if (!task.tensors[i].tensor->IsWritten()) continue;
      const uint64_t digest = DigestOf(task.tensors[i], calls.batch.Data(context_.arenas, calls.calls[c].tensors[i]));
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
    if (compare) KOPT_CHECK(Compare(shape, pool, *sets[c], calls.calls[c], calls.batch, Stage::kMeasure));
  }
  return {};
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
      if (comparison.deviation > 0) refusal.evidence["deviation"] = comparison.deviation;
      refusal.evidence["wrong"] = comparison.wrong;
      refusal.evidence["compared"] = comparison.compared;
    }
    refusal.reason += fmt::format(" (shape {})", ShapeText(context_.spec, shape));
    refusal.evidence["shape"] = ShapeText(context_.spec, shape);
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

std::vector<const InputSet*> CandidateRun::InputsOf(const Sets& sets) {
  std::vector<const InputSet*> inputs;
  for (const SetPool::Entry* set : sets) inputs.push_back(&set->inputs);
  return inputs;
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

Refusal CandidateRun::BatchRefusal(const BatchEnd& end, const Shape& shape, const BoundTask& task,
                                   const CallBatch& calls, Stage stage, double seconds) const {
  Refusal refusal = RefusalOf(end, stage, seconds);
  const bool trapped = end.status.fault_signal == SIGSEGV || end.status.fault_signal == SIGBUS;
  if (end.kind == BatchEnd::Kind::kSignal && trapped) {
    const FaultText fault = Explain(end.status, task, objects_.at(&shape).plan, calls);
    refusal.reason += ": " + fault.text;
    if (fault.wrote_input) refusal.outcome = Outcome::kUnsafe;
  }
  refusal.reason += fmt::format(" (shape {})", ShapeText(context_.spec, shape));
  refusal.evidence["shape"] = ShapeText(context_.spec, shape);
  return refusal;
}

}  // namespace kopt

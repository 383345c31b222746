#include "verifier/cpu/call_batch.h"

#include <algorithm>

#include "base/hash.h"

namespace kopt {
namespace {

std::byte CanaryByte(uint64_t secret, uint64_t place, size_t i) {
  return static_cast<std::byte>(Mix(secret + place, i / 8) >> (i % 8 * 8));
}

uint64_t CanaryPlace(size_t buffer, bool back) { return (uint64_t{buffer} << 20) * 2 + (back ? 1 : 0); }

void FillCanary(std::span<std::byte> bytes, uint64_t secret, uint64_t place) {
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = CanaryByte(secret, place, i);
}

// Number of bytes that differ from what FillCanary wrote.
size_t CanaryDamage(std::span<const std::byte> bytes, uint64_t secret, uint64_t place) {
  size_t damage = 0;
  for (size_t i = 0; i < bytes.size(); ++i) damage += bytes[i] != CanaryByte(secret, place, i) ? 1 : 0;
  return damage;
}

// The steps of one call.
class Steps {
 public:
  Steps(const BoundTask& task, const BoundPlan& plan, const CallBuffers& buffers, const InputSet& inputs)
      : task_(task), plan_(plan), buffers_(buffers), inputs_(inputs) {}

  void AddTo(Batch& batch) const {
    for (const BoundStep& step : plan_.steps) {
      if (step.kind == PlanLine::Kind::kZero) {
        batch.AddZero(BufferOf(step.function));
        continue;
      }
      std::vector<ArgEntry> args;
      for (const BoundArg& arg : step.args) args.push_back(EntryOf(arg));
      batch.AddStep(step.stub, args);
    }
  }

 private:
  int BufferOf(const std::string& name) const {
    for (size_t i = 0; i < task_.tensors.size(); ++i) {
      if (task_.tensors[i].tensor->name == name) return buffers_.tensors[i];
    }
    for (size_t i = 0; i < plan_.scratch.size(); ++i) {
      if (plan_.scratch[i].name == name) return buffers_.scratch[i];
    }
    return -1;
  }

  ArgEntry EntryOf(const BoundArg& arg) const {
    switch (arg.kind) {
      case Arg::Kind::kScalar: {
        const Spec& spec = *task_.spec;
        const auto index = static_cast<size_t>(spec.FindScalar(arg.name) - spec.scalars.data());
        return ArgEntry{.value = inputs_.scalars[index]};
      }
      case Arg::Kind::kInt:
      case Arg::Kind::kInt64:
        return ArgEntry{.value = static_cast<uint64_t>(arg.value)};
      default:
        return ArgEntry{.buffer = BufferOf(arg.name)};
    }
  }

  const BoundTask& task_;
  const BoundPlan& plan_;
  const CallBuffers& buffers_;
  const InputSet& inputs_;
};

}  // namespace

CallBatch LayOut(const BoundTask& task, const BoundPlan& plan, const std::vector<const InputSet*>& sets, bool timed) {
  CallBatch laid_out;
  Batch& batch = laid_out.batch;
  for (size_t c = 0; c < sets.size(); ++c) {
    CallBuffers& buffers = laid_out.calls.emplace_back();
    for (const BoundTensor& bound : task.tensors) {
      const Tensor& tensor = *bound.tensor;
      const int align = timed ? std::max(tensor.align, 256) : tensor.align;
      buffers.tensors.push_back(
          tensor.role == Tensor::Role::kTemp ? -1 : batch.AddBuffer(bound.bytes, tensor.IsWritten(), align));
    }
    for (const BoundScratch& scratch : plan.scratch) buffers.scratch.push_back(batch.AddBuffer(scratch.bytes, true));
  }
  for (size_t c = 0; c < sets.size(); ++c) {
    batch.BeginCall();
    Steps(task, plan, laid_out.calls[c], *sets[c]).AddTo(batch);
  }
  return laid_out;
}

void FillRedzones(const Batch& batch, Arenas& arenas, uint64_t secret) {
  for (size_t b = 0; b < batch.buffer_count(); ++b) {
    const int buffer = static_cast<int>(b);
    if (!batch.writable(buffer)) continue;
    FillCanary(batch.Front(arenas, buffer), secret, CanaryPlace(b, false));
    FillCanary(batch.Back(arenas, buffer), secret, CanaryPlace(b, true));
  }
}

std::optional<std::string> BrokenRedzone(const BoundTask& task, const BoundPlan& plan, const CallBatch& calls,
                                         Arenas& arenas, uint64_t secret) {
  const Batch& batch = calls.batch;
  for (const CallBuffers& buffers : calls.calls) {
    std::vector<std::pair<int, std::string>> places;
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      if (task.tensors[i].tensor->IsWritten()) places.emplace_back(buffers.tensors[i], task.tensors[i].tensor->name);
    }
    for (size_t i = 0; i < plan.scratch.size(); ++i) places.emplace_back(buffers.scratch[i], plan.scratch[i].name);
    for (const auto& [buffer, name] : places) {
      const auto b = static_cast<size_t>(buffer);
      for (const bool back : {false, true}) {
        const auto bytes = back ? batch.Back(arenas, buffer) : batch.Front(arenas, buffer);
        if (const size_t damage = CanaryDamage(bytes, secret, CanaryPlace(b, back)); damage > 0) {
          return fmt::format("it wrote {} bytes {} `{}`", damage, back ? "behind the end of" : "before the start of",
                             name);
        }
      }
    }
  }
  return std::nullopt;
}

FaultText Explain(const BatchStatus& status, const BoundTask& task, const BoundPlan& plan, const CallBatch& calls) {
  const char* access = status.fault_write == 1 ? "write" : status.fault_write == 0 ? "read" : "access";
  for (const CallBuffers& buffers : calls.calls) {
    for (size_t i = 0; i < buffers.tensors.size(); ++i) {
      if (buffers.tensors[i] < 0 || buffers.tensors[i] != status.fault_buffer) continue;
      const std::string& name = task.tensors[i].tensor->name;
      const auto bytes = static_cast<long long>(task.tensors[i].bytes);
      if (status.fault_offset < 0) {
        return {.text = fmt::format("a {} {:.0f} bytes before the start of `{}`", access,
                                    -static_cast<double>(status.fault_offset), name)};
      }
      if (status.fault_offset >= bytes) {
        return {.text = fmt::format("a {} {} bytes behind the end of `{}`", access, status.fault_offset - bytes, name)};
      }
      return {.text = fmt::format("a {} at byte {} of input `{}`", access, status.fault_offset, name),
              .wrote_input = status.fault_write == 1};
    }
    for (size_t i = 0; i < buffers.scratch.size(); ++i) {
      if (buffers.scratch[i] != status.fault_buffer) continue;
      return {.text = fmt::format("a {} outside scratch `{}`", access, plan.scratch[i].name)};
    }
  }
  return {.text = fmt::format("a {} at address {:#x}, which belongs to no tensor", access, status.fault_address)};
}

}  // namespace kopt

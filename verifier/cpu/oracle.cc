#include "verifier/cpu/oracle.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "verifier/oracle/oracle_faults.h"

namespace kopt {
namespace {

constexpr double kOracleSeconds = 120;  // deadline of one run
constexpr uint64_t kOracleSpace = uint64_t{16} << 30;

bool IsResult(const Tensor& tensor) { return tensor.role != Tensor::Role::kInput; }

template <class T>
std::vector<T> CopyOut(std::span<const std::byte> bytes, long long count) {
  std::vector<T> values(static_cast<size_t>(count));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

std::unexpected<Error> SpecError(const Spec& spec, int line, std::string message, std::string hint = "") {
  return std::unexpected(Error{
      .exit = Exit::kUsage, .message = std::move(message), .file = spec.file, .line = line, .hint = std::move(hint)});
}

}  // namespace

size_t Answer::bytes() const {
  size_t total = 0;
  for (const Part& part : parts) total += 8 * (part.value.size() + part.variance.size() + part.integer.size());
  return total;
}

// The buffers of one oracle batch, the args that all functions share, and what the buffers hold before it.
struct Oracle::Layout {
  using Bytes = std::span<const std::byte>;
  enum Slot { kData, kValue, kVariance, kOwner, kGot };

  Batch batch;
  int control = -1;
  std::vector<std::array<int, kSlots>> tensors;
  std::vector<ArgEntry> args;
  std::vector<std::pair<int, Bytes>> contents;
  std::vector<long long> dims;
  OracleControl begin;
  bool alone = false;  // by one thread

  int Add(Bytes content, bool writable) {
    const int buffer = batch.AddBuffer(std::max<size_t>(content.size(), 1), writable);
    contents.emplace_back(buffer, content);
    return buffer;
  }
  void AddArg(int buffer) {
    args.push_back(buffer >= 0 ? ArgEntry{.buffer = buffer} : ArgEntry{.buffer = -1, .is_null = 1});
  }
};

Result<std::unique_ptr<Oracle>> Oracle::Create(const Spec& spec, CompileService& compiler, const Options& options) {
  KOPT_TRY(const std::string source, GenerateOracleSource(spec));
  auto oracle = std::unique_ptr<Oracle>(new Oracle(spec, options));
  CompileRequest request{
      .units = {{"reference.cpp", source}}, .flags = OracleFlags(), .seconds = spec.limits.compile_seconds * 4};
  KOPT_TRY(const CompileResult compiled, compiler.Compile(request));
  if (compiled.kind == CompileResult::Kind::kErrors && compiled.log.find("error:") == std::string::npos) {
    return EnvironmentError("the compiler does not work: " + compiled.log,
                            "reinstall it: apt-get install --reinstall g++");
  }
  if (compiled.kind != CompileResult::Kind::kObject) {
    return std::unexpected(ReferencesDoNotCompile(spec, compiled.reason, compiled.log));
  }
  oracle->object_ = compiled.object;
  KOPT_TRY(oracle->arenas_, Arenas::Create());
  KOPT_CHECK(oracle->StartSession());
  return oracle;
}

Result<void> Oracle::StartSession() {
  KOPT_TRY(session_, Session::Start({.worker = options_.worker,
                                     .object = object_,
                                     .sandbox = options_.sandbox,
                                     .address_space = kOracleSpace,
                                     .threads = options_.threads}));
  std::string reason;
  const BatchEnd end = session_->Load(reason);
  if (end.kind != BatchEnd::Kind::kDone) return SpecError(spec_, 0, "the references do not load: " + reason);
  return {};
}

Result<InputSet> Oracle::Draw(const BoundTask& task, const SetRecipe& recipe) {
  KOPT_TRY(InputSet set, DrawInputs(spec_, task, recipe));
  if (!FunctionsOf(spec_).code_tensors.empty()) KOPT_CHECK(RunCode(task, set));
  return set;
}

Result<Answer> Oracle::Solve(const BoundTask& task, const InputSet& inputs) { return Run(task, inputs, {}); }

Result<Answer> Oracle::Sample(const BoundTask& task, const InputSet& inputs, long long tuples, uint64_t seed) {
  if (!CanSample(spec_)) return Solve(task, inputs);
  KOPT_TRY(const long long count, TupleCount(spec_, spec_.references[0].over, *task.shape));
  if (count <= tuples) return Solve(task, inputs);
  return Run(task, inputs, RandomTuples(count, tuples, seed));
}

// What every batch has: dims, scalars, control, and the tensors' buffers. `writable_inputs`: for an input's code;
// `results`: room for values; `got`: a candidate's storages.
void Oracle::Begin(Layout& layout, const BoundTask& task, const InputSet& inputs, bool writable_inputs, bool results,
                   const std::vector<Layout::Bytes>& got) const {
  for (const std::string& dim : spec_.dims) layout.dims.push_back(task.shape->dims.at(dim));
  layout.AddArg(layout.Add(std::as_bytes(std::span(layout.dims)), false));
  layout.AddArg(layout.Add(std::as_bytes(std::span(inputs.scalars)), false));
  layout.control = layout.Add(std::as_bytes(std::span(&layout.begin, 1)), true);
  layout.AddArg(layout.control);
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const BoundTensor& bound = task.tensors[i];
    const auto elements = static_cast<size_t>(bound.elements);
    std::array<int, kSlots>& slots = layout.tensors.emplace_back();
    slots.fill(-1);
    if (bound.tensor->IsRead()) slots[Layout::kData] = layout.Add(inputs.storage[i], writable_inputs);
    if (results && IsResult(*bound.tensor)) {
      slots[Layout::kValue] = layout.batch.AddBuffer(elements * 8, true);
      if (!HoldsIntegers(*bound.tensor)) slots[Layout::kVariance] = layout.batch.AddBuffer(elements * 8, true);
      slots[Layout::kOwner] = layout.batch.AddBuffer(elements * 4, true);
    }
    if (!got.empty() && bound.tensor->IsWritten()) slots[Layout::kGot] = layout.Add(got[i], false);
    for (const int buffer : slots) layout.AddArg(buffer);
  }
}

// Runs the batch and returns its control block. `what`: for messages.
Result<OracleControl> Oracle::Finish(const Layout& layout, const BoundTask& task, const std::string& what) {
  if (!session_->running()) KOPT_CHECK(StartSession());
  KOPT_CHECK(arenas_.Reserve(layout.batch.read_only_bytes(), layout.batch.read_write_bytes()));
  KOPT_TRY(const BatchEnd end,
           session_->Run(arenas_, layout.batch, {.seconds = kOracleSeconds, .alone = layout.alone}, [&] {
             for (const auto& [buffer, content] : layout.contents) {
               std::ranges::copy(content, layout.batch.Data(arenas_, buffer).begin());
             }
           }));
  KOPT_CHECK(CheckEnd(end, what));
  last_seconds_ = end.seconds;
  OracleControl control;
  std::memcpy(&control, layout.batch.Data(arenas_, layout.control).data(), sizeof(control));
  KOPT_CHECK(CheckOracleControl(spec_, task, control));
  return control;
}

Result<void> Oracle::CheckEnd(const BatchEnd& end, const std::string& what) const {
  const int line = spec_.references.empty() ? 0 : spec_.references[0].code_position.line;
  switch (end.kind) {
    case BatchEnd::Kind::kDone:
      return {};
    case BatchEnd::Kind::kTimeout:
      return SpecError(spec_, line, fmt::format("{} did not end within {} s", what, kOracleSeconds),
                       "choose smaller shapes, or a reference that does less work");
    case BatchEnd::Kind::kSignal:
      return SpecError(spec_, line,
                       fmt::format("{} was ended by signal {} ({})", what, end.number, strsignal(end.number)));
    default:
      return SpecError(spec_, line,
                       fmt::format("{} did something that it must not (a forbidden system call or an exit)", what));
  }
}

Result<Answer> Oracle::Run(const BoundTask& task, const InputSet& inputs, const std::vector<long long>& tuples) {
  const OracleFunctions functions = FunctionsOf(spec_);
  Layout layout;
  layout.begin.tuple_count = static_cast<long long>(tuples.size());
  Begin(layout, task, inputs, false, true, {});
  layout.AddArg(tuples.empty() ? -1 : layout.Add(std::as_bytes(std::span(tuples)), false));
  layout.batch.BeginCall();
  layout.batch.AddStep(kOracleBegin, layout.args);
  for (int i = 0; i < functions.references; ++i) layout.batch.AddStep(functions.Reference(i), layout.args);
  KOPT_CHECK(Finish(layout, task, "the oracle"));
  if (tuples.empty()) seconds_ = last_seconds_;

  Answer answer;
  answer.sampled = !tuples.empty();
  answer.parts.resize(task.tensors.size());
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    if (!task.tensors[i].tensor->IsWritten()) continue;
    KOPT_TRY(answer.parts[i], TakePart(layout, task.tensors[i], layout.tensors[i], answer.sampled));
  }
  return answer;
}

Result<Answer::Part> Oracle::TakePart(const Layout& layout, const BoundTensor& bound,
                                      const std::array<int, kSlots>& slots, bool sampled) {
  Answer::Part part;
  const auto data = [&](Layout::Slot slot) { return layout.batch.Data(arenas_, slots[slot]); };
  auto owner = CopyOut<uint32_t>(data(Layout::kOwner), bound.elements);
  if (HoldsIntegers(*bound.tensor)) {
    part.integer = CopyOut<long long>(data(Layout::kValue), bound.elements);
  } else {
    part.value = CopyOut<double>(data(Layout::kValue), bound.elements);
    part.variance = CopyOut<double>(data(Layout::kVariance), bound.elements);
  }
  const auto missing = std::ranges::find(owner, 0U);
  if (!sampled && bound.tensor->compare != Compare::kAny && missing != owner.end()) {
    return std::unexpected(NeverWritten(spec_, bound, missing - owner.begin()));
  }
  if (sampled) part.owner = std::move(owner);
  return part;
}

// Inputs with code: each runs once, in file order, on the inputs before it.
Result<void> Oracle::RunCode(const BoundTask& task, InputSet& set) {
  const OracleFunctions functions = FunctionsOf(spec_);
  Layout layout;
  layout.alone = true;
  Begin(layout, task, set, true, false, {});
  layout.AddArg(-1);
  layout.batch.BeginCall();
  for (size_t j = 0; j < functions.code_tensors.size(); ++j) {
    layout.batch.AddStep(functions.Code(static_cast<int>(j)), layout.args);
  }
  KOPT_CHECK(Finish(layout, task, "an input's code"));
  for (const int number : functions.code_tensors) {
    const auto tensor = static_cast<size_t>(number);
    std::ranges::copy(layout.batch.Data(arenas_, layout.tensors[tensor][Layout::kData]), set.storage[tensor].begin());
  }
  return {};
}

Result<std::string> Oracle::Refusal(const BoundTask& task, const InputSet& inputs, const Answer& answer, size_t tensor,
                                    const std::vector<std::span<const std::byte>>& got) {
  const OracleFunctions functions = FunctionsOf(spec_);
  const auto at = std::ranges::find(functions.accept_tensors, static_cast<int>(tensor));
  if (at == functions.accept_tensors.end()) return std::string();
  Layout layout;
  Begin(layout, task, inputs, false, true, got);
  layout.AddArg(-1);
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const Answer::Part& part = answer.parts[i];
    const auto hold = [&](Layout::Slot slot, Layout::Bytes content) {
      if (!content.empty()) layout.contents.emplace_back(layout.tensors[i][slot], content);
    };
    hold(Layout::kValue, std::as_bytes(std::span(part.integer)));
    hold(Layout::kValue, std::as_bytes(std::span(part.value)));
    if (!part.value.empty()) hold(Layout::kVariance, std::as_bytes(std::span(part.variance)));
  }
  layout.batch.BeginCall();
  layout.batch.AddStep(functions.Accept(static_cast<int>(at - functions.accept_tensors.begin())), layout.args);
  KOPT_TRY(const OracleControl control, Finish(layout, task, "the accept predicate"));
  return AcceptRefusal(*task.tensors[tensor].tensor, control);
}

}  // namespace kopt

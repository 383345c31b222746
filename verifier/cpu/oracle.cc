#include "verifier/cpu/oracle.h"

#include <algorithm>
#include <cstring>

#include "base/compiler_place.h"
#include "base/hash.h"

namespace kopt {
namespace {

constexpr double kOracleSeconds = 120;  // deadline of one run
constexpr uint64_t kOracleSpace = uint64_t{16} << 30;

bool HasInteger(const Tensor& tensor) { return tensor.role != Tensor::Role::kTemp && !IsFloating(tensor.dtype); }
bool IsResult(const Tensor& tensor) { return tensor.role != Tensor::Role::kInput; }

uint64_t NameSeed(uint64_t seed, std::string_view name) {
  uint64_t mixed = seed;
  for (const char c : name) mixed = Mix(mixed, static_cast<unsigned char>(c));
  return mixed;
}

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

size_t InputSet::bytes() const {
  size_t total = 0;
  for (const auto& storage_of : storage) total += storage_of.size();
  return total;
}

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
    const CompilerPlace place = PlaceIn(spec.file, compiled.reason);
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = "the references do not compile: " + place.words,
                                 .file = spec.file,
                                 .line = place.line,
                                 .column = place.column,
                                 .key = "reference",
                                 .hint = "the names in scope are in docs/spec.md, \"References\"",
                                 .log = compiled.log});
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
  InputSet set;
  set.storage.resize(task.tensors.size());
  bool has_code = false;
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const BoundTensor& bound = task.tensors[i];
    const Tensor& tensor = *bound.tensor;
    if (!tensor.IsRead()) continue;
    set.storage[i].resize(bound.bytes);
    if (!tensor.code.empty()) {
      has_code = true;
      continue;
    }
    uint64_t seed = tensor.is_static && !recipe.vary_static ? recipe.static_seed : recipe.seed;
    if (recipe.redraw == static_cast<int>(i)) seed = recipe.redraw_seed;
    const bool other = recipe.also >= 0 && recipe.also < static_cast<int>(tensor.also.size());
    const Fill& fill = other ? tensor.also[static_cast<size_t>(recipe.also)] : tensor.fill;
    KOPT_CHECK(FillTensor(spec_, bound, fill, NameSeed(seed, tensor.name), set.storage[i]));
  }
  for (size_t i = 0; i < spec_.scalars.size(); ++i) {
    const Scalar& scalar = spec_.scalars[i];
    const uint64_t seed = recipe.redraw_scalar == static_cast<int>(i) ? recipe.redraw_seed : recipe.seed;
    KOPT_TRY(const uint64_t bits, ScalarBits(spec_, *task.shape, scalar, NameSeed(seed, scalar.name)));
    set.scalars.push_back(bits);
  }
  if (has_code) KOPT_CHECK(RunCode(task, set));
  return set;
}

Result<Answer> Oracle::Solve(const BoundTask& task, const InputSet& inputs) { return Run(task, inputs, {}); }

Result<Answer> Oracle::Sample(const BoundTask& task, const InputSet& inputs, long long tuples, uint64_t seed) {
  if (!CanSample(spec_)) return Solve(task, inputs);
  KOPT_TRY(const long long count, TupleCount(spec_, spec_.references[0].over, *task.shape));
  if (count <= tuples) return Solve(task, inputs);
  std::vector<long long> chosen(static_cast<size_t>(tuples));
  for (size_t i = 0; i < chosen.size(); ++i) {
    chosen[i] = static_cast<long long>(Mix(seed, i) % static_cast<uint64_t>(count));
  }
  std::ranges::sort(chosen);
  chosen.erase(std::ranges::unique(chosen).begin(), chosen.end());
  return Run(task, inputs, chosen);
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
      if (!HasInteger(*bound.tensor)) slots[Layout::kVariance] = layout.batch.AddBuffer(elements * 8, true);
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
  KOPT_TRY(const BatchEnd end, session_->Run(arenas_, layout.batch, {.seconds = kOracleSeconds}, [&] {
    for (const auto& [buffer, content] : layout.contents) {
      std::ranges::copy(content, layout.batch.Data(arenas_, buffer).begin());
    }
  }));
  KOPT_CHECK(CheckEnd(end, what));
  last_seconds_ = end.seconds;
  OracleControl control;
  std::memcpy(&control, layout.batch.Data(arenas_, layout.control).data(), sizeof(control));
  KOPT_CHECK(CheckControl(control, task));
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

Result<void> Oracle::CheckControl(const OracleControl& control, const BoundTask& task) const {
  if (control.error_kind == 0) return {};
  const auto tensor = static_cast<size_t>(
      std::clamp<long long>(control.error_tensor, 0, static_cast<long long>(task.tensors.size()) - 1));
  const BoundTensor& bound = task.tensors[tensor];
  const int line = spec_.references.empty() ? 0 : spec_.references[0].code_position.line;
  if (control.error_kind == 1) {
    return SpecError(spec_, line,
                     fmt::format("two index tuples of a reference write {}{} with `=`", bound.tensor->name,
                                 bound.Coordinates(control.error_index)),
                     "use `+=`, or let one tuple write it");
  }
  return SpecError(
      spec_, line,
      fmt::format("a reference reaches outside `{}` (linear index {})", bound.tensor->name, control.error_index));
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
  if (HasInteger(*bound.tensor)) {
    part.integer = CopyOut<long long>(data(Layout::kValue), bound.elements);
  } else {
    part.value = CopyOut<double>(data(Layout::kValue), bound.elements);
    part.variance = CopyOut<double>(data(Layout::kVariance), bound.elements);
  }
  const auto missing = std::ranges::find(owner, 0U);
  if (!sampled && bound.tensor->compare != Compare::kAny && missing != owner.end()) {
    return SpecError(
        spec_, spec_.references.empty() ? 0 : spec_.references.back().code_position.line,
        fmt::format("no reference writes {}{}", bound.tensor->name, bound.Coordinates(missing - owner.begin())),
        "every element of an output needs a value");
  }
  if (sampled) part.owner = std::move(owner);
  return part;
}

// Inputs with code: each runs once, in file order, on the inputs before it.
Result<void> Oracle::RunCode(const BoundTask& task, InputSet& set) {
  const OracleFunctions functions = FunctionsOf(spec_);
  Layout layout;
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
  if (control.rejected == 0) return std::string();
  return fmt::format("the accept predicate of `{}` refuses {} index tuples, the first is number {}",
                     task.tensors[tensor].tensor->name, control.rejected, control.first_rejected);
}

}  // namespace kopt

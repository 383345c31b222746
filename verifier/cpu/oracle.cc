#include "verifier/cpu/oracle.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/hash.h"

namespace kopt {
namespace {

constexpr double kOracleSeconds = 120;  // deadline of one run
constexpr uint64_t kOracleSpace = uint64_t{16} << 30;
constexpr int kSlots = 5;  // data, value, variance, owner, got: oracle_source.h

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

// The buffers of one oracle batch.
struct Oracle::Layout {
  Batch batch;
  int dims = -1, scalars = -1, control = -1, tuples = -1;
  std::vector<std::array<int, kSlots>> tensors;
  std::vector<ArgEntry> args;
};

Result<std::unique_ptr<Oracle>> Oracle::Create(const Spec& spec, CompileService& compiler, const Options& options) {
  KOPT_TRY(const std::string source, GenerateOracleSource(spec));
  auto oracle = std::unique_ptr<Oracle>(new Oracle(spec, options));
  CompileRequest request{
      .units = {{"reference.cpp", source}}, .flags = OracleFlags(), .seconds = spec.limits.compile_seconds * 4};
  KOPT_TRY(const CompileResult compiled, compiler.Compile(request));
  if (compiled.kind != CompileResult::Kind::kObject) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = "the references do not compile: " + compiled.reason,
                                 .file = spec.file,
                                 .hint = "the names in scope are in docs/spec.md, \"References\"",
                                 .log = compiled.log});
  }
  oracle->object_ = compiled.object;
  KOPT_TRY(oracle->arenas_, Arenas::Create());
  oracle->static_seed_ = Mix(SecretSeed(), 0);
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
    uint64_t seed = tensor.is_static && !recipe.vary_static ? static_seed_ : recipe.seed;
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

// Places every tensor's buffers, and the args that all functions share.
static void AddTensor(Batch& batch, const BoundTensor& bound, const InputSet& inputs, bool write_input, bool got,
                      size_t i, std::array<int, kSlots>& slots) {
  slots.fill(-1);
  const Tensor& tensor = *bound.tensor;
  const auto elements = static_cast<size_t>(bound.elements);
  if (tensor.IsRead()) slots[0] = batch.AddBuffer(inputs.storage[i].size(), write_input);
  if (IsResult(tensor)) {
    slots[1] = batch.AddBuffer(elements * 8, true);
    if (!HasInteger(tensor)) slots[2] = batch.AddBuffer(elements * 8, true);
    slots[3] = batch.AddBuffer(elements * 4, true);
    if (got && tensor.IsWritten()) slots[4] = batch.AddBuffer(bound.bytes, false);
  }
}

static ArgEntry BufferOrNull(int buffer) {
  return buffer >= 0 ? ArgEntry{.buffer = buffer} : ArgEntry{.buffer = -1, .is_null = 1};
}

Result<BatchEnd> Oracle::RunLayout(const Layout& layout, const BoundTask& task, const InputSet& inputs) {
  if (!session_->running()) KOPT_CHECK(StartSession());
  KOPT_CHECK(arenas_.Reserve(layout.batch.read_only_bytes(), layout.batch.read_write_bytes()));
  const auto put = [&](int buffer, const void* data, size_t bytes) {
    if (buffer >= 0 && bytes > 0) std::memcpy(layout.batch.Data(arenas_, buffer).data(), data, bytes);
  };
  auto end = session_->Run(arenas_, layout.batch, {.seconds = kOracleSeconds}, [&] {
    std::vector<long long> dims;
    for (const std::string& dim : spec_.dims) dims.push_back(task.shape->dims.at(dim));
    put(layout.dims, dims.data(), dims.size() * 8);
    put(layout.scalars, inputs.scalars.data(), inputs.scalars.size() * 8);
    for (size_t i = 0; i < layout.tensors.size(); ++i) {
      put(layout.tensors[i][0], inputs.storage[i].data(), inputs.storage[i].size());
    }
  });
  return end;
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
  Batch& batch = layout.batch;
  layout.dims = batch.AddBuffer(std::max<size_t>(1, spec_.dims.size()) * 8, false);
  layout.scalars = batch.AddBuffer(std::max<size_t>(1, spec_.scalars.size()) * 8, false);
  layout.control = batch.AddBuffer(sizeof(OracleControl), true);
  layout.tensors.resize(task.tensors.size());
  layout.args = {{.buffer = layout.dims}, {.buffer = layout.scalars}, {.buffer = layout.control}};
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    AddTensor(batch, task.tensors[i], inputs, false, false, i, layout.tensors[i]);
    for (const int buffer : layout.tensors[i]) layout.args.push_back(BufferOrNull(buffer));
  }
  if (!tuples.empty()) layout.tuples = batch.AddBuffer(tuples.size() * 8, false);
  layout.args.push_back(BufferOrNull(layout.tuples));
  batch.BeginCall();
  batch.AddStep(kOracleBegin, layout.args);
  for (int i = 0; i < functions.references; ++i) batch.AddStep(functions.Reference(i), layout.args);

  KOPT_CHECK(arenas_.Reserve(batch.read_only_bytes(), batch.read_write_bytes()));
  if (layout.tuples >= 0) std::memcpy(batch.Data(arenas_, layout.tuples).data(), tuples.data(), tuples.size() * 8);
  const OracleControl begin{.tuple_count = static_cast<long long>(tuples.size())};
  std::memcpy(batch.Data(arenas_, layout.control).data(), &begin, sizeof(begin));
  KOPT_TRY(const BatchEnd end, RunLayout(layout, task, inputs));
  if (end.kind != BatchEnd::Kind::kDone) {
    auto failed = CheckEnd(end, "the oracle");
    KOPT_CHECK(StartSession());
    return std::unexpected(failed.error());
  }
  if (tuples.empty()) seconds_ = end.seconds;
  OracleControl control;
  std::memcpy(&control, batch.Data(arenas_, layout.control).data(), sizeof(control));
  KOPT_CHECK(CheckControl(control, task));

  Answer answer;
  answer.sampled = !tuples.empty();
  answer.parts.resize(task.tensors.size());
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const BoundTensor& bound = task.tensors[i];
    if (!bound.tensor->IsWritten()) continue;
    Answer::Part& part = answer.parts[i];
    auto owner = CopyOut<uint32_t>(batch.Data(arenas_, layout.tensors[i][3]), bound.elements);
    if (HasInteger(*bound.tensor)) {
      part.integer = CopyOut<long long>(batch.Data(arenas_, layout.tensors[i][1]), bound.elements);
    } else {
      part.value = CopyOut<double>(batch.Data(arenas_, layout.tensors[i][1]), bound.elements);
      part.variance = CopyOut<double>(batch.Data(arenas_, layout.tensors[i][2]), bound.elements);
    }
    if (answer.sampled) part.owner = std::move(owner);
    if (answer.sampled || bound.tensor->compare == Compare::kAny) continue;
    const auto missing = std::ranges::find(owner, 0U);
    if (missing != owner.end()) {
      return SpecError(
          spec_, spec_.references.empty() ? 0 : spec_.references.back().code_position.line,
          fmt::format("no reference writes {}{}", bound.tensor->name, bound.Coordinates(missing - owner.begin())),
          "every element of an output needs a value");
    }
  }
  return answer;
}

// Inputs with code: each runs once, in file order, on the inputs before it.
Result<void> Oracle::RunCode(const BoundTask& task, InputSet& set) {
  const OracleFunctions functions = FunctionsOf(spec_);
  Layout layout;
  Batch& batch = layout.batch;
  layout.dims = batch.AddBuffer(std::max<size_t>(1, spec_.dims.size()) * 8, false);
  layout.scalars = batch.AddBuffer(std::max<size_t>(1, spec_.scalars.size()) * 8, false);
  layout.control = batch.AddBuffer(sizeof(OracleControl), true);
  layout.args = {{.buffer = layout.dims}, {.buffer = layout.scalars}, {.buffer = layout.control}};
  layout.tensors.resize(task.tensors.size());
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    layout.tensors[i].fill(-1);
    if (task.tensors[i].tensor->IsRead()) layout.tensors[i][0] = batch.AddBuffer(set.storage[i].size(), true);
    for (const int buffer : layout.tensors[i]) layout.args.push_back(BufferOrNull(buffer));
  }
  layout.args.push_back(BufferOrNull(-1));
  batch.BeginCall();
  for (size_t j = 0; j < functions.code_tensors.size(); ++j)
    batch.AddStep(functions.Code(static_cast<int>(j)), layout.args);
  KOPT_CHECK(arenas_.Reserve(batch.read_only_bytes(), batch.read_write_bytes()));
  const OracleControl begin;
  std::memcpy(batch.Data(arenas_, layout.control).data(), &begin, sizeof(begin));
  KOPT_TRY(const BatchEnd end, RunLayout(layout, task, set));
  if (end.kind != BatchEnd::Kind::kDone) {
    auto failed = CheckEnd(end, "an input's code");
    KOPT_CHECK(StartSession());
    return std::unexpected(failed.error());
  }
  OracleControl control;
  std::memcpy(&control, batch.Data(arenas_, layout.control).data(), sizeof(control));
  KOPT_CHECK(CheckControl(control, task));
  for (const int tensor : functions.code_tensors) {
    const auto data = batch.Data(arenas_, layout.tensors[static_cast<size_t>(tensor)][0]);
    std::ranges::copy(data, set.storage[static_cast<size_t>(tensor)].begin());
  }
  return {};
}

Result<std::string> Oracle::Refusal(const BoundTask& task, const InputSet& inputs, const Answer& answer, size_t tensor,
                                    const std::vector<std::span<const std::byte>>& got) {
  const OracleFunctions functions = FunctionsOf(spec_);
  const auto at = std::ranges::find(functions.accept_tensors, static_cast<int>(tensor));
  if (at == functions.accept_tensors.end()) return std::string();
  Layout layout;
  Batch& batch = layout.batch;
  layout.dims = batch.AddBuffer(std::max<size_t>(1, spec_.dims.size()) * 8, false);
  layout.scalars = batch.AddBuffer(std::max<size_t>(1, spec_.scalars.size()) * 8, false);
  layout.control = batch.AddBuffer(sizeof(OracleControl), true);
  layout.args = {{.buffer = layout.dims}, {.buffer = layout.scalars}, {.buffer = layout.control}};
  layout.tensors.resize(task.tensors.size());
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    AddTensor(batch, task.tensors[i], inputs, false, true, i, layout.tensors[i]);
    for (const int buffer : layout.tensors[i]) layout.args.push_back(BufferOrNull(buffer));
  }
  layout.args.push_back(BufferOrNull(-1));
  batch.BeginCall();
  batch.AddStep(functions.Accept(static_cast<int>(at - functions.accept_tensors.begin())), layout.args);
  KOPT_CHECK(arenas_.Reserve(batch.read_only_bytes(), batch.read_write_bytes()));
  const OracleControl begin;
  std::memcpy(batch.Data(arenas_, layout.control).data(), &begin, sizeof(begin));
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const auto put = [&](int slot, const void* data, size_t bytes) {
      const int buffer = layout.tensors[i][static_cast<size_t>(slot)];
      if (buffer >= 0 && bytes > 0) std::memcpy(batch.Data(arenas_, buffer).data(), data, bytes);
    };
    const Answer::Part& part = answer.parts[i];
    put(1, part.integer.data(), part.integer.size() * 8);
    put(1, part.value.data(), part.value.size() * 8);
    if (!part.value.empty()) put(2, part.variance.data(), part.variance.size() * 8);
    put(4, got[i].data(), got[i].size());
  }
  KOPT_TRY(const BatchEnd end, RunLayout(layout, task, inputs));
  if (end.kind != BatchEnd::Kind::kDone) {
    auto failed = CheckEnd(end, "the accept predicate");
    KOPT_CHECK(StartSession());
    return std::unexpected(failed.error());
  }
  OracleControl control;
  std::memcpy(&control, batch.Data(arenas_, layout.control).data(), sizeof(control));
  if (control.rejected == 0) return std::string();
  return fmt::format("the accept predicate of `{}` refuses {} index tuples, the first is number {}",
                     task.tensors[tensor].tensor->name, control.rejected, control.first_rejected);
}

}  // namespace kopt

#include "verifier/cuda/cuda_oracle.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "verifier/cuda/oracle_text.h"
#include "verifier/oracle/oracle_faults.h"

namespace kopt {
namespace {

constexpr double kOracleSeconds = 120;  // deadline of one answer

bool IsResult(const Tensor& tensor) { return tensor.role != Tensor::Role::kInput; }

template <class T>
nlohmann::json BytesOf(const T& value) {
  std::vector<uint8_t> raw(sizeof(T));
  std::memcpy(raw.data(), &value, sizeof(T));
  return raw;
}

Result<OracleControl> ControlOf(const nlohmann::json& json) {
  const auto raw = json.get<std::vector<uint8_t>>();
  OracleControl control;
  if (raw.size() != sizeof(control)) return InternalError("the oracle's answer has another size");
  std::memcpy(&control, raw.data(), sizeof(control));
  return control;
}

template <class T>
Result<std::vector<T>> Contents(const std::vector<Fd>& memory) {
  struct stat status{};
  if (memory.empty() || fstat(memory[0].get(), &status) != 0) return InternalError("the oracle sent no memory");
  std::vector<T> values(static_cast<size_t>(status.st_size) / sizeof(T));
  KOPT_CHECK(ReadMemory(memory[0], std::as_writable_bytes(std::span(values))));
  return values;
}

std::vector<int> Numbers(const std::vector<Fd>& descriptors) {
  std::vector<int> numbers;
  for (const Fd& descriptor : descriptors) numbers.push_back(descriptor.get());
  return numbers;
}

size_t RoundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace

TensorPlace PlaceTensor(size_t bytes, int align, size_t unit) {
  const auto step = static_cast<size_t>(std::clamp(align, 1, 4096));
  const size_t odd = step < 256 ? step : 0;
  const size_t size = std::max<size_t>(RoundUp(bytes, step), step);
  TensorPlace place{.bytes = bytes, .mapping = RoundUp(size + odd, unit)};
  place.offset = (place.mapping - size) / step * step;
  if (odd != 0 && (place.offset / step) % 2 == 0) place.offset = place.offset >= step ? place.offset - step : step;
  return place;
}

Result<std::unique_ptr<CudaOracle>> CudaOracle::Create(CudaContext& context) {
  const Spec& spec = context.spec;
  KOPT_TRY(auto worker, DeviceWorker::Start(context.worker, "oracle", context.options.device));
  KOPT_TRY(const std::string text, GenerateCudaOracle(spec));
  KOPT_TRY(const CudaCompileResult references, context.compiler.Compile(text, CudaCompileService::Prefix::kNone));
  if (references.kind != CudaCompileResult::Kind::kCubin) {
    return std::unexpected(ReferencesDoNotCompile(spec, references.reason, references.log));
  }
  KOPT_TRY(const std::string kernels, CompileOwn(context.compiler, OutputKernelsText(), "the kernels that compare"));
  KOPT_TRY(const nlohmann::json device, worker->Await());
  context.device.unit = device.at("unit");
  auto oracle = std::unique_ptr<CudaOracle>(new CudaOracle(context, std::move(worker)));
  KOPT_TRY(const Fd kernel_memory, MemoryOf(kernels));
  KOPT_CHECK(oracle->Ask({{"do", "kernels"}}, {kernel_memory.get()}, "loading kopt's kernels"));
  KOPT_TRY(const Fd reference_memory, MemoryOf(references.cubin));
  KOPT_CHECK(oracle->Ask({{"do", "oracle"}, {"tensor_count", spec.tensors.size()}}, {reference_memory.get()},
                         "loading the references"));
  return oracle;
}

Result<DeviceAnswer> CudaOracle::Ask(const nlohmann::json& request, const std::vector<int>& descriptors,
                                     const std::string& what) {
  return Trusted(worker_->Ask(request, kOracleSeconds, descriptors), "the oracle on the device failed at " + what);
}

void CudaOracle::Forget(int id) {
  if (worker_->running()) (void)Ask({{"do", "forget"}, {"sets", {id}}}, {}, "forgetting a set");
}

Result<std::unique_ptr<CudaOracle::Set>> CudaOracle::Draw(const BoundTask& task, const SetRecipe& recipe, bool timed) {
  auto set = std::make_unique<Set>(*this, next_++);
  for (const BoundTensor& bound : task.tensors) {
    const Tensor& tensor = *bound.tensor;
    TensorPlace& place = set->places.emplace_back();
    if (tensor.role == Tensor::Role::kTemp) continue;
    place = PlaceTensor(bound.bytes, timed ? std::max(tensor.align, 256) : tensor.align, unit_);
    set->bytes += place.mapping;
    if (IsResult(tensor)) set->bytes += static_cast<size_t>(bound.elements) * 16;
  }
  KOPT_TRY(set->inputs, DrawInto(task, *set, recipe));
  return set;
}

Result<void> CudaOracle::DrawOver(const BoundTask& task, Set& set, const SetRecipe& recipe) {
  KOPT_CHECK(DrawInto(task, set, recipe));
  return {};
}

// Files, and what the host computes by `code`, are sent; everything else is drawn where it is needed.
Result<std::vector<Fd>> CudaOracle::DrawInto(const BoundTask& task, Set& set, const SetRecipe& recipe) {
  KOPT_TRY(set.scalars, DrawScalars(spec_, task, recipe));
  std::optional<InputSet> by_host;
  if (HostOracle::SuitsCode(task)) {
    KOPT_TRY(HostOracle* const host, Host());
    if (host != nullptr) {
      KOPT_TRY(by_host, host->Draw(task, recipe));
    }
  }
  nlohmann::json request{{"do", "draw"}, {"set", set.id()}, {"scalars", set.scalars}};
  request["code"] = by_host ? std::vector<std::string>() : CodeKernels(spec_);
  request["dims"] = nlohmann::json::array();
  for (const std::string& dim : spec_.dims) request["dims"].push_back(task.shape->dims.at(dim));
  request["tensors"] = nlohmann::json::array();
  std::string sent;
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const BoundTensor& bound = task.tensors[i];
    if (!bound.tensor->IsRead()) continue;
    nlohmann::json row{{"tensor", i}, {"place", set.places[i].Json()}};
    const auto draw = DrawOf(task, i, recipe);
    if (draw && draw->fill->kind == FillKind::kFile) {
      const size_t at = sent.size();
      sent.resize(at + bound.bytes);
      const std::span<char> storage(sent.data() + at, bound.bytes);
      KOPT_CHECK(FillTensor(spec_, bound, *draw->fill, draw->seed, std::as_writable_bytes(storage)));
      row["bytes"] = bound.bytes;
    } else if (draw) {
      row["layout"] = BytesOf(LayoutOf(bound));
      row["distribution"] = BytesOf(DistributionOf(bound, *draw->fill, draw->seed));
      row["gaps"] = draw->seed;
    } else if (by_host) {
      const std::vector<std::byte>& storage = by_host->storage[i];
      sent.append(reinterpret_cast<const char*>(storage.data()), storage.size());
      row["bytes"] = storage.size();
    }
    request["tensors"].push_back(std::move(row));
  }
  KOPT_TRY(const Fd memory, MemoryOf(sent));
  KOPT_TRY(DeviceAnswer answer, Ask(request, {memory.get()}, "drawing inputs"));
  return std::move(answer.descriptors);
}

Result<void> CudaOracle::Run(const BoundTask& task, Set& set, const std::vector<long long>& tuples) {
  nlohmann::json request{{"do", "solve"}, {"set", set.id()}, {"kernels", SolveKernels(spec_)}, {"tuples", tuples}};
  request["results"] = nlohmann::json::array();
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const BoundTensor& bound = task.tensors[i];
    if (!IsResult(*bound.tensor)) continue;
    request["results"].push_back({{"tensor", i},
                                  {"elements", bound.elements},
                                  {"real", !HoldsIntegers(*bound.tensor)},
                                  {"kept", bound.tensor->role != Tensor::Role::kTemp}});
  }
  KOPT_TRY(const DeviceAnswer answer, Ask(request, {}, "computing the references"));
  KOPT_TRY(const OracleControl control, ControlOf(answer.json.at("control")));
  KOPT_CHECK(CheckOracleControl(spec_, task, control));
  for (const auto& row : answer.json.at("unwritten")) {
    const BoundTensor& bound = task.tensors[row.at(0).get<size_t>()];
    if (bound.tensor->compare == kopt::Compare::kAny) continue;
    return std::unexpected(NeverWritten(spec_, bound, row.at(1)));
  }
  set.solved = true;
  set.sampled = !tuples.empty();
  set.seconds = answer.json.at("seconds");
  if (!set.sampled) seconds_ = set.seconds;
  return {};
}

Result<HostOracle*> CudaOracle::Host() {
  if (!host_ && !host_missing_) {
    auto host = HostOracle::Create(spec_, options_);
    if (!host && host.error().exit != Exit::kEnvironment) return std::unexpected(std::move(host.error()));
    host_missing_ = !host;
    if (host) host_ = *std::move(host);
  }
  return host_.get();
}

Result<void> CudaOracle::Solve(const BoundTask& task, Set& set) {
  if (HostOracle::Suits(task)) {
    KOPT_TRY(HostOracle* const host, Host());
    if (host != nullptr) return SolveOnHost(*host, task, set);
  }
  return Run(task, set, {});
}

Result<void> CudaOracle::SolveOnHost(HostOracle& host, const BoundTask& task, Set& set) {
  KOPT_TRY(const InputSet inputs, DownloadInputs(task, set));
  KOPT_TRY(const Answer answer, host.Solve(task, inputs));
  nlohmann::json request{{"do", "answer"}, {"set", set.id()}, {"results", nlohmann::json::array()}};
  std::string content;
  const auto append = [&](const auto& values) {
    content.append(reinterpret_cast<const char*>(values.data()), 8 * values.size());
  };
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const BoundTensor& bound = task.tensors[i];
    if (!bound.tensor->IsWritten()) continue;
    const bool real = !HoldsIntegers(*bound.tensor);
    request["results"].push_back({{"tensor", i}, {"elements", bound.elements}, {"real", real}});
    append(answer.parts[i].value);
    append(answer.parts[i].variance);
    append(answer.parts[i].integer);
  }
  KOPT_TRY(const Fd memory, MemoryOf(content));
  KOPT_CHECK(Ask(request, {memory.get()}, "taking an answer from the host"));
  set.solved = true;
  set.seconds = seconds_ = host.seconds();
  return {};
}

Result<std::optional<std::vector<unsigned>>> CudaOracle::Processes() {
  KOPT_TRY(const DeviceAnswer answer, Ask({{"do", "processes"}}, {}, "looking for other processes"));
  const nlohmann::json& found = answer.json.at("processes");
  if (found.is_null()) return std::nullopt;
  return found.get<std::vector<unsigned>>();
}

Result<void> CudaOracle::Sample(const BoundTask& task, Set& set, uint64_t seed) {
  const bool whole =
      std::ranges::any_of(task.tensors, [](const BoundTensor& t) { return t.tensor->accept.has_value(); });
  if (whole || !CanSample(spec_)) return Solve(task, set);
  KOPT_TRY(const long long count, TupleCount(spec_, spec_.references[0].over, *task.shape));
  if (count <= kSampledTuples) return Solve(task, set);
  return Run(task, set, RandomTuples(count, kSampledTuples, seed));
}

Result<void> CudaOracle::MakeForeign(const BoundTask& task, Set& set) {
  nlohmann::json request{{"do", "foreign"}, {"set", set.id()}, {"outputs", nlohmann::json::array()}};
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const BoundTensor& bound = task.tensors[i];
    if (bound.tensor->role != Tensor::Role::kOutput) continue;
    request["outputs"].push_back(
        {{"tensor", i}, {"place", set.places[i].Json()}, {"layout", BytesOf(LayoutOf(bound))}});
  }
  KOPT_TRY(DeviceAnswer answer, Ask(request, {}, "storing another set's answer"));
  set.foreign = std::move(answer.descriptors);
  return {};
}

Result<void> CudaOracle::Attach(const BoundTask& task, const Set& set, int id, const std::vector<Fd>& memory) {
  nlohmann::json request{{"do", "attach"}, {"id", id}, {"memory", nlohmann::json::array()}};
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    if (!task.tensors[i].tensor->IsWritten()) continue;
    request["memory"].push_back({{"tensor", i}, {"place", set.places[i].Json()}});
  }
  KOPT_CHECK(Ask(request, Numbers(memory), "mapping outputs"));
  return {};
}

Result<void> CudaOracle::Detach(int id) {
  KOPT_CHECK(Ask({{"do", "detach"}, {"id", id}}, {}, "unmapping outputs"));
  return {};
}

Result<std::vector<std::optional<Comparison>>> CudaOracle::Compare(const BoundTask& task, const Set& set,
                                                                   int attachment) {
  std::vector<std::optional<Comparison>> comparisons(task.tensors.size());
  nlohmann::json request{
      {"do", "compare"}, {"set", set.id()}, {"id", attachment}, {"outputs", nlohmann::json::array()}};
  std::vector<size_t> compared;
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const BoundTensor& bound = task.tensors[i];
    const Tensor& tensor = *bound.tensor;
    if (!tensor.IsWritten()) continue;
    if (tensor.accept) {
      Comparison comparison;
      KOPT_TRY(comparison.reason, AskAccept(task, set, i, attachment));
      comparison.pass = comparison.reason.empty();
      comparisons[i] = comparison;
    } else if (tensor.compare != kopt::Compare::kAny) {
      request["outputs"].push_back(
          {{"tensor", i}, {"rule", BytesOf(RuleOf(tensor))}, {"layout", BytesOf(LayoutOf(bound))}});
      compared.push_back(i);
    }
  }
  if (compared.empty()) return comparisons;
  KOPT_TRY(const DeviceAnswer answer, Ask(request, {}, "comparing outputs"));
  KOPT_TRY(const auto parts, Contents<ComparePart>(answer.descriptors));
  size_t next = 0;
  for (size_t k = 0; k < compared.size(); ++k) {
    const size_t count = answer.json.at("parts").at(k);
    if (next + count > parts.size()) return InternalError("the oracle's comparison is too short");
    comparisons[compared[k]] = FinishComparison(task.tensors[compared[k]], std::span(parts).subspan(next, count));
    next += count;
  }
  return comparisons;
}

Result<std::string> CudaOracle::AskAccept(const BoundTask& task, const Set& set, size_t output, int attachment) {
  const OracleFunctions functions = FunctionsOf(spec_);
  const auto at = std::ranges::find(functions.accept_tensors, static_cast<int>(output));
  const std::string kernel = AcceptKernel(spec_, static_cast<int>(at - functions.accept_tensors.begin()));
  KOPT_TRY(const DeviceAnswer answer, Ask({{"do", "accept"}, {"set", set.id()}, {"id", attachment}, {"kernel", kernel}},
                                          {}, "the accept predicate"));
  KOPT_TRY(const OracleControl control, ControlOf(answer.json.at("control")));
  return AcceptRefusal(*task.tensors[output].tensor, control);
}

Result<std::string> CudaOracle::Refusal(const BoundTask& task, const Set& set, size_t output,
                                        const std::vector<std::span<const std::byte>>& got) {
  constexpr int kOwn = -1;  // apart from the attachments of candidates
  std::string content;
  nlohmann::json request{{"do", "hold"}, {"id", kOwn}, {"memory", nlohmann::json::array()}};
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    if (!task.tensors[i].tensor->IsWritten()) continue;
    request["memory"].push_back({{"tensor", i}, {"place", set.places[i].Json()}});
    content.append(reinterpret_cast<const char*>(got[i].data()), got[i].size());
  }
  KOPT_TRY(const Fd memory, MemoryOf(content));
  KOPT_CHECK(Ask(request, {memory.get()}, "holding outputs"));
  auto reason = AskAccept(task, set, output, kOwn);
  KOPT_CHECK(Detach(kOwn));
  return reason;
}

Result<CudaOracle::Truth> CudaOracle::Download(const BoundTask& task, const Set& set, size_t tensor,
                                               const Ranges& ranges) {
  KOPT_TRY(const DeviceAnswer answer,
           Ask({{"do", "truth"}, {"set", set.id()}, {"tensor", tensor}, {"ranges", ranges}}, {}, "the truth"));
  Truth truth;
  if (HoldsIntegers(*task.tensors[tensor].tensor)) {
    KOPT_TRY(truth.integer, Contents<long long>(answer.descriptors));
    return truth;
  }
  KOPT_TRY(const std::vector<double> both, Contents<double>(answer.descriptors));
  const auto half = both.begin() + static_cast<long>(both.size() / 2);
  truth.value.assign(both.begin(), half);
  truth.variance.assign(half, both.end());
  return truth;
}

Result<InputSet> CudaOracle::DownloadInputs(const BoundTask& task, const Set& set, const std::vector<Ranges>& ranges) {
  InputSet inputs{.scalars = set.scalars};
  inputs.storage.resize(task.tensors.size());
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    if (!task.tensors[i].tensor->IsRead()) continue;
    nlohmann::json bytes = nlohmann::json::array();
    if (i < ranges.size()) {
      const auto size = static_cast<long long>(Size(task.tensors[i].tensor->dtype));
      for (const auto& [first, count] : ranges[i]) bytes.push_back({first * size, count * size});
    }
    KOPT_TRY(const DeviceAnswer answer,
             Ask({{"do", "input"}, {"set", set.id()}, {"tensor", i}, {"ranges", bytes}}, {}, "an input"));
    KOPT_TRY(inputs.storage[i], Contents<std::byte>(answer.descriptors));
  }
  return inputs;
}

}  // namespace kopt

#include "verifier/cuda/oracle_worker.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include "verifier/cuda/buffers.h"
#include "verifier/cuda/output_kernels.h"
#include "verifier/cuda/tenants.h"
#include "verifier/cuda/worker_loop.h"
#include "verifier/oracle/oracle_source.h"

namespace kopt::worker {
namespace {

using nlohmann::json;

constexpr unsigned kThreads = 256;  // kOracleBlock
constexpr int kSlots = 5;           // data, value, variance, owner, got: oracle_source.h

template <class T>
T StructOf(const json& bytes) {
  const auto raw = bytes.get<std::vector<uint8_t>>();
  T value;
  if (raw.size() != sizeof(T)) throw std::runtime_error("a struct of another size");
  std::memcpy(&value, raw.data(), sizeof(T));
  return value;
}

template <class T>
json BytesOf(const T& value) {
  std::vector<uint8_t> raw(sizeof(T));
  std::memcpy(raw.data(), &value, sizeof(T));
  return raw;
}

// Memory that a frame carries to kopt.
int MemoryWith(const void* data, size_t bytes) {
  const int memory = memfd_create("kopt", MFD_CLOEXEC);
  size_t done = 0;
  while (memory >= 0 && done < bytes) {
    const ssize_t wrote = write(memory, static_cast<const char*>(data) + done, bytes - done);
    if (wrote <= 0) throw std::runtime_error("no memory for an answer");
    done += static_cast<size_t>(wrote);
  }
  return memory;
}

struct InputBuffer {
  Place place;
  Mapping memory;
  CUdeviceptr address() const { return memory.address() + place.offset; }
};

// What the references wrote of one tensor.
struct ResultBuffer {
  uint64_t elements = 0;
  bool real = true;
  Mapping value, variance, owner;
};

struct Set {
  std::vector<long long> dims;
  std::vector<uint64_t> scalars;
  std::map<int, InputBuffer> inputs;    // by tensor number
  std::map<int, ResultBuffer> results;  // outputs and inouts; of a sampled run with owners
  std::map<int, Mapping> foreign;
  bool sampled = false;
};

class OracleProcess {
 public:
  explicit OracleProcess(const Device& device) : device_(device) {}

  json Answer(const Frame& request, std::vector<int>& descriptors) {
    const json& ask = request.json;
    const std::string what = ask.at("do");
    if (what == "kernels") return Load(request, kernels_);
    if (what == "oracle") return Load(request, oracle_);
    if (what == "draw") return Draw(request, descriptors);
    if (what == "solve") return Solve(ask);
    if (what == "answer") return TakeAnswer(request);
    if (what == "foreign") return Foreign(ask, descriptors);
    if (what == "attach") return Attach(request);
    if (what == "hold") return Hold(request);
    if (what == "detach") return Detach(ask);
    if (what == "compare") return Compare(ask, descriptors);
    if (what == "accept") return Accept(ask);
    if (what == "truth") return Truth(ask, descriptors);
    if (what == "input") return Input(ask, descriptors);
    if (what == "forget") return Forget(ask);
    if (what == "processes") return Processes();
    return {{"error", "unknown request " + what}};
  }

 private:
  const Driver& driver() const { return device_.driver(); }
  void Check(CUresult result, const char* what) const { device_.Check(result, what); }

  json Load(const Frame& request, std::unique_ptr<Module>& module) {
    module = std::make_unique<Module>(device_, ReadAll(request.descriptors.at(0)));
    return {{"ok", true}};
  }

  json Draw(const Frame& request, std::vector<int>& descriptors) {
    const json& ask = request.json;
    Set& set = sets_[ask.at("set")];
    set.dims = ask.at("dims").get<std::vector<long long>>();
    set.scalars = ask.at("scalars").get<std::vector<uint64_t>>();
    const std::string uploaded = request.descriptors.empty() ? "" : ReadAll(request.descriptors[0]);
    size_t at = 0;
    for (const json& row : ask.at("tensors")) {
      InputBuffer& input = set.inputs[row.at("tensor")];
      const Place place = PlaceOf(row.at("place"));
      if (input.place.mapping_bytes != place.mapping_bytes)
        input.memory = Mapping::Create(device_, place.mapping_bytes);
      input.place = place;
      if (row.contains("distribution")) {
        DrawInput(row, input);
      } else if (row.contains("bytes")) {
        if (at + place.bytes > uploaded.size()) throw std::runtime_error("the inputs are too short");
        Check(driver().cuMemcpyHtoD(input.address(), uploaded.data() + at, place.bytes), "uploading inputs");
        at += place.bytes;
      } else {
        Check(driver().cuMemsetD8Async(input.address(), 0, place.bytes, device_.stream()), "an input");
      }
    }
    for (const json& kernel : ask.at("code")) Run(set, {}, kernel, {.blocks = 1, .threads = 1}, {}, 0);
    device_.Synchronise();
    for (const auto& [tensor, input] : set.inputs) descriptors.push_back(input.memory.Export());
    return {{"ok", true}};
  }

  void DrawInput(const json& row, const InputBuffer& input) {
    const auto layout = StructOf<StorageLayout>(row.at("layout"));
    if (!layout.dense) {
      device_.Launch(kernels_->Function("kopt_fill_gaps"), WholeDevice(), row.at("gaps").get<uint64_t>(),
                     uint64_t{input.place.bytes}, input.address());
    }
    device_.Launch(kernels_->Function("kopt_draw"), WholeDevice(), layout,
                   StructOf<Distribution>(row.at("distribution")), input.address());
  }

  // Launches one oracle kernel with the args that all share. `got`: a candidate's outputs, by tensor.
  void Run(const Set& set, const std::map<int, ResultBuffer>& results, const std::string& kernel, Device::Grid grid,
           const std::map<int, CUdeviceptr>& got, CUdeviceptr tuples) {
    const auto tensors = static_cast<size_t>(tensor_count_);
    std::vector<CUdeviceptr> args(3 + kSlots * tensors + 1, 0);
    std::vector<std::byte> numbers(64 + 8 * (set.dims.size() + set.scalars.size()));
    std::memcpy(numbers.data(), set.dims.data(), 8 * set.dims.size());
    std::memcpy(numbers.data() + 8 * set.dims.size(), set.scalars.data(), 8 * set.scalars.size());
    const size_t args_at = (numbers.size() + 7) / 8 * 8;
    if (table_.bytes() < args_at + 8 * args.size()) table_ = Mapping::Create(device_, args_at + 8 * args.size());
    if (control_.bytes() == 0) control_ = Mapping::Create(device_, sizeof(OracleControl));
    args[0] = table_.address();
    args[1] = table_.address() + 8 * set.dims.size();
    args[2] = control_.address();
    for (const auto& [tensor, input] : set.inputs) args[3 + kSlots * static_cast<size_t>(tensor)] = input.address();
    for (const auto& [tensor, result] : results) {
      const size_t first = 3 + kSlots * static_cast<size_t>(tensor);
      args[first + 1] = result.value.address();
      args[first + 2] = result.variance.address();
      args[first + 3] = result.owner.address();
    }
    for (const auto& [tensor, address] : got) args[3 + kSlots * static_cast<size_t>(tensor) + 4] = address;
    args.back() = tuples;
    device_.Synchronise();  // the kernel before may still read the table
    Check(driver().cuMemcpyHtoD(table_.address(), numbers.data(), numbers.size()), "arguments");
    Check(driver().cuMemcpyHtoD(table_.address() + args_at, args.data(), 8 * args.size()), "arguments");
    device_.Launch(oracle_->Function(kernel), grid, table_.address() + args_at);
  }

  void WriteControl(const OracleControl& control) {
    if (control_.bytes() == 0) control_ = Mapping::Create(device_, sizeof(OracleControl));
    Check(driver().cuMemcpyHtoD(control_.address(), &control, sizeof(control)), "control");
  }
  OracleControl ReadControl() {
    device_.Synchronise();
    OracleControl control;
    Check(driver().cuMemcpyDtoH(&control, control_.address(), sizeof(control)), "control");
    return control;
  }

  Device::Grid WholeDevice() const {
    return {.blocks = 16 * static_cast<unsigned>(device_.Attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)),
            .threads = kThreads};
  }

  json Solve(const json& ask) {
    Set& set = sets_.at(ask.at("set"));
    const auto begin = std::chrono::steady_clock::now();
    std::map<int, ResultBuffer> all;
    for (const json& row : ask.at("results")) {
      const int tensor = row.at("tensor");
      ResultBuffer& result = all[tensor];
      const bool temp = !row.at("kept").get<bool>();
      // A temp may be most of the device's memory: it is taken over from the last answer.
      if (temp && temps_.contains(tensor) && temps_[tensor].elements == row.at("elements")) {
        result = std::move(temps_[tensor]);
        continue;
      }
      if (temp) temps_.erase(tensor);
      result.elements = row.at("elements");
      result.real = row.at("real");
      result.value = Mapping::Create(device_, 8 * result.elements);
      if (result.real) result.variance = Mapping::Create(device_, 8 * result.elements);
      result.owner = Mapping::Create(device_, 4 * result.elements);
    }
    const std::vector<long long> tuples = ask.at("tuples");
    Mapping tuple_memory;
    if (!tuples.empty()) {
      tuple_memory = Mapping::Create(device_, 8 * tuples.size());
      Check(driver().cuMemcpyHtoD(tuple_memory.address(), tuples.data(), 8 * tuples.size()), "index tuples");
    }
    WriteControl({.tuple_count = static_cast<long long>(tuples.size())});
    for (const json& kernel : ask.at("kernels")) Run(set, all, kernel, WholeDevice(), {}, tuple_memory.address());
    const OracleControl control = ReadControl();
    json unwritten = json::array();
    set.sampled = !tuples.empty();
    set.results.clear();
    for (const json& row : ask.at("results")) {
      const int tensor = row.at("tensor");
      if (!row.at("kept").get<bool>()) {
        temps_[tensor] = std::move(all.at(tensor));
        continue;
      }
      ResultBuffer& result = all.at(tensor);
      if (!set.sampled) {
        const uint64_t first = FirstUnwritten(result);
        if (first != ~uint64_t{0}) unwritten.push_back({tensor, first});
        result.owner = Mapping();
      }
      set.results[tensor] = std::move(result);
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return {{"ok", true}, {"seconds", seconds}, {"control", BytesOf(control)}, {"unwritten", unwritten}};
  }

  json TakeAnswer(const Frame& request) {
    Set& set = sets_.at(request.json.at("set"));
    const std::string content = ReadAll(request.descriptors.at(0));
    size_t at = 0;
    const auto take = [&](uint64_t elements) {
      if (at + 8 * elements > content.size()) throw std::runtime_error("the answer is too short");
      Mapping memory = Mapping::Create(device_, 8 * elements);
      Check(driver().cuMemcpyHtoD(memory.address(), content.data() + at, 8 * elements), "an answer");
      at += 8 * elements;
      return memory;
    };
    set.results.clear();
    set.sampled = false;
    for (const json& row : request.json.at("results")) {
      ResultBuffer& result = set.results[row.at("tensor")];
      result.elements = row.at("elements");
      result.real = row.at("real");
      result.value = take(result.elements);
      if (result.real) result.variance = take(result.elements);
    }
    return {{"ok", true}};
  }

  json Processes() const {
    const auto found = ProcessesOn(DeviceFacts(driver(), device_.device()).at("uuid"));
    return {{"ok", true}, {"processes", found ? json(*found) : json(nullptr)}};
  }

  uint64_t FirstUnwritten(const ResultBuffer& result) {
    uint64_t first = ~uint64_t{0};
    Check(driver().cuMemcpyHtoD(control_.address(), &first, sizeof(first)), "a counter");
    device_.Launch(kernels_->Function("kopt_first_unwritten"), WholeDevice(), result.owner.address(),
                   static_cast<long long>(result.elements), control_.address());
    device_.Synchronise();
    Check(driver().cuMemcpyDtoH(&first, control_.address(), sizeof(first)), "a counter");
    return first;
  }

  static OutputTruth TruthOf(const ResultBuffer& result, bool sampled) {
    const auto pointer = [](const Mapping& mapping) { return reinterpret_cast<const void*>(mapping.address()); };
    OutputTruth truth;
    if (result.real) {
      truth.value = static_cast<const double*>(pointer(result.value));
      truth.variance = static_cast<const double*>(pointer(result.variance));
    } else {
      truth.integer = static_cast<const long long*>(pointer(result.value));
      if (sampled) truth.owner = static_cast<const uint32_t*>(pointer(result.owner));
    }
    return truth;
  }

  json Foreign(const json& ask, std::vector<int>& descriptors) {
    Set& set = sets_.at(ask.at("set"));
    for (const json& row : ask.at("outputs")) {
      const int tensor = row.at("tensor");
      const Place place = PlaceOf(row.at("place"));
      Mapping& memory = set.foreign[tensor];
      memory = Mapping::Create(device_, place.mapping_bytes);
      Check(driver().cuMemsetD8(memory.address(), 0, memory.bytes()), "memory for another set's answer");
      device_.Launch(kernels_->Function("kopt_store_truth"), WholeDevice(), StructOf<StorageLayout>(row.at("layout")),
                     TruthOf(set.results.at(tensor), set.sampled), 0, memory.address() + place.offset);
      device_.Synchronise();
      descriptors.push_back(memory.Export());
    }
    return {{"ok", true}};
  }

  json Attach(const Frame& request) {
    auto& attached = attachments_[request.json.at("id")];
    attached.clear();
    size_t next = 0;
    for (const json& row : request.json.at("memory")) {
      InputBuffer& buffer = attached[row.at("tensor")];
      buffer.place = PlaceOf(row.at("place"));
      buffer.memory =
          Mapping::Import(device_, request.descriptors.at(next++), buffer.place.mapping_bytes, Mapping::Access::kRead);
    }
    return {{"ok", true}};
  }

  // Outputs of kopt's own in place of a candidate's.
  json Hold(const Frame& request) {
    auto& held = attachments_[request.json.at("id")];
    held.clear();
    const std::string content = ReadAll(request.descriptors.at(0));
    size_t at = 0;
    for (const json& row : request.json.at("memory")) {
      InputBuffer& buffer = held[row.at("tensor")];
      buffer.place = PlaceOf(row.at("place"));
      buffer.memory = Mapping::Create(device_, buffer.place.mapping_bytes);
      if (at + buffer.place.bytes > content.size()) throw std::runtime_error("the outputs are too short");
      Check(driver().cuMemcpyHtoD(buffer.address(), content.data() + at, buffer.place.bytes), "uploading outputs");
      at += buffer.place.bytes;
    }
    return {{"ok", true}};
  }

  json Detach(const json& ask) {
    attachments_.erase(ask.at("id").get<int>());
    return {{"ok", true}};
  }

  json Compare(const json& ask, std::vector<int>& descriptors) {
    const Set& set = sets_.at(ask.at("set"));
    const auto& attached = attachments_.at(ask.at("id"));
    std::vector<ComparePart> all;
    json counts = json::array();
    for (const json& row : ask.at("outputs")) {
      const int tensor = row.at("tensor");
      const auto layout = StructOf<StorageLayout>(row.at("layout"));
      const auto blocks = static_cast<unsigned>(JudgeBlocks(layout));
      if (parts_.bytes() < blocks * sizeof(ComparePart)) parts_ = Mapping::Create(device_, 1024 * sizeof(ComparePart));
      device_.Launch(kernels_->Function("kopt_compare"), {.blocks = blocks, .threads = kJudgeThreads},
                     StructOf<CompareRule>(row.at("rule")), layout, TruthOf(set.results.at(tensor), set.sampled),
                     attached.at(tensor).address(), parts_.address());
      device_.Synchronise();
      std::vector<ComparePart> parts(blocks);
      Check(driver().cuMemcpyDtoH(parts.data(), parts_.address(), blocks * sizeof(ComparePart)), "the comparison");
      all.insert(all.end(), parts.begin(), parts.end());
      counts.push_back(blocks);
    }
    descriptors.push_back(MemoryWith(all.data(), all.size() * sizeof(ComparePart)));
    return {{"ok", true}, {"parts", counts}};
  }

  json Accept(const json& ask) {
    const Set& set = sets_.at(ask.at("set"));
    std::map<int, CUdeviceptr> got;
    for (const auto& [tensor, buffer] : attachments_.at(ask.at("id"))) got[tensor] = buffer.address();
    WriteControl({});
    Run(set, set.results, ask.at("kernel"), WholeDevice(), got, 0);
    return {{"ok", true}, {"control", BytesOf(ReadControl())}};
  }

  // Appends stretches [first, count] of `size` bytes each, or all `total` of them, to `bytes`.
  void Append(std::vector<std::byte>& bytes, CUdeviceptr from, const json& ranges, size_t size, size_t total) const {
    const auto copy = [&](size_t first, size_t count) {
      if (first + count > total) throw std::runtime_error("a stretch outside of a tensor");
      const size_t begin = bytes.size();
      bytes.resize(begin + count * size);
      Check(driver().cuMemcpyDtoH(bytes.data() + begin, from + first * size, count * size), "reading a tensor");
    };
    if (ranges.empty()) return copy(0, total);
    for (const json& range : ranges) copy(range.at(0), range.at(1));
  }

  json Truth(const json& ask, std::vector<int>& descriptors) {
    const ResultBuffer& result = sets_.at(ask.at("set")).results.at(ask.at("tensor"));
    std::vector<std::byte> bytes;
    Append(bytes, result.value.address(), ask.at("ranges"), 8, result.elements);
    if (result.real) Append(bytes, result.variance.address(), ask.at("ranges"), 8, result.elements);
    descriptors.push_back(MemoryWith(bytes.data(), bytes.size()));
    return {{"ok", true}};
  }

  json Input(const json& ask, std::vector<int>& descriptors) {
    const InputBuffer& input = sets_.at(ask.at("set")).inputs.at(ask.at("tensor"));
    std::vector<std::byte> bytes;
    Append(bytes, input.address(), ask.at("ranges"), 1, input.place.bytes);
    descriptors.push_back(MemoryWith(bytes.data(), bytes.size()));
    return {{"ok", true}};
  }

  json Forget(const json& ask) {
    for (const int id : ask.at("sets")) sets_.erase(id);
    return {{"ok", true}};
  }

 public:
  void SetTensorCount(int count) { tensor_count_ = count; }

 private:
  const Device& device_;
  int tensor_count_ = 256;
  std::unique_ptr<Module> kernels_, oracle_;
  std::map<int, Set> sets_;
  std::map<int, std::map<int, InputBuffer>> attachments_;
  std::map<int, ResultBuffer> temps_;  // by tensor number
  Mapping table_, control_, parts_;
};

}  // namespace

int OracleWorker(int argc, char** argv) {
  return ServeDevice(argc > 0 ? std::atoi(argv[0]) : 0, [](const Device& device) -> AnswerFrame {
    auto process = std::make_shared<OracleProcess>(device);
    return [process](const Frame& request, std::vector<int>& descriptors) -> json {
      if (request.json.contains("tensor_count")) process->SetTensorCount(request.json.at("tensor_count"));
      return process->Answer(request, descriptors);
    };
  });
}

}  // namespace kopt::worker

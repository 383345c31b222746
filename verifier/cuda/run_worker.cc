#include "verifier/cuda/run_worker.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>

#include "verifier/cuda/cubin.h"
#include "verifier/cuda/frames.h"
#include "verifier/cuda/plan.h"
#include "verifier/cuda/worker_loop.h"

namespace kopt::worker {
namespace {

using nlohmann::json;

constexpr size_t kMostCounters = 1 << 16;  // of one batch

// A candidate did not end in time. The worker is of no more use.
struct DeadlinePassed {};

// A module of the candidate or the baseline, with an image of its variables.
struct Loaded {
  Loaded(const Device& device, std::string cubin) : module(device, std::move(cubin)) {}
  Module module;
  std::vector<Variable> variables;
};

class Runner {
 public:
  explicit Runner(const Device& device) : device_(device) {
    Check(driver().cuMemAllocHost(&flag_memory_, 4096), "pinned memory");
    flag_ = static_cast<volatile uint32_t*>(flag_memory_);
    *flag_ = 0;
    Check(driver().cuMemHostGetDevicePointer(&flag_address_, flag_memory_, 0), "pinned memory");
    Check(driver().cuEventCreate(&start_, CU_EVENT_DEFAULT), "an event");
    Check(driver().cuEventCreate(&stop_, CU_EVENT_DEFAULT), "an event");
    counters_ = Mapping::Create(device, kMostCounters * sizeof(uint64_t));
  }

  json Answer(const Frame& request, std::vector<int>& descriptors) {
    const std::string what = request.json.at("do");
    if (what == "kernels") return TakeKernels(request);
    if (what == "module") return TakeModule(request);
    if (what == "occupancy") return Occupancy(request.json);
    if (what == "set") return TakeSet(request, descriptors);
    if (what == "drop") return DropSets(request.json);
    if (what == "plan") return TakePlan(request.json);
    if (what == "call") return Call(request.json);
    if (what == "time") return Time(request.json);
    if (what == "clock") return Clock();
    if (what == "rate") return Rate(request.json);
    return {{"error", "unknown request " + what}};
  }

 private:
  const Driver& driver() const { return device_.driver(); }
  void Check(CUresult result, const char* what) const { device_.Check(result, what); }

  json TakeKernels(const Frame& request) {
    kernels_.emplace(device_, ReadAll(request.descriptors.at(0)));
    return {{"ok", true}};
  }

  json TakeModule(const Frame& request) {
    const int id = request.json.at("id");
    std::string cubin = ReadAll(request.descriptors.at(0));
    const auto symbols = SymbolsOf(cubin);
    if (!symbols) return {{"error", symbols.error().message}};
    json answer{{"ok", true}, {"variables", symbols->variables}, {"imports", symbols->imports}};
    auto loaded = std::make_unique<Loaded>(device_, std::move(cubin));
    for (const std::string& name : symbols->variables) {
      CUdeviceptr at = 0;
      size_t bytes = 0;
      if (driver().cuModuleGetGlobal(&at, &bytes, loaded->module.get(), name.c_str()) != CUDA_SUCCESS) continue;
      loaded->variables.push_back({.at = at, .bytes = bytes});
    }
    for (const std::string name : request.json.at("functions")) {
      const CUfunction function = loaded->module.Function(name);
      const auto attribute = [&](CUfunction_attribute which) {
        int value = 0;
        Check(driver().cuFuncGetAttribute(&value, which, function), name.c_str());
        return value;
      };
      answer["functions"][name] = {attribute(CU_FUNC_ATTRIBUTE_NUM_REGS), attribute(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES),
                                   attribute(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES),
                                   attribute(CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)};
    }
    modules_[id] = std::move(loaded);
    TakeImage();
    return answer;
  }

  // Copies of all variables of all modules, as they are before anything has run.
  void TakeImage() {
    std::vector<Variable> variables;
    size_t bytes = 0;
    for (const auto& [id, loaded] : modules_) {
      for (const Variable& variable : loaded->variables) {
        variables.push_back(variable);
        variables.back().image = bytes;
        bytes += variable.bytes;
      }
    }
    variable_count_ = static_cast<uint32_t>(variables.size());
    if (variables.empty()) return;
    image_ = Mapping::Create(device_, bytes);
    for (Variable& variable : variables) {
      variable.image += image_.address();
      Check(driver().cuMemcpyDtoD(variable.image, variable.at, variable.bytes), "a copy of the module's variables");
    }
    variable_table_ = Mapping::Create(device_, variables.size() * sizeof(Variable));
    Check(driver().cuMemcpyHtoD(variable_table_.address(), variables.data(), variables.size() * sizeof(Variable)),
          "a table of variables");
  }

  json Occupancy(const json& request) {
    const CUfunction function = modules_.at(request.at("module"))->module.Function(request.at("function"));
    const auto shared = request.at("shared").get<size_t>();
    Check(driver().cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                      static_cast<int>(shared)),
          "shared memory");
    int blocks = 0;
    Check(driver().cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, request.at("threads"), shared),
          "occupancy");
    return {{"ok", true}, {"blocks", blocks}};
  }

  json TakeSet(const Frame& request, std::vector<int>& descriptors) {
    const int id = request.json.at("id");
    sets_.erase(id);
    const auto [place, added] = sets_.try_emplace(id, device_, request.json, request.descriptors);
    descriptors = place->second.Export();
    return {{"ok", true}};
  }

  json DropSets(const json& request) {
    for (const int id : request.at("sets")) sets_.erase(id);
    return {{"ok", true}};
  }

  json TakePlan(const json& request) {
    const int id = request.at("id");
    plans_.erase(id);
    plans_.try_emplace(id, device_, modules_.at(request.at("module"))->module, request);
    return {{"ok", true}};
  }

  static BufferSet::Poison PoisonOf(const json& request, size_t index) {
    return {.kind = static_cast<PoisonKind>(request.at("poison").get<int>()),
            .seed = request.at("seed").get<uint64_t>() + index * 0x10001};
  }

  // With the scalars that go with the sets' inputs now.
  void Bind(Plan& plan, const json& request, const std::vector<int>& sets) {
    for (size_t i = 0; i < sets.size(); ++i) {
      BufferSet& set = sets_.at(sets[i]);
      set.SetScalars(request.at("scalars").at(i));
      plan.Bind(device_, set, sets[i]);
    }
  }

  void Prepare(const Plan& plan, const json& request, const std::vector<int>& sets) {
    const auto key = request.at("seed").get<uint64_t>();
    for (size_t i = 0; i < sets.size(); ++i) {
      sets_.at(sets[i]).Prepare(*kernels_, PoisonOf(request, i), plan.scratch_bytes());
    }
    kernels_->Restore(variable_table_.address(), variable_count_);
    kernels_->Scrub(key);
    Check(driver().cuMemsetD8Async(counters_.address(), 0, kMostCounters * sizeof(uint64_t), device_.stream()),
          "counters");
  }

  json Inspect(const Plan& plan, const json& request, const std::vector<int>& sets) {
    CUdeviceptr at = counters_.address();
    kernels_->CompareImage(variable_table_.address(), variable_count_, at);
    at += 8;
    const auto key = request.at("key").get<uint64_t>();
    for (size_t i = 0; i < sets.size(); ++i) {
      const BufferSet& set = sets_.at(sets[i]);
      set.Inspect(*kernels_, PoisonOf(request, i), key, plan.scratch_bytes(), at);
      at += 8 * set.CounterCount();
    }
    Await(request);
    const size_t count = (at - counters_.address()) / 8;
    std::vector<uint64_t> counters(count);
    Check(driver().cuMemcpyDtoH(counters.data(), counters_.address(), count * 8), "counters");
    json answer{{"ok", true}, {"image", counters[0]}, {"sets", json::array()}};
    size_t next = 1;
    for (const int id : sets) {
      const BufferSet& set = sets_.at(id);
      json digests = json::array(), around = json::array(), gaps = json::array(), scratch = json::array();
      for (const TensorBuffer& tensor : set.tensors()) {
        if (tensor.kind == TensorBuffer::Kind::kInput) continue;
        digests.push_back(counters[next]);
        around.push_back(counters[next + 1]);
        gaps.push_back(counters[next + 2]);
        next += 3;
      }
      for (size_t left = set.CounterCount() - 3 * digests.size(); left > 0; --left) scratch.push_back(counters[next++]);
      answer["sets"].push_back({{"digests", digests}, {"around", around}, {"gaps", gaps}, {"scratch", scratch}});
    }
    return answer;
  }

  void Await(const json& request) {
    if (!device_.AwaitIdle(request.at("seconds"))) throw DeadlinePassed();
  }

  json Call(const json& request) {
    Plan& plan = plans_.at(request.at("plan"));
    const int set = request.at("set");
    Bind(plan, request, {set});
    Prepare(plan, request, {set});
    Check(driver().cuEventRecord(start_, device_.stream()), "an event");
    plan.Launch(device_, set);
    Check(driver().cuEventRecord(stop_, device_.stream()), "an event");
    Await(request);
    float milliseconds = 0;
    Check(driver().cuEventElapsedTime(&milliseconds, start_, stop_), "the time between events");
    json answer = Inspect(plan, request, {set});
    answer["us"] = milliseconds * 1e3;
    return answer;
  }

  // Everything is in the stream before the first launch may begin, so that the host's speed is not measured.
  template <class Launch>
  double Blocked(const json& request, const Launch& launch) {
    Check(driver().cuStreamWaitValue32(device_.stream(), flag_address_, ++turn_, CU_STREAM_WAIT_VALUE_EQ), "blocking");
    Check(driver().cuEventRecord(start_, device_.stream()), "an event");
    launch();
    Check(driver().cuEventRecord(stop_, device_.stream()), "an event");
    *flag_ = turn_;
    Await(request);
    float milliseconds = 0;
    Check(driver().cuEventElapsedTime(&milliseconds, start_, stop_), "the time between events");
    return milliseconds * 1e3;
  }

  json Time(const json& request) {
    Plan& plan = plans_.at(request.at("plan"));
    const std::vector<int> sets = request.at("sets");
    Bind(plan, request, sets);
    Prepare(plan, request, sets);
    Check(driver().cuCtxResetPersistingL2Cache(), "persisting cache lines");
    kernels_->Flush();
    device_.Synchronise();
    const double empty = Blocked(request, [&] { kernels_->Empty(); });
    const double us = Blocked(request, [&] {
      for (const int set : sets) plan.Launch(device_, set);
    });
    json answer = Inspect(plan, request, sets);
    answer["us"] = us;
    answer["empty_us"] = empty;
    return answer;
  }

  json Rate(const json& request) {
    Module& module = modules_.at(request.at("module"))->module;
    const CUfunction function = module.Function(request.at("function"));
    const auto bytes = request.at("bytes").get<size_t>();
    for (Mapping& buffer : rate_buffers_) {
      if (buffer.bytes() >= bytes) continue;
      buffer = Mapping::Create(device_, bytes);
      Check(driver().cuMemsetD8(buffer.address(), 1, bytes), "a buffer");
    }
    const Device::Grid grid{
        .blocks = request.at("blocks"), .threads = request.at("threads"), .shared = request.at("shared")};
    Check(driver().cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                      static_cast<int>(grid.shared)),
          "shared memory");
    double best = 0;
    for (int i = request.at("repeats"); i > 0; --i) {
      const double us = Blocked(request, [&] {
        device_.Launch(function, grid, rate_buffers_[0].address(), rate_buffers_[1].address(), uint64_t{bytes / 16},
                       counters_.address());
      });
      if (best == 0 || us < best) best = us;
    }
    return {{"ok", true}, {"us", best}};
  }

  // A clock that still changes would make the first samples slower than the last.
  json Clock() {
    double last = kernels_->Clock();
    for (int i = 0; i < 200; ++i) {
      const double now = kernels_->Clock();
      if (std::abs(now - last) <= 0.01 * now) return {{"ok", true}, {"mhz", now}};
      last = now;
    }
    return {{"ok", true}, {"mhz", nullptr}};
  }

  const Device& device_;
  std::optional<OwnKernels> kernels_;
  std::map<int, std::unique_ptr<Loaded>> modules_;
  std::map<int, BufferSet> sets_;
  std::map<int, Plan> plans_;
  Mapping counters_, image_, variable_table_;
  Mapping rate_buffers_[2];
  uint32_t variable_count_ = 0;
  void* flag_memory_ = nullptr;
  volatile uint32_t* flag_ = nullptr;
  CUdeviceptr flag_address_ = 0;
  uint32_t turn_ = 0;
  CUevent start_ = nullptr, stop_ = nullptr;
};

}  // namespace

int RunWorker(int argc, char** argv) {
  return ServeDevice(argc > 0 ? std::atoi(argv[0]) : 0, [](const Device& device) -> AnswerFrame {
    auto runner = std::make_shared<Runner>(device);
    return [runner](const Frame& request, std::vector<int>& descriptors) -> json {
      try {
        return runner->Answer(request, descriptors);
      } catch (const DeadlinePassed&) {
        return {{"fault", {{"code", 0}, {"words", "deadline"}}}};
      }
    };
  });
}

}  // namespace kopt::worker

#include "verifier/cuda/run_worker.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <set>

#include "verifier/cuda/blocked_timer.h"
#include "verifier/cuda/frames.h"
#include "verifier/cuda/kernel_records.h"
#include "verifier/cuda/modules.h"
#include "verifier/cuda/plan.h"
#include "verifier/cuda/snapshots.h"
#include "verifier/cuda/worker_loop.h"
#include "verifier/cuda/worker_profile.h"

namespace kopt::worker {
namespace {

using nlohmann::json;

constexpr size_t kMostCounters = 1 << 16;  // of one batch
constexpr double kOwnSeconds = 15;         // for what kopt does around a candidate's calls; kopt waits 20
// What an empty kernel takes itself, by the device's own records (docs/device-facts.md). The rest of the time between
// events around it is what events and launch cost, and only that is taken from a candidate's time.
constexpr double kEmptyKernelUs = 0.5;

// Runs what kopt does for itself: what fails there is no candidate's doing.
template <class Work>
auto Own(const Work& work) {
  try {
    return work();
  } catch (DriverError& error) {
    error.ours = true;
    throw;
  } catch (const DeadlinePassed&) {
    throw std::runtime_error("the device does not get done with kopt's own work");
  }
}

class Runner {
 public:
  explicit Runner(const Device& device)
      : device_(device),
        modules_(device),
        timer_(device),
        snapshots_(device),
        counters_(Mapping::Create(device, kMostCounters * sizeof(uint64_t))) {
    Check(driver().cuEventCreate(&start_, CU_EVENT_DEFAULT), "an event");
    Check(driver().cuEventCreate(&stop_, CU_EVENT_DEFAULT), "an event");
  }

  json Answer(const Frame& request, std::vector<int>& descriptors) {
    try {
      return TryToAnswer(request, descriptors);
    } catch (const LibraryError& error) {
      return {{"ok", true}, {"library_failed", error.what()}};
    }
  }

 private:
  json TryToAnswer(const Frame& request, std::vector<int>& descriptors) {
    const std::string what = request.json.at("do");
    if (what == "kernels") return TakeKernels(request);
    if (what == "module") {
      return modules_.Take(request.json.at("id"), ReadAll(request.descriptors.at(0)), request.json.at("functions"));
    }
    if (what == "occupancy") return Occupancy(request.json);
    if (what == "set") return TakeSet(request, descriptors);
    if (what == "drop") return DropSets(request.json);
    if (what == "plan") return TakePlan(request.json);
    if (what == "choose") return Choose(request.json);
    if (what == "call") return Call(request.json);
    if (what == "time") return Time(request.json);
    if (what == "records") return Records(request.json);
    if (what == "profile") return Profile(request.json);
    if (what == "clock") return Clock();
    if (what == "rate") return Rate(request.json);
    return {{"error", "unknown request " + what}};
  }

  const Driver& driver() const { return device_.driver(); }
  void Check(CUresult result, const char* what) const { device_.Check(result, what); }

  json TakeKernels(const Frame& request) {
    kernels_.emplace(device_, ReadAll(request.descriptors.at(0)));
    return {{"ok", true}};
  }

  json Occupancy(const json& request) {
    Module& module = modules_.at(request.at("module"));
    const std::string name = request.at("function");
    const auto shared = request.at("shared").get<size_t>();
    module.AllowShared(name, shared);
    int blocks = 0;
    Check(driver().cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, module.Function(name), request.at("threads"),
                                                               shared),
          "occupancy");
    return {{"ok", true}, {"blocks", blocks}};
  }

  json TakeSet(const Frame& request, std::vector<int>& descriptors) {
    const int id = request.json.at("id");
    Forget(id);
    const auto [place, added] = sets_.try_emplace(id, device_, *kernels_, request.json, request.descriptors);
    descriptors = place->second.Export();
    return {{"ok", true}};
  }

  json DropSets(const json& request) {
    for (const int id : request.at("sets")) Forget(id);
    return {{"ok", true}};
  }

  void Forget(int id) {
    sets_.erase(id);
    written_.erase(id);
  }

  json TakePlan(const json& request) {
    const int id = request.at("id");
    plans_.erase(id);
    const Plan& plan = plans_.try_emplace(id, device_, modules_.at(request.at("module")), request).first->second;
    const LibraryCall* library = plan.library();
    if (library == nullptr) return {{"ok", true}};
    return {{"ok", true}, {"library", library->version()}, {"proposals", library->proposals()}};
  }

  json Choose(const json& request) {
    plans_.at(request.at("plan")).Choose(request.at("proposal"));
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

  // What calls before have left in sets that take no part this time is poisoned too: the other side's answers may not
  // lie about.
  void Prepare(const Plan& plan, const json& request, const std::vector<int>& sets) {
    for (size_t i = 0; i < sets.size(); ++i) {
      sets_.at(sets[i]).Prepare(*kernels_, PoisonOf(request, i), plan.scratch_bytes());
      written_.erase(sets[i]);
    }
    size_t index = sets.size();
    for (const int id : written_) sets_.at(id).Prepare(*kernels_, PoisonOf(request, index++), {});
    written_ = {sets.begin(), sets.end()};
    modules_.Restore(*kernels_);
    for (const auto& [id, any] : plans_) {
      if (any.library() != nullptr) any.library()->Forget();
    }
    kernels_->Scrub(request.at("seed"));
    device_.Await(kOwnSeconds);
  }

  void PrepareTimed(const Plan& plan, const json& request, const std::vector<int>& sets) {
    Prepare(plan, request, sets);
    for (const int id : sets) sets_.at(id).Touch(*kernels_);
    Check(driver().cuCtxResetPersistingL2Cache(), "persisting cache lines");
    kernels_->Flush();
    device_.Await(kOwnSeconds);
  }

  // The counters become zero only now: while the candidate ran they could be written.
  json Inspect(const Plan& plan, const json& request, const std::vector<int>& sets) {
    Check(driver().cuMemsetD8Async(counters_.address(), 0, kMostCounters * sizeof(uint64_t), device_.stream()),
          "counters");
    CUdeviceptr at = counters_.address();
    modules_.Compare(*kernels_, at);
    at += 8;
    snapshots_.Compare(*kernels_, at, at + 8);
    at += 16;
    const auto key = request.at("key").get<uint64_t>();
    for (size_t i = 0; i < sets.size(); ++i) {
      const BufferSet& set = sets_.at(sets[i]);
      set.Inspect(*kernels_, PoisonOf(request, i), key, plan.scratch_bytes(), at);
      at += 8 * set.CounterCount();
    }
    device_.Await(kOwnSeconds);
    const size_t count = (at - counters_.address()) / 8;
    std::vector<uint64_t> counters(count);
    Check(driver().cuMemcpyDtoH(counters.data(), counters_.address(), count * 8), "counters");
    json answer{
        {"ok", true}, {"image", counters[0]}, {"late", counters[1]}, {"early", counters[2]}, {"sets", json::array()}};
    size_t next = 3;
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

  json Call(const json& request) {
    Plan& plan = plans_.at(request.at("plan"));
    const int set = request.at("set");
    Bind(plan, request, {set});
    Own([&] {
      snapshots_.Draw({});
      Prepare(plan, request, {set});
    });
    Check(driver().cuEventRecord(start_, device_.stream()), "an event");
    plan.Launch(device_, set);
    Check(driver().cuEventRecord(stop_, device_.stream()), "an event");
    device_.Await(request.at("seconds"));
    float milliseconds = 0;
    Check(driver().cuEventElapsedTime(&milliseconds, start_, stop_), "the time between events");
    json answer = Own([&] { return Inspect(plan, request, {set}); });
    answer["us"] = milliseconds * 1e3;
    return answer;
  }

  // What the driver sets up at a plan's first launches (local memory, code) would wait for the blocked stream, and the
  // stream for that.
  void RunFirst(Plan& plan, const json& request, int set) {
    Own([&] { Prepare(plan, request, {set}); });
    plan.Launch(device_, set);
    device_.Await(request.at("seconds"));
  }

  void MoveSets(const std::vector<int>& sets) {
    for (const int set : sets) sets_.at(set).Move(device_);
  }

  json Time(const json& request) {
    Plan& plan = plans_.at(request.at("plan"));
    const std::vector<int> sets = request.at("sets");
    std::vector<const BufferSet*> buffers;
    if (request.at("move")) Own([&] { MoveSets(sets); });
    Bind(plan, request, sets);
    for (const int set : sets) buffers.push_back(&sets_.at(set));
    if (!plan.launched()) RunFirst(plan, request, sets.front());
    const double empty = Own([&] {
      snapshots_.Draw(buffers);
      PrepareTimed(plan, request, sets);
      snapshots_.TakeBefore(*kernels_);
      snapshots_.TakeIdle(*kernels_, timer_);  // so that the next ones find their words in the cache, as after a call
      return timer_.Time(kOwnSeconds, [&] {
        kernels_->Empty();
        snapshots_.TakeIdle(*kernels_, timer_);
      });
    });
    const double us = timer_.Time(request.at("seconds"), [&] {
      for (size_t i = 0; i < sets.size(); ++i) {
        plan.Launch(device_, sets[i], &timer_);
        snapshots_.Take(*kernels_, timer_, i);
      }
    });
    json answer = Own([&] { return Inspect(plan, request, sets); });
    answer["us"] = us;
    answer["empty_us"] = empty - kEmptyKernelUs;
    return answer;
  }

  // Where a call is behind the blocked stream, as a timed one, so that the host's speed is not in the records either.
  json Records(const json& request) {
    if (!records_) {
      const auto cupti = Cupti::Load(request.at("library").get<std::string>(), Cupti::For::kRecords);
      auto listening = cupti ? KernelRecords::Listen(*cupti) : std::unexpected(cupti.error());
      if (!listening) return {{"ok", true}, {"records", nullptr}, {"why", listening.error().Text()}};
      records_ = *listening;
    }
    Plan& plan = plans_.at(request.at("plan"));
    const int set = request.at("set");
    Bind(plan, request, {set});
    RunFirst(plan, request, set);  // also what CUPTI sets up at first launches could wait for the blocked stream
    const double empty = Own([&] {
      PrepareTimed(plan, request, {set});
      const double us = timer_.Time(kOwnSeconds, [&] { kernels_->Empty(); });
      records_->Take();
      return us;
    });
    const double us = timer_.Time(request.at("seconds"), [&] { plan.Launch(device_, set, &timer_); });
    const std::vector<KernelRecord> ran = records_->Take();
    if (ran.empty() || ran.size() != plan.launches()) {
      return {{"ok", true}, {"records", nullptr}, {"why", "there are not as many records as launches"}};
    }
    double end = ran.front().end;
    for (const KernelRecord& record : ran) end = std::max(end, record.end);
    return {{"ok", true},
            {"records", {{"us", (end - ran.front().start) * 1e6}, {"events_us", us - (empty - kEmptyKernelUs)}}}};
  }

  json Profile(const json& request) {
    const auto cupti = Cupti::Load(request.at("library").get<std::string>(), Cupti::For::kProfiles);
    if (!cupti) return {{"ok", true}, {"kernels", json::array()}, {"why", cupti.error().Text()}};
    Plan& plan = plans_.at(request.at("plan"));
    const int set = request.at("set");
    Bind(plan, request, {set});
    std::optional<Module> copy;
    std::optional<Plan> copied;
    const ProfiledCall call{.prepare = [&] { Own([&] { PrepareTimed(plan, request, {set}); }); },
                            .run =
                                [&] {
                                  (copied ? *copied : plan).Launch(device_, set);
                                  device_.Await(request.at("call_seconds"));
                                },
                            .reload =
                                [&] {
                                  copy.emplace(device_, plan.module().cubin());
                                  copied.emplace(device_, *copy, request.at("steps"));
                                  copied->Bind(device_, sets_.at(set), set);
                                }};
    return TakeProfile(device_, *cupti, plan, plan.module().cubin(), request.at("metrics"), call);
  }

  json Rate(const json& request) {
    Module& module = modules_.at(request.at("module"));
    const CUfunction function = module.Function(request.at("function"));
    const auto bytes = request.at("bytes").get<size_t>();
    for (Mapping& buffer : rate_buffers_) {
      if (buffer.bytes() >= bytes) continue;
      buffer = Mapping::Create(device_, bytes);
      Check(driver().cuMemsetD8(buffer.address(), 1, bytes), "a buffer");
    }
    const Device::Grid grid{
        .blocks = request.at("blocks"), .threads = request.at("threads"), .shared = request.at("shared")};
    module.AllowShared(request.at("function"), grid.shared);
    double best = 0;
    for (int i = request.at("repeats"); i > 0; --i) {
      const double us = timer_.Time(request.at("seconds"), [&] {
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
  Modules modules_;
  BlockedTimer timer_;
  Snapshots snapshots_;
  std::map<int, BufferSet> sets_;
  std::set<int> written_;  // sets that calls have written since they were prepared
  std::map<int, Plan> plans_;
  std::optional<KernelRecords> records_;  // from the first request for them on
  Mapping counters_;
  Mapping rate_buffers_[2];
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

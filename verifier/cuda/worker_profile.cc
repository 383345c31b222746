#include "verifier/cuda/worker_profile.h"

#include <algorithm>
#include <chrono>

#include "verifier/cuda/kernel_counters.h"
#include "verifier/cuda/pc_samples.h"

namespace kopt::worker {
namespace {

using nlohmann::json;

constexpr size_t kMostLaunches = 64;
constexpr double kSamplesWanted = 256;  // of each multiprocessor's quarter, over a call
constexpr size_t kMostLookedUp = 8192;  // instructions whose lines are looked up
constexpr double kLookUpSeconds = 2;
constexpr unsigned kShortestPeriod = 5, kLongestPeriod = 31;

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Result<std::vector<std::vector<double>>> Count(const Device& device, const Cupti& cupti,
                                               const std::vector<std::string>& metrics, const ProfiledCall& call) {
  std::vector<const char*> names;
  for (const std::string& metric : metrics) names.push_back(metric.c_str());
  KOPT_TRY(KernelCounters counters,
           KernelCounters::Open(cupti, device.context(), device.device(), names, kMostLaunches));
  for (bool more = true; more;) {
    call.prepare();
    KOPT_CHECK(counters.Begin());
    call.run();
    KOPT_TRY(more, counters.End());
  }
  return counters.Values();
}

// The period in which a call of `seconds` gives about kSamplesWanted samples, as the exponent of 2.
unsigned PeriodFor(double seconds, double hertz) {
  unsigned period = kShortestPeriod;
  while (period < kLongestPeriod && seconds * hertz / static_cast<double>(uint64_t{2} << period) > kSamplesWanted) {
    ++period;
  }
  return period;
}

// Of what a multiprocessor has, what ends first when blocks of a launch fill it.
json Residency(const Device& device, const PlanStep& step) {
  const auto attribute = [&](CUfunction_attribute which) {
    int value = 0;
    device.Check(device.driver().cuFuncGetAttribute(&value, which, step.function), step.name.c_str());
    return value;
  };
  const int threads = static_cast<int>(step.block[0] * step.block[1] * step.block[2]);
  const int warps = (threads + 31) / 32;
  const int registers = (attribute(CU_FUNC_ATTRIBUTE_NUM_REGS) + 7) / 8 * 8 * 32 * warps;
  const int shared = attribute(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES) + static_cast<int>(step.shared) +
                     device.Attribute(CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK);
  int blocks = 0;
  device.Check(
      device.driver().cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, step.function, threads, step.shared),
      "occupancy");
  const int most_warps = device.Attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR) / 32;
  const std::pair<const char*, int> limits[] = {
      // of equals the one that no code can change
      {"threads", most_warps / warps},
      {"blocks", device.Attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR)},
      {"shared memory",
       device.Attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR) / std::max(shared, 1)},
      {"registers", device.Attribute(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR) / std::max(registers, 1)}};
  const auto* limit = std::ranges::min_element(limits, {}, &std::pair<const char*, int>::second);
  return {{"name", step.name},         {"blocks", static_cast<double>(step.grid[0]) * step.grid[1] * step.grid[2]},
          {"resident_blocks", blocks}, {"resident_warps", blocks * warps},
          {"most_warps", most_warps},  {"limit", limit->first}};
}

// Samples by the candidate's lines. Code that comes from elsewhere (a header's function) counts for the line before it;
// instructions with few samples are not looked up where there are very many.
json ByLine(const Cupti& cupti, std::vector<PcSamples> samples, const std::string& cubin) {
  std::ranges::sort(samples, std::greater(), &PcSamples::Sum);
  const size_t looked_up = std::min(samples.size(), kMostLookedUp);
  const auto place = [](const PcSamples& at) { return std::tie(at.kernel, at.offset); };
  std::ranges::sort(samples.begin(), samples.begin() + static_cast<ptrdiff_t>(looked_up), {}, place);
  std::map<std::pair<std::string, int>, std::map<std::string, uint64_t>> lines;
  int line = 0;
  const std::string* kernel = nullptr;
  const auto begin = std::chrono::steady_clock::now();
  for (size_t i = 0; i < samples.size(); ++i) {
    const PcSamples& at = samples[i];
    const bool known = i < looked_up && SecondsSince(begin) < kLookUpSeconds;
    const int here = known ? LineOf(cupti, cubin, at, "candidate.cu") : 0;
    if (!known || here > 0 || kernel == nullptr || *kernel != at.kernel) line = here;
    kernel = &at.kernel;
    for (const auto& [reason, count] : at.waits) lines[{at.kernel, line}][reason] += count;
  }
  json rows = json::array();
  for (const auto& [where, waits] : lines) {
    rows.push_back({{"kernel", where.first}, {"line", where.second}, {"waits", waits}});
  }
  return rows;
}

}  // namespace

json TakeProfile(const Device& device, const Cupti& cupti, const Plan& plan, const std::string& cubin,
                 const std::vector<std::string>& metrics, const ProfiledCall& call) {
  json answer{{"ok", true}, {"kernels", json::array()}, {"seconds", json::object()}};
  for (const PlanStep& step : plan.steps()) {
    if (step.function != nullptr) answer["kernels"].push_back(Residency(device, step));
  }
  if (answer["kernels"].size() > kMostLaunches) {
    answer["why"] = fmt::format("a call of more than {} launches is not profiled", kMostLaunches);
    return answer;
  }
  auto begin = std::chrono::steady_clock::now();
  const auto counted = Count(device, cupti, metrics, call);
  answer["seconds"]["counters"] = SecondsSince(begin);
  if (!counted) {
    answer["why"] = counted.error().Text();
    return answer;
  }
  if (counted->size() != answer["kernels"].size()) {
    answer["why"] = fmt::format("the device counted {} launches of {}", counted->size(), answer["kernels"].size());
    return answer;
  }
  for (size_t i = 0; i < counted->size(); ++i) answer["kernels"][i]["values"] = (*counted)[i];
  begin = std::chrono::steady_clock::now();
  call.prepare();
  const auto started = std::chrono::steady_clock::now();
  call.run();
  const double seconds = SecondsSince(started);
  const double hertz = 1e3 * device.Attribute(CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
  call.prepare();
  auto samples = SamplePcs(cupti, device.context(), PeriodFor(seconds, hertz), call.reload, call.run);
  answer["seconds"]["samples"] = SecondsSince(begin);
  if (samples) {
    begin = std::chrono::steady_clock::now();
    answer["lines"] = ByLine(cupti, *std::move(samples), cubin);
    answer["seconds"]["lines"] = SecondsSince(begin);
  } else {
    answer["why_no_lines"] = samples.error().Text();
  }
  return answer;
}

}  // namespace kopt::worker

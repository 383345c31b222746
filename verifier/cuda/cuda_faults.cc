#include "verifier/cuda/cuda_faults.h"

#include <algorithm>

#include "verifier/cuda/device_worker.h"

namespace kopt {
namespace {

struct Meaning {
  int code;  // CUresult
  Outcome outcome;
  const char* reason;
};

constexpr Meaning kMeanings[] = {
    {1, Outcome::kLaunchError, "the driver refuses a launch"},
    {2, Outcome::kLaunchError, "the device has not enough memory for it"},
    {200, Outcome::kLaunchError, "its code cannot be loaded on this device"},
    {209, Outcome::kLaunchError, "its code is not for this device"},
    {218, Outcome::kLaunchError, "its code cannot be loaded"},
    {500, Outcome::kLaunchError, "a kernel of the plan is not in its code"},
    {700, Outcome::kCrashed, "an illegal memory access: outside of its tensors and scratch, or a write to an input"},
    {701, Outcome::kLaunchError, "a launch asks for more registers, shared memory or threads than a block may have"},
    {702, Outcome::kTimeout, "the driver ended a launch that took too long"},
    {710, Outcome::kCrashed, "an assertion in a kernel failed"},
    {714, Outcome::kCrashed, "the hardware found its stack corrupted"},
    {715, Outcome::kCrashed, "a kernel reached an illegal instruction or trapped"},
    {716, Outcome::kCrashed, "a load or store at an address that is no multiple of its size"},
    {717, Outcome::kCrashed, "an instruction for one address space got an address of another"},
    {718, Outcome::kCrashed, "a kernel jumped to where no code is"},
    {719, Outcome::kCrashed, "a kernel ended with a fault or a trap"},
    {720, Outcome::kLaunchError, "a cooperative launch has more blocks than the device can hold at once"},
    {912, Outcome::kLaunchError, "a cluster does not fit the device"},
};

// Of the driver's errors, those that a running kernel ends with: a candidate may have damaged what kopt's need.
constexpr int kFirstFault = 700, kLastFault = 719;

}  // namespace

Stop StopOf(const nlohmann::json& fault, Stage stage, double seconds) {
  const int code = fault.value("code", 0);
  const std::string words = fault.value("words", "");
  if (words == "deadline") {
    return Stop(Refusal{.outcome = Outcome::kTimeout,
                        .stage = stage,
                        .reason = fmt::format("it did not end within {:.2f} s", seconds)});
  }
  if (fault.value("ours", false)) {
    Stop stop(ErrorOf(fault, "kopt's own work on the GPU failed"));
    stop.neighbour_lost = code >= kFirstFault && code <= kLastFault;
    stop.refusal = {.stage = stage, .reason = "kopt's own work failed: " + words};
    return stop;
  }
  const auto* const found = std::ranges::find(kMeanings, code, &Meaning::code);
  if (found == std::end(kMeanings)) {
    return Stop(Error{.exit = Exit::kEnvironment,
                      .message = words == "gone" ? "the worker for the GPU has gone" : "the GPU failed: " + words,
                      .hint = "nvidia-smi shows whether the device and its driver work"});
  }
  Refusal refusal{.outcome = found->outcome, .stage = stage, .reason = found->reason};
  refusal.evidence["driver"] = words;
  return Stop(std::move(refusal));
}

}  // namespace kopt

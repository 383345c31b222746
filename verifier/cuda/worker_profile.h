// What limits a plan's kernels: the device's counters, where their warps wait, how many of their blocks fit. Used in
// workers only.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "verifier/cuda/cupti.h"
#include "verifier/cuda/plan.h"

namespace kopt::worker {

struct ProfiledCall {
  std::function<void()> prepare;  // before each call
  std::function<void()> run;      // launches the plan and waits for it
  std::function<void()> reload;   // what runs from then on is the same code in a module of its own
};

// The answer to the request `profile` (run_worker.h). `metrics`: CUPTI's names. What cannot be had is left out, with
// the reason. Nothing may be timed in this process afterwards.
nlohmann::json TakeProfile(const Device& device, const Cupti& cupti, const Plan& plan, const std::string& cubin,
                           const std::vector<std::string>& metrics, const ProfiledCall& call);

}  // namespace kopt::worker

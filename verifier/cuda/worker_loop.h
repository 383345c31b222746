// What the device workers have in common: they find the device, describe it, and answer frames until kopt is gone.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "verifier/cuda/device.h"
#include "verifier/cuda/frames.h"

namespace kopt::worker {

inline constexpr int kFrameFd = 3;

// A DriverError that it throws is answered as a fault. `descriptors`: sent along with the answer and closed after it.
using AnswerFrame = std::function<nlohmann::json(const Frame& request, std::vector<int>& descriptors)>;

// The exit status. Where there is no driver or no device, the first frame says so.
int ServeDevice(int ordinal, const std::function<AnswerFrame(const Device& device)>& serve);

// Describes every device of the machine on standard output, as JSON: {"devices": [...]} or {"error", "hint"}.
int Probe();

// All bytes of a descriptor's memory.
std::string ReadAll(int descriptor);

}  // namespace kopt::worker

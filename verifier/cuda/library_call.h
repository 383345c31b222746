// A vendor's library in place of a candidate's kernels: a baseline's plan. Used in workers only.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "verifier/cuda/device.h"
#include "verifier/cuda/operands.h"

namespace kopt::worker {

// There is no such library, or it cannot do what is asked.
struct LibraryError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class LibraryCall {
 public:
  virtual ~LibraryCall() = default;
  // For operands that are called by this number from now on. The first time it chooses the fastest of what the library
  // proposes, on these operands; nothing of them is kept.
  virtual void Bind(const Operands& operands, int number) = 0;
  // Puts the library's kernels into the device's stream.
  virtual void Launch(int number) = 0;
};

// `step`: {"library", "problem"} (plan_json.cc), "folders": where libraries lie beside those that the loader knows.
// Throws LibraryError: there is no such library here, or it has no kernel for the problem.
std::unique_ptr<LibraryCall> NewLibraryCall(const Device& device, const nlohmann::json& step);

// Opens a library by one of its names. Throws LibraryError.
void* OpenLibrary(const nlohmann::json& folders, const std::vector<std::string>& names);

// The number, below `count`, with the shortest of `times` runs between events, each after a first one that is not
// timed.
size_t FastestOf(const Device& device, size_t count, int times, const std::function<void(size_t)>& run);

std::unique_ptr<LibraryCall> NewCublasLtCall(const Device& device, const nlohmann::json& step);
std::unique_ptr<LibraryCall> NewCudnnCall(const Device& device, const nlohmann::json& step);

}  // namespace kopt::worker

// A vendor's library in place of a candidate's kernels: a baseline's plan. Used in workers only.
#pragma once

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
  virtual std::string version() const = 0;  // "cuBLASLt 13.1.0"
  virtual size_t proposals() const = 0;     // ways to do it that the library proposes, its favourite first
  // Which of them is run from now on; at first, its favourite.
  virtual void Choose(size_t proposal) = 0;
  // For operands that are called by this number from now on.
  virtual void Bind(const Operands& operands, int number) = 0;
  // Puts the library's kernels into the device's stream. Throws LibraryError: the proposal does not do it after all.
  virtual void Launch(int number) = 0;
  // Overwrites what calls have left in memory of the library's own, in the stream.
  virtual void Forget() = 0;
};

// `step`: {"library", "problem"} (plan_json.cc), "folders": where libraries are looked for before the loader does.
// Throws LibraryError: there is no such library here, or it has no kernel for the problem.
std::unique_ptr<LibraryCall> NewLibraryCall(const Device& device, const nlohmann::json& step);

// Opens a library by one of its names. Throws LibraryError.
void* OpenLibrary(const nlohmann::json& folders, const std::vector<std::string>& names);

// "cuDNN 9.14.0" of major * 10000 + minor * 100 + patch.
std::string VersionText(const char* name, size_t version);

// Overwrites a library's workspace, in the stream.
void Overwrite(const Device& device, const Mapping& workspace);

std::unique_ptr<LibraryCall> NewCublasLtCall(const Device& device, const nlohmann::json& step);
std::unique_ptr<LibraryCall> NewCudnnCall(const Device& device, const nlohmann::json& step);

}  // namespace kopt::worker

// The modules of a candidate and its baseline, and what their variables were when they were loaded.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "verifier/cuda/own_kernels.h"

namespace kopt::worker {

class Modules {
 public:
  explicit Modules(const Device& device) : device_(device) {}

  // Loads a cubin; nothing of it runs yet. The answer to the request `module` (run_worker.h).
  nlohmann::json Take(int id, std::string cubin, const std::vector<std::string>& functions);
  Module& at(int id) { return loaded_.at(id)->module; }

  // Makes every variable of every module what it was.
  void Restore(OwnKernels& kernels) const { kernels.Restore(table_.address(), count_); }
  // Adds the number of bytes that are not what they were.
  void Compare(OwnKernels& kernels, CUdeviceptr damage) const {
    kernels.CompareImage(table_.address(), count_, damage);
  }

 private:
  struct Loaded {
    Loaded(const Device& device, std::string cubin) : module(device, std::move(cubin)) {}
    Module module;
    std::vector<Variable> variables;
  };
  void TakeImage();

  const Device& device_;
  std::map<int, std::unique_ptr<Loaded>> loaded_;
  Mapping image_, table_;
  uint32_t count_ = 0;
};

}  // namespace kopt::worker

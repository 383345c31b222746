// What the device counts while kernels run: CUPTI's range profiler, each launch a range of its own.
#pragma once

#include <string>
#include <vector>

#include "verifier/cuda/cupti.h"

namespace kopt {

class KernelCounters {
 public:
  // Metrics by the names that CUPTI has for them ("dram__bytes_read.sum"), of at most `most_launches` launches. Errors
  // (exit 3): the driver does not allow it, or this device has no such metric.
  static Result<KernelCounters> Open(const Cupti& cupti, CUcontext context, CUdevice device,
                                     std::vector<const char*> metrics, size_t most_launches);
  // How many passes the metrics take on a chip ("GH100"); needs neither driver nor device.
  static Result<size_t> Passes(const Cupti& cupti, const char* chip, std::vector<const char*> metrics);
  KernelCounters(KernelCounters&& other) noexcept;
  KernelCounters& operator=(KernelCounters&&) = delete;
  ~KernelCounters();

  // One pass: between these the launches run, the same in every pass, one after another. True: there are more passes.
  Result<void> Begin();
  Result<bool> End();
  // After the last pass: by launch, the metrics' values in their order.
  Result<std::vector<std::vector<double>>> Values() const;

 private:
  explicit KernelCounters(const Cupti& cupti) : cupti_(&cupti) {}
  Result<void> PlanPasses(const char* chip);
  Result<void> Enable(CUcontext context, size_t most_launches);

  const Cupti* cupti_;
  std::vector<const char*> metrics_;
  CUpti_Profiler_Host_Object* host_ = nullptr;
  CUpti_RangeProfiler_Object* profiler_ = nullptr;
  std::vector<uint8_t> passes_, data_;
};

}  // namespace kopt

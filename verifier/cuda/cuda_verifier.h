// The verifier of the cuda target: device code on an NVIDIA GPU. docs/verdicts.md explains how a verdict is reached.
#pragma once

#include <memory>

#include "task/candidate.h"
#include "verifier/core/verifier.h"

namespace kopt {

// One GPU, as its worker describes it.
struct CudaDevice {
  Device device;
  CudaLimits limits;
  std::string architecture;  // for the compiler: "sm_90a"
  double l2_bytes = 0;
  double memory_bytes = 0;
  size_t unit = 0;  // bytes of memory that can be mapped at the least; 0: not asked yet
  std::string uuid;
};

// The first device that the driver shows (CUDA_VISIBLE_DEVICES chooses). Errors (exit 3): no worker, driver or device.
Result<CudaDevice> FindCudaDevice();

// `mode`: CUcomputemode. Errors (exit 3): a device that does not take several processes.
Result<void> CheckComputeMode(int mode, const std::string& name);

// `spec` must outlive the verifier. Errors (exit 3): no toolkit, no worker, no device, no room on it.
Result<std::unique_ptr<Verifier>> NewCudaVerifier(const Spec& spec, VerifierOptions options);

// Measures the device's peaks with kopt's own kernels: bandwidths and matrix rates.
Result<Peaks> CalibrateCuda(const VerifierOptions& options);

// What a verifier's Compile gives, without any device.
Result<DeviceCode> CompileDeviceCode(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                     const std::vector<const Shape*>& shapes, const std::string& architecture,
                                     const CudaLimits& limits, const VerifierOptions& options);

// Compiles a candidate for every shape, without any device: what its kernels need is in the verdict's evidence. The
// verdict's stage is compile; its outcome means nothing where that is not where it ended.
struct CompileOnly {
  bool compiled = false;
  Verdict verdict;
};
Result<CompileOnly> CompileForCuda(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                   const std::string& architecture, const VerifierOptions& options);

}  // namespace kopt

// The verifier of the cuda target: device code on an NVIDIA GPU. docs/verdicts.md explains how a verdict is reached.
#pragma once

#include <memory>
#include <span>
#include <vector>

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

// Of the devices that the driver shows (CUDA_VISIBLE_DEVICES chooses and orders them): that of this number, from 0 on;
// how many there are. Errors (exit 3): no worker, driver or device.
Result<CudaDevice> FindCudaDevice(int number = 0);
Result<int> CountCudaDevices();

// `mode`: CUcomputemode. Errors (exit 3): a device that does not take several processes.
Result<void> CheckComputeMode(int mode, const std::string& name);

// On the device that the options name. `spec` must outlive the verifier. Errors (exit 3): no toolkit, no worker, no
// device, no room on it.
Result<std::unique_ptr<Verifier>> NewCudaVerifier(const Spec& spec, const VerifierOptions& options);

// One on each of these devices (in place of the one that the options name), which must be of one model (exit 2). They
// share their compiler, and none compiles while another takes a time that this could disturb.
Result<std::vector<std::unique_ptr<Verifier>>> NewCudaVerifiers(const Spec& spec, const VerifierOptions& options,
                                                                std::span<const int> devices);

// An error (exit 2) that names both if they are not of one model.
Result<void> CheckSameModel(const CudaDevice& first, const CudaDevice& other);

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

// The CUDA driver, loaded at run time: programs that use this start on machines that have none.
#pragma once

#include <cuda.h>

#include <stdexcept>
#include <string>

#include "base/error.h"

namespace kopt {

// The functions of the driver API that kopt calls. Each name is a macro of cuda.h where the API has versions.
#define KOPT_DRIVER_FUNCTIONS(X)                 \
  X(cuInit)                                      \
  X(cuDriverGetVersion)                          \
  X(cuGetErrorName)                              \
  X(cuGetErrorString)                            \
  X(cuDeviceGetCount)                            \
  X(cuDeviceGet)                                 \
  X(cuDeviceGetName)                             \
  X(cuDeviceGetUuid)                             \
  X(cuDeviceGetAttribute)                        \
  X(cuDeviceTotalMem)                            \
  X(cuDevicePrimaryCtxRetain)                    \
  X(cuDevicePrimaryCtxRelease)                   \
  X(cuDevicePrimaryCtxSetFlags)                  \
  X(cuCtxSetCurrent)                             \
  X(cuCtxSynchronize)                            \
  X(cuCtxSetLimit)                               \
  X(cuCtxGetLimit)                               \
  X(cuCtxResetPersistingL2Cache)                 \
  X(cuModuleLoadDataEx)                          \
  X(cuModuleUnload)                              \
  X(cuModuleGetFunction)                         \
  X(cuModuleGetGlobal)                           \
  X(cuFuncGetAttribute)                          \
  X(cuFuncSetAttribute)                          \
  X(cuLaunchKernelEx)                            \
  X(cuOccupancyMaxActiveBlocksPerMultiprocessor) \
  X(cuOccupancyMaxActiveClusters)                \
  X(cuMemGetInfo)                                \
  X(cuMemAlloc)                                  \
  X(cuMemFree)                                   \
  X(cuMemAllocHost)                              \
  X(cuMemFreeHost)                               \
  X(cuMemHostRegister)                           \
  X(cuMemHostUnregister)                         \
  X(cuMemHostGetDevicePointer)                   \
  X(cuMemAddressReserve)                         \
  X(cuMemAddressFree)                            \
  X(cuMemCreate)                                 \
  X(cuMemRelease)                                \
  X(cuMemMap)                                    \
  X(cuMemUnmap)                                  \
  X(cuMemSetAccess)                              \
  X(cuMemGetAllocationGranularity)               \
  X(cuMemExportToShareableHandle)                \
  X(cuMemImportFromShareableHandle)              \
  X(cuMemcpyHtoD)                                \
  X(cuMemcpyDtoH)                                \
  X(cuMemcpyDtoD)                                \
  X(cuMemcpyHtoDAsync)                           \
  X(cuMemcpyDtoHAsync)                           \
  X(cuMemcpyDtoDAsync)                           \
  X(cuMemsetD8)                                  \
  X(cuMemsetD8Async)                             \
  X(cuMemsetD32Async)                            \
  X(cuStreamCreate)                              \
  X(cuStreamDestroy)                             \
  X(cuStreamSynchronize)                         \
  X(cuStreamQuery)                               \
  X(cuStreamWaitValue32)                         \
  X(cuStreamWriteValue32)                        \
  X(cuEventCreate)                               \
  X(cuEventDestroy)                              \
  X(cuEventRecord)                               \
  X(cuEventQuery)                                \
  X(cuEventSynchronize)                          \
  X(cuEventElapsedTime)                          \
  X(cuTensorMapEncodeTiled)

struct Driver {
  // Errors (exit 3): no driver on this machine, or one too old for kopt.
  static Result<Driver> Load();

#define KOPT_DECLARE(function) decltype(&::function) function = nullptr;
  KOPT_DRIVER_FUNCTIONS(KOPT_DECLARE)
#undef KOPT_DECLARE

  // "CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access was encountered"
  std::string Words(CUresult result) const;
};

// A call of the driver that failed. It is thrown by Check and caught where a request to the worker ends.
struct DriverError : std::runtime_error {
  DriverError(CUresult result, const std::string& words) : std::runtime_error(words), code(result) {}
  CUresult code;
  bool ours = false;  // it is no candidate's doing
};

// Throws a DriverError unless the call succeeded. `what`: the call, for the message.
inline void Check(const Driver& driver, CUresult result, const char* what) {
  if (result != CUDA_SUCCESS) throw DriverError(result, std::string(what) + ": " + driver.Words(result));
}

}  // namespace kopt

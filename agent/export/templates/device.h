// The device's side of a call: what the device can take, the kernels on it, memory in the order of a stream. Written by
// kopt.
#pragma once

#include <cuda.h>

#include <array>
#include <cstddef>
#include <mutex>
#include <string>

namespace {

using Extents = std::array<long long, 3>;  // x, y, z

// "CUDA_ERROR_NOT_FOUND (named symbol not found)"
inline std::string Words(CUresult result) {
  const char* name = nullptr;
  const char* text = nullptr;
  cuGetErrorName(result, &name);
  cuGetErrorString(result, &text);
  return std::string(name != nullptr ? name : "error " + std::to_string(result)) +
         (text != nullptr ? " (" + std::string(text) + ")" : "");
}

// The device of the context that is current in the calling thread, and what it can take.
struct Device {
  CUdevice handle = 0;
  long long major = 0, minor = 0;  // compute capability
  long long sms = 0;               // multiprocessors
  long long shared_memory = 0;     // bytes of one block whose kernel asks for the most
  long long block_threads = 0;
  Extents block = {}, grid = {};
  long long cluster_blocks = 1;

  // Why there is none that `stream` belongs to; empty if there is.
  std::string Find(CUstream stream) {
    CUcontext current = nullptr, of_stream = nullptr;
    if (cuCtxGetCurrent(&current) != CUDA_SUCCESS || current == nullptr)
      return "no CUDA context is current in this thread: cuCtxSetCurrent makes one, and so does cudaSetDevice";
    if (stream != nullptr && cuStreamGetCtx(stream, &of_stream) == CUDA_SUCCESS && of_stream != current)
      return "options.stream belongs to another context than the one that is current in this thread";
    const CUresult result = cuCtxGetDevice(&handle);
    if (result != CUDA_SUCCESS) return "the current CUDA context cannot be used: " + Words(result);
    major = Attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
    minor = Attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    sms = Attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    shared_memory = Attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    block_threads = Attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    block = {Attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X), Attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y),
             Attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z)};
    grid = {Attribute(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X), Attribute(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y),
            Attribute(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z)};
    cluster_blocks = major >= 9 ? 16 : 1;
    return "";
  }

  std::string Text() const {
    char name[256] = "";
    cuDeviceGetName(name, sizeof name, handle);
    return std::string(name) + " (" + std::to_string(sms) + " multiprocessors, " + std::to_string(shared_memory) +
           " bytes of shared memory a block)";
  }

 private:
  long long Attribute(CUdevice_attribute which) const {
    int value = 0;
    cuDeviceGetAttribute(&value, which, handle);
    return value;
  }
};

// A compiled kernel, loaded when it is first used and kept until the program ends. A CUlibrary belongs to no context:
// the driver brings its functions into each context that asks for them and takes them away with it, so that one works
// for several devices, and for contexts that are destroyed and made anew, whose addresses a table of modules by context
// would take for those of the old ones.
template <std::size_t kFunctions>
class Library {
 public:
  explicit Library(const unsigned char* cubin) : cubin_(cubin) {}

  // The functions of these names in the current context. Why they cannot be had; empty if they can.
  std::string Functions(const std::array<const char*, kFunctions>& names,
                        std::array<CUfunction, kFunctions>& functions) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (library_ == nullptr) {
      const CUresult loaded = cuLibraryLoadData(&library_, cubin_, nullptr, nullptr, 0, nullptr, nullptr, 0);
      if (loaded != CUDA_SUCCESS) {
        library_ = nullptr;
        return "the driver does not load the kernels: " + Words(loaded);
      }
    }
    for (std::size_t i = 0; i < kFunctions; ++i) {
      CUresult found = CUDA_SUCCESS;
      if (kernels_[i] == nullptr) found = cuLibraryGetKernel(&kernels_[i], library_, names[i]);
      if (found == CUDA_SUCCESS) found = cuKernelGetFunction(&functions[i], kernels_[i]);
      if (found != CUDA_SUCCESS)
        return "the driver does not give the kernel " + std::string(names[i]) + ": " + Words(found);
    }
    return "";
  }

 private:
  const unsigned char* cubin_;
  std::mutex mutex_;  // of what follows
  CUlibrary library_ = nullptr;
  std::array<CUkernel, kFunctions> kernels_ = {};
};

// The caller's workspace, or memory of the call's own: allocated and freed in the order of the stream, so that nobody
// waits and the steps of the call have it to themselves.
class Workspace {
 public:
  Workspace(void* given, std::size_t bytes, CUstream stream) : stream_(stream) {
    address_ = reinterpret_cast<CUdeviceptr>(given);
    if (given != nullptr || bytes == 0) return;
    const CUresult result = cuMemAllocAsync(&own_, bytes, stream);
    if (result != CUDA_SUCCESS) {
      own_ = 0;
      fault_ = "a workspace of " + std::to_string(bytes) + " bytes cannot be had: " + Words(result);
    }
    address_ = own_;
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() {
    if (own_ != 0) cuMemFreeAsync(own_, stream_);
  }
  CUdeviceptr address() const { return address_; }
  const std::string& fault() const { return fault_; }

 private:
  CUstream stream_;
  CUdeviceptr address_ = 0, own_ = 0;
  std::string fault_;
};

}  // namespace

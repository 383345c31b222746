// The device, and memory on it for a test's tensors. Written by kopt.
#pragma once

#include <cuda.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace support {

inline std::string Words(CUresult result) {
  const char* name = nullptr;
  cuGetErrorName(result, &name);
  return name != nullptr ? name : "error " + std::to_string(result);
}

// Ends the program if the driver does not do what every test needs.
inline void Must(CUresult result, const char* what) {
  if (result == CUDA_SUCCESS) return;
  std::fprintf(stderr, "%s: %s\n", what, Words(result).c_str());
  std::exit(1);
}

// Makes the first device's context current. False, and the reason printed, where there is no device.
inline bool OpenDevice() {
  int count = 0;
  CUresult result = cuInit(0);
  if (result == CUDA_SUCCESS) result = cuDeviceGetCount(&count);
  if (result != CUDA_SUCCESS || count == 0) {
    std::printf("skipped: there is no CUDA device: %s\n", Words(result).c_str());
    return false;
  }
  CUdevice device = 0;
  CUcontext context = nullptr;
  Must(cuDeviceGet(&device, 0), "the device");
  Must(cuDevicePrimaryCtxRetain(&context, device), "its context");
  Must(cuCtxSetCurrent(context), "its context");
  return true;
}

// Memory of the device at a multiple of `align` bytes and not of more, filled with 0xFF: NaN to every floating type.
// And as much of the host's.
class Memory {
 public:
  Memory(std::size_t bytes, std::size_t align) : host_(bytes, 0xFF) {
    Must(cuMemAlloc(&whole_, bytes + 4 * align), "memory");
    device_ = (whole_ + 2 * align - 1) / (2 * align) * (2 * align) + align;
    Give();
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { cuMemFree(whole_); }
  template <class T>
  T* As() const {
    return reinterpret_cast<T*>(device_);
  }
  unsigned char* data() const { return host_.data(); }
  std::size_t bytes() const { return host_.size(); }
  // data() is copied to the device; back, when its work is done. Why it cannot be; empty if it was.
  void Give() const { Must(cuMemcpyHtoD(device_, host_.data(), host_.size()), "a copy to the device"); }
  std::string Fetch() const {
    CUresult result = cuCtxSynchronize();
    if (result == CUDA_SUCCESS) result = cuMemcpyDtoH(host_.data(), device_, host_.size());
    return result == CUDA_SUCCESS ? "" : "the device has failed: " + Words(result);
  }

 private:
  mutable std::vector<unsigned char> host_;
  CUdeviceptr whole_ = 0, device_ = 0;
};

}  // namespace support

#include "verifier/cuda/library_call.h"

#include <dlfcn.h>

namespace kopt::worker {

void* OpenLibrary(const nlohmann::json& folders, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    for (const std::string folder : folders) {
      if (void* handle = dlopen((folder + "/" + name).c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    }
    if (void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
  }
  const char* why = dlerror();
  throw LibraryError(fmt::format("{} cannot be loaded: {}", names.front(), why != nullptr ? why : "not found"));
}

size_t FastestOf(const Device& device, size_t count, int times, const std::function<void(size_t)>& run) {
  const Driver& driver = device.driver();
  CUevent start = nullptr, stop = nullptr;
  device.Check(driver.cuEventCreate(&start, CU_EVENT_DEFAULT), "an event");
  device.Check(driver.cuEventCreate(&stop, CU_EVENT_DEFAULT), "an event");
  size_t fastest = 0;
  float least = 0;
  for (size_t i = 0; i < count; ++i) {
    for (int k = 0; k <= times; ++k) {
      device.Check(driver.cuEventRecord(start, device.stream()), "an event");
      run(i);
      device.Check(driver.cuEventRecord(stop, device.stream()), "an event");
      device.Synchronise();
      float milliseconds = 0;
      device.Check(driver.cuEventElapsedTime(&milliseconds, start, stop), "the time between events");
      const bool first = i == 0 && k == 1;
      if (k == 0 || (!first && milliseconds >= least)) continue;
      least = milliseconds;
      fastest = i;
    }
  }
  driver.cuEventDestroy(start);
  driver.cuEventDestroy(stop);
  return fastest;
}

std::unique_ptr<LibraryCall> NewLibraryCall(const Device& device, const nlohmann::json& step) {
  return step.at("library") == "cublaslt" ? NewCublasLtCall(device, step) : NewCudnnCall(device, step);
}

}  // namespace kopt::worker

#include "verifier/cuda/tenants.h"

#include <dlfcn.h>

namespace kopt {
namespace {

// The part of NVML's interface that is used here, which has been the same since its version 11.
struct ProcessInfo {
  unsigned pid;
  unsigned long long used_memory;
  unsigned gpu_instance, compute_instance;
};
constexpr int kSuccess = 0;
constexpr unsigned kMostProcesses = 1024;

struct Nvml {
  int (*init)() = nullptr;
  int (*find)(const char* uuid, void** device) = nullptr;
  int (*processes)(void* device, unsigned* count, ProcessInfo* infos) = nullptr;
};

const Nvml* Load() {
  static const Nvml nvml = [] {
    Nvml found;
    void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return found;
    found.init = reinterpret_cast<decltype(found.init)>(dlsym(library, "nvmlInit_v2"));
    found.find = reinterpret_cast<decltype(found.find)>(dlsym(library, "nvmlDeviceGetHandleByUUID"));
    found.processes =
        reinterpret_cast<decltype(found.processes)>(dlsym(library, "nvmlDeviceGetComputeRunningProcesses_v3"));
    const bool whole = found.init != nullptr && found.find != nullptr && found.processes != nullptr;
    return whole && found.init() == kSuccess ? found : Nvml();
  }();
  return nvml.processes != nullptr ? &nvml : nullptr;
}

}  // namespace

std::optional<std::vector<unsigned>> ProcessesOn(const std::string& uuid) {
  const Nvml* nvml = Load();
  if (nvml == nullptr || uuid.size() != 32) return std::nullopt;
  void* device = nullptr;
  if (nvml->find(UuidText(uuid).c_str(), &device) != kSuccess) return std::nullopt;
  std::vector<ProcessInfo> infos(kMostProcesses);
  unsigned count = kMostProcesses;
  if (nvml->processes(device, &count, infos.data()) != kSuccess) return std::nullopt;
  std::vector<unsigned> processes;
  for (unsigned i = 0; i < count; ++i) processes.push_back(infos[i].pid);
  return processes;
}

}  // namespace kopt

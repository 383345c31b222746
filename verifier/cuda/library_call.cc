#include "verifier/cuda/library_call.h"

#include <dlfcn.h>

namespace kopt::worker {

void* OpenLibrary(const nlohmann::json& folders, const std::vector<std::string>& names) {
  for (const std::string folder : folders) {
    for (const std::string& name : names) {
      if (void* handle = dlopen((folder + "/" + name).c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    }
  }
  for (const std::string& name : names) {
    if (void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
  }
  const char* why = dlerror();
  throw LibraryError(fmt::format("{} cannot be loaded: {}", names.front(), why != nullptr ? why : "not found"));
}

std::string VersionText(const char* name, size_t version) {
  return fmt::format("{} {}.{}.{}", name, version / 10000, version / 100 % 100, version % 100);
}

void Overwrite(const Device& device, const Mapping& workspace) {
  device.Check(device.driver().cuMemsetD8Async(workspace.address(), 0xff, workspace.bytes(), device.stream()),
               "the library's memory");
}

std::unique_ptr<LibraryCall> NewLibraryCall(const Device& device, const nlohmann::json& step) {
  return step.at("library") == "cublaslt" ? NewCublasLtCall(device, step) : NewCudnnCall(device, step);
}

}  // namespace kopt::worker

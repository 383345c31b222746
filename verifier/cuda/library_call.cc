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

std::unique_ptr<LibraryCall> NewLibraryCall(const Device& device, const nlohmann::json& step) {
  return step.at("library") == "cublaslt" ? NewCublasLtCall(device, step) : NewCudnnCall(device, step);
}

}  // namespace kopt::worker

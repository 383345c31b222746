#include "verifier/cuda/nvrtc.h"

#include <dlfcn.h>

namespace kopt {

Result<Nvrtc> Nvrtc::Load(const std::filesystem::path& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    return EnvironmentError(fmt::format("NVRTC cannot be loaded: {}", why != nullptr ? why : library.string()),
                            "install the CUDA toolkit 12.8 or later");
  }
  Nvrtc nvrtc;
#define KOPT_FIND(function)                                                                           \
  nvrtc.function = reinterpret_cast<decltype(&::function)>(dlsym(handle, #function));                 \
  if (nvrtc.function == nullptr) {                                                                    \
    return EnvironmentError(fmt::format("{} lacks " #function, library.string()),                     \
                            "install the CUDA toolkit 12.8 or later, which has precompiled headers"); \
  }
  KOPT_NVRTC_FUNCTIONS(KOPT_FIND)
#undef KOPT_FIND
  return nvrtc;
}

}  // namespace kopt

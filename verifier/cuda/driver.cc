#include "verifier/cuda/driver.h"

#include <dlfcn.h>

namespace kopt {
namespace {

constexpr int kLeastVersion = 12040;  // cuStreamWaitValue32 without a flag, clusters, tensor maps

#define KOPT_TEXT_(text) #text
#define KOPT_TEXT(text) KOPT_TEXT_(text)

}  // namespace

Result<Driver> Driver::Load() {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    return EnvironmentError(fmt::format("no NVIDIA driver: {}", why != nullptr ? why : "libcuda.so.1 is not there"),
                            "install the NVIDIA driver, or use --target cpu");
  }
  Driver driver;
  const auto find = [&](const char* name) { return dlsym(library, name); };
  driver.cuDriverGetVersion = reinterpret_cast<decltype(&::cuDriverGetVersion)>(find("cuDriverGetVersion"));
  int version = 0;
  if (driver.cuDriverGetVersion == nullptr || driver.cuDriverGetVersion(&version) != CUDA_SUCCESS) {
    return EnvironmentError("libcuda.so.1 is not an NVIDIA driver", "reinstall the NVIDIA driver");
  }
  if (version < kLeastVersion) {
    return EnvironmentError(fmt::format("the NVIDIA driver supports CUDA {}.{}; kopt needs {}.{}", version / 1000,
                                        version % 1000 / 10, kLeastVersion / 1000, kLeastVersion % 1000 / 10),
                            "install a newer NVIDIA driver");
  }
#define KOPT_FIND(function)                                                                                   \
  driver.function = reinterpret_cast<decltype(&::function)>(find(KOPT_TEXT(function)));                       \
  if (driver.function == nullptr) {                                                                           \
    return EnvironmentError("the NVIDIA driver lacks " KOPT_TEXT(function), "install a newer NVIDIA driver"); \
  }
  KOPT_DRIVER_FUNCTIONS(KOPT_FIND)
#undef KOPT_FIND
  return driver;
}

std::string Driver::Words(CUresult result) const {
  const char *name = nullptr, *words = nullptr;
  cuGetErrorName(result, &name);
  cuGetErrorString(result, &words);
  return fmt::format("{} ({}): {}", name != nullptr ? name : "unknown error", static_cast<int>(result),
                     words != nullptr ? words : "no description");
}

}  // namespace kopt

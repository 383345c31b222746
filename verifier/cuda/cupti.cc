#include "verifier/cuda/cupti.h"

#include <dlfcn.h>

namespace kopt {

Result<Cupti> Cupti::Load(const std::filesystem::path& library, For what) {
  const char* hint = "install the CUDA toolkit's CUPTI, 12.6 or later";
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    return EnvironmentError(fmt::format("CUPTI cannot be loaded: {}", why != nullptr ? why : library.string()), hint);
  }
  Cupti cupti;
#define KOPT_FIND(function)                                                              \
  cupti.function = reinterpret_cast<decltype(&::function)>(dlsym(handle, #function));    \
  if (cupti.function == nullptr) {                                                       \
    return EnvironmentError(fmt::format("{} lacks " #function, library.string()), hint); \
  }
  KOPT_CUPTI_RECORDS(KOPT_FIND)
  if (what == For::kRecords) return cupti;
  KOPT_CUPTI_PROFILES(KOPT_FIND)
#undef KOPT_FIND
  return cupti;
}

Result<void> Cupti::Check(CUptiResult result, const char* what) const {
  if (result == CUPTI_SUCCESS) return {};
  const char* words = nullptr;
  cuptiGetResultString(result, &words);
  const bool forbidden =
      result == CUPTI_ERROR_INSUFFICIENT_PRIVILEGES || result == CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES;
  return EnvironmentError(
      forbidden ? std::string("the driver does not let this user read the device's counters")
                : fmt::format("CUPTI fails at {}: {}", what, words != nullptr ? words : "unknown error"),
      forbidden ? "its administrator allows them with the module option NVreg_RestrictProfilingToAdminUsers=0, or the "
                  "process needs CAP_SYS_ADMIN; another profiler on the device must have ended"
                : "");
}

}  // namespace kopt

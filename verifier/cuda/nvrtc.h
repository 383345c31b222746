// NVRTC, CUDA's run-time compiler, loaded at run time.
#pragma once

#include <nvrtc.h>

#include <filesystem>
#include <string>

#include "base/error.h"

namespace kopt {

#define KOPT_NVRTC_FUNCTIONS(X)  \
  X(nvrtcVersion)                \
  X(nvrtcGetErrorString)         \
  X(nvrtcCreateProgram)          \
  X(nvrtcDestroyProgram)         \
  X(nvrtcCompileProgram)         \
  X(nvrtcGetProgramLogSize)      \
  X(nvrtcGetProgramLog)          \
  X(nvrtcGetCUBINSize)           \
  X(nvrtcGetCUBIN)               \
  X(nvrtcGetPTXSize)             \
  X(nvrtcGetPTX)                 \
  X(nvrtcGetPCHCreateStatus)     \
  X(nvrtcGetPCHHeapSizeRequired) \
  X(nvrtcSetPCHHeapSize)

struct Nvrtc {
  // `library`: the path of libnvrtc.so. Errors (exit 3): it cannot be loaded, or lacks a function.
  static Result<Nvrtc> Load(const std::filesystem::path& library);

#define KOPT_DECLARE(function) decltype(&::function) function = nullptr;
  KOPT_NVRTC_FUNCTIONS(KOPT_DECLARE)
#undef KOPT_DECLARE
};

}  // namespace kopt

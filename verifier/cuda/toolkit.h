// Where CUDA's toolkit lies on this machine. No part of it is linked: libraries are loaded by the worker.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace kopt {

struct CudaToolkit {
  std::filesystem::path nvrtc;                   // libnvrtc.so
  std::filesystem::path jitlink;                 // libnvJitLink.so; empty: not there
  std::filesystem::path cupti;                   // libcupti.so; empty: not there
  std::filesystem::path sanitizer;               // compute-sanitizer; empty: not there
  std::vector<std::filesystem::path> includes;   // CUDA's headers, and those of its C++ library
  std::vector<std::filesystem::path> libraries;  // folders that the libraries may load others from
};

// Looks in CUDA_HOME, CUDA_PATH, /usr/local/cuda, and where distributions put it, in this order. Errors (exit 3): there
// is no NVRTC, or no headers beside it.
Result<CudaToolkit> FindCudaToolkit();

}  // namespace kopt

#include "verifier/cuda/toolkit.h"

#include <cstdlib>

namespace kopt {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHint = "install the CUDA toolkit 12.8 or later, or set CUDA_HOME to the folder where it is";

// The first of `names` that exists in one of the folders; links are followed, so that a sandbox can allow the target.
fs::path FindIn(const std::vector<fs::path>& folders, const std::vector<std::string>& names) {
  std::error_code error;
  for (const fs::path& folder : folders) {
    for (const std::string& name : names) {
      if (fs::exists(folder / name, error)) return fs::canonical(folder / name, error);
    }
  }
  return {};
}

std::vector<fs::path> Roots() {
  std::vector<fs::path> roots;
  for (const char* name : {"CUDA_HOME", "CUDA_PATH"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') roots.emplace_back(value);
  }
  roots.emplace_back("/usr/local/cuda");
  roots.emplace_back("/usr");
  return roots;
}

}  // namespace

Result<CudaToolkit> FindCudaToolkit() {
  std::error_code error;
  for (const fs::path& root : Roots()) {
    const std::vector<fs::path> folders{root / "lib64", root / "lib", root / "lib/x86_64-linux-gnu",
                                        root / "lib/aarch64-linux-gnu", root / "extras/CUPTI/lib64"};
    CudaToolkit toolkit{.nvrtc = FindIn(folders, {"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"}),
                        .jitlink = FindIn(folders, {"libnvJitLink.so", "libnvJitLink.so.13", "libnvJitLink.so.12"}),
                        .cupti = FindIn(folders, {"libcupti.so", "libcupti.so.13", "libcupti.so.12"}),
                        .sanitizer = FindIn({root / "compute-sanitizer", root / "bin"}, {"compute-sanitizer"})};
    if (toolkit.nvrtc.empty()) continue;
    if (!fs::exists(root / "include/cuda_fp16.h", error)) {
      return EnvironmentError(fmt::format("{} has NVRTC but no include/cuda_fp16.h", root.string()), kHint);
    }
    for (const char* folder : {"include", "include/cccl"}) {
      const fs::path path = fs::canonical(root / folder, error);
      if (!error) toolkit.includes.push_back(path);
    }
    toolkit.libraries.push_back(toolkit.nvrtc.parent_path());
    return toolkit;
  }
  return EnvironmentError("there is no CUDA toolkit: libnvrtc.so was not found", kHint);
}

}  // namespace kopt

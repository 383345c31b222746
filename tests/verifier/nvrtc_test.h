// Tests that compile for a GPU: they need NVRTC, no driver and no device, and are skipped where it is missing.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "verifier/cuda/nvrtc.h"

namespace kopt {

struct Compiled {
  bool good = false;
  std::string log;
  std::string cubin;
};

class NvrtcTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* home = std::getenv("CUDA_HOME");
    const auto loaded = Nvrtc::Load(std::string(home != nullptr ? home : "/usr/local/cuda") + "/lib64/libnvrtc.so");
    if (!loaded) GTEST_SKIP() << loaded.error().Text();
    nvrtc_ = *loaded;
  }

  // For sm_90a, with these options.
  Compiled CompileWith(const std::string& text, const std::vector<std::string>& more) const {
    nvrtcProgram program = nullptr;
    nvrtc_.nvrtcCreateProgram(&program, text.c_str(), "test.cu", 0, nullptr, nullptr);
    std::vector<const char*> options = {"--gpu-architecture=sm_90a"};
    for (const std::string& option : more) options.push_back(option.c_str());
    Compiled compiled;
    compiled.good =
        nvrtc_.nvrtcCompileProgram(program, static_cast<int>(options.size()), options.data()) == NVRTC_SUCCESS;
    size_t size = 0;
    nvrtc_.nvrtcGetProgramLogSize(program, &size);
    compiled.log.resize(size);
    nvrtc_.nvrtcGetProgramLog(program, compiled.log.data());
    if (compiled.good) {
      nvrtc_.nvrtcGetCUBINSize(program, &size);
      compiled.cubin.resize(size);
      nvrtc_.nvrtcGetCUBIN(program, compiled.cubin.data());
    }
    nvrtc_.nvrtcDestroyProgram(&program);
    return compiled;
  }

 private:
  Nvrtc nvrtc_;
};

}  // namespace kopt

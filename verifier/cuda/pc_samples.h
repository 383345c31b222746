// Where kernels spend their time, by CUPTI's samples of program counters: at each of them what a warp waited for.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "verifier/cuda/cupti.h"

namespace kopt {

// Samples at one instruction of a kernel.
struct PcSamples {
  std::string kernel;
  uint64_t offset = 0;                    // bytes from the kernel's start
  std::map<std::string, uint64_t> waits;  // by reason: "long_scoreboard"; "selected" is a warp that issues
  uint64_t Sum() const;
};

// Samples what `run` launches and waits for, each multiprocessor once in 2^`period` cycles (5 to 31). CUPTI knows the
// code of modules that `load` loads, and of no other. Errors (exit 3): the driver does not allow it.
Result<std::vector<PcSamples>> SamplePcs(const Cupti& cupti, CUcontext context, unsigned period,
                                         const std::function<void()>& load, const std::function<void()>& run);

// The line of `file` that an instruction comes from, by the cubin's line information; 0: it comes from another file, or
// nobody knows.
int LineOf(const Cupti& cupti, std::string_view cubin, const PcSamples& at, std::string_view file);

}  // namespace kopt

// CUPTI, loaded at run time: what a worker asks about kernels beyond events.
#pragma once

#include <cupti.h>
#include <cupti_pcsampling.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>
#include <cupti_target.h>

#include <filesystem>
#include <string>

#include "base/error.h"

namespace kopt {

// For records, and for profiles, which older versions lack.
#define KOPT_CUPTI_RECORDS(X)       \
  X(cuptiActivityRegisterCallbacks) \
  X(cuptiActivityEnable)            \
  X(cuptiActivityFlushAll)          \
  X(cuptiActivityGetNextRecord)     \
  X(cuptiGetResultString)
#define KOPT_CUPTI_PROFILES(X)                    \
  X(cuptiDeviceGetChipName)                       \
  X(cuptiProfilerInitialize)                      \
  X(cuptiProfilerHostInitialize)                  \
  X(cuptiProfilerHostDeinitialize)                \
  X(cuptiProfilerHostConfigAddMetrics)            \
  X(cuptiProfilerHostGetConfigImageSize)          \
  X(cuptiProfilerHostGetConfigImage)              \
  X(cuptiProfilerHostGetNumOfPasses)              \
  X(cuptiProfilerHostEvaluateToGpuValues)         \
  X(cuptiRangeProfilerEnable)                     \
  X(cuptiRangeProfilerDisable)                    \
  X(cuptiRangeProfilerSetConfig)                  \
  X(cuptiRangeProfilerStart)                      \
  X(cuptiRangeProfilerStop)                       \
  X(cuptiRangeProfilerDecodeData)                 \
  X(cuptiRangeProfilerGetCounterDataSize)         \
  X(cuptiRangeProfilerCounterDataImageInitialize) \
  X(cuptiRangeProfilerGetCounterDataInfo)         \
  X(cuptiPCSamplingEnable)                        \
  X(cuptiPCSamplingDisable)                       \
  X(cuptiPCSamplingStart)                         \
  X(cuptiPCSamplingStop)                          \
  X(cuptiPCSamplingGetData)                       \
  X(cuptiPCSamplingGetNumStallReasons)            \
  X(cuptiPCSamplingGetStallReasons)               \
  X(cuptiPCSamplingSetConfigurationAttribute)     \
  X(cuptiGetSassToSourceCorrelation)

struct Cupti {
#define KOPT_DECLARE(function) decltype(&::function) function = nullptr;
  KOPT_CUPTI_RECORDS(KOPT_DECLARE)
  KOPT_CUPTI_PROFILES(KOPT_DECLARE)
#undef KOPT_DECLARE

  enum class For { kRecords, kProfiles };
  // Errors (exit 3): the library cannot be loaded, or lacks a function; profiles need CUDA 12.6.
  static Result<Cupti> Load(const std::filesystem::path& library, For what);
  // Errors (exit 3): `result` is one; `what` did not work. The hint says how counters are allowed where that is why.
  Result<void> Check(CUptiResult result, const char* what) const;
};

// A struct of parameters, as CUPTI wants it to begin.
template <class Params>
Params CuptiParams(size_t size) {
  Params params{};
  if constexpr (requires { params.structSize; }) {
    params.structSize = size;
  } else {
    params.size = size;
  }
  return params;
}

}  // namespace kopt

#include "verifier/cuda/kernel_records.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace kopt {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

Cupti cupti;                          // of the process: CUPTI's callbacks carry no context
std::vector<KernelRecord> collected;  // since the last Take; written by callbacks of a flush
std::optional<uint64_t> origin;       // nanoseconds; CUPTI counts from 1970, which leaves a double 200 ns

void Collect(std::string name, uint64_t start, uint64_t end, uint32_t stream) {
  if (!origin) origin = start;
  const auto seconds = [](uint64_t time) { return static_cast<double>(static_cast<int64_t>(time - *origin)) * 1e-9; };
  collected.push_back({.name = std::move(name), .start = seconds(start), .end = seconds(end), .stream = stream});
}

void CUPTIAPI GiveBuffer(uint8_t** buffer, size_t* size, size_t* most_records) {
  *size = kBufferBytes;
  *most_records = 0;
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(8, kBufferBytes));
}

void CUPTIAPI TakeBuffer(CUcontext, uint32_t, uint8_t* buffer, size_t, size_t valid) {
  CUpti_Activity* record = nullptr;
  while (valid > 0 && cupti.cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    // Later versions of the records only add members behind these.
    if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL || record->kind == CUPTI_ACTIVITY_KIND_KERNEL) {
      const auto* kernel = reinterpret_cast<const CUpti_ActivityKernel9*>(record);
      Collect(kernel->name != nullptr ? kernel->name : "", kernel->start, kernel->end, kernel->streamId);
    } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMSET) {
      const auto* memset = reinterpret_cast<const CUpti_ActivityMemset4*>(record);
      Collect("memset", memset->start, memset->end, memset->streamId);
    }
  }
  std::free(buffer);
}

}  // namespace

Result<KernelRecords> KernelRecords::Listen(const Cupti& loaded) {
  cupti = loaded;
  for (const CUptiResult result : {cupti.cuptiActivityRegisterCallbacks(GiveBuffer, TakeBuffer),
                                   cupti.cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL),
                                   cupti.cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMSET)}) {
    KOPT_CHECK(cupti.Check(result, "records of kernels"));
  }
  return KernelRecords();
}

std::vector<KernelRecord> KernelRecords::Take() {
  cupti.cuptiActivityFlushAll(1);
  std::vector<KernelRecord> records = std::move(collected);
  collected.clear();
  std::ranges::sort(records, {}, &KernelRecord::start);
  return records;
}

}  // namespace kopt

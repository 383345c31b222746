// When kernels ran, by the device's own records: CUPTI's activity records, loaded at run time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace kopt {

struct KernelRecord {
  std::string name;           // of a memset: memset
  double start = 0, end = 0;  // seconds of one clock
  unsigned stream = 0;
};

// There can be one in a process: it listens from its creation on. Kernels run one after another while it listens.
class KernelRecords {
 public:
  // `library`: the path of libcupti.so. Errors (exit 3): it cannot be loaded, or the driver does not give records.
  static Result<KernelRecords> Listen(const std::filesystem::path& library);
  // What has run since the last call, in order of start. The device must be idle.
  std::vector<KernelRecord> Take();
};

}  // namespace kopt

// When kernels ran, by the device's own records: CUPTI's activity records.
#pragma once

#include <string>
#include <vector>

#include "verifier/cuda/cupti.h"

namespace kopt {

struct KernelRecord {
  std::string name;           // of a memset: memset
  double start = 0, end = 0;  // seconds of one clock
  unsigned stream = 0;
};

// There can be one in a process: it listens from its creation on. Kernels run one after another while it listens.
class KernelRecords {
 public:
  // Errors (exit 3): the driver does not give records.
  static Result<KernelRecords> Listen(const Cupti& cupti);
  // What has run since the last call, in order of start. The device must be idle.
  std::vector<KernelRecord> Take();
};

}  // namespace kopt

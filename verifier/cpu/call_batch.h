// Where a batch keeps what its calls read and write: a buffer for every tensor and scratch of every call, redzones
// around those that are written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "task/candidate.h"
#include "verifier/core/compare.h"
#include "verifier/cpu/oracle.h"
#include "verifier/cpu/session.h"

namespace kopt {

struct CallBuffers {
  std::vector<int> tensors;  // by tensor number; -1: none
  std::vector<int> scratch;  // by the plan's scratch number
};

struct CallBatch {
  Batch batch;
  std::vector<CallBuffers> calls;
};

// Buffers for one call per set, and the plan's steps with the set's scalars. Checks give the least alignment that the
// spec promises, timed calls 256 bytes at least.
CallBatch LayOut(const BoundTask& task, const BoundPlan& plan, const std::vector<const InputSet*>& sets, bool timed);

// Fills what lies around the data of every buffer that is written.
void FillRedzones(const Batch& batch, Arenas& arenas, uint64_t secret);

// Where a redzone is no longer what FillRedzones wrote; none if all are.
std::optional<std::string> BrokenRedzone(const BoundTask& task, const BoundPlan& plan, const CallBatch& calls,
                                         Arenas& arenas, uint64_t secret);

// The access that ended a batch, in words: "a write 4 bytes behind the end of `y`".
struct FaultText {
  std::string text;
  bool wrote_input = false;
};
FaultText Explain(const BatchStatus& status, const BoundTask& task, const BoundPlan& plan, const CallBatch& calls);

}  // namespace kopt

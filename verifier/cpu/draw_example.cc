#include "verifier/cpu/draw_example.h"

#include "base/hash.h"
#include "verifier/cpu/measure.h"
#include "verifier/cpu/set_pool.h"

namespace kopt {

Result<Example> DrawExample(CpuContext& context, const Shape& shape) {
  KOPT_CHECK(CheckInterrupt(context.options));
  const Lane::Hold hold = context.lane.Shared();
  KOPT_TRY(const BoundTask task, Bind(context.spec, shape));
  SetPool pool(*context.oracle, task, false, {.sets = SecretSeed(), .static_inputs = SecretSeed()});
  KOPT_TRY(const SetPool::Entry* set, pool.Get(0));
  Example example{.inputs = set->inputs.storage, .scalars = set->inputs.scalars};
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const bool written = task.tensors[i].tensor->IsWritten();
    example.outputs.push_back(written ? ExpectedOf(task.tensors[i], set->answer.truth(i)) : Expected{});
  }
  return example;
}

}  // namespace kopt

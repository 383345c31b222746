// A spec that says anything: parsed, bound to its shapes, its small tensors filled.
#include <vector>

#include "task/spec.h"
#include "tests/fuzz/fuzz.h"

namespace kopt {
namespace {

constexpr size_t kMostFilled = 4096;  // bytes

void TryFill(const Spec& spec, const BoundTensor& bound, const Fill& fill) {
  if (fill.kind == Fill::Kind::kFile) return;  // another file, which is not ours to read
  std::vector<std::byte> storage(bound.bytes);
  (void)FillTensor(spec, bound, fill, 7, storage);
}

void TryShape(const Spec& spec, const Shape& shape) {
  Require(!ShapeText(spec, shape).empty(), "a shape has a text");
  const auto task = Bind(spec, shape);
  if (!task) return RequireUsageError(task.error());
  for (const BoundTensor& bound : task->tensors) {
    Require(bound.elements >= 1 && bound.span >= bound.elements, "a tensor's elements lie apart");
    Require(bound.Offset(0) == 0 && bound.Offset(bound.elements - 1) == bound.span - 1, "its last one ends its span");
    (void)bound.Coordinates(bound.elements - 1);
    if (!bound.tensor->IsRead() || !bound.tensor->code.empty() || bound.bytes > kMostFilled) continue;
    TryFill(spec, bound, bound.tensor->fill);
    for (const Fill& fill : bound.tensor->also) TryFill(spec, bound, fill);
  }
  for (const Scalar& scalar : spec.scalars) (void)ScalarBits(spec, shape, scalar, 7);
}

}  // namespace
}  // namespace kopt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kopt;
  const auto spec = ParseSpec(std::string(TextOf(data, size)), "fuzz.spec");
  if (!spec) return RequireUsageError(spec.error()), 0;
  for (const Shape& shape : spec->shapes) TryShape(*spec, shape);
  for (const Shape& shape : spec->checks) TryShape(*spec, shape);
  return 0;
}

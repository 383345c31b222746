#include "verifier/cpu/power_check.h"

#include "verifier/core/power_check.h"
#include "verifier/cpu/measure.h"

namespace kopt {
namespace {

class PoolSource final : public PowerSource {
 public:
  PoolSource(Oracle& oracle, ShapePool& shape) : oracle_(oracle), shape_(shape) {}

  const BoundTask& task() const override { return shape_.task; }
  double oracle_seconds() const override { return oracle_.seconds(); }

  Result<Set> Get(size_t index) override {
    KOPT_TRY(const SetPool::Entry* entry, shape_.pool->Get(index));
    return View(std::shared_ptr<const SetPool::Entry>(std::shared_ptr<void>(), entry));
  }

  Result<std::optional<Set>> Redrawn(int tensor, int scalar) override {
    auto entry = tensor >= 0 ? shape_.pool->RedrawnTensor(static_cast<size_t>(tensor))
                             : shape_.pool->RedrawnScalar(static_cast<size_t>(scalar));
    if (!entry) return std::unexpected(std::move(entry.error()));
    if (!*entry) return std::nullopt;
    return View(std::make_shared<SetPool::Entry>(*std::move(*entry)));
  }

  Result<std::string> Refusal(const Set& set, size_t output,
                              const std::vector<std::span<const std::byte>>& got) override {
    const auto& entry = *static_cast<const SetPool::Entry*>(set.held.get());
    return oracle_.Refusal(shape_.task, entry.inputs, entry.answer, output, got);
  }

 private:
  Set View(std::shared_ptr<const SetPool::Entry> entry) const {
    Set set;
    for (size_t i = 0; i < shape_.task.tensors.size(); ++i) {
      set.storage.emplace_back(entry->inputs.storage[i]);
      const bool written = shape_.task.tensors[i].tensor->IsWritten();
      set.truth.push_back(written ? entry->answer.truth(i) : Truth{});
    }
    set.held = std::move(entry);
    return set;
  }

  Oracle& oracle_;
  ShapePool& shape_;
};

}  // namespace

Result<Registration> ProvePower(CpuContext& context, ShapePools& pools) {
  std::vector<PoolSource> sources;
  for (ShapePool& shape : pools) {
    if (shape.scored) sources.emplace_back(*context.oracle, shape);
  }
  std::vector<PowerSource*> pointers;
  for (PoolSource& source : sources) pointers.push_back(&source);
  return ProvePower(pointers, [&] { return CheckInterrupt(context.options); });
}

}  // namespace kopt

#include "verifier/cuda/cuda_power.h"

#include "verifier/core/interrupt.h"
#include "verifier/core/power_check.h"

namespace kopt {
namespace {

class DeviceSource final : public PowerSource {
 public:
  DeviceSource(CudaOracle& oracle, CudaShape& shape) : oracle_(oracle), shape_(shape) {}

  const BoundTask& task() const override { return shape_.task; }
  double oracle_seconds() const override { return oracle_.seconds(); }

  Result<Set> Get(size_t index) override {
    KOPT_TRY(const CudaOracle::Set* set, shape_.sets->Get(index));
    return Download(*set, nullptr);
  }

  Result<std::optional<Set>> Redrawn(int tensor, int scalar) override {
    KOPT_TRY(const CudaOracle::Set* first, shape_.sets->Get(0));
    KOPT_TRY(auto drawn, shape_.sets->Redrawn(tensor, scalar));
    KOPT_TRY(const InputSet before, oracle_.DownloadInputs(shape_.task, *first));
    KOPT_TRY(const InputSet after, oracle_.DownloadInputs(shape_.task, *drawn));
    if (before.storage == after.storage && before.scalars == after.scalars) return std::nullopt;
    const CudaOracle::Set& set = *drawn;
    KOPT_TRY(Set view, Download(set, std::move(drawn)));
    return view;
  }

  Result<std::string> Refusal(const Set& set, size_t output,
                              const std::vector<std::span<const std::byte>>& got) override {
    const auto& held = *static_cast<const Held*>(set.held.get());
    return oracle_.Refusal(shape_.task, *held.set, output, got);
  }

 private:
  struct Held {
    const CudaOracle::Set* set = nullptr;
    std::unique_ptr<CudaOracle::Set> owned;
    InputSet inputs;
    std::vector<CudaOracle::Truth> truths;
  };

  Result<Set> Download(const CudaOracle::Set& set, std::unique_ptr<CudaOracle::Set> owned) {
    auto held = std::make_shared<Held>();
    held->set = &set;
    held->owned = std::move(owned);
    KOPT_TRY(held->inputs, oracle_.DownloadInputs(shape_.task, set));
    for (size_t i = 0; i < shape_.task.tensors.size(); ++i) {
      CudaOracle::Truth& truth = held->truths.emplace_back();
      if (!shape_.task.tensors[i].tensor->IsWritten()) continue;
      KOPT_TRY(truth, oracle_.Download(shape_.task, set, i));
    }
    Set view;
    for (size_t i = 0; i < shape_.task.tensors.size(); ++i) {
      view.storage.emplace_back(held->inputs.storage[i]);
      view.truth.push_back(held->truths[i].view());
    }
    view.held = std::move(held);
    return view;
  }

  CudaOracle& oracle_;
  CudaShape& shape_;
};

}  // namespace

Result<Registration> ProveCudaPower(CudaContext& context, CudaShapes& shapes) {
  std::vector<DeviceSource> sources;
  for (CudaShape& shape : shapes) {
    if (shape.scored) sources.emplace_back(*context.oracle, shape);
  }
  std::vector<PowerSource*> pointers;
  for (DeviceSource& source : sources) pointers.push_back(&source);
  return ProvePower(pointers, [&] { return CheckInterrupt(context.options); });
}

}  // namespace kopt

#include "verifier/cuda/cuda_power.h"

#include <algorithm>

#include "verifier/core/interrupt.h"
#include "verifier/core/power_check.h"

namespace kopt {
namespace {

constexpr long long kStretch = 4096, kStretches = 64;  // elements of a large tensor that are looked at

// Evenly spread stretches of a large tensor; none: all of it. They depend on the number of elements only, so tensors of
// one shape are looked at in the same places.
CudaOracle::Ranges SampleOf(long long elements) {
  CudaOracle::Ranges ranges;
  if (elements <= kStretch * kStretches) return ranges;
  for (long long i = 0; i < kStretches; ++i) {
    ranges.emplace_back((elements - kStretch) / (kStretches - 1) * i, kStretch);
  }
  return ranges;
}

// The sets of a shape as the power check sees them. `sampled`: of large dense tensors only some elements, as tensors of
// that many. What is wrong on those is wrong on the whole, and their root mean square stands for the whole's; what is
// not refused is looked at again without sampling.
class DeviceSource final : public PowerSource {
 public:
  DeviceSource(CudaOracle& oracle, CudaShape& shape, bool sampled) : oracle_(oracle), shape_(shape), task_(shape.task) {
    ranges_.resize(task_.tensors.size());
    for (size_t i = 0; sampled && i < task_.tensors.size(); ++i) {
      BoundTensor& bound = task_.tensors[i];
      if (bound.tensor->role == Tensor::Role::kTemp || !bound.IsDense()) continue;
      ranges_[i] = SampleOf(bound.elements);
      if (ranges_[i].empty()) continue;
      bound.elements = bound.span = kStretch * kStretches;
      bound.bytes = static_cast<size_t>(bound.elements) * Size(bound.tensor->dtype);
      bound.shape = {bound.elements};
      bound.strides = {1};
    }
  }

  const BoundTask& task() const override { return task_; }
  double oracle_seconds() const override { return oracle_.seconds(); }

  Result<Set> Get(size_t index) override {
    KOPT_TRY(const CudaOracle::Set* set, shape_.sets->Get(index));
    return Download(*set, nullptr);
  }

  Result<std::optional<Set>> Redrawn(int tensor, int scalar) override {
    KOPT_TRY(const CudaOracle::Set* first, shape_.sets->Get(0));
    KOPT_TRY(auto drawn, shape_.sets->Redrawn(tensor, scalar));
    KOPT_TRY(const bool changed, Differ(*first, *drawn));
    if (!changed) return std::nullopt;
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

  Result<bool> Differ(const CudaOracle::Set& a, const CudaOracle::Set& b) {
    for (const auto& ranges : {ranges_, std::vector<CudaOracle::Ranges>()}) {
      KOPT_TRY(const InputSet before, oracle_.DownloadInputs(shape_.task, a, ranges));
      KOPT_TRY(const InputSet after, oracle_.DownloadInputs(shape_.task, b, ranges));
      if (before.storage != after.storage || before.scalars != after.scalars) return true;
    }
    return false;
  }

  Result<Set> Download(const CudaOracle::Set& set, std::unique_ptr<CudaOracle::Set> owned) {
    auto held = std::make_shared<Held>();
    held->set = &set;
    held->owned = std::move(owned);
    KOPT_TRY(held->inputs, oracle_.DownloadInputs(shape_.task, set, ranges_));
    for (size_t i = 0; i < task_.tensors.size(); ++i) {
      CudaOracle::Truth& truth = held->truths.emplace_back();
      if (!task_.tensors[i].tensor->IsWritten()) continue;
      KOPT_TRY(truth, oracle_.Download(shape_.task, set, i, ranges_[i]));
    }
    Set view;
    for (size_t i = 0; i < task_.tensors.size(); ++i) {
      view.storage.emplace_back(held->inputs.storage[i]);
      view.truth.push_back(held->truths[i].view());
    }
    view.held = std::move(held);
    return view;
  }

  CudaOracle& oracle_;
  CudaShape& shape_;
  BoundTask task_;
  std::vector<CudaOracle::Ranges> ranges_;  // by tensor number
};

bool HasAccept(const Spec& spec) {
  return std::ranges::any_of(spec.tensors, [](const Tensor& tensor) { return tensor.accept.has_value(); });
}

}  // namespace

Result<Registration> ProveCudaPower(CudaContext& context, CudaShapes& shapes) {
  const auto prove = [&](bool sampled) {
    std::vector<std::unique_ptr<DeviceSource>> sources;
    std::vector<PowerSource*> pointers;
    for (CudaShape& shape : shapes) {
      if (!shape.scored) continue;
      sources.push_back(std::make_unique<DeviceSource>(*context.oracle, shape, sampled));
      pointers.push_back(sources.back().get());
    }
    return ProvePower(pointers, [&] { return CheckInterrupt(context.options); });
  };
  if (!HasAccept(context.spec)) {
    auto sampled = prove(true);
    if (sampled || sampled.error().exit != Exit::kUsage) return sampled;
  }
  return prove(false);
}

}  // namespace kopt

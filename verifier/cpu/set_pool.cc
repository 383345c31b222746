#include "verifier/cpu/set_pool.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/hash.h"
#include "verifier/core/power.h"

namespace kopt {
namespace {

constexpr size_t kMostSets = 64;
constexpr size_t kMostBytes = size_t{1} << 30;
constexpr double kMostOracleSeconds = 10;
constexpr uint64_t kForeignSet = ~uint64_t{0};

void FillRandom(const BoundTensor& tensor, uint64_t seed, std::vector<std::byte>& storage) {
  const DType type = tensor.tensor->dtype;
  const auto count = static_cast<size_t>(tensor.span);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bits = Mix(seed, i);
    if (IsFloating(type)) {
      StoreReal(type, storage.data(), i, static_cast<double>(static_cast<int64_t>(bits)) * 0x1p-62);
    } else {
      StoreInt(type, storage.data(), i, static_cast<long long>(type == DType::kBool ? bits & 1 : bits));
    }
  }
}

}  // namespace

std::string_view Name(Poison poison) {
  constexpr std::string_view kNames[] = {"NaN", "0xFF", "random", "another set's answer", "its complement"};
  return kNames[static_cast<size_t>(poison)];
}

SetPool::SetPool(Oracle& oracle, const BoundTask& task, bool timed, SetSeeds seeds)
    : oracle_(oracle), task_(task), timed_(timed), seeds_(seeds) {}

Result<SetPool::Entry> SetPool::Make(const SetRecipe& recipe) {
  Entry entry;
  KOPT_TRY(entry.inputs, oracle_.Draw(task_, recipe));
  KOPT_TRY(entry.answer, oracle_.Solve(task_, entry.inputs));
  return entry;
}

Result<const SetPool::Entry*> SetPool::Get(size_t index) {
  while (entries_.size() <= index) {
    KOPT_TRY(Entry entry, Make(seeds_.RecipeOf(entries_.size(), timed_)));
    entries_.push_back(std::move(entry));
  }
  return &entries_[index];
}

Result<std::optional<SetPool::Entry>> SetPool::Redrawn(const SetRecipe& recipe) {
  KOPT_TRY(const Entry* first, Get(0));
  Entry entry;
  KOPT_TRY(entry.inputs, oracle_.Draw(task_, recipe));
  if (entry.inputs.storage == first->inputs.storage && entry.inputs.scalars == first->inputs.scalars)
    return std::nullopt;
  KOPT_TRY(entry.answer, oracle_.Solve(task_, entry.inputs));
  return std::optional<Entry>(std::move(entry));
}

Result<std::optional<SetPool::Entry>> SetPool::RedrawnTensor(size_t tensor) {
  SetRecipe recipe = seeds_.RecipeOf(0, timed_);
  recipe.redraw = static_cast<int>(tensor);
  recipe.redraw_seed = SecretSeed();
  return Redrawn(recipe);
}

Result<std::optional<SetPool::Entry>> SetPool::RedrawnScalar(size_t scalar) {
  SetRecipe recipe = seeds_.RecipeOf(0, timed_);
  recipe.redraw_scalar = static_cast<int>(scalar);
  recipe.redraw_seed = SecretSeed();
  return Redrawn(recipe);
}

Result<const SetPool::Entry*> SetPool::Fresh() {
  const uint64_t seed = SecretSeed();
  const bool whole =
      std::ranges::any_of(task_.tensors, [](const BoundTensor& t) { return t.tensor->accept.has_value(); });
  Entry entry;
  KOPT_TRY(entry.inputs,
           oracle_.Draw(task_, {.seed = seed, .vary_static = timed_, .static_seed = seeds_.static_inputs}));
  KOPT_TRY(entry.answer, whole ? oracle_.Solve(task_, entry.inputs)
                               : oracle_.Sample(task_, entry.inputs, kSampledTuples, Mix(seed, 1)));
  fresh_ = std::move(entry);
  return &*fresh_;
}

Result<size_t> SetPool::Most(size_t scratch_bytes) {
  KOPT_CHECK(Get(0));
  size_t bytes = scratch_bytes + entries_[0].inputs.bytes() + entries_[0].answer.bytes();
  for (const BoundTensor& bound : task_.tensors) {
    if (bound.tensor->IsWritten()) bytes += bound.bytes;
  }
  const size_t by_memory = kMostBytes / std::max<size_t>(bytes, 1);
  const double by_oracle = kMostOracleSeconds / std::max(oracle_.seconds(), 1e-4);
  return std::max<size_t>(1, std::min({kMostSets, by_memory, static_cast<size_t>(by_oracle)}));
}

Result<const std::vector<std::byte>*> SetPool::PoisonFor(size_t tensor, Poison poison) {
  const auto key = std::pair(tensor, poison);
  if (const auto found = poison_.find(key); found != poison_.end()) return &found->second;
  const BoundTensor& bound = task_.tensors[tensor];
  std::vector<std::byte> storage(bound.bytes, std::byte{0xFF});
  switch (poison) {
    case Poison::kOnes:
      break;
    case Poison::kNan:
      if (IsFloating(bound.tensor->dtype)) {
        for (size_t i = 0; i < static_cast<size_t>(bound.span); ++i) {
          StoreReal(bound.tensor->dtype, storage.data(), i, std::numeric_limits<double>::quiet_NaN());
        }
      } else {
        std::ranges::fill(storage, std::byte{0x5A});
      }
      break;
    case Poison::kRandom:
      FillRandom(bound, SecretSeed(), storage);
      break;
    case Poison::kForeign:
    case Poison::kForeignComplement:
      if (!foreign_) {
        KOPT_TRY(
            Entry entry,
            Make({.seed = Mix(seeds_.sets, kForeignSet), .vary_static = timed_, .static_seed = seeds_.static_inputs}));
        foreign_ = std::move(entry.answer);
      }
      storage = RoundTruth(bound, foreign_->truth(tensor));
      if (poison == Poison::kForeignComplement) {
        for (std::byte& byte : storage) byte = ~byte;
      }
      break;
  }
  return &(poison_[key] = std::move(storage));
}

}  // namespace kopt

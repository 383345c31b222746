#include "verifier/core/input_set.h"

#include <algorithm>
#include <string_view>

#include "base/hash.h"

namespace kopt {
namespace {

uint64_t NameSeed(uint64_t seed, std::string_view name) {
  uint64_t mixed = seed;
  for (const char c : name) mixed = Mix(mixed, static_cast<unsigned char>(c));
  return mixed;
}

}  // namespace

SetRecipe SetSeeds::RecipeOf(size_t index, bool timed) const {
  return {.seed = Mix(sets, index),
          .vary_static = timed || index == 1,
          .static_seed = static_inputs,
          .also = !timed && index >= 2 ? static_cast<int>(index) - 2 : -1};
}

size_t CheckSetCount(const BoundTask& task) {
  size_t also = 0;
  for (const BoundTensor& bound : task.tensors) also = std::max(also, bound.tensor->also.size());
  return 2 + also;
}

std::vector<long long> RandomTuples(long long count, long long tuples, uint64_t seed) {
  std::vector<long long> chosen(static_cast<size_t>(tuples));
  for (size_t i = 0; i < chosen.size(); ++i) {
    chosen[i] = static_cast<long long>(Mix(seed, i) % static_cast<uint64_t>(count));
  }
  std::ranges::sort(chosen);
  chosen.erase(std::ranges::unique(chosen).begin(), chosen.end());
  return chosen;
}

size_t InputSet::bytes() const {
  size_t total = 0;
  for (const auto& storage_of : storage) total += storage_of.size();
  return total;
}

std::optional<InputDraw> DrawOf(const BoundTask& task, size_t tensor, const SetRecipe& recipe) {
  const Tensor& drawn = *task.tensors[tensor].tensor;
  if (!drawn.IsRead() || !drawn.code.empty()) return std::nullopt;
  uint64_t seed = drawn.is_static && !recipe.vary_static ? recipe.static_seed : recipe.seed;
  if (recipe.redraw == static_cast<int>(tensor)) seed = recipe.redraw_seed;
  const bool other = recipe.also >= 0 && recipe.also < static_cast<int>(drawn.also.size());
  return InputDraw{.fill = other ? &drawn.also[static_cast<size_t>(recipe.also)] : &drawn.fill,
                   .seed = NameSeed(seed, drawn.name)};
}

bool Varies(const Spec& spec) {
  const auto varies = [](const Fill& fill) { return fill.kind != FillKind::kFile && fill.kind != FillKind::kIndex; };
  return std::ranges::any_of(spec.tensors,
                             [&](const Tensor& t) { return t.IsRead() && t.code.empty() && varies(t.fill); }) ||
         std::ranges::any_of(spec.scalars, [&](const Scalar& s) { return s.fill && varies(*s.fill); });
}

Result<void> FillInputs(const Spec& spec, const BoundTask& task, const SetRecipe& recipe,
                        std::span<const std::span<std::byte>> storage) {
  size_t next = 0;
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    if (!task.tensors[i].tensor->IsRead()) continue;
    const std::span<std::byte> own = storage[next++];
    const auto draw = DrawOf(task, i, recipe);
    if (draw) KOPT_CHECK(FillTensor(spec, task.tensors[i], *draw->fill, draw->seed, own));
  }
  return {};
}

Result<std::vector<uint64_t>> DrawScalars(const Spec& spec, const BoundTask& task, const SetRecipe& recipe) {
  std::vector<uint64_t> scalars;
  for (size_t i = 0; i < spec.scalars.size(); ++i) {
    const Scalar& scalar = spec.scalars[i];
    const uint64_t seed = recipe.redraw_scalar == static_cast<int>(i) ? recipe.redraw_seed : recipe.seed;
    KOPT_TRY(const uint64_t bits, ScalarBits(spec, *task.shape, scalar, NameSeed(seed, scalar.name)));
    scalars.push_back(bits);
  }
  return scalars;
}

Result<InputSet> DrawInputs(const Spec& spec, const BoundTask& task, const SetRecipe& recipe) {
  InputSet set;
  set.storage.resize(task.tensors.size());
  std::vector<std::span<std::byte>> storage;
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    if (!task.tensors[i].tensor->IsRead()) continue;
    set.storage[i].resize(task.tensors[i].bytes);
    storage.emplace_back(set.storage[i]);
  }
  KOPT_CHECK(FillInputs(spec, task, recipe, storage));
  KOPT_TRY(set.scalars, DrawScalars(spec, task, recipe));
  return set;
}

}  // namespace kopt

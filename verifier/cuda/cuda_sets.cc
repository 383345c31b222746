#include "verifier/cuda/cuda_sets.h"

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "verifier/core/unseen_inputs.h"

namespace kopt {
namespace {

constexpr uint64_t kForeignSet = ~uint64_t{0};
constexpr double kEventJitter = 1e-6;  // seconds by which a batch may be seen too short
// Sets of a scored shape that are on the device at once: five that are compared, one whose answer is a poison, one that
// nobody has used; the same again while a candidate is confirmed.
constexpr double kSetsAtOnce = 2 * 7;
// Sets that are kept of those that nobody had used: as many as there are batches on unseen inputs, in so much memory.
// On a device that the task fills otherwise, one.
constexpr size_t kMostFresh = UnseenInputs::kBatches + UnseenInputs::kMoreBatches;
constexpr size_t kMostFreshBytes = size_t{2} << 30;

// Bytes of a set on the device: its tensors, and of each result the value and its variance.
double BytesOfSet(const BoundTask& task) {
  double bytes = 0;
  for (const BoundTensor& bound : task.tensors) {
    if (bound.tensor->role == Tensor::Role::kTemp) continue;
    bytes += static_cast<double>(bound.bytes);
    if (bound.tensor->role != Tensor::Role::kInput) bytes += 16.0 * static_cast<double>(bound.elements);
  }
  return bytes;
}

// Bytes while the references run: temps, and for every result who wrote its elements.
double BytesOfSolving(const BoundTask& task) {
  double bytes = 0;
  for (const BoundTensor& bound : task.tensors) {
    if (bound.tensor->role == Tensor::Role::kInput) continue;
    bytes += (bound.tensor->role == Tensor::Role::kTemp ? 20.0 : 4.0) * static_cast<double>(bound.elements);
  }
  return bytes;
}

// Refuses a spec whose sets do not fit the device, before any memory is taken.
Result<void> CheckMemory(CudaContext& context, const CudaShapes& shapes) {
  double sets = 0;
  double solving = 0;
  double most = 0;
  const CudaShape* largest = nullptr;
  for (const CudaShape& shape : shapes) {
    const double bytes = BytesOfSet(shape.task);
    const double work = BytesOfSolving(shape.task) + (shape.scored ? 0 : bytes);
    if (shape.scored) sets += kSetsAtOnce * bytes;
    solving = std::max(solving, work);
    if (largest != nullptr && bytes + work <= most) continue;
    largest = &shape;
    most = bytes + work;
  }
  context.crowded = sets + solving > 0.3 * context.device.memory_bytes;
  if (sets + solving <= 0.9 * context.device.memory_bytes) return {};
  return std::unexpected(Error{
      .exit = Exit::kUsage,
      .message = fmt::format("the input sets of this task and their answers need about {:.1f} GB on the device, which "
                             "has {:.1f} GB; shape "
                             "{} takes most of it",
                             (sets + solving) * 1e-9, context.device.memory_bytes * 1e-9,
                             ShapeText(context.spec, *largest->shape)),
      .file = context.spec.file,
      .line = largest->shape->position.line,
      .key = "shape",
      .hint =
          "choose a smaller shape; each element of an output takes 16 bytes in every set, of a temp 20 bytes once"});
}

}  // namespace

Result<std::unique_ptr<CudaOracle::Set>> CudaSets::Make(const SetRecipe& recipe) {
  KOPT_TRY(auto set, oracle_.Draw(task_, recipe, timed_));
  KOPT_CHECK(oracle_.Solve(task_, *set));
  return set;
}

Result<const CudaOracle::Set*> CudaSets::Get(size_t index) {
  while (sets_.size() <= index) {
    KOPT_TRY(auto set, Make(seeds_.RecipeOf(sets_.size(), timed_)));
    sets_.push_back(std::move(set));
  }
  return sets_[index].get();
}

SetRecipe CudaSets::NewRecipe() const {
  return {.seed = SecretSeed(), .vary_static = timed_, .static_seed = seeds_.static_inputs};
}

// Sets of so many bytes.
size_t CudaSets::MostFresh(size_t bytes) const {
  return std::clamp<size_t>(fresh_bytes_ / std::max<size_t>(bytes, 1), 1, kMostFresh);
}

Result<void> CudaSets::DrawFresh() {
  if (unused_) return {};
  Drawn next{.recipe = NewRecipe()};
  KOPT_TRY(next.set, oracle_.Draw(task_, next.recipe, timed_));
  KOPT_CHECK(oracle_.Sample(task_, *next.set, SecretSeed()));
  if (fresh_.size() >= MostFresh(next.set->bytes)) fresh_.erase(fresh_.begin());
  fresh_.push_back(std::move(next));
  unused_ = true;
  return {};
}

Result<std::vector<CudaSets::Known>> CudaSets::ForAudits(double seconds) {
  const double end = SystemClock().Now() + seconds;
  do {
    KOPT_CHECK(DrawFresh());
    unused_ = false;
  } while (fresh_.size() < MostFresh(fresh_.back().set->bytes) && SystemClock().Now() < end);
  std::vector<Known> known;
  for (const Drawn& one : fresh_) known.push_back({one.recipe, one.set.get()});
  std::ranges::reverse(known);
  return known;
}

std::vector<CudaSets::Known> CudaSets::All() const {
  std::vector<Known> all;
  for (size_t i = 0; i < sets_.size(); ++i) all.push_back({seeds_.RecipeOf(i, timed_), sets_[i].get()});
  for (const Drawn& one : fresh_) all.push_back({one.recipe, one.set.get()});
  return all;
}

Result<void> CudaSets::DrawOver(size_t index, const SetRecipe& recipe) {
  return oracle_.DrawOver(task_, *sets_.at(index), recipe);
}

Result<const CudaOracle::Set*> CudaSets::Fresh() {
  KOPT_CHECK(DrawFresh());
  unused_ = false;
  return fresh_.back().set.get();
}

Result<const CudaOracle::Set*> CudaSets::Foreign() {
  if (foreign_) return foreign_.get();
  KOPT_TRY(foreign_,
           Make({.seed = Mix(seeds_.sets, kForeignSet), .vary_static = timed_, .static_seed = seeds_.static_inputs}));
  KOPT_CHECK(oracle_.MakeForeign(task_, *foreign_));
  return foreign_.get();
}

Result<std::unique_ptr<CudaOracle::Set>> CudaSets::Redrawn(int tensor, int scalar) {
  SetRecipe recipe = seeds_.RecipeOf(0, timed_);
  recipe.redraw = tensor;
  recipe.redraw_scalar = scalar;
  recipe.redraw_seed = SecretSeed();
  return Make(recipe);
}

Result<CudaShapes> NewCudaShapes(CudaContext& context, uint64_t seed, uint64_t static_seed) {
  CudaShapes shapes;
  const Spec& spec = context.spec;
  const auto add = [&](const Shape* shape, bool scored) -> Result<void> {
    KOPT_TRY(BoundTask task, Bind(spec, *shape));
    shapes.push_back({.shape = shape,
                      .scored = scored,
                      .number = scored ? static_cast<int>(shapes.size()) : 0,
                      .task = std::move(task)});
    return {};
  };
  for (const Shape* shape : spec.Scored(Target::kCuda)) KOPT_CHECK(add(shape, true));
  if (shapes.empty()) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = "no [[shape]] is scored on the cuda target",
                                 .file = spec.file,
                                 .key = "shape",
                                 .hint = "add a [[shape]] without `target`, or with target = \"cuda\""});
  }
  for (const Shape* shape : spec.Checks(Target::kCuda)) KOPT_CHECK(add(shape, false));
  KOPT_CHECK(CheckMemory(context, shapes));
  // After the vector has its final size: sets refer to their tasks.
  for (size_t i = 0; i < shapes.size(); ++i) {
    const SetSeeds seeds{.sets = Mix(seed, i), .static_inputs = static_seed};
    shapes[i].sets = std::make_unique<CudaSets>(*context.oracle, shapes[i].task, shapes[i].scored, seeds,
                                                context.crowded ? 0 : kMostFreshBytes);
  }
  return shapes;
}

std::vector<const Shape*> ShapesOf(const CudaShapes& shapes) {
  std::vector<const Shape*> all;
  for (const CudaShape& shape : shapes) all.push_back(shape.shape);
  return all;
}

Scale ScaleOf(CudaContext& context, const CudaShapes& shapes) {
  Scale scale{.spec = &context.spec,
              .peaks = context.options.peaks,
              .cache_bytes = context.device.l2_bytes,
              .clock_jitter = kEventJitter};
  scale.measure_again = [&context]() -> Result<Peaks> {
    if (context.calibrated) return context.options.peaks;
    context.calibrated = true;
    KOPT_TRY(const Peaks again, CalibrateCuda(context.options));
    Peaks& best = context.options.peaks;
    best.read_bytes = std::max(best.read_bytes, again.read_bytes);
    best.write_bytes = std::max(best.write_bytes, again.write_bytes);
    best.copy_bytes = std::max(best.copy_bytes, again.copy_bytes);
    return best;
  };
  for (const CudaShape& shape : shapes) {
    if (shape.scored) scale.scored.push_back(&shape.task);
  }
  return scale;
}

}  // namespace kopt

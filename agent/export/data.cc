// The examples of an exported project: which shapes, and their files.
#include <fmt/format.h>

#include <algorithm>

#include "agent/export/parts.h"
#include "task/npy.h"

namespace kopt {
namespace {

constexpr double kMostBytes = 16 << 20;  // of all examples

// Of the files of one example: inputs, and for every element of an output a value and a limit.
double FileBytes(const Spec& spec, const Shape& shape) {
  const auto task = Bind(spec, shape);
  if (!task) return 2 * kMostBytes;
  double bytes = 0;
  for (const BoundTensor& bound : task->tensors) {
    if (bound.tensor->IsRead()) bytes += static_cast<double>(bound.bytes);
    if (bound.tensor->IsWritten()) bytes += 16 * static_cast<double>(bound.elements);
  }
  return bytes;
}

template <class T>
std::string Numbers(std::string_view type, const BoundTensor& bound, const std::vector<T>& values) {
  return NpyFile(type, bound.shape, std::as_bytes(std::span(values)));
}

// Storage with gaps has no shape of its own.
std::string InputFile(const BoundTensor& bound, const std::vector<std::byte>& storage) {
  const std::vector<long long> flat = {bound.span};
  const bool dense = bound.tensor->strides.empty();
  return NpyFile(NpyType(bound.tensor->dtype), dense ? bound.shape : flat, storage);
}

}  // namespace

std::vector<const Shape*> ExampleShapes(const Package& package) {
  std::vector<std::pair<double, const Shape*>> sized;
  const bool has_checks = std::ranges::any_of(package.shapes, [](const PackageShape& s) { return !s.scored; });
  for (const PackageShape& shape : package.shapes)
    if (!(has_checks && shape.scored)) sized.emplace_back(FileBytes(package.spec(), *shape.shape), shape.shape);
  std::ranges::stable_sort(sized, {}, &std::pair<double, const Shape*>::first);
  if (!has_checks) sized.resize(1);
  std::vector<const Shape*> chosen;
  double bytes = 0;
  for (const auto& [size, shape] : sized) {
    bytes += size;
    if (bytes <= kMostBytes) chosen.push_back(shape);
  }
  return chosen;
}

std::vector<ExportFile> DataFiles(const Package& package) {
  std::vector<ExportFile> files;
  for (size_t number = 0; number < package.examples.size(); ++number) {
    const PackageExample& example = package.examples[number];
    const auto add = [&](const std::string& file, std::string content) {
      files.push_back({fmt::format("tests/data/{}/{}.npy", number, file), std::move(content)});
    };
    for (size_t i = 0; i < example.task.tensors.size(); ++i) {
      const BoundTensor& bound = example.task.tensors[i];
      const Tensor& tensor = *bound.tensor;
      if (tensor.IsRead()) add(tensor.name, InputFile(bound, example.example.inputs[i]));
      const Expected& expected = example.example.outputs[i];
      if (expected.limit.empty()) continue;
      add(tensor.name + ".value", IsFloating(tensor.dtype)
                                      ? Numbers("<f8", bound, expected.value)
                                      : Numbers(tensor.dtype == DType::kU64 ? "<u8" : "<i8", bound, expected.integer));
      add(tensor.name + ".limit", Numbers("<f8", bound, expected.limit));
    }
  }
  return files;
}

}  // namespace kopt

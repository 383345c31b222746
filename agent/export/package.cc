// What a package is made from: shapes, kernels, names.
#include <algorithm>
#include <map>
#include <set>

#include "agent/export/parts.h"

namespace kopt {
namespace {

// `wanted`, with underscores behind it where a name of the spec would hide it.
template <class Taken>
std::string FreeName(std::string wanted, const Taken& taken) {
  while (taken.contains(wanted)) wanted += '_';
  return wanted;
}

// Scored shapes first; a check shape with the dims of one before it adds nothing.
std::vector<PackageShape> JudgedShapes(const Spec& spec) {
  std::vector<PackageShape> shapes;
  const auto add = [&](const Shape* shape, bool scored) {
    const auto same = [&](const PackageShape& known) { return known.shape->dims == shape->dims; };
    if (std::ranges::none_of(shapes, same)) shapes.push_back({.shape = shape, .scored = scored});
  };
  for (const Shape* shape : spec.Scored(Target::kCpu)) add(shape, true);
  for (const Shape* shape : spec.Checks(Target::kCpu)) add(shape, false);
  return shapes;
}

}  // namespace

size_t Package::TensorNumber(std::string_view tensor) const {
  const auto found = std::ranges::find(tensors, tensor, &Tensor::name);
  return static_cast<size_t>(found - tensors.begin());
}

size_t Package::ScratchNumber(std::string_view scratch) const {
  const auto& all = candidate().scratch;
  return static_cast<size_t>(std::ranges::find(all, scratch, &Scratch::name) - all.begin());
}

Package MakePackage(const StoredRun& run, const Judged& winner, const Device& device, std::string version) {
  const Spec& spec = run.spec;
  Package package{.run = run, .winner = winner, .name = PackageName(spec.name), .version = std::move(version)};
  std::set<std::string> given;
  for (const Tensor& tensor : spec.tensors) {
    if (tensor.role == Tensor::Role::kTemp) continue;
    package.tensors.push_back(&tensor);
    given.insert(tensor.name);
  }
  for (const Scalar& scalar : spec.scalars) given.insert(scalar.name);
  package.dims_type = FreeName("Dims", std::set<std::string>(spec.dims.begin(), spec.dims.end()));
  package.dims = FreeName("dims", given);
  package.options = FreeName("options", given);
  package.threads = device.values.at("THREADS");
  package.names_threads = package.candidate().source.find("THREADS") != std::string::npos;
  package.shapes = JudgedShapes(spec);
  std::map<Values, size_t> kernels;  // by constant dims
  for (PackageShape& shape : package.shapes) {
    Values constant = shape.shape->dims;
    std::erase_if(constant, [&](const auto& dim) { return spec.IsDynamic(dim.first); });
    const auto [kernel, added] = kernels.try_emplace(std::move(constant), package.kernels.size());
    if (added) package.kernels.push_back(shape.shape);
    shape.kernel = kernel->second;
  }
  return package;
}

}  // namespace kopt

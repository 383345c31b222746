// What a package is made from: shapes, kernels, names.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "agent/export/parts.h"
#include "task/cpp_tokens.h"

namespace kopt {
namespace {

// `wanted`, with underscores behind it where a name of the spec would hide it.
template <class Taken>
std::string FreeName(std::string wanted, const Taken& taken) {
  while (taken.contains(wanted)) wanted += '_';
  return wanted;
}

// Scored shapes first; a check shape with the dims of one before it adds nothing.
std::vector<PackageShape> JudgedShapes(const Spec& spec, Target target) {
  std::vector<PackageShape> shapes;
  const auto add = [&](const Shape* shape, bool scored) {
    const auto same = [&](const PackageShape& known) { return known.shape->dims == shape->dims; };
    if (std::ranges::none_of(shapes, same)) shapes.push_back({.shape = shape, .scored = scored});
  };
  for (const Shape* shape : spec.Scored(target)) add(shape, true);
  for (const Shape* shape : spec.Checks(target)) add(shape, false);
  return shapes;
}

bool IsSmallFloat(DType dtype) { return dtype == DType::kBF16 || dtype == DType::kE4M3 || dtype == DType::kE5M2; }

}  // namespace

size_t Package::TensorNumber(std::string_view tensor) const {
  const auto found = std::ranges::find(tensors, tensor, &Tensor::name);
  return static_cast<size_t>(found - tensors.begin());
}

size_t Package::ScratchNumber(std::string_view scratch) const {
  const auto& all = candidate().scratch;
  return static_cast<size_t>(std::ranges::find(all, scratch, &Scratch::name) - all.begin());
}

std::string_view Package::Type(DType dtype) const {
  static constexpr std::string_view kTypes[] = {"double",        "float",        "_Float16",      "std::uint16_t",
                                                "std::uint8_t",  "std::uint8_t", "std::int64_t",  "std::int32_t",
                                                "std::int16_t",  "std::int8_t",  "std::uint64_t", "std::uint32_t",
                                                "std::uint16_t", "std::uint8_t", "bool"};
  return IsCuda() && dtype == DType::kF16 ? "std::uint16_t" : kTypes[static_cast<size_t>(dtype)];
}

std::string_view Package::ScalarType(DType dtype) const {
  return IsSmallFloat(dtype) || (IsCuda() && dtype == DType::kF16) ? "float" : Type(dtype);
}

int Package::Capability() const { return std::atoi(code.architecture.c_str() + code.architecture.find('_') + 1); }

bool Package::Names(std::string_view constant) const {
  return std::ranges::any_of(Tokenise(candidate().source), [&](const CppToken& token) { return token.Is(constant); });
}

bool Package::NeedsSmallFloats() const { return std::ranges::any_of(spec().scalars, IsSmallFloat, &Scalar::dtype); }

Package MakePackage(const StoredRun& run, const Judged& winner, const Device& device, std::string version) {
  const Spec& spec = run.spec;
  Package package{
      .run = run, .winner = winner, .device = device, .name = PackageName(spec.name), .version = std::move(version)};
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
  if (!package.IsCuda()) {
    package.threads = device.values.at("THREADS");
    package.names_threads = package.candidate().source.find("THREADS") != std::string::npos;
  }
  package.shapes = JudgedShapes(spec, run.target);
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

// What the texts of an exported project are made from, and one function for each text. Private to agent/export*.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/export/export.h"
#include "agent/export/expr.h"

namespace kopt {

// A shape that was judged.
struct PackageShape {
  const Shape* shape = nullptr;
  bool scored = false;
  size_t kernel = 0;
};

// Input set and right answers at one of them.
struct PackageExample {
  const Shape* shape = nullptr;
  BoundTask task;
  Example example;
};

struct Package {
  const StoredRun& run;
  const Judged& winner;
  const Device& device;
  std::string name;                      // PackageName
  std::string version;                   // kopt's
  std::string dims_type;                 // of the struct of dims: "Dims" unless a dim has that name
  std::string dims, options;             // parameters of Run: names that no tensor or scalar has
  long long threads = 0;                 // on cpu: THREADS
  bool names_threads = false;            // on cpu: the candidate is compiled for that number
  DeviceCode code;                       // on cuda: a binary for each of `kernels`
  std::vector<const Tensor*> tensors;    // all but temps
  std::vector<PackageShape> shapes;      // scored ones first, each once
  std::vector<const Shape*> kernels;     // the first shape of each combination of constant dims
  std::vector<PackageExample> examples;  // the smallest shape first

  const Spec& spec() const { return run.spec; }
  const Candidate& candidate() const { return CandidateOf(run, winner); }
  bool IsCuda() const { return run.target == Target::kCuda; }
  size_t TensorNumber(std::string_view tensor) const;  // in `tensors`
  size_t ScratchNumber(std::string_view scratch) const;
  // In src/.
  std::string KernelFile() const { return IsCuda() ? "kernel.cu" : "kernel.inl"; }

  // The type of elements in the public header, and of a scalar: "std::int32_t". Types that compilers of the target's
  // callers do not have are their bits, as scalars float.
  std::string_view Type(DType dtype) const;
  std::string_view ScalarType(DType dtype) const;

  // Of the cuda target. 90: compute capability 9.0.
  int Capability() const;
  // Whether the code that runs on the device has this constant in it: SMS, SMEM_BLOCK.
  bool Names(std::string_view constant) const;
  // Whether a scalar is of a floating type that C++ does not have.
  bool NeedsSmallFloats() const;
};

// Without examples and code.
Package MakePackage(const StoredRun& run, const Judged& winner, const Device& device, std::string version);

// ---- texts ----

std::string HeaderText(const Package& package);
std::string CpuRunText(const Package& package);
std::string CudaRunText(const Package& package);
// src/kernel_N.cpp, .cu: the candidate compiled for the constant dims of kernel N.
Result<std::string> KernelText(const Package& package, size_t kernel);
std::string TestText(const Package& package);
// Empty if no example can be called: inputs by the spec's own code, and no example data.
std::string ExampleText(const Package& package);
std::string ReadmeText(const Package& package);
std::string CMakeText(const Package& package);
// tests/data: a folder for each example.
std::vector<ExportFile> DataFiles(const Package& package);
// The judged shapes to draw examples at, the smallest first: check shapes, or the smallest scored one; 16 MiB in all.
std::vector<const Shape*> ExampleShapes(const Package& package);

// ---- words ----

// @KEY@ replaced by its value.
std::string Filled(std::string_view text, const std::vector<std::pair<std::string, std::string>>& values);
// Words as lines of at most 118 characters: `first`, then `prefix` in front of them. Anything is fit to be a comment.
std::string Wrapped(std::string_view first, std::string_view prefix, std::string_view words);
// The same with `prefix` and a blank in front of each line.
std::string Commented(std::string_view prefix, std::string_view words);
// "1, 2": the values of the dims, in order.
std::string DimValues(const Spec& spec, const Shape& shape);
// "head" "a, b, c" "tail", broken after commas into lines of at most 118 characters.
std::string Lines(const std::string& head, const std::vector<std::string>& parts, const std::string& tail);
// The parameters of Run; `declared`: with the default of the options.
std::vector<std::string> Parameters(const Package& package, bool declared);
// A scalar's value as C++: "0x1.8p+0f".
std::string ScalarText(const Scalar& scalar, uint64_t bits);
// "speedup 1.83x [1.79, 1.88] ..." in sentences: against what, where, when.
std::string MeasuredText(const Package& package);

}  // namespace kopt

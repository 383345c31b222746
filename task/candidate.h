// The candidate: one source file and its plan, the `//@` lines. docs/candidate.md is the users' reference.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "task/expr.h"
#include "task/spec.h"

namespace kopt {

struct Tunable {
  std::string name;
  std::vector<long long> values;  // the first is the default
  int line = 0;
};

struct Arg {
  enum class Kind { kTensor, kScratch, kTensorMap, kScalar, kInt, kInt64 };
  Kind kind = Kind::kInt;
  std::string name;          // tensor, scratch, tensormap, scalar
  std::optional<Expr> expr;  // kInt, kInt64
  int column = 0;
};

struct Scratch {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<Expr> shape;
  int line = 0;
};

struct TensorMap {
  std::string name, tensor;
  std::vector<Expr> dims, box, strides, step;  // outermost first
  int swizzle = 0;                             // bytes: 0, 32, 64, 128
  int l2 = 0;                                  // promotion, bytes: 0, 64, 128, 256
  std::string fill, type;                      // as written; empty: default
  int line = 0;
};

// One line that does something, in file order.
struct PlanLine {
  enum class Kind { kLaunch, kCall, kZero, kLibrary };
  Kind kind = Kind::kCall;
  std::string function;  // launch, call; kZero: the scratch or output; kLibrary: its name
  std::vector<Expr> grid, block, cluster;
  std::optional<Expr> smem, when;
  bool cooperative = false, pdl = false;
  std::string loop_name;  // for p in a..b (b excluded); empty: none
  std::optional<Expr> loop_begin, loop_end;
  std::vector<Arg> args;
  int line = 0;
};

struct Candidate {
  std::string file;  // for messages
  std::string source;
  Target target = Target::kCpu;
  std::vector<Tunable> tunables;
  struct Where {
    Expr condition;
    int line = 0;
  };
  std::vector<Where> where;
  std::vector<Scratch> scratch;
  std::vector<TensorMap> tensormaps;
  std::vector<PlanLine> plan;

  const Scratch* FindScratch(std::string_view name) const;  // null: none of that name
  // A vendor's library in place of code of its own: only a baseline may be one. Empty: none.
  std::string Library() const;
};

// Parses the plan and checks every name in it against the spec. Errors have file, line and column; on the cpu target a
// cuda-only line or clause is refused with the reason (and the reverse). Of the source itself only `#line` and its like
// are refused here; task/screen.h has the rest.
Result<Candidate> ParseCandidate(const Spec& spec, Target target, std::string source, std::string file);

// A candidate's tunables bound: its place in the search space.
using Configuration = Values;
Configuration DefaultConfiguration(const Candidate& candidate);
// An error, with the tunable's line, if the configuration leaves one without a value.
Result<void> CheckBindsTunables(const Candidate& candidate, const Configuration& configuration);
// "BM=64 STAGES=2", or "-" without tunables.
std::string Text(const Configuration& configuration);
// True if every `where` holds at every shape given. Evaluation errors (a zero divisor) count as "does not hold".
Result<bool> Admissible(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                        const std::vector<const Shape*>& shapes, const Values& device);
// Number of points of the space before `where`; saturates at the largest long long.
long long SpaceSize(const Candidate& candidate);
// Point `index` of the space, 0 <= index < SpaceSize; the last tunable varies fastest, index 0 is the default.
Configuration SpacePoint(const Candidate& candidate, long long index);

// The plan for one shape and configuration.
struct BoundArg {
  Arg::Kind kind = Arg::Kind::kInt;
  std::string name;     // tensor, scratch, tensormap, scalar
  long long value = 0;  // kInt, kInt64
};
struct BoundScratch {
  std::string name;
  DType dtype = DType::kF32;
  size_t bytes = 0;
};
struct BoundStep {
  PlanLine::Kind kind = PlanLine::Kind::kCall;
  std::string function;  // kZero: the tensor or scratch
  int stub = -1;         // kCall: index into CpuSource::stubs' numbering, one per distinct call line
  std::vector<BoundArg> args;
  int line = 0;
};
struct BoundPlan {
  std::vector<BoundScratch> scratch;
  std::vector<BoundStep> steps;  // at most 65536
};
// For the cpu target. `device` binds THREADS. Errors (a value that does not fit `int`, scratch above the spec's limit,
// too many steps, a `where` that does not hold) have file and line.
Result<BoundPlan> BindCpu(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                          const Shape& shape, const Values& device);

// What a device can take. The defaults are those of compute capability 9.0.
struct CudaLimits {
  long long multiprocessors = 132;                             // of the whole device
  long long block_threads = 1024;                              // of one block, its extents multiplied
  std::array<long long, 3> block = {1024, 1024, 64};           // extents x, y, z, in threads
  std::array<long long, 3> grid = {2147483647, 65535, 65535};  // extents x, y, z, in blocks
  long long shared_memory = 232448;                            // bytes of one block whose kernel asks for the most
  long long cluster_blocks = 16;                               // of one cluster
};
// SMS and SMEM_BLOCK.
Values DeviceValues(const CudaLimits& limits);

// Clusters of more blocks run only if the kernel's attribute for sizes that are not portable is set.
inline constexpr long long kPortableClusterBlocks = 8;

// How many blocks of a kernel with so many threads and bytes of dynamic shared memory a multiprocessor can hold.
using Occupancy = std::function<Result<long long>(const std::string& kernel, long long threads, long long smem)>;

// The driver's data types of tensor maps, in its order.
enum class TensorMapType { kU8, kU16, kU32, kI32, kU64, kI64, kF16, kF32, kF64, kBF16, kF32Ftz, kTF32, kTF32Ftz };

// What the driver encodes, innermost dim first. Its rules hold; not checked: that the address is a multiple of 16.
struct BoundTensorMap {
  std::string name, tensor;  // tensor: a tensor or scratch
  TensorMapType type = TensorMapType::kU8;
  std::vector<uint64_t> dims;       // elements
  std::vector<uint64_t> strides;    // bytes, of the second dim and on: one fewer than dims
  std::vector<uint32_t> box, step;  // elements
  int swizzle = 0;                  // bytes: 0, 32, 64, 128
  int l2 = 0;                       // promotion, bytes: 0, 64, 128, 256
  bool nan_fill = false;            // outside is NaN, else zero
  int line = 0;
};

struct BoundLaunch {
  std::array<uint32_t, 3> grid = {1, 1, 1}, block = {1, 1, 1};  // x, y, z, each at least 1
  std::array<uint32_t, 3> cluster = {0, 0, 0};                  // blocks; 0, 0, 0: no cluster
  uint32_t smem = 0;                                            // bytes of dynamic shared memory
  bool cooperative = false, pdl = false;
};
struct BoundCudaStep {
  PlanLine::Kind kind = PlanLine::Kind::kLaunch;  // or kZero, kLibrary
  std::string function;                           // kZero: the tensor or scratch; kLibrary: its name
  BoundLaunch launch;                             // kLaunch
  std::vector<BoundArg> args;
  int line = 0;
};
struct BoundCudaPlan {
  std::vector<BoundScratch> scratch;
  std::vector<BoundTensorMap> tensormaps;  // those that a step uses, in file order
  std::vector<BoundCudaStep> steps;        // at most 65536
};
// For the cuda target. `device` binds SMS and SMEM_BLOCK. Without an `occupancy`, a plan that asks for one is an error,
// and whether a cooperative grid fits the device is not checked. Errors beside those of BindCpu: what `limits` or the
// driver's rules for tensor maps do not allow, `pdl` on the first launch that runs; all have file and line.
Result<BoundCudaPlan> BindCuda(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                               const Shape& shape, const Values& device, const CudaLimits& limits,
                               const Occupancy& occupancy = nullptr);

// What the compiler gets for the cpu target after kCpuPrefix: generated header, declarations of every called function,
// the candidate (with #line, so that messages name `candidate.cpp` and its own lines), then nothing more; and, as a
// second translation unit without any include, the stubs through which the worker calls:
//   extern "C" void kopt_entry(int stub, void* const* args);
// where args[i] is the data pointer of a tensor or scratch, or a pointer to the scalar's or integer's storage.
struct CpuSource {
  std::string candidate;
  std::string stubs;
};
// Constant dims come from `shape`; shapes that differ only in dynamic dims give the same text.
Result<CpuSource> GenerateCpuSource(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                    const Shape& shape, const Values& device);

// The candidate's text with each `tune` line reduced to the configuration's value: what a result folder ships.
std::string SourceWithBoundTunables(const Candidate& candidate, const Configuration& configuration);

// The candidate's text with the configuration's values in front of each `tune` line: the same space, begun there.
std::string SourceWithDefaults(const Candidate& candidate, const Configuration& configuration);

// Source text without comments, `//@` lines kept, white space folded: equal for candidates that differ in layout only.
std::string NormalisedCode(std::string_view source);

}  // namespace kopt

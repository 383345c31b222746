// The oracle of a task as one C++ translation unit: the spec's references, input codes and accept predicates.
// It is compiled and run like a candidate, in a sandbox, in a process that no candidate code enters.
//
// The text holds the runtime (verifier/oracle/oracle_loops.h, real.h and oracle_runtime.h, embedded), one accessor per
// tensor and one function per piece of the spec, with #line so that the compiler's messages name the spec file and its
// own lines. It exports
//   extern "C" void kopt_entry(int function, void* const* args);
// or, from the same text on other loops, a CUDA kernel for each function (verifier/cuda/oracle_text.h). Functions are
// numbered as below. All extents come as arguments (`dims`), so one object serves every shape.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "task/spec.h"

namespace kopt {

// The args of every oracle function, in this order; N = number of spec tensors, in Spec::tensors order:
//   0: const long long* dims     values of Spec::dims in order
//   1: const uint64_t* scalars   8 bytes a scalar (ScalarBits), in Spec::scalars order
//   2: OracleControl* control
//   3 + 5 t + 0: const void* data  inputs and inouts: the input storage in its dtype; else null
//   3 + 5 t + 1: double* value     outputs, inouts, temps: logical elements (integer outputs: long long*); inputs: null
//   3 + 5 t + 2: double* variance  outputs, inouts, temps; -1 where not written; null for inputs and integer outputs
//   3 + 5 t + 3: uint32_t* owner   outputs, inouts, temps: 0: not written; 1 + tuple number (modulo 2^32 - 3) of the
//   `=`
//                                  that wrote it in the last reference; 0xffffffff: by `+=`; 0xfffffffe: by an earlier
//                                  reference, or an inout's element that still is its input's (full run)
//   3 + 5 t + 4: const void* got   outputs and inouts: the candidate's storage, for accept; else null
//   3 + 5 N: const long long* tuples  linear tuple numbers, row-major over `over`; null: all tuples
// kOracleBegin prepares value, variance and owner of every output, inout and temp; the caller runs it first, with
// tuple_count as for the references. An inout's value is a copy of its input; in a full run that counts as written.
// Then owner == 0 says, for every type, that an element was not computed (floating: variance is -1 as well). After a
// full run that is a fault of the spec; after a sampled one such elements are not compared.
// In a reference each element may be assigned by one tuple only; a later reference may assign it again.
// An index out of range ends nothing: the first one is recorded and element 0 is taken. In accept it rejects the tuple,
// since it may come from the candidate's output, and error_tensor, error_index stay unset.
// The caller has evaluated every expression at the shape before (Bind, TupleCount): here they are not guarded.
struct OracleControl {
  long long tuple_count = 0;    // 0: all tuples; else the number of entries in `tuples`
  long long error_tensor = -1;  // set on error: tensor number
  long long error_index = -1;   // logical element
  long long error_kind =
      0;  // 1: two tuples wrote one element with `=`; 2: index out of range (error_index: the linear offset)
  long long rejected = 0;  // accept: number of tuples that answered false
  long long first_rejected = -1;
};

// Function numbers: 0 kOracleBegin; 1 + i: reference i; 1 + R + j: j-th input with `code`; then one accept each.
inline constexpr int kOracleBegin = 0;
struct OracleFunctions {
  int references = 0;               // R
  std::vector<int> code_tensors;    // tensor numbers of inputs with code
  std::vector<int> accept_tensors;  // tensor numbers of outputs with accept
  int Reference(int i) const { return 1 + i; }
  int Code(int j) const { return 1 + references + j; }
  int Accept(int k) const { return 1 + references + static_cast<int>(code_tensors.size()) + k; }
};
OracleFunctions FunctionsOf(const Spec& spec);

// Errors: code that leaves the function around it, with file, line and column. The rest the compiler finds.
Result<std::string> GenerateOracleSource(const Spec& spec);

// The same as kernels, on `foundation`: the text of the standard library's stand-in and of the device's loops. Each is
//   extern "C" __global__ void OracleKernel(function)(void* const* args);
// `prepares`: the kernel that runs before that of a reference other than the first.
Result<std::string> GenerateOracleKernels(const Spec& spec, std::string_view foundation);
std::string OracleKernel(int function, bool prepares = false);

// How the text is compiled; the value arithmetic stays strict IEEE. Add -shared and the output.
const std::vector<std::string>& OracleFlags();

// Number of index tuples of a reference or accept at a shape; 0 is possible.
Result<long long> TupleCount(const Spec& spec, const std::vector<Over>& over, const Shape& shape);
// True if a sampled run is possible: one reference, that only assigns to elements of outputs (no `+=`, no reading
// back: another tuple may not have run) and of inouts and temps.
bool CanSample(const Spec& spec);

}  // namespace kopt

// The CUDA texts of the process that knows the truth: the task's references, and what judges outputs. NVRTC compiles
// both with OracleCompileOptions. Kernels see device memory only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "verifier/cuda/output_kernels.h"
#include "verifier/oracle/oracle_source.h"

namespace kopt {

// Every kernel of these texts is launched with at most so many threads in a block of one dimension; how many blocks is
// free, except where verifier/cuda/output_kernels.h says otherwise.
inline constexpr int kOracleBlock = 256;

// Without an architecture and without include folders: the texts include nothing. Values stay strict IEEE.
const std::vector<std::string>& OracleCompileOptions();

// The references, input codes and accept predicates of a spec. Errors: as GenerateOracleSource. Each kernel is
//   extern "C" __global__ void NAME(void* const* args);
// where `args` is an array in device memory, as verifier/oracle/oracle_source.h describes it, of pointers into device
// memory. Numbers are those of OracleFunctions; consecutive threads work on consecutive index tuples.
Result<std::string> GenerateCudaOracle(const Spec& spec);

// The kernels that make an answer, in the order in which they are launched: kopt_oracle_0 clears what the references
// write, and before each reference but the first kopt_oracle_begin_N marks what stands as written earlier.
std::vector<std::string> SolveKernels(const Spec& spec);
// The kernels of inputs with `code`, in file order; one block of one thread is enough for each.
std::vector<std::string> CodeKernels(const Spec& spec);
// The kernel of an accept predicate, by its number k in OracleFunctions::accept_tensors. Before each launch the control
// has rejected = 0 and first_rejected = -1; the kernel adds to the one and lowers the other.
std::string AcceptKernel(const Spec& spec, int k);

// The kernels of verifier/cuda/output_kernels.h: one text for every task. And what their host side needs.
std::string OutputKernelsText();
StorageLayout LayoutOf(const BoundTensor& tensor);

}  // namespace kopt

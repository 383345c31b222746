// A task as a vendor's library sees it: what `[baseline] library` runs in place of a candidate's kernels. Nothing of
// the references is looked at: the library's answers are compared like a candidate's, and a task that only looks like
// one of these is refused there.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "task/spec.h"

namespace kopt {

struct Candidate;

// "cublaslt": matrix products; "cudnn": attention without mask and bias.
const std::vector<std::string>& LibraryNames();

// c[M, N] = a[M, K] b[K, N] for each of `batch` matrices, row-major as stored.
struct MatmulProblem {
  struct Operand {
    std::string tensor;
    bool transposed = false;  // stored as [K, M], or [N, K]
    long long lead = 0;       // elements from row to row as stored
    long long next = 0;       // elements from one matrix of the batch to the next; 0: the same for all
    int align = 1;            // bytes that its address is a multiple of
  };
  long long batch = 1, m = 0, n = 0, k = 0;
  Operand a, b, c;
};

// o[B, H, S, E] = softmax(scale q[B, H, S, D] k[B, H, T, D]^T) v[B, H, T, E] over the keys T.
struct AttentionProblem {
  struct Operand {
    std::string tensor;
    std::array<long long, 4> shape{}, strides{};  // elements
  };
  Operand q, k, v, o;
  std::optional<std::string> scale;  // a scalar; nothing: 1
};

inline constexpr int kCudnnAlign = 16;  // bytes that addresses of attention's tensors are multiples of, for cuDNN

// An error (exit 2) where a library stands in for a candidate: nothing of it could be changed.
Result<void> MustHaveKernels(const Candidate& candidate);

// The source of a baseline that is a library.
std::string LibraryPlan(std::string_view library);

using LibraryProblem = std::variant<MatmulProblem, AttentionProblem>;

// Errors (exit 2): the tensors are not those of what the library computes, or the task allows candidates a precision
// that the library is not asked for; the message says what is expected.
Result<LibraryProblem> LibraryProblemOf(std::string_view library, const BoundTask& task);

}  // namespace kopt

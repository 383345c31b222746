#include "task/library_problem.h"

#include <algorithm>

#include "task/candidate.h"

namespace kopt {
namespace {

constexpr const char* kMatmulHint =
    "it computes c[..., M, N] from the inputs [..., M, K] and [..., K, N], each stored as it is or transposed, of one "
    "floating type, with three dims of different names";
constexpr const char* kAttentionHint =
    "it computes attention without mask and bias: inputs q[B, H, S, D], k[B, H, T, D], v[B, H, T, E] in this order, an "
    "output [B, H, S, E], all f16 or all bf16, and at most one scalar, which multiplies the scores";

std::unexpected<Error> Refuse(std::string_view library, const std::string& why, const char* hint) {
  return UsageError(fmt::format("the task is none for {}: {}", library, why), hint);
}

// The tensors of a role, in the spec's order.
std::vector<const BoundTensor*> Of(const BoundTask& task, Tensor::Role role) {
  std::vector<const BoundTensor*> tensors;
  for (const BoundTensor& bound : task.tensors) {
    if (bound.tensor->role == role) tensors.push_back(&bound);
  }
  return tensors;
}

// Names of the last two extents, as the spec writes them.
std::array<std::string, 2> LastDims(const BoundTensor& bound) {
  const auto& shape = bound.tensor->shape;
  return {shape[shape.size() - 2].text(), shape.back().text()};
}

// The leading extents are those of the result `c` or missing, dense, so that one step leads from each matrix to the
// next.
std::optional<MatmulProblem::Operand> OperandOf(const BoundTensor& bound, bool transposed, const BoundTensor& c) {
  const size_t rank = bound.shape.size();
  if (bound.strides.back() != 1) return std::nullopt;
  MatmulProblem::Operand operand{.tensor = bound.tensor->name,
                                 .transposed = transposed,
                                 .lead = bound.strides[rank - 2],
                                 .align = bound.tensor->align};
  if (rank == 2) return operand;
  if (rank != c.shape.size() || !std::equal(c.shape.begin(), c.shape.end() - 2, bound.shape.begin())) {
    return std::nullopt;
  }
  operand.next = bound.strides[rank - 3];
  long long matrices = 1;
  for (size_t i = rank - 2; i-- > 0;) {
    if (bound.strides[i] != operand.next * matrices) return std::nullopt;
    matrices *= bound.shape[i];
  }
  return operand;
}

// What cublaslt_call.cc can ask for: the library must not be held to more than candidates are.
bool HasProductsOf(const Precision& precision, DType dtype) {
  if (dtype == DType::kF64) return precision.multiply == "f64" && precision.accumulate == "f64";
  if (precision.accumulate != "f32") return false;
  if (precision.multiply == "f32") return true;  // products of narrower types are exact
  if (dtype != DType::kF32) return precision.multiply == Name(dtype);
  return precision.multiply == "tf32" || precision.multiply == "bf16" || precision.multiply == "f16";
}

std::string PrecisionText(const Precision& precision) {
  return fmt::format("multiply = \"{}\" and accumulate = \"{}\"", precision.multiply, precision.accumulate);
}

Result<LibraryProblem> Matmul(const BoundTask& task) {
  const auto refuse = [](const std::string& why) { return Refuse("cublaslt", why, kMatmulHint); };
  const auto inputs = Of(task, Tensor::Role::kInput), outputs = Of(task, Tensor::Role::kOutput);
  if (inputs.size() != 2 || outputs.size() != 1 || !Of(task, Tensor::Role::kInout).empty() ||
      !task.spec->scalars.empty()) {
    return refuse("it has not two inputs and one output alone");
  }
  const BoundTensor& c = *outputs[0];
  for (const BoundTensor* bound : {inputs[0], inputs[1], &c}) {
    if (bound->shape.size() < 2) return refuse(fmt::format("`{}` is no matrix", bound->tensor->name));
    if (!IsFloating(bound->tensor->dtype)) return refuse(fmt::format("`{}` is not floating", bound->tensor->name));
  }
  const DType dtype = inputs[0]->tensor->dtype;
  if (inputs[1]->tensor->dtype != dtype) return refuse("its inputs have different types");
  if (!HasProductsOf(task.spec->precision, dtype)) {
    return refuse(fmt::format("kopt does not ask it for products of {} with {}", Name(dtype),
                              PrecisionText(task.spec->precision)));
  }
  const auto [m, n] = LastDims(c);
  const auto has = [](const BoundTensor& bound, const std::string& dim) {
    const auto dims = LastDims(bound);
    return dims[0] == dim || dims[1] == dim;
  };
  const bool swapped = !has(*inputs[0], m);
  const BoundTensor &a = *inputs[swapped ? 1 : 0], &b = *inputs[swapped ? 0 : 1];
  if (m == n || !has(a, m) || !has(b, n) || has(a, n) || has(b, m)) return refuse("its dims are not M, N and K");
  const bool a_transposed = LastDims(a)[1] == m, b_transposed = LastDims(b)[0] == n;
  const std::string k = LastDims(a)[a_transposed ? 0 : 1];
  if (LastDims(b)[b_transposed ? 1 : 0] != k) return refuse("its inputs share no dim to sum over");

  MatmulProblem problem{.m = c.shape[c.shape.size() - 2], .n = c.shape.back()};
  problem.k = a.shape[a.shape.size() - (a_transposed ? 2 : 1)];
  for (size_t i = 0; i + 2 < c.shape.size(); ++i) problem.batch *= c.shape[i];
  const auto first = OperandOf(a, a_transposed, c), second = OperandOf(b, b_transposed, c),
             result = OperandOf(c, false, c);
  if (!first || !second || !result) return refuse("its matrices do not lie in memory one after the other");
  problem.a = *first;
  problem.b = *second;
  problem.c = *result;
  return problem;
}

Result<LibraryProblem> Attention(const BoundTask& task) {
  const auto refuse = [](const std::string& why) { return Refuse("cudnn", why, kAttentionHint); };
  const auto inputs = Of(task, Tensor::Role::kInput), outputs = Of(task, Tensor::Role::kOutput);
  if (inputs.size() != 3 || outputs.size() != 1 || !Of(task, Tensor::Role::kInout).empty()) {
    return refuse("it has not three inputs and one output alone");
  }
  if (task.spec->scalars.size() > 1) return refuse("it has more than one scalar");
  std::array<AttentionProblem::Operand, 4> operands;
  const std::array<const BoundTensor*, 4> tensors = {inputs[0], inputs[1], inputs[2], outputs[0]};
  const DType dtype = tensors[0]->tensor->dtype;
  if (dtype != DType::kF16 && dtype != DType::kBF16) return refuse("its inputs are neither f16 nor bf16");
  const Precision& precision = task.spec->precision;
  if (precision.multiply != Name(dtype) || precision.accumulate != "f32") {
    return refuse(fmt::format("kopt does not ask it for {} with {}", Name(dtype), PrecisionText(precision)));
  }
  if (!task.spec->scalars.empty() && task.spec->scalars.front().dtype != DType::kF32) {
    return refuse(fmt::format("the scalar `{}` is not f32", task.spec->scalars.front().name));
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    const BoundTensor& bound = *tensors[i];
    if (bound.shape.size() != 4) return refuse(fmt::format("`{}` has not four dims", bound.tensor->name));
    if (bound.tensor->dtype != dtype) return refuse("its tensors have different types");
    if (bound.tensor->align < kCudnnAlign) {
      return refuse(fmt::format("`{}` need not begin at a multiple of {} bytes", bound.tensor->name, kCudnnAlign));
    }
    operands[i].tensor = bound.tensor->name;
    std::ranges::copy(bound.shape, operands[i].shape.begin());
    std::ranges::copy(bound.strides, operands[i].strides.begin());
  }
  const auto& [q, k, v, o] = operands;
  for (size_t i = 0; i < 2; ++i) {
    if (k.shape[i] != q.shape[i] || v.shape[i] != q.shape[i] || o.shape[i] != q.shape[i]) {
      return refuse("its tensors have different batches or heads");
    }
  }
  if (k.shape[3] != q.shape[3] || v.shape[2] != k.shape[2] || o.shape[2] != q.shape[2] || o.shape[3] != v.shape[3]) {
    return refuse("the extents of its tensors do not belong together");
  }
  AttentionProblem problem{.q = q, .k = k, .v = v, .o = o};
  if (!task.spec->scalars.empty()) problem.scale = task.spec->scalars.front().name;
  return problem;
}

}  // namespace

const std::vector<std::string>& LibraryNames() {
  static const std::vector<std::string> names = {"cublaslt", "cudnn"};
  return names;
}

Result<void> MustHaveKernels(const Candidate& candidate) {
  if (candidate.Library().empty()) return {};
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = "`library` is for baselines: a candidate has kernels of its own",
                               .file = candidate.file,
                               .hint = "name the library in the spec's [baseline]"});
}

std::string LibraryPlan(std::string_view library) { return fmt::format("//@ library {}\n", library); }

Result<LibraryProblem> LibraryProblemOf(std::string_view library, const BoundTask& task) {
  return library == "cublaslt" ? Matmul(task) : Attention(task);
}

}  // namespace kopt

// Matrix products by cuBLASLt.
#include "verifier/cuda/library_call.h"

#if __has_include(<cublasLt.h>)

#include <cublasLt.h>
#include <dlfcn.h>

#include <bit>
#include <map>

namespace kopt::worker {
namespace {

using nlohmann::json;

constexpr size_t kWorkspaceBytes = size_t{64} << 20;
constexpr int kProposals = 8;  // algorithms that are asked for

#define KOPT_CUBLASLT_FUNCTIONS(X)        \
  X(cublasLtCreate)                       \
  X(cublasLtDestroy)                      \
  X(cublasLtGetVersion)                   \
  X(cublasLtMatmul)                       \
  X(cublasLtMatmulAlgoGetHeuristic)       \
  X(cublasLtMatmulDescCreate)             \
  X(cublasLtMatmulDescDestroy)            \
  X(cublasLtMatmulDescSetAttribute)       \
  X(cublasLtMatmulPreferenceCreate)       \
  X(cublasLtMatmulPreferenceDestroy)      \
  X(cublasLtMatmulPreferenceSetAttribute) \
  X(cublasLtMatrixLayoutCreate)           \
  X(cublasLtMatrixLayoutDestroy)          \
  X(cublasLtMatrixLayoutSetAttribute)     \
  X(cublasLtGetStatusString)

struct CublasLt {
  explicit CublasLt(const json& folders) {
    void* handle = OpenLibrary(folders, {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"});
#define KOPT_FIND(function)                                                     \
  function = reinterpret_cast<decltype(&::function)>(dlsym(handle, #function)); \
  if (function == nullptr) throw LibraryError("cuBLASLt lacks " #function);
    KOPT_CUBLASLT_FUNCTIONS(KOPT_FIND)
#undef KOPT_FIND
  }
#define KOPT_DECLARE(function) decltype(&::function) function = nullptr;
  KOPT_CUBLASLT_FUNCTIONS(KOPT_DECLARE)
#undef KOPT_DECLARE

  void Check(cublasStatus_t status, const char* what) const {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    throw LibraryError(fmt::format("cuBLASLt fails at {}: {}", what, cublasLtGetStatusString(status)));
  }
};

cudaDataType_t TypeOf(const std::string& dtype) {
  static const std::map<std::string, cudaDataType_t> types = {{"f64", CUDA_R_64F},      {"f32", CUDA_R_32F},
                                                              {"f16", CUDA_R_16F},      {"bf16", CUDA_R_16BF},
                                                              {"e4m3", CUDA_R_8F_E4M3}, {"e5m2", CUDA_R_8F_E5M2}};
  const auto found = types.find(dtype);
  if (found == types.end()) throw LibraryError("cuBLASLt does not take the type " + dtype);
  return found->second;
}

// As fast as the task allows; task/library_problem.cc lets no other precision pass.
cublasComputeType_t ComputeOf(const std::string& dtype, const std::string& multiply) {
  if (dtype == "f64") return CUBLAS_COMPUTE_64F;
  if (dtype != "f32" || multiply == "f32") return CUBLAS_COMPUTE_32F;
  if (multiply == "tf32") return CUBLAS_COMPUTE_32F_FAST_TF32;
  return multiply == "bf16" ? CUBLAS_COMPUTE_32F_FAST_16BF : CUBLAS_COMPUTE_32F_FAST_16F;
}

class CublasLtCall final : public LibraryCall {
 public:
  CublasLtCall(const Device& device, const json& step)
      : device_(device),
        lt_(step.at("folders")),
        problem_(step.at("problem")),
        workspace_(Mapping::Create(device, kWorkspaceBytes)) {
    lt_.Check(lt_.cublasLtCreate(&handle_), "its start");
    const std::string dtype = problem_.at("a").at("dtype");
    const bool f64 = dtype == "f64";
    lt_.Check(lt_.cublasLtMatmulDescCreate(&product_, ComputeOf(dtype, problem_.at("multiply")),
                                           f64 ? CUDA_R_64F : CUDA_R_32F),
              "the product");
    // It stores by columns: c by rows is its transpose by columns, the product of b's and a's transposes.
    const json &a = problem_.at("a"), &b = problem_.at("b");
    const long long m = problem_.at("m"), n = problem_.at("n"), k = problem_.at("k");
    SetTransposed(CUBLASLT_MATMUL_DESC_TRANSA, b.at("transposed"));
    SetTransposed(CUBLASLT_MATMUL_DESC_TRANSB, a.at("transposed"));
    first_ = Layout(b, b.at("transposed") ? k : n, b.at("transposed") ? n : k);
    second_ = Layout(a, a.at("transposed") ? m : k, a.at("transposed") ? k : m);
    result_ = Layout(problem_.at("c"), n, m);
    one_ = f64 ? std::bit_cast<uint64_t>(1.0) : std::bit_cast<uint32_t>(1.0F);
    Propose();
  }
  ~CublasLtCall() override {
    for (cublasLtMatrixLayout_t layout : {first_, second_, result_}) lt_.cublasLtMatrixLayoutDestroy(layout);
    lt_.cublasLtMatmulDescDestroy(product_);
    lt_.cublasLtDestroy(handle_);
  }
  CublasLtCall(const CublasLtCall&) = delete;
  CublasLtCall& operator=(const CublasLtCall&) = delete;

  void Bind(const Operands& operands, int number) override {
    const auto at = [&](const char* name) { return operands.TensorAt(problem_.at(name).at("tensor")); };
    bound_[number] = {at("a"), at("b"), at("c")};
  }
  std::string version() const override { return VersionText("cuBLASLt", lt_.cublasLtGetVersion()); }
  size_t proposals() const override { return proposals_.size(); }
  void Choose(size_t proposal) override { chosen_ = proposal; }
  void Launch(int number) override { Multiply(number, proposals_.at(chosen_).algo); }
  void Forget() override { Overwrite(device_, workspace_); }

 private:
  struct Addresses {
    CUdeviceptr a = 0, b = 0, c = 0;
  };

  void SetTransposed(cublasLtMatmulDescAttributes_t which, bool transposed) {
    const int32_t value = transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    lt_.Check(lt_.cublasLtMatmulDescSetAttribute(product_, which, &value, sizeof(value)), "the product");
  }

  // A matrix of `rows` by `columns`, by columns.
  cublasLtMatrixLayout_t Layout(const json& operand, long long rows, long long columns) {
    cublasLtMatrixLayout_t layout = nullptr;
    lt_.Check(lt_.cublasLtMatrixLayoutCreate(&layout, TypeOf(operand.at("dtype")), static_cast<uint64_t>(rows),
                                             static_cast<uint64_t>(columns), operand.at("lead").get<int64_t>()),
              "a matrix");
    const int32_t batch = problem_.at("batch");
    const int64_t next = operand.at("next");
    lt_.Check(lt_.cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, sizeof(batch)),
              "a matrix");
    lt_.Check(
        lt_.cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &next, sizeof(next)),
        "a matrix");
    return layout;
  }

  void Propose() {
    cublasLtMatmulPreference_t preference = nullptr;
    lt_.Check(lt_.cublasLtMatmulPreferenceCreate(&preference), "its proposals");
    const uint64_t room = workspace_.bytes();
    lt_.Check(lt_.cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room,
                                                       sizeof(room)),
              "its proposals");
    const std::pair<cublasLtMatmulPreferenceAttributes_t, const char*> operands[] = {
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, "b"},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, "a"},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, "c"},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, "c"}};
    for (const auto& [attribute, name] : operands) {
      const uint32_t align = problem_.at(name).at("align");
      lt_.Check(lt_.cublasLtMatmulPreferenceSetAttribute(preference, attribute, &align, sizeof(align)),
                "its proposals");
    }
    proposals_.resize(kProposals);
    int count = 0;
    const cublasStatus_t status = lt_.cublasLtMatmulAlgoGetHeuristic(
        handle_, product_, first_, second_, result_, result_, preference, kProposals, proposals_.data(), &count);
    lt_.cublasLtMatmulPreferenceDestroy(preference);
    lt_.Check(status, "its proposals");
    proposals_.resize(static_cast<size_t>(count));
    if (proposals_.empty()) throw LibraryError("cuBLASLt has no kernel for this product");
  }

  void Multiply(int number, const cublasLtMatmulAlgo_t& algorithm) {
    const Addresses& at = bound_.at(number);
    const auto pointer = [](CUdeviceptr address) { return reinterpret_cast<void*>(address); };
    lt_.Check(
        lt_.cublasLtMatmul(handle_, product_, &one_, pointer(at.b), first_, pointer(at.a), second_, &zero_,
                           pointer(at.c), result_, pointer(at.c), result_, &algorithm, pointer(workspace_.address()),
                           workspace_.bytes(), reinterpret_cast<cudaStream_t>(device_.stream())),
        "a product");
  }

  const Device& device_;
  CublasLt lt_;
  json problem_;
  Mapping workspace_;
  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t first_ = nullptr, second_ = nullptr, result_ = nullptr;
  uint64_t one_ = 0, zero_ = 0;  // as f32 or f64
  std::vector<cublasLtMatmulHeuristicResult_t> proposals_;
  size_t chosen_ = 0;
  std::map<int, Addresses> bound_;
};

}  // namespace

std::unique_ptr<LibraryCall> NewCublasLtCall(const Device& device, const json& step) {
  return std::make_unique<CublasLtCall>(device, step);
}

}  // namespace kopt::worker

#else

namespace kopt::worker {

std::unique_ptr<LibraryCall> NewCublasLtCall(const Device& /*device*/, const nlohmann::json& /*step*/) {
  throw LibraryError("this kopt was built without cuBLASLt: build it where the CUDA toolkit's cublasLt.h is");
}

}  // namespace kopt::worker

#endif

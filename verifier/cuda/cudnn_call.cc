// Attention by cuDNN, as one operation of its graphs.
#include "verifier/cuda/library_call.h"

#if __has_include(<cudnn.h>)
#include <cudnn.h>
#endif

#if defined(CUDNN_VERSION) && CUDNN_VERSION >= 91300  // since then attention is one operation

#include <dlfcn.h>

#include <array>
#include <bit>
#include <map>
#include <vector>

#include "task/library_problem.h"

namespace kopt::worker {
namespace {

using nlohmann::json;

constexpr int64_t kAlign = kCudnnAlign;
constexpr int kProposals = 4;  // plans that are asked for

#define KOPT_CUDNN_FUNCTIONS(X)    \
  X(cudnnCreate)                   \
  X(cudnnDestroy)                  \
  X(cudnnGetVersion)               \
  X(cudnnSetStream)                \
  X(cudnnGetErrorString)           \
  X(cudnnBackendCreateDescriptor)  \
  X(cudnnBackendDestroyDescriptor) \
  X(cudnnBackendFinalize)          \
  X(cudnnBackendSetAttribute)      \
  X(cudnnBackendGetAttribute)      \
  X(cudnnBackendExecute)

struct Cudnn {
  explicit Cudnn(const json& folders) {
    void* handle = OpenLibrary(folders, {"libcudnn.so.9", "libcudnn.so"});
#define KOPT_FIND(function)                                                     \
  function = reinterpret_cast<decltype(&::function)>(dlsym(handle, #function)); \
  if (function == nullptr) throw LibraryError("cuDNN lacks " #function);
    KOPT_CUDNN_FUNCTIONS(KOPT_FIND)
#undef KOPT_FIND
  }
#define KOPT_DECLARE(function) decltype(&::function) function = nullptr;
  KOPT_CUDNN_FUNCTIONS(KOPT_DECLARE)
#undef KOPT_DECLARE

  void Check(cudnnStatus_t status, const char* what) const {
    if (status == CUDNN_STATUS_SUCCESS) return;
    throw LibraryError(fmt::format("cuDNN fails at {}: {}", what, cudnnGetErrorString(status)));
  }
};

// One of cuDNN's descriptors.
class Descriptor {
 public:
  Descriptor(const Cudnn& cudnn, cudnnBackendDescriptorType_t type, const char* what) : cudnn_(&cudnn), what_(what) {
    cudnn.Check(cudnn.cudnnBackendCreateDescriptor(type, &descriptor_), what);
  }
  Descriptor(Descriptor&& other) noexcept
      : cudnn_(other.cudnn_), what_(other.what_), descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (descriptor_ != nullptr) cudnn_->cudnnBackendDestroyDescriptor(descriptor_);
  }

  cudnnBackendDescriptor_t get() const { return descriptor_; }
  void Set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count, const void* values) {
    cudnn_->Check(cudnn_->cudnnBackendSetAttribute(descriptor_, name, type, count, values), what_);
  }
  void Set(cudnnBackendAttributeName_t name, const Descriptor& part) {
    Set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part.descriptor_);
  }
  void Finalise() { cudnn_->Check(TryToFinalise(), what_); }
  cudnnStatus_t TryToFinalise() { return cudnn_->cudnnBackendFinalize(descriptor_); }

 private:
  const Cudnn* cudnn_;
  const char* what_;
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

enum Id : int64_t { kQ = 1, kK, kV, kO, kScale };

class CudnnCall final : public LibraryCall {
 public:
  CudnnCall(const Device& device, const json& step)
      : device_(device), cudnn_(step.at("folders")), problem_(step.at("problem")) {
    cudnn_.Check(cudnn_.cudnnCreate(&handle_), "its start");
    cudnn_.Check(cudnn_.cudnnSetStream(handle_, reinterpret_cast<cudaStream_t>(device.stream())), "its stream");
    Propose();
  }
  ~CudnnCall() override {
    plans_.clear();
    cudnn_.cudnnDestroy(handle_);
  }
  CudnnCall(const CudnnCall&) = delete;
  CudnnCall& operator=(const CudnnCall&) = delete;

  void Bind(const Operands& operands, int number) override {
    Addresses& at = bound_[number];
    size_t i = 0;
    for (const char* name : {"q", "k", "v", "o"}) at.tensors[i++] = operands.TensorAt(problem_.at(name).at("tensor"));
    const json& scale = problem_.at("scale");
    const auto bits = static_cast<uint32_t>(scale.is_null() ? std::bit_cast<uint32_t>(1.0F) : operands.ScalarAt(scale));
    at.scale = std::bit_cast<float>(bits);
  }
  std::string version() const override { return VersionText("cuDNN", cudnn_.cudnnGetVersion()); }
  size_t proposals() const override { return plans_.size(); }
  void Choose(size_t proposal) override { chosen_ = proposal; }
  void Launch(int number) override { Execute(number, plans_.at(chosen_)); }
  void Forget() override { Overwrite(device_, workspace_); }

 private:
  struct Addresses {
    std::array<CUdeviceptr, 4> tensors{};
    float scale = 1;
  };
  Descriptor TensorOf(const char* name, Id id) const {
    const json& operand = problem_.at(name);
    const cudnnDataType_t type = operand.at("dtype") == "bf16" ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_HALF;
    return Tensor(type, operand.at("shape"), operand.at("strides"), id, false);
  }
  Descriptor Tensor(cudnnDataType_t type, const std::array<int64_t, 4>& shape, const std::array<int64_t, 4>& strides,
                    int64_t id, bool by_value) const {
    Descriptor tensor(cudnn_, CUDNN_BACKEND_TENSOR_DESCRIPTOR, "a tensor");
    tensor.Set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    tensor.Set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, shape.data());
    tensor.Set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides.data());
    tensor.Set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    tensor.Set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &kAlign);
    tensor.Set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &by_value);
    tensor.Finalise();
    return tensor;
  }

  void Propose() {
    const Descriptor q = TensorOf("q", kQ), k = TensorOf("k", kK), v = TensorOf("v", kV), o = TensorOf("o", kO);
    const Descriptor scale = Tensor(CUDNN_DATA_FLOAT, {1, 1, 1, 1}, {1, 1, 1, 1}, kScale, true);
    Descriptor attention(cudnn_, CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR, "the attention");
    attention.Set(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, q);
    attention.Set(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, k);
    attention.Set(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, v);
    attention.Set(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, o);
    attention.Set(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, scale);
    attention.Finalise();
    Descriptor graph(cudnn_, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "the graph");
    graph.Set(CUDNN_ATTR_OPERATIONGRAPH_OPS, attention);
    graph.Set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle_);
    graph.Finalise();
    Descriptor heuristic(cudnn_, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, "its proposals");
    const cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
    heuristic.Set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    heuristic.Set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    heuristic.Finalise();
    std::vector<Descriptor> configurations;
    std::vector<cudnnBackendDescriptor_t> room;
    for (int i = 0; i < kProposals; ++i) {
      configurations.emplace_back(cudnn_, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, "a proposal");
      room.push_back(configurations.back().get());
    }
    int64_t count = 0;
    cudnn_.Check(cudnn_.cudnnBackendGetAttribute(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, kProposals, &count, room.data()),
                 "its proposals");
    for (int64_t i = 0; i < count && i < kProposals; ++i) TakePlan(configurations[static_cast<size_t>(i)]);
    if (plans_.empty()) throw LibraryError("cuDNN has no kernel for this attention");
    workspace_ = Mapping::Create(device_, static_cast<size_t>(std::max<int64_t>(workspace_bytes_, 1)));
  }

  void TakePlan(const Descriptor& configuration) {
    Descriptor plan(cudnn_, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, "a plan");
    plan.Set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle_);
    plan.Set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
    if (plan.TryToFinalise() != CUDNN_STATUS_SUCCESS) return;  // not every proposal can be built
    int64_t bytes = 0;
    int64_t count = 0;
    cudnn_.Check(cudnn_.cudnnBackendGetAttribute(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64,
                                                 1, &count, &bytes),
                 "a plan");
    workspace_bytes_ = std::max(workspace_bytes_, bytes);
    plans_.push_back(std::move(plan));
  }

  void Execute(int number, const Descriptor& plan) {
    Addresses& at = bound_.at(number);
    std::array<void*, 5> pointers{};
    for (size_t i = 0; i < at.tensors.size(); ++i) pointers[i] = reinterpret_cast<void*>(at.tensors[i]);
    pointers[4] = &at.scale;
    const std::array<int64_t, 5> ids = {kQ, kK, kV, kO, kScale};
    void* workspace = reinterpret_cast<void*>(workspace_.address());
    Descriptor pack(cudnn_, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, "a call");
    pack.Set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers.size(), pointers.data());
    pack.Set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, ids.size(), ids.data());
    pack.Set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    pack.Finalise();
    cudnn_.Check(cudnn_.cudnnBackendExecute(handle_, plan.get(), pack.get()), "a call");
  }

  const Device& device_;
  Cudnn cudnn_;
  json problem_;
  cudnnHandle_t handle_ = nullptr;
  std::vector<Descriptor> plans_;
  int64_t workspace_bytes_ = 0;  // the most that one of them needs
  Mapping workspace_;
  size_t chosen_ = 0;
  std::map<int, Addresses> bound_;
};

}  // namespace

std::unique_ptr<LibraryCall> NewCudnnCall(const Device& device, const json& step) {
  return std::make_unique<CudnnCall>(device, step);
}

}  // namespace kopt::worker

#else

namespace kopt::worker {

std::unique_ptr<LibraryCall> NewCudnnCall(const Device& /*device*/, const nlohmann::json& /*step*/) {
  throw LibraryError("this kopt was built without cuDNN: build it where the headers of cuDNN 9.13 or later are");
}

}  // namespace kopt::worker

#endif

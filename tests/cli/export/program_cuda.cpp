// Two exported kernels in one program, in streams, threads, graphs and contexts of its own.
#include <cuda.h>
#include <matmul_f16_rows16.h>
#include <steps.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

int failures = 0;

void Expect(bool right, const std::string& what) {
  std::printf("%s %s\n", right ? "ok    " : "FAILED", what.c_str());
  failures += right ? 0 : 1;
}

void Must(CUresult result, const char* what) {
  if (result == CUDA_SUCCESS) return;
  std::printf("FAILED %s: error %d\n", what, static_cast<int>(result));
  std::exit(1);
}

// Elements of the device, all of one value.
template <class T>
class Elements {
 public:
  Elements(std::size_t count, T value) : host_(count, value) {
    Must(cuMemAlloc(&device_, count * sizeof(T)), "memory");
    Fill();
  }
  Elements(const Elements&) = delete;
  Elements& operator=(const Elements&) = delete;
  ~Elements() { cuMemFree(device_); }
  void Fill() { Must(cuMemcpyHtoD(device_, host_.data(), host_.size() * sizeof(T)), "a copy"); }
  T* get() const { return reinterpret_cast<T*>(device_); }
  // Whether they begin with `value`, and each is by `step` more than the one before.
  bool Are(T value, T step = 0) const {
    std::vector<T> found(host_.size());
    Must(cuMemcpyDtoH(found.data(), device_, found.size() * sizeof(T)), "a copy");
    for (const T element : found) {
      if (element != value) return false;
      value = static_cast<T>(value + step);
    }
    return true;
  }

 private:
  std::vector<T> host_;
  CUdeviceptr device_ = 0;
};

constexpr std::uint16_t kOne = 0x3c00, kThree = 0x4200;  // of f16

// Rows of ones, doubled and shifted by one.
class Rows {
 public:
  explicit Rows(std::int64_t rows) : rows_(rows) {}
  steps::Status Run(const steps::Options& options) {
    return steps::Run({rows_, kWidth}, x_.get(), bias_.get(), seen_.get(), y_.get(), total_.get(), positive_.get(), 2,
                      1, options);
  }
  void Forget() { y_.Fill(); }
  bool AreRight(int calls) const {
    return y_.Are(kThree) && total_.Are(kWidth) && positive_.Are(static_cast<std::int32_t>(rows_ * kWidth), 1) &&
           seen_.Are(calls * kWidth);
  }

 private:
  static constexpr int kWidth = 256;
  std::int64_t rows_;
  Elements<std::uint16_t> x_{size(), kOne}, bias_{kWidth, 0}, y_{size(), 0xffff};
  Elements<std::int64_t> seen_{static_cast<std::size_t>(rows_), 0};
  Elements<float> total_{static_cast<std::size_t>(rows_), -1};
  Elements<std::int32_t> positive_{static_cast<std::size_t>(rows_), -1};
  std::size_t size() const { return static_cast<std::size_t>(rows_) * kWidth; }
};

bool Ok(const steps::Status& status) {
  if (!status) std::printf("       it says: %s\n", status.message.c_str());
  return static_cast<bool>(status);
}

CUstream NewStream() {
  CUstream stream = nullptr;
  Must(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), "a stream");
  return stream;
}

void InStreams() {
  Rows rows(1001);
  steps::Options options;
  options.stream = NewStream();
  Expect(Ok(rows.Run(options)) && cuStreamSynchronize(options.stream) == CUDA_SUCCESS && rows.AreRight(1),
         "in a stream, with memory of the call's own");
  rows.Forget();
  options.workspace_bytes = steps::WorkspaceBytes({1001, 256});
  const Elements<unsigned char> workspace(options.workspace_bytes, 0xff);
  options.workspace = workspace.get();
  Expect(Ok(rows.Run(options)) && cuStreamSynchronize(options.stream) == CUDA_SUCCESS && rows.AreRight(2),
         "with a workspace of the caller's");
  rows.Forget();
  Must(cuStreamBeginCapture(options.stream, CU_STREAM_CAPTURE_MODE_GLOBAL), "a capture");
  const bool captured = Ok(rows.Run(options));
  CUgraph graph = nullptr;
  CUgraphExec runnable = nullptr;
  Must(cuStreamEndCapture(options.stream, &graph), "a capture");
  Must(cuGraphInstantiate(&runnable, graph, 0), "a graph");
  for (int i = 0; i < 2; ++i) Must(cuGraphLaunch(runnable, options.stream), "a graph");
  Expect(captured && cuStreamSynchronize(options.stream) == CUDA_SUCCESS && rows.AreRight(4), "twice as a graph");
}

void InThreads(CUcontext context) {
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (std::size_t i = 0; i < right.size(); ++i) {
    threads.emplace_back([&, i] {
      Must(cuCtxSetCurrent(context), "the context");
      Rows rows(i % 2 == 0 ? 1001 : 4096);
      steps::Options options;
      options.stream = NewStream();
      bool all = true;
      for (int call = 0; call < 50; ++call) all = all && rows.Run(options);
      right[i] = all && cuStreamSynchronize(options.stream) == CUDA_SUCCESS && rows.AreRight(50);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int one : right) Expect(one != 0, "in a thread among others");
}

// Contexts come and go, perhaps at the address of one before.
void InContexts(CUdevice device, CUcontext first) {
  for (int i = 0; i < 3; ++i) {
    CUcontext context = nullptr;
#if CUDA_VERSION >= 13000
    Must(cuCtxCreate(&context, nullptr, 0, device), "a context");
#else
    Must(cuCtxCreate(&context, 0, device), "a context");
#endif
    {
      Rows rows(1001);
      Expect(Ok(rows.Run({})) && cuCtxSynchronize() == CUDA_SUCCESS && rows.AreRight(1), "in a context of its own");
      steps::Options options;
      Must(cuCtxSetCurrent(first), "the context");
      options.stream = NewStream();
      Must(cuCtxSetCurrent(context), "the context");
      Expect(rows.Run(options).code == steps::Code::kNoDevice, "a stream of another context is refused");
    }
    Must(cuCtxDestroy(context), "a context");
    Must(cuCtxSetCurrent(first), "the context");
  }
}

void Matmul() {
  const Elements<std::uint16_t> a(129 * 72, kOne), b(72 * 264, kOne), c(129 * 264, 0xffff);
  const auto status = matmul_f16_rows16::Run({129, 264, 72}, a.get(), b.get(), c.get());
  if (!status) std::printf("       it says: %s\n", status.message.c_str());
  Expect(status && cuCtxSynchronize() == CUDA_SUCCESS && c.Are(0x5480), "a product of ones");  // 72
  matmul_f16_rows16::Options options;
  options.allow_unjudged = true;
  const auto narrow = matmul_f16_rows16::Run({129, 100, 72}, a.get(), b.get(), c.get(), options);
  Expect(narrow.code == matmul_f16_rows16::Code::kBadArgument &&
             narrow.message.find("multiple of 16") != std::string::npos,
         "rows that no tensor map can have are refused");
}

}  // namespace

int main() {
  CUdevice device = 0;
  CUcontext context = nullptr;
  Must(cuInit(0), "CUDA");
  Must(cuDeviceGet(&device, 0), "the device");
  Must(cuDevicePrimaryCtxRetain(&context, device), "the context");
  Must(cuCtxSetCurrent(context), "the context");
  InStreams();
  InThreads(context);
  InContexts(device, context);
  Matmul();
  std::printf("%s\n", failures == 0 ? "all right" : "there are failures");
  return failures == 0 ? 0 : 1;
}

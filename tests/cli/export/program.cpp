// Three exported kernels in one program that also has functions and variables of the names that theirs have.
#include <matmul.h>
#include <omp.h>
#include <small_attention.h>
#include <types.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

int calls = -1;
extern "C" {
int last_width = -1;
void sum() { std::abort(); }
void score() { std::abort(); }
void scale() { std::abort(); }
}
int Width() { return -1; }

namespace {

int failures = 0;

void Expect(bool right, const char* what) {
  std::printf("%s %s\n", right ? "ok    " : "FAILED", what);
  failures += right ? 0 : 1;
}

template <class Status>
bool Says(const Status& status, decltype(status.code) code, const char* words) {
  const bool right = status.code == code && status.message.find(words) != std::string::npos;
  if (!right) std::printf("       it says: %s\n", status.message.c_str());
  return right;
}

float* Floats(std::size_t count) {
  const std::size_t bytes = (4 * count + 255) / 256 * 256;
  return static_cast<float*>(std::memset(std::aligned_alloc(256, bytes), 0, bytes));
}

bool MatmulIsRight(const matmul::Dims& dims, const matmul::Options& options) {
  const std::size_t m = dims.M, n = dims.N, k = dims.K;
  float* a = Floats(m * k);
  float* b = Floats(k * n);
  float* c = Floats(m * n);
  for (std::size_t i = 0; i < m * k; ++i) a[i] = static_cast<float>(i % 7);
  for (std::size_t i = 0; i < k * n; ++i) b[i] = static_cast<float>(i % 5);
  const matmul::Status status = matmul::Run(dims, a, b, c, options);
  bool right = static_cast<bool>(status);
  if (!right) std::printf("       it says: %s\n", status.message.c_str());
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      float want = 0;
      for (std::size_t l = 0; l < k; ++l) want += a[i * k + l] * b[l * n + j];
      right = right && c[i * n + j] == want;
    }
  }
  std::free(a);
  std::free(b);
  std::free(c);
  return right;
}

void Matmul() {
  const matmul::Dims judged{3, 5, 7}, other{13, 9, 31};
  Expect(MatmulIsRight(judged, {}), "a judged shape");
  matmul::Options options;
  Expect(!MatmulIsRight(other, options), "another shape is refused");
  options.allow_unjudged = true;
  Expect(MatmulIsRight(other, options), "another shape runs when it is allowed");
  options.threads = 1;
  Expect(MatmulIsRight(other, options), "with one thread");
  const int threads = omp_get_max_threads();
  options.threads = 3;
  Expect(MatmulIsRight(other, options) && omp_get_max_threads() == threads, "with three threads, for the call only");
  options.threads = -1;
  Expect(!MatmulIsRight(judged, options), "a number of threads that is none is refused");

  float* memory = Floats(4096);
  const auto ok = matmul::Code::kOk;
  const auto bad = matmul::Code::kBadArgument;
  options = {};
  Expect(Says(matmul::Run(judged, memory, memory, memory + 1024), ok, ""), "inputs may share memory");
  Expect(Says(matmul::Run(judged, memory, memory + 64, memory), bad, "c and a overlap"), "an output may not");
  const long long large = 1LL << 40;
  options.allow_unjudged = true;
  Expect(Says(matmul::Run({large, large, large}, memory, memory, memory, options), bad, "does not fit 64 bits"),
         "tensors beyond memory are refused");
  Expect(Says(matmul::Run({1, 1, 1LL << 52}, memory, memory + 64, memory + 128, options), bad, "does not fit int"),
         "an argument that is no int is refused");
  Expect(Says(matmul::Run({1, -3, 1}, memory, memory, memory, options), bad, "the dim N is -3"), "a negative dim");

  const std::size_t bytes = matmul::WorkspaceBytes(judged);
  Expect(bytes > 0 && bytes % 256 == 0, "the bytes of the workspace");
  Expect(matmul::WorkspaceBytes(other) == 0, "no bytes for a shape that is refused");
  options = {};
  options.workspace = Floats(bytes / 4);
  options.workspace_bytes = bytes;
  Expect(MatmulIsRight(judged, options), "with a workspace of the caller's");
  options.workspace_bytes = bytes - 1;
  Expect(Says(matmul::Run(judged, memory, memory + 64, memory + 128, options), matmul::Code::kNoMemory, "are needed"),
         "a workspace that is too small is refused");
  options.workspace = memory;
  options.workspace_bytes = 4 * 4096;
  Expect(Says(matmul::Run(judged, memory, memory + 64, memory + 128, options), bad, "overlap"),
         "a workspace that overlaps a tensor is refused");

  bool refused = true, right = true;
#pragma omp parallel num_threads(2) reduction(&& : refused, right)
  {
    matmul::Options alone;
    refused = !MatmulIsRight(judged, alone);
    alone.threads = 1;
    right = MatmulIsRight(judged, alone);
  }
  Expect(refused, "in a parallel region it is refused");
  Expect(right, "in a parallel region it runs with one thread");

  std::vector<std::thread> callers;
  std::vector<int> results(4);
  for (int& result : results) callers.emplace_back([&, judged] { result = MatmulIsRight(judged, {}) ? 1 : 0; });
  for (std::thread& caller : callers) caller.join();
  for (const int result : results) right = right && result == 1;
  Expect(right, "threads take turns");
}

// With one key the result is the value; with equal scores it is the mean of the values.
void Attention() {
  using small_attention::Code;
  float* q = Floats(1024);
  float* k = Floats(1024);
  float* v = Floats(1024);
  float* o = Floats(1024);
  for (int i = 0; i < 1024; ++i) v[i] = static_cast<float>(i);
  bool right = static_cast<bool>(small_attention::Run({1, 1, 16}, q, k, v, o, 0.25f));
  for (int i = 0; i < 16; ++i) right = right && o[i] == v[i];
  Expect(right, "the kernel for D=16");
  right = static_cast<bool>(small_attention::Run({3, 7, 8}, q, k, v, o, 0.3f));
  for (int i = 0; i < 8; ++i) right = right && std::fabs(o[56 + i] - (56 + 24 + static_cast<float>(i))) < 1e-3;
  Expect(right, "the kernel for D=8");
  small_attention::Options options;
  options.allow_unjudged = true;
  Expect(Says(small_attention::Run({1, 1, 4}, q, k, v, o, 0.5f, options), Code::kNotJudged,
              "B=1 S=1 D=4 was not judged; judged are B=2 S=192 D=16, B=1 S=1 D=16, B=3 S=7 D=8; there is no kernel"),
         "D=4 is refused even when it is allowed");
  Expect(static_cast<bool>(small_attention::Run({3, 7, 16}, q, k, v, o, 0.25f, options)), "D=16 with other dims");
  Expect(Says(small_attention::Run({100000, 1, 16}, q, k, v, o, 0.25f, options), Code::kBadArgument, "more than 65536"),
         "a plan of too many steps is refused");
}

// Its kernel is compiled for a number of threads.
void Types() {
  types::Options options;
  options.threads = 1000;
  const auto status = types::Run({1, 64}, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                 nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                 nullptr, nullptr, nullptr, nullptr, 0, 0, 0, 0, false, 0, options);
  Expect(Says(status, types::Code::kBadArgument, "the kernel is compiled for"), "another number of threads is refused");
}

}  // namespace

int main() {
  Matmul();
  Attention();
  Types();
  Expect(calls == -1 && last_width == -1 && Width() == -1, "the program's own variables");
  std::printf("%s\n", failures == 0 ? "all right" : "there are failures");
  return failures == 0 ? 0 : 1;
}

// The compile service of the cuda target: NVRTC in processes of its own, confined like any compiler; results cached by
// content.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/content_cache.h"
#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "verifier/cuda/toolkit.h"

namespace kopt {

// What a kernel needs, as the compiler says.
struct KernelUsage {
  std::string name;
  int registers = 0;     // a thread
  int stack_bytes = 0;   // a thread
  int spill_stores = 0;  // bytes a thread
  int spill_loads = 0;
  int shared_bytes = 0;  // static, a block
};

struct CudaCompileResult {
  enum class Kind { kCubin, kErrors, kTimeout };
  Kind kind = Kind::kCubin;
  std::string cubin;
  std::vector<KernelUsage> kernels;
  std::string reason;  // one sentence
  std::string log;     // the compiler's words, cut; without what went into `kernels`
  double seconds = 0;
  bool cached = false;
  bool final = true;  // false: for lack of time or memory, so that another try may end otherwise
};

struct CudaCompileOptions {
  std::string worker;  // path of kopt-worker-cuda
  std::string guard;   // path of the program that StartGuard starts
  bool sandbox = true;
  std::filesystem::path cache;  // empty: nothing is kept beyond this process
  double seconds = 30;          // deadline of a compile, in wall-clock time
};

class CudaCompileService {
 public:
  // Errors (exit 3): no toolkit, no worker, a folder that cannot be written.
  static Result<CudaCompileService> Create(const CudaToolkit& toolkit, const std::string& architecture,
                                           const CudaCompileOptions& options);
  // What the compiler puts in front of a text, and how it compiles it.
  enum class Prefix { kNone, kNumbers, kLibraries };
  // The code as it is, or with warps that are late at random (late_warps.h), which needs the toolkit's libnvJitLink.
  enum class Warps { kAsTheyCome, kLate };
  // For candidates, CudaSource::text: what they ask for. kopt's own kernels and references take kNone: values as they
  // are written, without fused operations.
  static Prefix PrefixFor(const std::string& candidate);
  // Several threads may call this at once; a text that another one compiles is waited for. Errors are ours: a server
  // that does not start.
  Result<CudaCompileResult> Compile(const std::string& text, Prefix prefix, Warps warps = Warps::kAsTheyCome);
  // Whether Compile would find the result.
  bool IsCompiled(const std::string& text, Prefix prefix, Warps warps = Warps::kAsTheyCome) const;
  // Starts the server for this prefix, if it is not running: it takes 0.2 s, with CUDA's libraries 2 s. The server
  // lives as long as the thread that called this, or that was the first to compile with the prefix.
  Result<void> Prepare(Prefix prefix);
  // "NVRTC 13.0"; starts a server.
  Result<std::string> Version();

 private:
  // A running server and kopt's end of its control socket.
  struct Server {
    ProcessGroup group;
    Fd control;
    std::string version;  // of NVRTC
  };
  struct Shared {
    std::mutex mutex;                                  // of what follows
    std::unique_ptr<Server> servers[3];                // by prefix
    std::map<std::string, CudaCompileResult> results;  // by key; everything that was compiled in this process
    std::set<std::string> running;                     // keys
    std::condition_variable ended;                     // one of them
  };
  struct Order {
    const std::string& text;
    Prefix prefix;
    Warps warps;
  };
  std::string Key(const Order& order) const;
  Result<Server> StartServer(Prefix prefix) const;
  // With shared_->mutex held.
  Result<Server*> EnsureServer(Prefix prefix);
  // What is known of it in this process, or nothing: then the caller compiles it, and others wait for that.
  std::optional<CudaCompileResult> Begin(const std::string& key);
  Result<CudaCompileResult> FindOrRun(const std::string& key, const Order& order);
  Result<CudaCompileResult> Run(const Order& order);

  CudaToolkit toolkit_;
  std::string architecture_;
  std::string identity_;  // of the compiler and of the worker: a part of every key
  CudaCompileOptions options_;
  ContentCache cache_;
  std::shared_ptr<TemporaryFolder> folder_;
  std::shared_ptr<Shared> shared_;
};

// True if a candidate asks for more than number types: C++ headers, cooperative groups, barriers, matrix fragments.
bool NeedsLibraries(std::string_view source);

// What of a log says why a kernel is slower than it was meant: `setmaxnreg` ignored, wgmma one after another.
std::vector<std::string> PerformanceRemarks(std::string_view log);

// Takes ptxas's lines about kernels out of a compiler's log.
std::vector<KernelUsage> TakeUsage(std::string& log);

}  // namespace kopt

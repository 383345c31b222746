#include "verifier/cuda/compile_server.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/descriptors.h"
#include "verifier/cuda/compile_protocol.h"
#include "verifier/cuda/jitlink.h"
#include "verifier/cuda/late_warps.h"
#include "verifier/cuda/nvrtc.h"
#include "verifier/cuda/ptx_lines.h"
#include "verifier/sandbox/sandbox.h"

namespace kopt {
extern const std::string_view kCandidatePrefixText;
}

namespace kopt::worker {
namespace {

constexpr const char* kUsage = "--ptxas-options=-v";  // what kernels use, in the log

constexpr size_t kPrefixHeap = size_t{512} << 20;  // bytes that the precompiled prefix may take
constexpr size_t kMostLog = 1 << 16;
constexpr const char* kPrefixName = "kopt_prefix.h";

// Headers that candidates include out of habit. What they would declare, the prefix or the compiler itself has; those
// of C++ bring its names only where the prefix holds CUDA's libraries.
constexpr std::array kHabitual = {"algorithm",
                                  "array",
                                  "assert.h",
                                  "bit",
                                  "cassert",
                                  "cfloat",
                                  "climits",
                                  "cmath",
                                  "concepts",
                                  "cstddef",
                                  "cstdint",
                                  "cstdio",
                                  "cstdlib",
                                  "cstring",
                                  "cuda.h",
                                  "cuda_runtime.h",
                                  "cuda_runtime_api.h",
                                  "device_launch_parameters.h",
                                  "float.h",
                                  "functional",
                                  "initializer_list",
                                  "limits",
                                  "limits.h",
                                  "math.h",
                                  "numeric",
                                  "stddef.h",
                                  "stdint.h",
                                  "stdio.h",
                                  "stdlib.h",
                                  "string.h",
                                  "tuple",
                                  "type_traits",
                                  "utility",
                                  "cudaTypedefs.h"};

struct Arguments {
  uint32_t slot = 0;
  bool sandbox = true;
  std::string folder, nvrtc, arch;
  std::string jitlink;  // empty: not there
  std::string prefix;   // "none", "numbers" or "libraries"
  std::vector<std::string> includes, readable;
};

bool Parse(int argc, char** argv, Arguments& arguments) {
  if (argc < 7) return false;
  arguments.slot = static_cast<uint32_t>(std::strtoul(argv[0], nullptr, 10));
  arguments.sandbox = std::strcmp(argv[1], "0") != 0;
  arguments.folder = argv[2];
  arguments.nvrtc = argv[3];
  arguments.jitlink = argv[4];
  arguments.arch = argv[5];
  arguments.prefix = argv[6];
  bool readable = false;
  for (int i = 7; i < argc; ++i) {
    if (std::strcmp(argv[i], "--") == 0) {
      readable = true;
    } else {
      (readable ? arguments.readable : arguments.includes).emplace_back(argv[i]);
    }
  }
  return readable;
}

class Compiler {
 public:
  Compiler(const Nvrtc& nvrtc, const Arguments& arguments)
      : nvrtc_(nvrtc), arch_(arguments.arch), jitlink_(arguments.jitlink) {
    options_.assign(kCommonOptions.begin(), kCommonOptions.end());
    options_.emplace_back(kUsage);
    if (arguments.prefix == "none") {
      options_.emplace_back("--fmad=false");  // the truth is computed as it is written
      return;
    }
    options_.emplace_back(kCandidateOption);
    if (arguments.prefix == "libraries") prefix_ = kLibrariesText;
    prefix_ += kCandidatePrefixText;
    precompiled_ = arguments.folder + "/prefix.pch";
    // A barrier in shared memory has a constructor, which candidates call by hand: no warning 20054.
    for (const char* option : {"--pch-messages=false", "--diag-suppress=20054"}) options_.emplace_back(option);
    for (const std::string& include : arguments.includes) options_.push_back("--include-path=" + include);
  }

  // Empty, or why the prefix cannot be compiled.
  std::string Precompile() {
    if (prefix_.empty()) return "";
    nvrtc_.nvrtcSetPCHHeapSize(kPrefixHeap);
    std::string log;
    std::string cubin;
    const std::string text = fmt::format("#include \"{}\"\n#pragma nv_hdrstop\n", kPrefixName);
    const nvrtcResult result = Run(text, {"--create-pch=" + precompiled_}, log, cubin);
    return result == NVRTC_SUCCESS ? "" : nvrtc_.nvrtcGetErrorString(result) + (": " + log);
  }

  nvrtcResult Compile(const std::string& text, std::string& log, std::string& cubin) {
    if (prefix_.empty()) return Run(text, {}, log, cubin);
    const std::string whole = WithPrefix(text);
    const nvrtcResult result = Run(whole, {"--use-pch=" + precompiled_}, log, cubin);
    if (result == NVRTC_SUCCESS) return result;
    std::string none;
    if (log.find("error") == std::string::npos) {
      // Beside what kernels use, NVRTC keeps some of the assembler's errors to itself.
      std::erase(options_, kUsage);
      Run(whole, {}, log, none);
      options_.emplace_back(kUsage);
    }
    if (!NamesPtxLines(log)) return result;
    std::string ptx;
    if (Run(whole, {}, none, ptx, true) == NVRTC_SUCCESS) log = WithSourceLines(log, ptx);
    return result;
  }

  // A candidate with warps that are late at random.
  nvrtcResult CompileLate(const std::string& text, std::string& log, std::string& cubin) {
    std::string ptx;
    const nvrtcResult result = Run(WithPrefix(text), {}, log, ptx, true);
    if (result != NVRTC_SUCCESS) return result;
    const auto assembled = Assemble(jitlink_, arch_, WithLateWarps(ptx), log);
    if (assembled) cubin = *assembled;
    if (!assembled) log = "error: " + assembled.error().Text() + "\n" + assembled.error().log;
    return assembled ? NVRTC_SUCCESS : NVRTC_ERROR_COMPILATION;
  }

 private:
  static std::string WithPrefix(const std::string& text) {
    return fmt::format("#include \"{}\"\n{}", kPrefixName, text);
  }

  // `as_ptx`: what the assembler would be given, for sm_90a as compute_90a.
  nvrtcResult Run(const std::string& text, std::vector<std::string> more, std::string& log, std::string& output,
                  bool as_ptx = false) {
    std::vector<const char*> names{kPrefixName};
    std::vector<const char*> texts{prefix_.c_str()};
    for (const char* name : kHabitual) {
      names.push_back(name);
      texts.push_back("");
    }
    nvrtcProgram program = nullptr;
    nvrtcResult result = nvrtc_.nvrtcCreateProgram(&program, text.c_str(), "candidate.cu",
                                                   static_cast<int>(names.size()), texts.data(), names.data());
    if (result != NVRTC_SUCCESS) return result;
    more.push_back("--gpu-architecture=" + (as_ptx ? "compute_" + arch_.substr(arch_.find('_') + 1) : arch_));
    more.insert(more.end(), options_.begin(), options_.end());
    std::vector<const char*> options;
    for (const std::string& option : more) options.push_back(option.c_str());
    result = nvrtc_.nvrtcCompileProgram(program, static_cast<int>(options.size()), options.data());
    size_t size = 0;
    if (nvrtc_.nvrtcGetProgramLogSize(program, &size) == NVRTC_SUCCESS && size > 1) {
      log.resize(size);
      nvrtc_.nvrtcGetProgramLog(program, log.data());
      log.resize(std::strlen(log.c_str()));
    }
    const auto size_of = as_ptx ? nvrtc_.nvrtcGetPTXSize : nvrtc_.nvrtcGetCUBINSize;
    if (result == NVRTC_SUCCESS && size_of(program, &size) == NVRTC_SUCCESS) {
      output.resize(size);
      (as_ptx ? nvrtc_.nvrtcGetPTX : nvrtc_.nvrtcGetCUBIN)(program, output.data());
    }
    nvrtc_.nvrtcDestroyProgram(&program);
    return result;
  }

  const Nvrtc& nvrtc_;
  std::string arch_, jitlink_, precompiled_, prefix_;
  std::vector<std::string> options_;
};

struct Request {
  CompileOrder order;
  int text = -1, output = -1, socket = -1;
};

bool Receive(Request& request) {
  std::vector<int> descriptors;
  if (!ReceiveDescriptors(kCompileControlFd, std::as_writable_bytes(std::span(&request.order, 1)), descriptors) ||
      descriptors.size() != 3) {
    return false;
  }
  request.text = descriptors[0];
  request.output = descriptors[1];
  request.socket = descriptors[2];
  return true;
}

// In the child. Ends the process.
[[noreturn]] void Serve(Compiler& compiler, const Request& request) {
  const int32_t pid = getpid();
  if (write(request.socket, &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
  const rlimit cpu{.rlim_cur = request.order.cpu_seconds, .rlim_max = request.order.cpu_seconds};
  setrlimit(RLIMIT_CPU, &cpu);
  std::string text(request.order.text_bytes, '\0');
  if (pread(request.text, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) _exit(1);
  void* memory = mmap(nullptr, request.order.output_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, request.output, 0);
  if (memory == MAP_FAILED) _exit(1);
  std::string log;
  std::string cubin;
  CompileOutcome outcome{.result = request.order.late_warps == 1 ? compiler.CompileLate(text, log, cubin)
                                                                 : compiler.Compile(text, log, cubin)};
  log.resize(std::min(log.size(), kMostLog));
  outcome.log_bytes = log.size();
  outcome.cubin_bytes = cubin.size();
  if (sizeof(outcome) + log.size() + cubin.size() > request.order.output_bytes) _exit(2);
  char* at = static_cast<char*>(memory) + sizeof(outcome);
  std::memcpy(at, log.data(), log.size());
  std::memcpy(at + log.size(), cubin.data(), cubin.size());
  outcome.finished = 1;
  std::memcpy(memory, &outcome, sizeof(outcome));
  _exit(0);
}

std::string Isolate(const Arguments& arguments) {
  const sandbox::Limits limits{.address_space = uint64_t{8} << 30,
                               .cpu_seconds = 600,
                               .file_size = uint64_t{1} << 30,
                               .open_files = 256,
                               .processes = 256};
  std::vector<std::string> readable = arguments.readable;
  readable.insert(readable.end(), arguments.includes.begin(), arguments.includes.end());
  if (chdir("/") != 0) return "/ cannot be entered";  // line information has the folder that the compiler runs in
  std::string error = sandbox::Confine(limits, arguments.slot);
  if (error.empty() && arguments.sandbox) error = sandbox::RestrictFiles(readable, {arguments.folder, "/dev/null"});
  if (error.empty() && arguments.sandbox) error = sandbox::FilterCompiler();
  return error;
}

void SayHello(const CompileHello& hello) {
  if (write(kCompileControlFd, &hello, sizeof(hello)) < 0) _exit(1);
}

}  // namespace

int CompileServer(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) return 2;
  CompileHello hello;
  const auto fail = [&](const std::string& why) {
    std::strncpy(hello.error, why.c_str(), sizeof(hello.error) - 1);
    SayHello(hello);
    return 1;
  };
  if (const std::string error = Isolate(arguments); !error.empty())
    return fail("the sandbox cannot be set up: " + error);
  const auto nvrtc = Nvrtc::Load(arguments.nvrtc);
  if (!nvrtc) return fail(nvrtc.error().message);
  nvrtc->nvrtcVersion(&hello.major, &hello.minor);
  Compiler compiler(*nvrtc, arguments);
  if (const std::string error = compiler.Precompile(); !error.empty()) return fail(error);
  SayHello(hello);
  signal(SIGCHLD, SIG_IGN);  // children are not waited for
  Request request;
  while (Receive(request)) {
    const pid_t child = fork();
    if (child == 0) {
      close(kCompileControlFd);
      Serve(compiler, request);
    }
    for (const int descriptor : {request.text, request.output, request.socket}) close(descriptor);
  }
  return 0;
}

}  // namespace kopt::worker

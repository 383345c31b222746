// What kopt and `kopt-worker-cuda compile` say to each other, over a private SOCK_SEQPACKET descriptor. Plain structs
// of one machine and one build.
//
// A compile server loads NVRTC in its sandbox, compiles its prefix once and answers Hello. For each request it forks a
// child, which compiles, writes what came of it into the memory that kopt sent, and ends; kopt sees that end on the
// request's own socket, and kills the child where it takes too long. The server compiles nothing itself after its
// prefix, so that whatever a candidate does to the compiler ends with the child.
#pragma once

#include <array>
#include <cstdint>

namespace kopt {

inline constexpr int kCompileControlFd = 3;

// NVRTC's options that decide what it makes, beside --gpu-architecture and the folders of headers: of every text, and
// of candidates.
inline constexpr std::array kCommonOptions = {"--std=c++20", "--device-as-default-execution-space"};
inline constexpr const char* kCandidateOption = "--generate-line-info";
// What stands in front of the prefix of those that get CUDA's libraries.
inline constexpr const char* kLibrariesText = "#define KOPT_LIBRARIES 1\n";

struct CompileHello {
  int32_t major = 0, minor = 0;  // of NVRTC
  char error[1016] = {};         // empty, or why the server cannot work
};

// Comes with three descriptors: the candidate's text, memory for the output, the request's own socket. The child first
// sends its process id (int32_t) there.
struct CompileOrder {
  uint64_t text_bytes = 0;
  uint64_t output_bytes = 0;  // size of the memory for the output
  uint32_t cpu_seconds = 0;
  uint32_t late_warps = 0;  // 1: late_warps.h
};

// At the start of the output memory; then the log, then the cubin.
struct CompileOutcome {
  uint32_t finished = 0;  // 1: what follows is complete
  int32_t result = 0;     // nvrtcResult
  uint64_t log_bytes = 0, cubin_bytes = 0;
};

}  // namespace kopt

// kopt-worker-cuda: the process in which kopt meets CUDA. It starts on any machine; what it needs of CUDA it loads, and
// says what is missing.
//
//   kopt-worker-cuda compile ...     a compile server: compile_server.h
//
// Links glibc dynamically and nothing else.
#include <cstdio>
#include <string>

#include "verifier/cuda/compile_server.h"

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "compile") return kopt::worker::CompileServer(argc - 2, argv + 2);
  std::fputs("kopt-worker-cuda: started by kopt, not by hand\n", stderr);
  return 2;
}

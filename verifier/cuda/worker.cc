// kopt-worker-cuda: the process in which kopt meets CUDA. It starts on any machine; what it needs of CUDA it loads, and
// says what is missing.
//
//   kopt-worker-cuda compile ...     a compile server: compile_server.h
//   kopt-worker-cuda run DEVICE      a candidate and its baseline: run_worker.h
//   kopt-worker-cuda check DEVICE    a candidate under a device checker: check_worker.h
//   kopt-worker-cuda oracle DEVICE   the truth: oracle_worker.h
//   kopt-worker-cuda probe           describes the devices as JSON; exit 3 and the reason where there are none
//
// Links glibc dynamically and nothing else.
#include <cstdio>
#include <string>

#include "verifier/cuda/check_worker.h"
#include "verifier/cuda/compile_server.h"
#include "verifier/cuda/oracle_worker.h"
#include "verifier/cuda/run_worker.h"
#include "verifier/cuda/worker_loop.h"

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "compile") return kopt::worker::CompileServer(argc - 2, argv + 2);
  if (mode == "run") return kopt::worker::RunWorker(argc - 2, argv + 2);
  if (mode == "check") return kopt::worker::CheckWorker(argc - 2, argv + 2);
  if (mode == "oracle") return kopt::worker::OracleWorker(argc - 2, argv + 2);
  if (mode == "probe") return kopt::worker::Probe();
  std::fputs("kopt-worker-cuda: started by kopt, not by hand\n", stderr);
  return 2;
}

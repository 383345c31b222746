// `kopt-worker-cuda compile SLOT SANDBOX FOLDER NVRTC ARCH PREFIX INCLUDE... -- READABLE...`: compile_protocol.h.
// PREFIX: what stands in front of every text: none (kopt's own kernels and references), numbers or libraries
// (candidates: candidate_prefix.cuh).
#pragma once

namespace kopt::worker {

// The arguments behind "compile"; returns the exit status.
int CompileServer(int argc, char** argv);

}  // namespace kopt::worker

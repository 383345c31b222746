// `kopt-worker-cuda compile SLOT SANDBOX FOLDER NVRTC ARCH LIBRARIES INCLUDE... -- READABLE...`: compile_protocol.h.
#pragma once

namespace kopt::worker {

// The arguments behind "compile"; returns the exit status.
int CompileServer(int argc, char** argv);

}  // namespace kopt::worker

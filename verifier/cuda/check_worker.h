// `kopt-worker-cuda check ORDINAL`: a candidate's calls in plain memory, an allocation of its exact size for each
// tensor and scratch, and nothing else on the device, so that compute-sanitizer's tools can follow them. One request:
//
//   call   functions [name] plan (Plan's json) tensors [{bytes, read, written}] scalars [u64] seconds
//          +descriptors: of the cubin, and of each tensor's bytes, which are read before the call and written after it
#pragma once

namespace kopt::worker {

int CheckWorker(int argc, char** argv);

}  // namespace kopt::worker

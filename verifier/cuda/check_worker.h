// `kopt-worker-cuda check ORDINAL`: a candidate's calls in plain memory, an allocation of its exact size for each
// tensor and scratch, and nothing else on the device, so that compute-sanitizer's tools can follow them. One request:
//
//   call   plan (Plan's json) tensors [{bytes, read, written}] scalars [u64] fill seconds
//          +descriptors: of the cubin, and of each tensor's bytes, which are read before the call and written after it
//          -> failed {code, words}, where the driver or the deadline ended it; the worker lives on, so that a tool that
//          follows it can say what it saw. fill: what nobody has written holds a pattern
#pragma once

namespace kopt::worker {

int CheckWorker(int argc, char** argv);

}  // namespace kopt::worker

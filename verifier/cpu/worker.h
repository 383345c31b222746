// Inside kopt-worker-cpu.
#pragma once

#include "verifier/cpu/protocol.h"

namespace kopt::worker {

using Entry = void (*)(int stub, void* const* args);

extern bool sandbox_on;

bool Send(const Message& message);
bool Receive(Message& message);  // false: kopt is gone

// The life of a batch's process, from the Batch message to its exit.
[[noreturn]] void RunBatch(Entry entry);

}  // namespace kopt::worker

// What kopt and kopt-worker-cpu say to each other, over a private SOCK_SEQPACKET descriptor. Plain structs of one
// machine and one build: never stored, never sent elsewhere.
//
// Life of a worker ("template"): Hello after its sandbox stands; Load; then any number of batches. A batch:
//   kopt -> Fork -> template clones a child whose parent is kopt, answers Forked(pid)
//   kopt stops the template; kopt -> Batch + 3 descriptors (descriptor, read-only arena, read-write arena) -> child
//   the child maps them, starts its threads, touches its pages, enters the stricter filter, answers Ready
//   kopt stops the whole group, writes inputs and poison, queues Go, starts the clock, continues the child alone
//   the child makes its calls and exits; kopt sees the exit, stops the clock, kills what is left, reads the outputs
//   One by one, the child answers Called after each call; kopt stops that call's clock, looks at its outputs, writes
//   the next call's inputs and sends another Go
// Nothing that the child or the template says is believed: it only decides which refusal is printed.
#pragma once

#include <cstdint>

namespace kopt {

inline constexpr int kControlFd = 3;

enum class MessageType : uint32_t {
  kHello = 1,  // text: empty, or why the sandbox does not stand
  kLoad,       // text: path of the shared object
  kLoaded,
  kLoadFailed,  // text: the loader's words
  kFork,
  kForked,  // value: pid
  kBatch,
  kReady,  // value: 0; or errno and text: what could not be set up
  kGo,
  kForbidden,  // value: number of the refused system call
  kCalled,     // every call has returned and OpenMP's own threads are gone: kopt looks for threads left behind. One by
               // one: call `value` has returned
};

struct Message {
  MessageType type = MessageType::kHello;
  int32_t value = 0;
  char text[504] = {};
};

struct BufferEntry {
  uint64_t file_offset = 0;  // page-aligned offset in the arena
  uint64_t map_bytes = 0;    // whole pages
  uint64_t data_offset = 0;  // where the tensor begins in the mapping
  uint32_t writable = 0;     // 0: in the read-only arena; 1: in the read-write arena
  uint32_t padding = 0;
};

struct ArgEntry {
  int32_t buffer = -1;   // -1: immediate
  uint32_t is_null = 0;  // 1: the argument is a null pointer
  uint64_t value = 0;    // immediate: 8 bytes that begin with the argument's own
};

struct StepEntry {
  int32_t stub = -1;  // -1: zero the buffer of the first argument
  uint32_t first_arg = 0;
  uint32_t arg_count = 0;
  uint32_t call = 0;
  uint64_t zero_bytes = 0;
};

// Followed by buffers, steps, args.
struct BatchDescriptor {
  uint32_t buffer_count = 0, step_count = 0, arg_count = 0, calls = 0;
  uint32_t threads = 1;
  uint32_t empty = 0;       // 1: map, start, touch, but make no call
  uint32_t linger = 0;      // 1: after the calls answer Called and wait for another Go
  uint32_t one_cpu = 0;     // 1: all of OpenMP's threads on one CPU, so that most of them are late
  uint32_t one_by_one = 0;  // 1: after each call answer Called with its number and wait for another Go. If empty, too:
                            // a call only wakes OpenMP's threads
  uint32_t padding = 0;
};

// The first page of the read-write arena; written by the child, read by kopt after its end, as a hint only.
struct BatchStatus {
  uint32_t calls_done;
  int32_t fault_signal;
  uint32_t fault_call;
  int32_t fault_write;   // 1: a write, 0: a read, -1: not known
  int32_t fault_buffer;  // nearest buffer; -1: none near
  int32_t padding;
  int64_t fault_offset;  // bytes from the start of that buffer's data
  uint64_t fault_address;
};
inline constexpr uint64_t kStatusBytes = 4096;

}  // namespace kopt

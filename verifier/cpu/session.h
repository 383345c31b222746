// One worker process that holds one loaded object, and the batches run in its children. kopt's side of protocol.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "verifier/cpu/protocol.h"

namespace kopt {

// Memory that batches map: inputs read-only, the rest read-write. Grows as needed; shared by all sessions of a
// verifier, because no child outlives its batch and no template ever holds a descriptor of it.
class Arenas {
 public:
  static Result<Arenas> Create();
  Result<void> Reserve(size_t read_only_bytes, size_t read_write_bytes);
  // Overwrites what the last batch left: the next process maps the memory before its own data are there.
  void Clear();
  void Used(size_t read_only_bytes, size_t read_write_bytes);
  SharedMemory& read_only() { return read_only_; }
  SharedMemory& read_write() { return read_write_; }
  int read_only_descriptor() const { return descriptor_.get(); }

 private:
  SharedMemory read_only_, read_write_;
  Fd descriptor_;                                    // of read_only_, without the right to write
  size_t used_read_only_ = 0, used_read_write_ = 0;  // bytes
};

// The buffers, steps and args of one batch, laid out in the arenas.
class Batch {
 public:
  // Adds a buffer; its data begins at a multiple of `align` and, below 256, at no larger power of two; the end of the
  // data lies as near the end of its mapping as that allows. Returns its number.
  int AddBuffer(size_t bytes, bool writable, int align = 256);
  void BeginCall() { ++calls_; }
  // Args refer to buffers (>= 0), or are immediate.
  void AddStep(int stub, const std::vector<ArgEntry>& args);
  void AddZero(int buffer);

  uint32_t calls() const { return calls_; }
  size_t buffer_count() const { return buffers_.size(); }
  size_t read_only_bytes() const { return read_only_bytes_; }
  size_t read_write_bytes() const { return read_write_bytes_; }
  std::span<std::byte> Data(Arenas& arenas, int buffer) const;
  // The rest of the buffer's mapping, before and after the data.
  std::span<std::byte> Front(Arenas& arenas, int buffer) const;
  std::span<std::byte> Back(Arenas& arenas, int buffer) const;
  bool writable(int buffer) const { return buffers_[static_cast<size_t>(buffer)].writable != 0; }
  // The text that the child reads; `how`: what is not the batch's own.
  std::string Serialize(const BatchDescriptor& how) const;

 private:
  std::span<std::byte> Mapping(Arenas& arenas, int buffer) const;
  std::vector<BufferEntry> buffers_;
  std::vector<size_t> bytes_;
  std::vector<StepEntry> steps_;
  std::vector<ArgEntry> args_;
  uint32_t calls_ = 0;
  size_t read_only_bytes_ = 0;
  size_t read_write_bytes_ = kStatusBytes;
};

// How a batch's process ended, as seen from outside.
struct BatchEnd {
  enum class Kind {
    kDone,    // exit status 0
    kSignal,  // number: the signal
    kExited,  // number: an exit status that is not the worker's own; or 0 with calls missing
    kTimeout,
    kForbidden,  // number: the system call; -1: not known
    kFlood,      // printed more than kMostOutput
    kStray,      // a thread left behind, or a process of the group that kopt did not ask for
    kForged,     // messages that the worker does not send, or filters that it did not install
    kNoSetup,    // the batch could not be prepared; printed: why
  };
  Kind kind = Kind::kDone;
  int number = 0;
  double seconds = 0;                // from the go to the end
  std::vector<double> call_seconds;  // until kopt knew that a call had returned: of each one, or lingering of all
  BatchStatus status{};              // what the child left as a hint
  std::string printed;               // its standard output and error, cut
};
inline constexpr size_t kMostOutput = 1 << 20;  // bytes a batch may print

// Whose threads come late in each call, all of OpenMP's being on one CPU: its own ones, because the thread that calls
// goes on there for milliseconds; or that one, because it gets next to nothing of the CPU while another runs.
enum class Late { kNobody, kOthers, kCaller };

struct SessionOptions {
  std::string worker;            // path of kopt-worker-cpu
  std::filesystem::path object;  // the shared object; readable for everyone, as are its folders
  bool sandbox = true;
  uint64_t address_space = uint64_t{6} << 30;  // bytes
  int threads = 1;
  Late late = Late::kNobody;  // else not for timing
  double load_seconds = 10;
};

class Session {
 public:
  // Starts a worker; the sandbox stands when this returns. Errors are ours (exit 3).
  static Result<std::unique_ptr<Session>> Start(const SessionOptions& options);
  ~Session();

  // Loads options.object; runs its constructors. The end of the process or a refusal comes back as a BatchEnd (kDone:
  // loaded); `reason` gets the loader's words where it refused the object (kind kExited).
  BatchEnd Load(std::string& reason);

  struct RunOptions {
    bool empty = false;   // the same batch without its calls
    bool linger = false;  // look for threads that the calls left behind; not for timing
    double seconds = 10;  // deadline of the calls
    bool alone = false;   // the calls use no thread but the calling one: start no other
    // If given, calls are made one by one: kopt runs this when call `number` has returned, and lets the next one begin
    // afterwards. What it takes is not in any call's time. Not with `linger`.
    std::function<void(size_t number)> returned;
  };
  // One batch. `fill` runs while every process of the group is stopped, after the child has touched its pages and
  // before the clock starts: it writes inputs and poison. Errors are ours.
  Result<BatchEnd> Run(Arenas& arenas, const Batch& batch, const RunOptions& run, const std::function<void()>& fill);
  // False after any end but kDone: the whole group is gone then.
  bool running() const { return group_.running(); }

 private:
  explicit Session(const SessionOptions& options) : options_(options) {}
  bool SendMessage(const Message& message);
  struct Forked {
    pid_t child = -1;
    std::optional<BatchEnd> end;  // it did not fork
  };
  Result<Forked> Fork();
  Result<BatchEnd> RunChild(Arenas& arenas, const Batch& batch, const RunOptions& run,
                            const std::function<void()>& fill);
  Result<std::optional<BatchEnd>> AwaitReady(pid_t child, Arenas& arenas, const Batch& batch, const RunOptions& run);
  BatchEnd AwaitEnd(pid_t child, int ended, Arenas& arenas, const Batch& batch, const RunOptions& run);
  bool ThreadsLeft(pid_t child);
  // Waits for a message while the leader lives; false at the deadline or at its end.
  bool ReceiveMessage(Message& message, double seconds);
  bool SendBatch(int descriptor, Arenas& arenas);
  bool Stop(pid_t pid);
  struct Leftover {
    std::optional<int> forbidden;  // the system call
    bool forged = false;
  };
  Leftover DrainMessages();
  bool IsOwnChild(pid_t pid) const;
  int FilterCount(pid_t pid) const;
  bool DescriptorLeft();
  bool StrayProcess();
  void DrainOutput();

  SessionOptions options_;
  ProcessGroup group_;
  Fd control_;     // kopt's end
  Fd worker_end_;  // the worker's end, kept to see what it left unread
  Fd output_;      // read end of its standard output and error
  CappedReader printed_;
  int filters_ = 0;  // seccomp filters of the template before it loaded anything
};

}  // namespace kopt

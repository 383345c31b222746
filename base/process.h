// Child processes: each in a process group of its own, killed with everything in it, and never outliving kopt.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"

namespace kopt {

// Lets this process, and those that it starts, open as many descriptors as the system's hard limit allows; the number.
size_t RaiseDescriptorLimit();

// The CPUs that this process may run on.
std::vector<int> AllowedCpus();

struct SpawnOptions {
  std::vector<std::string> command;      // command[0]: the path of the program
  std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
  int input = -1;                        // becomes descriptor 0; -1: /dev/null
  int output = -1;                       // descriptor 1; -1: /dev/null
  int errors = -1;                       // descriptor 2; -1: /dev/null
  int control = -1;                      // descriptor 3; -1: none
};

// A process group that is killed when the object goes, and by the guard when kopt itself is gone.
class ProcessGroup {
 public:
  static Result<ProcessGroup> Spawn(const SpawnOptions& options);
  ProcessGroup() = default;
  ProcessGroup(ProcessGroup&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  ProcessGroup& operator=(ProcessGroup&& other) noexcept;
  ~ProcessGroup() { Kill(); }

  pid_t pid() const { return pid_; }
  bool running() const { return pid_ > 0; }
  // SIGKILL to the group; reaps its leader and every member that is a child of kopt. Safe to call twice.
  void Kill() noexcept;
  // Waits for the leader at most `seconds`; true and its wait status if it ended (the group is killed then too).
  bool WaitFor(double seconds, int& wait_status);

 private:
  explicit ProcessGroup(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

// Starts the guard once: a process that outlives kopt by a moment and kills the groups that kopt left behind.
// `program` is started as `program guard`.
Result<void> StartGuard(const std::string& program);

// The guard removes this folder too, should it still be there when kopt is gone.
void GuardFolder(const std::filesystem::path& folder);

// Reads a pipe to its end on a non-blocking descriptor, keeping at most `keep` bytes; counts all of them.
class CappedReader {
 public:
  explicit CappedReader(size_t keep = 1 << 16) : keep_(keep) {}
  // Reads what is there. False at the end of the pipe.
  bool Drain(int fd);
  const std::string& text() const { return text_; }
  size_t total() const { return total_; }

 private:
  size_t keep_;
  size_t total_ = 0;
  std::string text_;
};

// Waits for data or the end on `fd`; false after `seconds`.
bool AwaitInput(int fd, double seconds);

// A pipe whose read end does not block: {read, write}.
Result<std::pair<Fd, Fd>> MakePipe();

}  // namespace kopt

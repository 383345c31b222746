// Isolation of code that kopt does not trust: Landlock, seccomp, resource limits, and a uid of its own where kopt runs
// as root. No user namespaces. Used by kopt-worker-cpu on itself; docs/security.md says what each layer is for.
// Depends on libc and libseccomp only: the worker links nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kopt::sandbox {

struct Limits {
  uint64_t address_space = uint64_t{4} << 30;  // bytes
  uint64_t cpu_seconds = 600;
  uint64_t file_size = 0;  // bytes a file may grow to
  uint64_t open_files = 64;
  uint64_t processes = 0;  // threads included, of the dropped uid; 0: not limited
  int first_closed = 4;    // descriptors from here on are closed
};

// Each returns "" or one sentence that says what failed.

// Private from here on: no new privileges, dies with its parent, no core files, `limits`; as root also a uid and gid
// of its own (from `slot`), without capabilities.
std::string Confine(const Limits& limits, uint32_t slot);

// The uid that Confine takes for a slot when it runs as root.
uint32_t UidOfSlot(uint32_t slot);

// Landlock: only these folders or files can be opened, for reading and executing, or for everything below `writable`.
// Paths that do not exist are passed over. ABI 4 and later: no TCP either; ABI 6: no signals or abstract sockets
// outside.
std::string RestrictFiles(const std::vector<std::string>& readable, const std::vector<std::string>& writable);

// For a compiler and its children: everything but networks, tracing, sessions and process groups, kernel interfaces.
std::string FilterCompiler();
// While a candidate is loaded: an allow-list; files can be opened (Landlock decides which).
std::string FilterLoading();
// In each forked child, on top, for all its threads: no opens and no looking up of paths (EACCES), no executable or
// shared mappings, no change to what is mapped below the address `own_memory`, clone for threads only. What a
// constructor has taken over in the process could pass it by: FilterLoading is the boundary.
std::string FilterRunning(uint64_t own_memory);
// Every call that the two filters above refuse calls `report` (async-signal-safe) with its number and ends the process
// with this status. Installed before FilterLoading, which forbids replacing it.
inline constexpr int kForbiddenCallExit = 97;
std::string ReportForbiddenCalls(void (*report)(int number));

int LandlockAbi();  // 0: none
bool SeccompAvailable();
// "openat" for a number of this machine's architecture; "call 1234" if it has no name.
std::string SystemCallName(int number);

}  // namespace kopt::sandbox

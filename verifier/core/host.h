// What a host must have before candidates may run on it.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace kopt {

// What the sandbox needs, and whether this host has it.
struct SandboxState {
  int landlock_abi = 0;  // 0: none
  bool seccomp = false;
  bool root = false;
  std::string missing;  // what is missing and what to do; empty if the sandbox is complete
};

// An environment error if the worker is missing, or if candidates must be confined and this host cannot.
Result<void> CheckHost(const std::filesystem::path& worker, const SandboxState& state, bool sandbox);

}  // namespace kopt

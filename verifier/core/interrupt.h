// Ending a verifier's work early.
#pragma once

#include "verifier/core/verifier.h"

namespace kopt {

// Why `interrupts` ends the work early: exit 130.
inline Result<void> CheckInterrupt(const VerifierOptions& options) {
  if (options.interrupts == nullptr || options.interrupts->load() == 0) return {};
  return std::unexpected(Error{.exit = Exit::kInterrupted, .message = "interrupted"});
}

}  // namespace kopt

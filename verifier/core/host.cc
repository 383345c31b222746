#include "verifier/core/host.h"

#include <unistd.h>

namespace kopt {

Result<void> CheckHost(const std::filesystem::path& worker, const SandboxState& state, bool sandbox) {
  if (access(worker.c_str(), X_OK) != 0) {
    return EnvironmentError(fmt::format("{} is missing", worker.string()),
                            "it is built together with kopt and belongs in the same folder");
  }
  if (!sandbox || state.missing.empty()) return {};
  return EnvironmentError("this host cannot confine candidates: " + state.missing,
                          "--unsafe-no-sandbox runs them without a sandbox: only for code you trust");
}

}  // namespace kopt

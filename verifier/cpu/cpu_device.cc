// The machine as a device, and what its sandbox can do.
#include <unistd.h>

#include "base/files.h"
#include "base/process.h"
#include "verifier/cpu/cpu_verifier.h"
#include "verifier/sandbox/sandbox.h"

namespace kopt {
namespace {

std::string ModelName() {
  auto text = ReadFile("/proc/cpuinfo");
  if (!text) return "CPU";
  for (const char* key : {"model name", "Model", "Hardware"}) {
    const size_t at = text->find(key);
    if (at == std::string::npos) continue;
    const size_t colon = text->find(':', at);
    const size_t end = text->find('\n', at);
    if (colon == std::string::npos || end < colon) continue;
    return text->substr(colon + 2, end - colon - 2);
  }
  return "CPU";
}

}  // namespace

Device CpuDevice() {
  const auto threads = static_cast<long long>(AllowedCpus().size());
  return {.name = fmt::format("{}, {} threads", ModelName(), threads), .values = {{"THREADS", threads}}};
}

SandboxState ProbeSandbox() {
  SandboxState state{
      .landlock_abi = sandbox::LandlockAbi(), .seccomp = sandbox::SeccompAvailable(), .root = geteuid() == 0};
  if (state.landlock_abi == 0) {
    state.missing =
        "Landlock is missing: it needs Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK and \"landlock\" in the lsm= "
        "list";
  } else if (!state.seccomp) {
    state.missing = "seccomp filters are missing: the kernel needs CONFIG_SECCOMP_FILTER";
  }
  return state;
}

}  // namespace kopt

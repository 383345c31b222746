// The machine as a device, and what its sandbox can do.
#include <fmt/ranges.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/process.h"
#include "verifier/core/roofline.h"
#include "verifier/cpu/compile.h"
#include "verifier/cpu/cpu_verifier.h"
#include "verifier/sandbox/sandbox.h"

namespace kopt {
namespace {

constexpr size_t kLargestProgram = size_t{1} << 30;

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

Result<void> AddFacts(Device& device, const std::filesystem::path& worker, const Compiler& compiler) {
  KOPT_TRY(const std::string program, ReadFile(worker, kLargestProgram));
  utsname system{};
  uname(&system);
  device.facts = {{"cpu", ModelName()},
                  {"threads", device.values.at("THREADS")},
                  {"last_cache_bytes", LastCacheBytes()},
                  {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
                  {"worker", ContentHash(program)},
                  {"compiler", compiler.path},
                  {"compiler_version", compiler.version},
                  {"flags", fmt::format("{}", fmt::join(CandidateFlags(), " "))}};
  return {};
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

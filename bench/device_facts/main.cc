// device_facts [SECTION...]: finds out on the device at hand what the verifier stands on; docs/device-facts.md has what
// an H200 said. Each section runs in a process of its own, because some end with a fault on purpose.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/device_facts/gpu.h"

namespace {

struct Section {
  std::string name;
  void (*run)();
};

const std::vector<Section> kSections = {{"variables", kopt::facts::Variables},
                                        {"residue", kopt::facts::Residue},
                                        {"flushes", kopt::facts::Flushes},
                                        {"copies", kopt::facts::Copies},
                                        {"traps", kopt::facts::Traps},
                                        {"kill", kopt::facts::KillEndless},
                                        {"ramp", kopt::facts::ClockRamp},
                                        {"events", kopt::facts::Events},
                                        {"dependents", kopt::facts::Dependents},
                                        {"code", kopt::facts::Code},
                                        {"sharing", kopt::facts::Sharing},
                                        {"costs", kopt::facts::Costs},
                                        {"tensor_stores", kopt::facts::TensorStores}};

int RunHere(const Section& section) {
  try {
    section.run();
    return 0;
  } catch (const std::exception& error) {
    std::printf("  ended by: %s\n", error.what());
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  for (const std::string& name : wanted) {
    if (std::ranges::find(kSections, name, &Section::name) != kSections.end()) continue;
    std::fprintf(stderr, "device_facts: there is no section %s\n", name.c_str());
    return 2;
  }
  if (wanted.size() == 1) {  // in this process, for tools that follow one
    return RunHere(*std::ranges::find(kSections, wanted[0], &Section::name));
  }
  for (const Section& section : kSections) {
    if (!wanted.empty() && std::ranges::find(wanted, section.name) == wanted.end()) continue;
    std::printf("[%s]\n", section.name.c_str());
    const pid_t child = fork();
    if (child == 0) _exit(RunHere(section));
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) std::printf("  ended by signal %d\n", WTERMSIG(status));
  }
  return 0;
}

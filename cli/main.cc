#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "base/files.h"
#include "cli/kopt.h"

namespace {

kopt::Interrupts interrupts;

void OnSignal(int) { interrupts.Signal(); }

void CatchSignals() {
  struct sigaction action{};
  action.sa_handler = OnSignal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a reader that went away must not end a run
}

int Columns() {
  winsize size{};
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  return 80;
}

std::optional<std::string> FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

int main(int argc, char** argv) {
  CatchSignals();
  kopt::Host host{.out = std::cout,
                  .err = std::cerr,
                  .out_is_terminal = isatty(STDOUT_FILENO) == 1,
                  .err_is_terminal = isatty(STDERR_FILENO) == 1,
                  .columns = Columns(),
                  .clock = kopt::SystemClock(),
                  .interrupts = interrupts,
                  .environment = FromEnvironment,
                  .worker = kopt::ProgramFolder() / "kopt-worker-cpu",
                  .new_verifier = kopt::NewCpuVerifier,
                  .device = kopt::CpuDevice,
                  .calibrate = kopt::CalibrateCpu,
                  .sandbox = kopt::ProbeSandbox,
                  .compiler = kopt::FindCompiler};
  return kopt::RunKopt(std::vector<std::string>(argv + 1, argv + argc), host);
}

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "base/files.h"
#include "cli/kopt.h"
#include "verifier/cuda/cuda_verifier.h"

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

// With one of the first three descriptors closed, the next file opened would take its number and all that is printed.
void OpenStandardStreams() {
  int fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) close(fd);
}

bool ReaderWentAway() {
  pollfd item{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  return poll(&item, 1, 0) > 0 && (item.revents & POLLERR) != 0;
}

// A result that was lost is no success, unless whoever asked for it closed the pipe.
int Finish(int exit) {
  std::cout.flush();
  if (std::cout.good() || ReaderWentAway()) return exit;
  std::cerr << "kopt: the output cannot be written\nhint: free some space where stdout leads, and run again\n";
  return exit > 1 ? exit : static_cast<int>(kopt::Exit::kEnvironment);
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

kopt::Result<kopt::Device> CudaDeviceOfThisHost(int number) {
  KOPT_TRY(const kopt::CudaDevice found, kopt::FindCudaDevice(number));
  return found.device;
}

}  // namespace

int main(int argc, char** argv) {
  OpenStandardStreams();
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
                  .backends = {{kopt::Target::kCpu,
                                {.new_verifier = kopt::NewCpuVerifier,
                                 .device = [](int) { return kopt::Result<kopt::Device>(kopt::CpuDevice()); },
                                 .calibrate = kopt::CalibrateCpu}},
                               {kopt::Target::kCuda,
                                {.new_verifier = kopt::NewCudaVerifier,
                                 .device = CudaDeviceOfThisHost,
                                 .calibrate = kopt::CalibrateCuda,
                                 .count_devices = kopt::CountCudaDevices,
                                 .new_verifiers = kopt::NewCudaVerifiers}}},
                  .sandbox = kopt::ProbeSandbox,
                  .compiler = kopt::FindCompiler};
  return Finish(kopt::RunKopt(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), host));
}

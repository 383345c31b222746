#include "base/lane.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"

namespace kopt {

namespace {

constexpr double kPollSeconds = 0.01;

}  // namespace

Result<Lane> Lane::Open(const std::string& device, const std::atomic<int>* interrupts) {
  // Not under TMPDIR: every kopt of the machine must meet here.
  const std::string path = "/tmp/kopt-" + device + ".lock";
  Lane lane;
  lane.interrupts_ = interrupts;
  // Without O_CREAT first: sticky folders refuse O_CREAT on another user's file.
  lane.fd_ = Fd(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!lane.fd_.valid()) {
    lane.fd_ = Fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (lane.fd_.valid()) fchmod(lane.fd_.get(), 0666);
  }
  if (!lane.fd_.valid()) {
    return EnvironmentError(fmt::format("cannot open {}: {}", path, std::strerror(errno)),
                            "remove it, or make it writable for all");
  }
  return lane;
}

Lane::Hold::~Hold() {
  if (fd_ >= 0) flock(fd_, LOCK_UN);
}

Lane::Hold Lane::Alone() { return Take(LOCK_EX); }
Lane::Hold Lane::Shared() { return Take(LOCK_SH); }

Lane::Hold Lane::Take(int operation) {
  const double begin = SystemClock().Now();
  bool taken = false;
  while (!(taken = flock(fd_.get(), operation | LOCK_NB) == 0)) {
    if (interrupts_ != nullptr && interrupts_->load() > 0) break;
    SystemClock().Sleep(kPollSeconds);
  }
  waited_ += SystemClock().Now() - begin;
  return Hold(taken ? fd_.get() : -1);
}

}  // namespace kopt

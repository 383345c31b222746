#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/guard.h"

namespace kopt {
namespace {

// The write end of the guard's input, open as long as kopt lives; -1 before StartGuard.
int guard_fd = -1;

void TellGuard(const GuardMessage& message) {
  if (guard_fd < 0) return;
  const ssize_t ignored = write(guard_fd, &message, sizeof(message));
  static_cast<void>(ignored);
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void Place(int fd, int at) {
    if (fd < 0) {
      posix_spawn_file_actions_addopen(&actions_, at, "/dev/null", at == 0 ? O_RDONLY : O_WRONLY, 0);
    } else {
      posix_spawn_file_actions_adddup2(&actions_, fd, at);
    }
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// dup2 onto its own number would leave close-on-exec set: move low descriptors out of the way first.
int Lift(int fd) { return fd >= 0 && fd < 16 ? fcntl(fd, F_DUPFD_CLOEXEC, 16) : fd; }

Result<pid_t> SpawnProcess(const SpawnOptions& options) {
  const int given[] = {options.input, options.output, options.errors, options.control};
  int lifted[4];
  for (int i = 0; i < 4; ++i) lifted[i] = Lift(given[i]);
  FileActions actions;
  for (int i = 0; i < 3; ++i) actions.Place(lifted[i], i);
  if (options.control >= 0) actions.Place(lifted[3], 3);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t defaults;
  sigfillset(&defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);

  pid_t pid = -1;
  const int failed = posix_spawn(&pid, options.command[0].c_str(), actions.get(), &attributes,
                                 Pointers(options.command).data(), Pointers(options.environment).data());
  posix_spawnattr_destroy(&attributes);
  for (int i = 0; i < 4; ++i) {
    if (lifted[i] >= 0 && lifted[i] != given[i]) close(lifted[i]);
  }
  if (failed != 0)
    return EnvironmentError(fmt::format("cannot start {}: {}", options.command[0], std::strerror(failed)));
  return pid;
}

}  // namespace

size_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

std::vector<int> AllowedCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(i, &set)) cpus.push_back(i);
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

Result<ProcessGroup> ProcessGroup::Spawn(const SpawnOptions& options) {
  KOPT_TRY(const pid_t pid, SpawnProcess(options));
  TellGuard({.group = pid});
  return ProcessGroup(pid);
}

ProcessGroup& ProcessGroup::operator=(ProcessGroup&& other) noexcept {
  if (this != &other) {
    Kill();
    pid_ = other.pid_;
    other.pid_ = -1;
  }
  return *this;
}

void ProcessGroup::Kill() noexcept {
  if (pid_ <= 0) return;
  kill(-pid_, SIGKILL);
  int ignored = 0;
  while (true) {
    const pid_t ended = waitpid(-pid_, &ignored, 0);
    if (ended < 0 && errno == EINTR) continue;
    if (ended < 0) break;
  }
  TellGuard({.group = -pid_});
  pid_ = -1;
}

bool ProcessGroup::WaitFor(double seconds, int& wait_status) {
  if (pid_ <= 0) return false;
  const Fd descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  pollfd item{.fd = descriptor.get(), .events = POLLIN, .revents = 0};
  if (descriptor.valid() && poll(&item, 1, static_cast<int>(seconds * 1000)) <= 0) return false;
  if (waitpid(pid_, &wait_status, WNOHANG) != pid_) return false;
  Kill();
  return true;
}

Result<void> StartGuard(const std::string& program) {
  if (guard_fd >= 0) return {};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return EnvironmentError(fmt::format("pipe: {}", std::strerror(errno)));
  Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  auto pid = SpawnProcess({.command = {program, "guard"}, .environment = {}, .input = read_end.get()});
  if (!pid) return std::unexpected(pid.error());
  guard_fd = write_end.Release();
  return {};
}

void GuardFolder(const std::filesystem::path& folder) {
  GuardMessage message;
  if (folder.string().size() >= sizeof(message.folder)) return;
  std::strncpy(message.folder, folder.c_str(), sizeof(message.folder) - 1);
  TellGuard(message);
}

bool CappedReader::Drain(int fd) {
  char buffer[16384];
  while (true) {
    const ssize_t got = read(fd, buffer, sizeof(buffer));
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    total_ += static_cast<size_t>(got);
    const size_t room = keep_ - std::min(keep_, text_.size());
    text_.append(buffer, std::min(room, static_cast<size_t>(got)));
  }
}

Result<std::pair<Fd, Fd>> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return EnvironmentError(fmt::format("pipe: {}", std::strerror(errno)));
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

bool AwaitInput(int fd, double seconds) {
  const double deadline = SystemClock().Now() + seconds;
  while (true) {
    pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
    const double left = deadline - SystemClock().Now();
    if (poll(&item, 1, std::max(0, static_cast<int>(left * 1000) + 1)) > 0) return true;
    if (left <= 0) return false;
  }
}

}  // namespace kopt

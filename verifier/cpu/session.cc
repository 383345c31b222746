#include "verifier/cpu/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/clock.h"
#include "base/descriptors.h"
#include "verifier/cpu/first_cpu.h"
#include "verifier/sandbox/sandbox.h"

namespace kopt {
namespace {

constexpr double kReadySeconds = 60;  // to map, start threads and touch pages
constexpr double kStopSeconds = 5;
constexpr double kThreadSeconds = 0.25;  // for OpenMP's threads to end

// Where the calling thread is to be late, others sleep while they wait for it: else it would get no CPU at all.
std::vector<std::string> Environment(const SessionOptions& options) {
  return {"PATH=/usr/bin:/bin", "LC_ALL=C", "OMP_DYNAMIC=false",
          fmt::format("OMP_WAIT_POLICY={}", options.late == Late::kCaller ? "passive" : "active"),
          fmt::format("OMP_NUM_THREADS={}", options.threads)};
}

std::vector<std::string> LibraryFolders() {
  return {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"};
}

BatchEnd EndOfStatus(int wait_status) {
  BatchEnd end;
  if (WIFSIGNALED(wait_status)) {
    end.number = WTERMSIG(wait_status);
    end.kind = end.number == SIGSYS ? BatchEnd::Kind::kForbidden : BatchEnd::Kind::kSignal;
    if (end.kind == BatchEnd::Kind::kForbidden) end.number = -1;
  } else {
    end.number = WEXITSTATUS(wait_status);
    end.kind = end.number == 0 ? BatchEnd::Kind::kDone : BatchEnd::Kind::kExited;
  }
  return end;
}

// A refused system call. abort() sends a signal, which is refused like any other and ends the process as well.
BatchEnd EndOfForbidden(int number) {
  if (number == SYS_tgkill) return {.kind = BatchEnd::Kind::kSignal, .number = SIGABRT};
  return {.kind = BatchEnd::Kind::kForbidden, .number = number};
}

uint32_t NextSlot() {
  static std::atomic<uint32_t> next{0};
  return (static_cast<uint32_t>(getpid()) * 1024 + next++ % 1024) * 2;
}

// kopt's thread on the first CPU of a child's first thread, as long as this lives: what kopt writes is in the caches of
// the one who reads it, and neither waits for a CPU to wake up.
class OnFirstCpuOf {
 public:
  explicit OnFirstCpuOf(pid_t child) {
    cpu_set_t cpus;
    moved_ = sched_getaffinity(0, sizeof(before_), &before_) == 0 &&
             sched_getaffinity(child, sizeof(cpus), &cpus) == 0 && MoveToFirstCpu(cpus);
  }
  ~OnFirstCpuOf() {
    if (moved_) sched_setaffinity(0, sizeof(before_), &before_);
  }
  OnFirstCpuOf(const OnFirstCpuOf&) = delete;
  OnFirstCpuOf& operator=(const OnFirstCpuOf&) = delete;

 private:
  cpu_set_t before_{};
  bool moved_ = false;
};

}  // namespace

Result<std::unique_ptr<Session>> Session::Start(const SessionOptions& options) {
  if (options.object.string().size() >= sizeof(Message::text)) {
    return EnvironmentError(fmt::format("the path {} is too long", options.object.string()),
                            "set TMPDIR to a shorter one");
  }
  KOPT_CHECK(StartGuard(options.worker));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return EnvironmentError(fmt::format("socketpair: {}", std::strerror(errno)));
  }
  auto session = std::unique_ptr<Session>(new Session(options));
  session->control_ = Fd(ends[0]);
  session->worker_end_ = Fd(ends[1]);
  KOPT_TRY(auto pipe, MakePipe());
  session->output_ = std::move(pipe.first);
  SpawnOptions spawn{.command = {options.worker, "template", fmt::format("{}", NextSlot()), options.sandbox ? "1" : "0",
                                 fmt::format("{}", options.address_space)},
                     .environment = Environment(options),
                     .output = pipe.second.get(),
                     .errors = pipe.second.get(),
                     .control = session->worker_end_.get()};
  for (const std::string& folder : LibraryFolders()) spawn.command.push_back(folder);
  spawn.command.push_back(options.object.string());
  KOPT_TRY(session->group_, ProcessGroup::Spawn(spawn));
  Message hello;
  if (!session->ReceiveMessage(hello, options.load_seconds) || hello.type != MessageType::kHello) {
    session->DrainOutput();
    return EnvironmentError(fmt::format("the worker {} does not start: {}", options.worker, session->printed_.text()));
  }
  hello.text[sizeof(hello.text) - 1] = '\0';
  if (hello.text[0] != '\0') {
    return EnvironmentError(fmt::format("the sandbox cannot be set up: {}", hello.text),
                            "kopt doctor says what is missing; --unsafe-no-sandbox runs without it");
  }
  session->filters_ = session->FilterCount(session->group_.pid());
  return session;
}

Session::~Session() = default;

BatchEnd Session::Load(std::string& reason) {
  Message request{.type = MessageType::kLoad, .value = 0, .text = {}};
  std::strncpy(request.text, options_.object.c_str(), sizeof(request.text) - 1);
  BatchEnd end{.kind = BatchEnd::Kind::kTimeout};
  Message reply;
  const double begin = SystemClock().Now();
  if (SendMessage(request) && ReceiveMessage(reply, options_.load_seconds)) {
    reply.text[sizeof(reply.text) - 1] = '\0';
    if (reply.type == MessageType::kForbidden) end = EndOfForbidden(reply.value);
    if (reply.type == MessageType::kLoaded) end = {.kind = BatchEnd::Kind::kDone};
    if (reply.type == MessageType::kLoadFailed) {
      end = {.kind = BatchEnd::Kind::kExited};
      reason = reply.text;
    }
  } else if (int wait_status = 0; group_.WaitFor(0.05, wait_status)) {
    end = EndOfStatus(wait_status);
    if (end.kind == BatchEnd::Kind::kDone) end.kind = BatchEnd::Kind::kExited;
  }
  if (end.kind == BatchEnd::Kind::kDone) {
    // A constructor must not leave threads or children behind.
    auto status = ReadFile(fmt::format("/proc/{}/status", group_.pid()));
    if (!status || status->find("\nThreads:\t1\n") == std::string::npos) end.kind = BatchEnd::Kind::kStray;
    // It stands still from here on but for the moments in which it forks.
    if (!Stop(group_.pid()) || FilterCount(group_.pid()) != filters_) end.kind = BatchEnd::Kind::kForged;
  }
  end.seconds = SystemClock().Now() - begin;
  DrainOutput();
  end.printed = printed_.text();
  if (printed_.total() > kMostOutput) end.kind = BatchEnd::Kind::kFlood;
  if (end.kind != BatchEnd::Kind::kDone) group_.Kill();
  return end;
}

Result<BatchEnd> Session::Run(Arenas& arenas, const Batch& batch, const RunOptions& run,
                              const std::function<void()>& fill) {
  if (!group_.running()) return InternalError("the worker of this session has ended already");
  auto end = RunChild(arenas, batch, run, fill);
  printed_ = CappedReader();
  if (!end || end->kind != BatchEnd::Kind::kDone) group_.Kill();
  return end;
}

Result<BatchEnd> Session::RunChild(Arenas& arenas, const Batch& batch, const RunOptions& run,
                                   const std::function<void()>& fill) {
  arenas.Clear();
  KOPT_TRY(const auto forked, Fork());
  if (forked.end) return *forked.end;
  const Fd ended(static_cast<int>(syscall(SYS_pidfd_open, forked.child, 0)));
  if (!ended.valid()) return InternalError(fmt::format("pidfd_open: {}", std::strerror(errno)));
  KOPT_TRY(const auto early, AwaitReady(forked.child, arenas, batch, run));
  if (early) return *early;
  kill(-group_.pid(), SIGSTOP);
  if (!Stop(forked.child)) return BatchEnd{.kind = BatchEnd::Kind::kStray};
  if (const sched_param none{};
      options_.late == Late::kCaller && sched_setscheduler(forked.child, SCHED_IDLE, &none) != 0) {
    return BatchEnd{.kind = BatchEnd::Kind::kNoSetup, .printed = fmt::format("SCHED_IDLE: {}", std::strerror(errno))};
  }
  arenas.Used(batch.read_only_bytes(), batch.read_write_bytes());
  std::memset(arenas.read_write().bytes().data(), 0, kStatusBytes);
  fill();
  return AwaitEnd(forked.child, ended.get(), arenas, batch, run);
}

// The template runs for this moment only. Whatever it does but answer with its child's number is the candidate's doing.
Result<Session::Forked> Session::Fork() {
  if (DrainMessages().forged) return Forked{.end = BatchEnd{.kind = BatchEnd::Kind::kForged}};
  kill(group_.pid(), SIGCONT);
  Message reply;
  const bool answered =
      SendMessage({.type = MessageType::kFork, .value = 0, .text = {}}) && ReceiveMessage(reply, kStopSeconds);
  if (answered && reply.type == MessageType::kForbidden) {
    return Forked{.end = BatchEnd{.kind = BatchEnd::Kind::kForbidden, .number = reply.value}};
  }
  if (answered && reply.type == MessageType::kForked && reply.value < 0) {
    return InternalError(fmt::format("the worker cannot fork: {}", std::strerror(-reply.value)));
  }
  if (!answered || reply.type != MessageType::kForked || !Stop(group_.pid()) || !IsOwnChild(reply.value)) {
    return Forked{.end = BatchEnd{.kind = BatchEnd::Kind::kForged}};
  }
  return Forked{.child = reply.value};
}

// An end before the child is ready is the candidate's doing.
Result<std::optional<BatchEnd>> Session::AwaitReady(pid_t child, Arenas& arenas, const Batch& batch,
                                                    const RunOptions& run) {
  const std::string text = batch.Serialize({.threads = run.alone ? 1U : static_cast<uint32_t>(options_.threads),
                                            .empty = run.empty ? 1U : 0U,
                                            .linger = run.linger ? 1U : 0U,
                                            .one_cpu = options_.late != Late::kNobody ? 1U : 0U,
                                            .one_by_one = run.returned ? 1U : 0U});
  KOPT_TRY(SharedMemory descriptor, SharedMemory::Create(text.size()));
  std::memcpy(descriptor.bytes().data(), text.data(), text.size());
  if (!SendBatch(descriptor.fd(), arenas))
    return InternalError(fmt::format("sending a batch: {}", std::strerror(errno)));
  Message ready;
  const bool answered = ReceiveMessage(ready, kReadySeconds);
  if (answered && ready.type == MessageType::kReady && ready.value == 0) {
    const bool filtered = !options_.sandbox || filters_ < 0 || FilterCount(child) == filters_ + 1;
    return filtered ? std::nullopt : std::optional(BatchEnd{.kind = BatchEnd::Kind::kForged});
  }
  if (answered && ready.type == MessageType::kReady) {
    ready.text[sizeof(ready.text) - 1] = '\0';
    return std::optional(BatchEnd{.kind = BatchEnd::Kind::kNoSetup, .printed = ready.text});
  }
  if (answered && ready.type == MessageType::kForbidden) {
    return std::optional(BatchEnd{.kind = BatchEnd::Kind::kForbidden, .number = ready.value});
  }
  int wait_status = 0;
  if (waitpid(child, &wait_status, WNOHANG) == child) {
    BatchEnd end = EndOfStatus(wait_status);
    if (end.kind == BatchEnd::Kind::kDone) end.kind = BatchEnd::Kind::kExited;
    return std::optional(end);
  }
  return std::optional(BatchEnd{.kind = BatchEnd::Kind::kForged});
}

BatchEnd Session::AwaitEnd(pid_t child, int ended, Arenas& arenas, const Batch& batch, const RunOptions& run) {
  std::optional<OnFirstCpuOf> moved;
  if (run.returned) moved.emplace(child);
  const Message go{.type = MessageType::kGo, .value = 0, .text = {}};
  SendMessage(go);
  const int64_t begin = MonotonicNs();
  kill(child, SIGCONT);
  int64_t now = begin;
  bool over = false;
  bool timed_out = false;
  bool threads_left = false;
  bool forged = false;
  std::vector<double> call_seconds;
  int64_t gone = begin;  // when the call that runs was let go
  std::optional<int> forbidden;
  while (!over && !timed_out && !threads_left && !forged && printed_.total() <= kMostOutput) {
    // Of a whole batch only the end is awaited: nothing that the child says can stop the clock.
    pollfd items[] = {{.fd = ended, .events = POLLIN, .revents = 0},
                      {.fd = output_.get(), .events = POLLIN, .revents = 0},
                      {.fd = run.linger || run.returned ? control_.get() : -1, .events = POLLIN, .revents = 0}};
    const double left = run.seconds - 1e-9 * static_cast<double>(now - begin);
    const int count = poll(items, 3, left > 0 ? static_cast<int>(left * 1000) + 1 : 0);
    now = MonotonicNs();
    over = items[0].revents != 0;
    timed_out = !over && (count == 0 || 1e-9 * static_cast<double>(now - begin) > run.seconds);
    if (items[1].revents != 0) DrainOutput();
    Message message;
    if (items[2].revents == 0 || !ReceiveMessage(message, kStopSeconds)) continue;
    if (message.type == MessageType::kForbidden) {
      forbidden = message.value;
      continue;
    }
    const size_t number = call_seconds.size();
    forged = message.type != MessageType::kCalled || number >= (run.returned ? batch.calls() : 1) ||
             static_cast<size_t>(message.value) != number;
    if (forged) continue;
    // No thread of the child sees the next call's inputs before the clock starts. If it has ended, poll() will tell,
    // and the call does not count.
    if (run.returned && !Stop(child)) continue;
    call_seconds.push_back(1e-9 * static_cast<double>(now - gone));
    if (run.returned) {
      run.returned(number);
    } else {
      threads_left = ThreadsLeft(child);
    }
    gone = MonotonicNs();
    SendMessage(go);
    if (run.returned) kill(child, SIGCONT);
  }
  if (!over) kill(child, SIGKILL);
  int wait_status = 0;
  while (waitpid(child, &wait_status, 0) < 0 && errno == EINTR) {
  }
  DrainOutput();

  BatchEnd end = EndOfStatus(wait_status);
  end.seconds = 1e-9 * static_cast<double>(now - begin);
  end.call_seconds = std::move(call_seconds);
  std::memcpy(&end.status, arenas.read_write().bytes().data(), sizeof(end.status));
  end.printed = printed_.text();
  const Leftover left = DrainMessages();
  if (!forbidden) forbidden = left.forbidden;
  if (forbidden) {
    end.kind = EndOfForbidden(*forbidden).kind;
    end.number = EndOfForbidden(*forbidden).number;
  } else if (forged || left.forged) {
    end.kind = BatchEnd::Kind::kForged;
  } else if (printed_.total() > kMostOutput) {
    end.kind = BatchEnd::Kind::kFlood;
  } else if (threads_left) {
    end.kind = BatchEnd::Kind::kStray;
  } else if (timed_out) {
    end.kind = BatchEnd::Kind::kTimeout;
  } else if (end.kind == BatchEnd::Kind::kDone &&
             (end.status.calls_done != batch.calls() || (run.returned && end.call_seconds.size() != batch.calls()))) {
    end.kind = BatchEnd::Kind::kExited;
  } else if (end.kind == BatchEnd::Kind::kDone && (DescriptorLeft() || StrayProcess())) {
    end.kind = BatchEnd::Kind::kStray;
  }
  return end;
}

// True if the child has more threads than its first one. OpenMP's were told to end; they take a moment.
bool Session::ThreadsLeft(pid_t child) {
  const double deadline = SystemClock().Now() + kThreadSeconds;
  while (true) {
    auto status = ReadFile(fmt::format("/proc/{}/status", child));
    if (status && status->find("\nThreads:\t1\n") != std::string::npos) return false;
    if (!status || SystemClock().Now() > deadline) return status.has_value();
    SystemClock().Sleep(0.001);
  }
}

bool Session::SendMessage(const Message& message) {
  return send(control_.get(), &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(sizeof(message));
}

bool Session::ReceiveMessage(Message& message, double seconds) {
  const double deadline = SystemClock().Now() + seconds;
  while (true) {
    const double left = deadline - SystemClock().Now();
    if (left <= 0) return false;
    pollfd items[] = {{.fd = control_.get(), .events = POLLIN, .revents = 0},
                      {.fd = output_.get(), .events = POLLIN, .revents = 0}};
    // The descriptor does not close with the worker, since kopt keeps its end: look for its end now and then.
    if (poll(items, 2, std::min(static_cast<int>(left * 1000) + 1, 20)) < 0 && errno != EINTR) return false;
    if ((items[0].revents & POLLIN) != 0) {
      return recv(control_.get(), &message, sizeof(message), 0) == static_cast<ssize_t>(sizeof(message));
    }
    if (items[1].revents != 0) DrainOutput();
    if (printed_.total() > kMostOutput) return false;
    siginfo_t info{};
    if (waitid(P_PGID, static_cast<id_t>(group_.pid()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
      // A last message may have come with the end.
      return recv(control_.get(), &message, sizeof(message), MSG_DONTWAIT) == static_cast<ssize_t>(sizeof(message));
    }
  }
}

bool Session::SendBatch(int descriptor, Arenas& arenas) {
  Message message{.type = MessageType::kBatch, .value = 0, .text = {}};
  const int descriptors[] = {descriptor, arenas.read_only_descriptor(), arenas.read_write().fd()};
  return SendDescriptors(control_.get(), std::as_bytes(std::span(&message, 1)), descriptors);
}

bool Session::Stop(pid_t pid) {
  if (kill(pid, SIGSTOP) != 0) return false;
  const double deadline = SystemClock().Now() + kStopSeconds;
  while (SystemClock().Now() < deadline) {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WEXITED | WNOWAIT | WNOHANG) != 0) return false;
    if (info.si_pid == pid) return info.si_code == CLD_STOPPED;
    SystemClock().Sleep(20e-6);
  }
  return false;
}

// Empties kopt's end of the descriptor. Only kForbidden may be there.
Session::Leftover Session::DrainMessages() {
  Leftover left;
  Message message;
  ssize_t got = 0;
  while ((got = recv(control_.get(), &message, sizeof(message), MSG_DONTWAIT)) >= 0) {
    const bool forbidden = got == static_cast<ssize_t>(sizeof(message)) && message.type == MessageType::kForbidden;
    if (forbidden) left.forbidden = message.value;
    if (!forbidden) left.forged = true;
    if (got == 0) break;
  }
  return left;
}

bool Session::IsOwnChild(pid_t pid) const {
  siginfo_t info{};
  return pid > 0 && pid != group_.pid() && getpgid(pid) == group_.pid() &&
         waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

// Seccomp filters of a process; -1 where the kernel does not tell.
int Session::FilterCount(pid_t pid) const {
  const auto status = ReadFile(fmt::format("/proc/{}/status", pid));
  constexpr std::string_view kKey = "\nSeccomp_filters:";
  const size_t at = status ? status->find(kKey) : std::string::npos;
  return at == std::string::npos ? -1 : std::atoi(status->c_str() + at + kKey.size());
}

bool Session::DescriptorLeft() {
  Message message;
  return recv(worker_end_.get(), &message, sizeof(message), MSG_DONTWAIT) > 0;
}

// Whatever of the group is neither the template nor the reaped child. The signal stops a running one soon enough for
// the next batch to find it, if not for this one.
bool Session::StrayProcess() {
  kill(-group_.pid(), SIGSTOP);
  siginfo_t info{};
  while (waitid(P_PGID, static_cast<id_t>(group_.pid()), &info, WSTOPPED | WEXITED | WNOHANG) == 0 &&
         info.si_pid != 0) {
    if (info.si_pid != group_.pid()) return true;
    info = {};
  }
  return false;
}

void Session::DrainOutput() { printed_.Drain(output_.get()); }

}  // namespace kopt

// kopt-worker-cpu: the process that candidates, oracles and compilers run in.
//
//   kopt-worker-cpu template SLOT SANDBOX ADDRESS_SPACE THREADS READABLE...   control descriptor 3 (protocol.h)
//   kopt-worker-cpu run SLOT SANDBOX CPU_SECONDS WRITABLE READABLE... -- COMMAND...   a compiler
//   kopt-worker-cpu guard                            ends what kopt left behind, when kopt is gone
//
// SANDBOX: 1, or 0 under --unsafe-no-sandbox. Links glibc dynamically and nothing else.
#include "verifier/cpu/worker.h"

#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/guard.h"
#include "verifier/sandbox/sandbox.h"

namespace kopt::worker {
namespace {

constexpr int kGuardFd = 0;
constexpr uint64_t kCpuSeconds = 600;  // of a worker's whole life, a CPU

[[noreturn]] void Fail(const std::string& text) {
  std::fprintf(stderr, "kopt-worker-cpu: %s\n", text.c_str());
  _exit(96);
}

void ReportForbidden(int number) {
  const Message message{.type = MessageType::kForbidden, .value = number, .text = {}};
  Send(message);
}

// Reads one argument after the other.
class Arguments {
 public:
  Arguments(int argc, char** argv) : argc_(argc), argv_(argv) {}
  uint64_t NextNumber() { return std::strtoull(Word(), nullptr, 10); }
  const char* Word() {
    if (at_ >= argc_) Fail("too few arguments");
    return argv_[at_++];
  }
  bool More() const { return at_ < argc_; }
  char** Rest() { return argv_ + at_; }

 private:
  int argc_;
  char** argv_;
  int at_ = 2;
};

void Load(const Message& request, void*& entry) {
  Message reply{.type = MessageType::kLoaded, .value = 0, .text = {}};
  void* object = dlopen(request.text, RTLD_NOW | RTLD_LOCAL);
  if (object != nullptr) entry = dlsym(object, "kopt_entry");
  if (entry == nullptr) {
    reply.type = MessageType::kLoadFailed;
    const char* why = dlerror();
    std::snprintf(reply.text, sizeof(reply.text), "%s", why != nullptr ? why : "kopt_entry is missing");
  }
  Send(reply);
}

// Clones the process that makes the calls of one batch. kopt becomes its parent, so that kopt alone sees its end.
void Fork(Entry entry) {
  const long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) RunBatch(entry);
  const Message reply{.type = MessageType::kForked, .value = pid > 0 ? static_cast<int32_t>(pid) : -errno, .text = {}};
  Send(reply);
}

int Template(Arguments arguments) {
  const auto slot = static_cast<uint32_t>(arguments.NextNumber());
  const bool sandboxed = arguments.NextNumber() != 0;
  const sandbox::Limits limits{.address_space = arguments.NextNumber(),
                               .cpu_seconds = kCpuSeconds * static_cast<uint64_t>(sysconf(_SC_NPROCESSORS_ONLN)),
                               .processes = 1024};
  std::vector<std::string> readable;
  while (arguments.More()) readable.emplace_back(arguments.Word());
  sandbox_on = sandboxed;

  std::string error = sandbox::Confine(limits, slot);
  if (error.empty() && sandboxed) error = sandbox::RestrictFiles(readable, {});
  if (error.empty() && sandboxed) error = sandbox::ReportForbiddenCalls(ReportForbidden);
  if (error.empty() && sandboxed) error = sandbox::FilterLoading();
  Message hello{.type = MessageType::kHello, .value = 0, .text = {}};
  std::snprintf(hello.text, sizeof(hello.text), "%s", error.c_str());
  Send(hello);
  if (!error.empty()) return 1;

  // Ending a thread looks for it, and files can no longer be opened then.
  dlopen("libgcc_s.so.1", RTLD_NOW);
  void* entry = nullptr;
  Message request;
  while (Receive(request)) {
    if (request.type == MessageType::kLoad) Load(request, entry);
    if (request.type == MessageType::kFork && entry != nullptr) Fork(reinterpret_cast<Entry>(entry));
  }
  return 0;
}

int Run(Arguments arguments) {
  const auto slot = static_cast<uint32_t>(arguments.NextNumber());
  const bool sandboxed = arguments.NextNumber() != 0;
  const sandbox::Limits limits{.address_space = uint64_t{8} << 30,
                               .cpu_seconds = arguments.NextNumber(),
                               .file_size = uint64_t{512} << 20,
                               .open_files = 256,
                               .processes = 64,
                               .first_closed = 3};
  const std::vector<std::string> writable{arguments.Word(), "/dev/null"};
  std::vector<std::string> readable;
  while (true) {
    const std::string word = arguments.Word();
    if (word == "--") break;
    readable.push_back(word);
  }
  std::string error = sandbox::Confine(limits, slot);
  if (error.empty() && chdir(writable[0].c_str()) != 0) error = writable[0] + ": " + std::strerror(errno);
  if (error.empty() && sandboxed) error = sandbox::RestrictFiles(readable, writable);
  if (error.empty() && sandboxed) error = sandbox::FilterCompiler();
  if (!error.empty()) Fail(error);
  char** command = arguments.Rest();
  if (!arguments.More()) Fail("no command");
  execv(command[0], command);
  Fail(std::string(command[0]) + ": " + std::strerror(errno));
}

// Reads messages from standard input; at its end, which comes when kopt is gone however it went, kills the groups and
// removes the folders that are left.
int Guard() {
  std::set<int32_t> groups;
  std::set<std::string> folders;
  GuardMessage message;
  ssize_t got = 0;
  while ((got = read(kGuardFd, &message, sizeof(message))) == sizeof(message) || (got < 0 && errno == EINTR)) {
    if (got < 0) continue;
    if (message.group > 0) groups.insert(message.group);
    if (message.group < 0) groups.erase(-message.group);
    if (message.folder[0] != '\0') folders.emplace(message.folder);
  }
  for (const int32_t group : groups) kill(-group, SIGKILL);
  std::error_code ignored;
  for (const std::string& folder : folders) std::filesystem::remove_all(folder, ignored);
  return 0;
}

}  // namespace

bool sandbox_on = true;

bool Send(const Message& message) {
  return write(kControlFd, &message, sizeof(message)) == static_cast<ssize_t>(sizeof(message));
}

bool Receive(Message& message) {
  ssize_t got = 0;
  do {
    got = read(kControlFd, &message, sizeof(message));
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof(message));
}

}  // namespace kopt::worker

int main(int argc, char** argv) {
  using namespace kopt::worker;
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "template") return Template(Arguments(argc, argv));
  if (mode == "run") return Run(Arguments(argc, argv));
  if (mode == "guard") return Guard();
  std::fputs("kopt-worker-cpu: started by kopt, not by hand\n", stderr);
  return 2;
}

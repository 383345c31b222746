#include "verifier/sandbox/sandbox.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <tuple>

namespace kopt::sandbox {
namespace {

constexpr uint32_t kFirstUid = 2'000'000'000;  // far above any account; one a slot
constexpr uint32_t kUids = 2'000'000'000;
constexpr uint64_t kNewNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
constexpr uint64_t kThreadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
constexpr uint64_t kRequestTileData = 0x1023;  // ARCH_REQ_XCOMP_PERM: AMX candidates ask for their tile registers

std::string Failure(const std::string& what) { return what + ": " + std::strerror(errno); }

std::string Limit(__rlimit_resource resource, uint64_t value, const char* name) {
  const rlimit limit{.rlim_cur = value, .rlim_max = value};
  return setrlimit(resource, &limit) == 0 ? "" : Failure(name);
}

// A filter under construction; every call after a failure is passed over.
class Filter {
 public:
  explicit Filter(uint32_t otherwise) : context_(seccomp_init(otherwise)), otherwise_(otherwise) {
    if (context_ == nullptr) error_ = "seccomp: cannot begin a filter";
  }
  ~Filter() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void Add(uint32_t action, std::initializer_list<const char*> names) {
    for (const char* name : names) Add(action, name, {});
  }
  void Add(uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
    if (!error_.empty() || action == otherwise_) return;
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return;  // this architecture or library does not know it: the default stands
    const int failed =
        seccomp_rule_add_array(context_, action, number, static_cast<unsigned>(conditions.size()), conditions.begin());
    if (failed != 0 && failed != -EEXIST) error_ = std::string("seccomp: ") + name + ": " + std::strerror(-failed);
  }
  void ForAllThreads() {
    if (error_.empty() && seccomp_attr_set(context_, SCMP_FLTATR_CTL_TSYNC, 1) != 0) error_ = "seccomp: no TSYNC";
  }
  std::string Load() {
    if (!error_.empty()) return error_;
    const int failed = seccomp_load(context_);
    return failed == 0 ? "" : std::string("seccomp: ") + std::strerror(-failed);
  }

 private:
  scmp_filter_ctx context_;
  uint32_t otherwise_;
  std::string error_;
};

scmp_arg_cmp Equal(unsigned arg, uint64_t value) {
  return {.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}
scmp_arg_cmp AtLeast(unsigned arg, uint64_t value) {
  return {.arg = arg, .op = SCMP_CMP_GE, .datum_a = value, .datum_b = 0};
}
scmp_arg_cmp Masked(unsigned arg, uint64_t mask, uint64_t value) {
  return {.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

// What both phases need: memory, threads' waiting, time, own signals, descriptors that are open already.
void AddCommon(Filter& filter) {
  filter.Add(SCMP_ACT_ALLOW, {"read",
                              "write",
                              "writev",
                              "close",
                              "fstat",
                              "lseek",
                              "brk",
                              "futex",
                              "rt_sigprocmask",
                              "rt_sigreturn",
                              "sigaltstack",
                              "sched_yield",
                              "sched_getaffinity",
                              "clock_gettime",
                              "clock_getres",
                              "gettimeofday",
                              "time",
                              "clock_nanosleep",
                              "nanosleep",
                              "getpid",
                              "gettid",
                              "getppid",
                              "getuid",
                              "geteuid",
                              "getgid",
                              "getegid",
                              "getcpu",
                              "getrandom",
                              "set_robust_list",
                              "rseq",
                              "set_tid_address",
                              "exit",
                              "exit_group",
                              "restart_syscall",
                              "sysinfo",
                              "uname",
                              "membarrier",
                              "poll",
                              "ppoll"});
  filter.Add(SCMP_ACT_ALLOW, "prlimit64", {Equal(2, 0)});          // reading a limit, not setting one
  filter.Add(SCMP_ACT_ALLOW, "sched_setaffinity", {Equal(0, 0)});  // its own thread only
  filter.Add(SCMP_ACT_ALLOW, "arch_prctl", {Equal(0, kRequestTileData)});
  filter.Add(SCMP_ACT_ALLOW, "clone", {Masked(0, kThreadFlags | CLONE_VFORK | kNewNamespaces, kThreadFlags)});
  filter.Add(SCMP_ACT_ERRNO(ENOSYS), {"clone3"});  // so that the C library falls back to clone, whose flags can be seen
  filter.Add(SCMP_ACT_ERRNO(ENOTTY), {"ioctl"});
  // The refusal's own signal cannot be taken over; any other handler is the candidate's business.
  filter.Add(SCMP_ACT_KILL_PROCESS, "rt_sigaction", {Equal(0, SIGSYS)});
  filter.Add(SCMP_ACT_ALLOW, "rt_sigaction", {{.arg = 0, .op = SCMP_CMP_NE, .datum_a = SIGSYS, .datum_b = 0}});
}

void (*report_call)(int) = nullptr;

void OnForbiddenCall(int, siginfo_t* info, void*) {
  report_call(info->si_syscall);
  _exit(kForbiddenCallExit);
}

}  // namespace

uint32_t UidOfSlot(uint32_t slot) { return kFirstUid + slot % kUids; }

std::string Confine(const Limits& limits, uint32_t slot) {
  if (geteuid() == 0) {
    const uid_t id = UidOfSlot(slot);
    if (setgroups(0, nullptr) != 0) return Failure("setgroups");
    if (setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0) return Failure("setresuid");
    if (limits.processes > 0) {
      if (auto error = Limit(RLIMIT_NPROC, limits.processes, "RLIMIT_NPROC"); !error.empty()) return error;
    }
  }
  // After the change of uid, which clears it.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return Failure("PR_SET_PDEATHSIG");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Failure("PR_SET_NO_NEW_PRIVS");
  prctl(PR_SET_DUMPABLE, 0);
  // Nothing that kopt's own parent left open.
  syscall(SYS_close_range, static_cast<unsigned>(limits.first_closed), ~0U, 0);
  for (const auto& [resource, value, name] :
       std::initializer_list<std::tuple<__rlimit_resource, uint64_t, const char*>>{
           {RLIMIT_CORE, 0, "RLIMIT_CORE"},
           {RLIMIT_AS, limits.address_space, "RLIMIT_AS"},
           {RLIMIT_CPU, limits.cpu_seconds, "RLIMIT_CPU"},
           {RLIMIT_FSIZE, limits.file_size, "RLIMIT_FSIZE"},
           {RLIMIT_NOFILE, limits.open_files, "RLIMIT_NOFILE"},
           {RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK"}}) {
    if (auto error = Limit(resource, value, name); !error.empty()) return error;
  }
  return "";
}

std::string FilterCompiler() {
  Filter filter(SCMP_ACT_ALLOW);
  filter.Add(SCMP_ACT_ERRNO(EPERM), {"socket",
                                     "socketpair",
                                     "connect",
                                     "bind",
                                     "listen",
                                     "accept",
                                     "accept4",
                                     "ptrace",
                                     "process_vm_readv",
                                     "process_vm_writev",
                                     "setsid",
                                     "setpgid",
                                     "mount",
                                     "umount2",
                                     "unshare",
                                     "setns",
                                     "bpf",
                                     "perf_event_open",
                                     "userfaultfd",
                                     "io_uring_setup",
                                     "keyctl",
                                     "add_key",
                                     "request_key",
                                     "shmget",
                                     "msgget",
                                     "semget",
                                     "mq_open",
                                     "memfd_create",
                                     "pidfd_open",
                                     "pidfd_getfd",
                                     "chroot",
                                     "pivot_root",
                                     "kexec_load",
                                     "init_module",
                                     "finit_module",
                                     "process_madvise",
                                     "move_pages",
                                     "migrate_pages",
                                     "name_to_handle_at",
                                     "open_by_handle_at"});
  filter.Add(SCMP_ACT_ERRNO(EPERM), {"kill", "fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr"});
  filter.Add(SCMP_ACT_ERRNO(EPERM), "prctl", {Equal(0, PR_SET_PDEATHSIG)});
  filter.Add(SCMP_ACT_ERRNO(ENOSYS), {"clone3"});  // clone instead, whose flags can be seen
  for (const uint64_t flag : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC}) {
    filter.Add(SCMP_ACT_ERRNO(EPERM), "clone", {Masked(0, flag, flag)});
  }
  return filter.Load();
}

std::string FilterLoading() {
  Filter filter(SCMP_ACT_TRAP);
  AddCommon(filter);
  filter.Add(SCMP_ACT_ALLOW,
             {"open", "openat", "pread64", "readlink", "readlinkat", "access", "faccessat", "faccessat2", "stat",
              "newfstatat", "getcwd", "munmap", "mremap", "madvise", "mprotect", "recvmsg"});
  // No memory that outlives a fork and is shared by batches: private, or of a descriptor that kopt sent.
  filter.Add(SCMP_ACT_ALLOW, "mmap", {Masked(3, MAP_SHARED_VALIDATE, MAP_PRIVATE)});
  filter.Add(SCMP_ACT_ALLOW, "mmap", {Masked(3, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, MAP_SHARED)});
  // One child a batch, whose parent is kopt; nothing else may be cloned but threads.
  filter.Add(SCMP_ACT_ALLOW, "clone", {Equal(0, CLONE_PARENT | SIGCHLD)});
  filter.Add(SCMP_ACT_ALLOW, "prctl", {Equal(0, PR_SET_PDEATHSIG), Equal(1, SIGKILL)});
  filter.Add(SCMP_ACT_ALLOW, "prctl", {Equal(0, PR_SET_NO_NEW_PRIVS)});
  filter.Add(SCMP_ACT_ALLOW, "prctl", {Equal(0, PR_SET_SECCOMP)});
  filter.Add(SCMP_ACT_ALLOW, {"seccomp"});  // the second phase installs its own filter; a filter can only take away
  return filter.Load();
}

std::string FilterRunning(uint64_t own_memory) {
  Filter filter(SCMP_ACT_TRAP);
  filter.ForAllThreads();
  AddCommon(filter);
  // Not even a path's metadata: what was looked up lately is found sooner, which a later batch could notice.
  filter.Add(SCMP_ACT_ERRNO(EACCES),
             {"open", "openat", "readlink", "readlinkat", "access", "faccessat", "faccessat2", "stat", "newfstatat"});
  // A range that begins above the tensors leaves them alone.
  const scmp_arg_cmp own = AtLeast(0, own_memory);
  const scmp_arg_cmp not_executable = Masked(2, PROT_EXEC, 0);
  filter.Add(SCMP_ACT_ALLOW, "mmap", {own, not_executable, Masked(3, MAP_SHARED_VALIDATE, MAP_PRIVATE)});
  filter.Add(SCMP_ACT_ALLOW, "mmap",
             {Equal(0, 0), not_executable, Masked(3, MAP_SHARED_VALIDATE | MAP_FIXED, MAP_PRIVATE)});
  filter.Add(SCMP_ACT_ALLOW, "mprotect", {own, not_executable});
  filter.Add(SCMP_ACT_ALLOW, "munmap", {own});
  filter.Add(SCMP_ACT_ALLOW, "mremap", {own, Masked(3, MREMAP_FIXED, 0)});
  // What allocators ask for. Other advice drops pages of files from the machine's cache, or merges pages.
  for (const int advice : {MADV_NORMAL, MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE}) {
    filter.Add(SCMP_ACT_ALLOW, "madvise", {own, Equal(2, static_cast<uint64_t>(advice))});
  }
  return filter.Load();
}

std::string ReportForbiddenCalls(void (*report)(int number)) {
  report_call = report;
  struct sigaction action{};
  action.sa_sigaction = OnForbiddenCall;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  return sigaction(SIGSYS, &action, nullptr) == 0 ? "" : Failure("sigaction");
}

bool SeccompAvailable() {
  // EFAULT: the kernel got as far as reading the filter; EINVAL: it has no filters.
  errno = 0;
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr);
  return errno == EFAULT;
}

std::string SystemCallName(int number) {
  char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
  if (name == nullptr) return "call " + std::to_string(number);
  std::string text(name);
  free(name);
  return text;
}

}  // namespace kopt::sandbox

// old_host landlock|seccomp PROGRAM ARGUMENT...: runs the program as on a host whose kernel lacks the one or the other.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <vector>

namespace {

#ifndef SYS_landlock_create_ruleset
constexpr unsigned SYS_landlock_create_ruleset = 444;
#endif

constexpr sock_filter Load(size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset)); }
constexpr sock_filter SkipUnless(unsigned value, unsigned char skipped) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped);
}
constexpr sock_filter Return(unsigned action) { return BPF_STMT(BPF_RET | BPF_K, action); }

std::vector<sock_filter> Filter(bool landlock) {
  const size_t number = offsetof(seccomp_data, nr);
  const size_t first_argument = offsetof(seccomp_data, args);
  if (landlock) {
    return {Load(number), SkipUnless(SYS_landlock_create_ruleset, 1), Return(SECCOMP_RET_ERRNO | ENOSYS),
            Return(SECCOMP_RET_ALLOW)};
  }
  return {Load(number),
          SkipUnless(SYS_seccomp, 1),
          Return(SECCOMP_RET_ERRNO | EINVAL),
          SkipUnless(SYS_prctl, 3),
          Load(first_argument),
          SkipUnless(PR_SET_SECCOMP, 1),
          Return(SECCOMP_RET_ERRNO | EINVAL),
          Return(SECCOMP_RET_ALLOW)};
}

}  // namespace

int main(int argc, char** argv) {
  const bool landlock = argc > 2 && std::strcmp(argv[1], "landlock") == 0;
  if (argc < 3 || (!landlock && std::strcmp(argv[1], "seccomp") != 0)) {
    std::fprintf(stderr, "usage: old_host landlock|seccomp PROGRAM ARGUMENT...\n");
    return 2;
  }
  std::vector<sock_filter> filter = Filter(landlock);
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    std::perror("old_host");
    return 3;
  }
  execv(argv[2], argv + 2);
  std::perror(argv[2]);
  return 3;
}

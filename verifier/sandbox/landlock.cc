#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "verifier/sandbox/sandbox.h"

namespace kopt::sandbox {
namespace {

// Rights of later ABIs than this system's header may know (include/uapi/linux/landlock.h).
constexpr uint64_t kRefer = 1ULL << 13;        // ABI 2
constexpr uint64_t kTruncate = 1ULL << 14;     // ABI 3
constexpr uint64_t kIoctlDevice = 1ULL << 15;  // ABI 5
constexpr uint64_t kAllNetwork = 3;            // ABI 4: bind and connect
constexpr uint64_t kAllScopes = 3;             // ABI 6: abstract sockets, signals
constexpr uint64_t kRead = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kFileRights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                                 LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kIoctlDevice;

struct RulesetAttributes {
  uint64_t files, network, scopes;
};

uint64_t AllFileRights(int abi) {
  uint64_t rights = (1ULL << 13) - 1;
  if (abi >= 2) rights |= kRefer;
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= kIoctlDevice;
  return rights;
}

std::string Failure(const std::string& what) { return what + ": " + std::strerror(errno); }

std::string AddRule(int ruleset, const std::string& path, uint64_t rights) {
  const int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == EACCES ? "" : Failure("Landlock: " + path);
  struct stat status{};
  if (fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode)) rights &= kFileRights;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = fd;
  const long added = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  const std::string error = added == 0 ? "" : Failure("Landlock: " + path);
  close(fd);
  return error;
}

}  // namespace

int LandlockAbi() {
  const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

std::string RestrictFiles(const std::vector<std::string>& readable, const std::vector<std::string>& writable) {
  const int abi = LandlockAbi();
  if (abi == 0) return "Landlock is not available on this kernel";
  RulesetAttributes attributes{.files = AllFileRights(abi), .network = 0, .scopes = 0};
  size_t size = sizeof(uint64_t);
  if (abi >= 4) {
    attributes.network = kAllNetwork;
    size = 2 * sizeof(uint64_t);
  }
  if (abi >= 6) {
    attributes.scopes = kAllScopes;
    size = 3 * sizeof(uint64_t);
  }
  const int ruleset = static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size, 0));
  if (ruleset < 0) return Failure("Landlock");
  std::string error;
  for (const std::string& path : readable) {
    if (error.empty()) error = AddRule(ruleset, path, kRead);
  }
  for (const std::string& path : writable) {
    if (error.empty()) error = AddRule(ruleset, path, attributes.files);
  }
  if (error.empty() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) error = Failure("no_new_privs");
  if (error.empty() && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) error = Failure("Landlock");
  close(ruleset);
  return error;
}

}  // namespace kopt::sandbox

// The name of an exported project: an identifier that neither C++, nor a system header, nor CMake has taken.
#include <fmt/format.h>

#include <cctype>
#include <string_view>

#include "agent/export/export.h"
#include "task/spec_names.h"

namespace kopt {
namespace {

// Headers NAME.h of the system and of the project itself, which <NAME.h> must not hide.
constexpr std::string_view kHeaders =
    " aio alloca ar argz assert byteswap checked complex cpio crypt ctype cuda device dirent dlfcn elf endian envz err "
    "errno error "
    "execinfo fcntl features fenv float fmtmsg fnmatch fstab fts ftw getopt glob grp gshadow iconv ifaddrs immintrin "
    "inttypes langinfo libgen libintl limits link locale malloc math mcheck memory mntent monetary mqueue ncurses "
    "netdb "
    "nl_types nss obstack omp paths plan poll prefix printf pthread pty pwd regex regexp resolv sched search semaphore "
    "setjmp "
    "sgtty shadow signal small_floats spawn stab stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib "
    "stdnoreturn string "
    "strings support syscall sysexits syslog tar term termio termios tgmath threads time ttyent uchar ucontext ulimit "
    "unistd utime utmp utmpx values wait wchar wctype wordexp zconf zlib ";

// Targets that CMake makes itself, and packages that the project looks for.
constexpr std::string_view kTargets =
    " ALL_BUILD CUDAToolkit INSTALL OpenMP PACKAGE RUN_TESTS Threads ZERO_CHECK all clean edit_cache help install "
    "package "
    "package_source preinstall rebuild_cache test uninstall ";

bool IsTaken(const std::string& name) {
  const std::string word = " " + name + " ";
  return !WhyRefused(name).empty() || kHeaders.find(word) != std::string_view::npos ||
         kTargets.find(word) != std::string_view::npos;
}

}  // namespace

std::string PackageName(const std::string& task) {
  std::string name;
  for (const char c : task) {
    const bool fine = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (fine) name += c;
    if (!fine && !name.empty() && name.back() != '_') name += '_';
  }
  while (name.ends_with('_')) name.pop_back();
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0) name = "kernel_" + name;
  return IsTaken(name) ? name + "_kernel" : name;
}

}  // namespace kopt

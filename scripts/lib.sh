# Shared by the scripts in this folder: sourced, not run. Stands in the repository root afterwards.
# shellcheck shell=bash disable=SC2034
set -euo pipefail

# A shell without a home (a container's, say) still has one in the password file; kopt keeps its state there.
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
export HOME

program=scripts/$(basename "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C CXX="${CXX:-g++}"
export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin" # plain `su` leaves out what dpkg needs

say() { printf '== %s\n' "$*"; }
warn() { printf '%s: warning: %s\n' "$program" "$*" >&2; }
fail() {
  printf '%s: %s\n' "$program" "$*" >&2
  exit 1
}

{ mkdir -p build && [ -w build ]; } 2>/dev/null || fail "cannot write to $PWD/build"

# What a build needs, on Debian 12 and Ubuntu 24.04 alike. g++ (12 or newer) is also the compiler that kopt calls at run
# time. cmake/dependencies.cmake says what each library is for.
build_packages=(g++ cmake ninja-build pkg-config libfmt-dev nlohmann-json3-dev libsqlite3-dev libcli11-dev
  libtomlplusplus-dev libseccomp-dev libxxhash-dev libeigen3-dev libcurl4-openssl-dev libkainjow-mustache-dev
  libgtest-dev libcpp-httplib-dev)
# The checks of scripts/lint. Older versions cannot compile std::expected with the libstdc++ of GCC 12.
lint_packages=(clang-format-19 clang-tidy-19)
# The compiler of scripts/fuzz, for the same reason, and what it links: the sanitizers and libFuzzer.
fuzz_packages=(clang-19 libclang-rt-19-dev)

# True if what a package is for is there already: installed as a package, or a program from elsewhere.
is_there() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] && return
  case $1 in
    g++ | cmake | pkg-config) command -v "$1" >/dev/null ;;
    ninja-build) command -v ninja >/dev/null ;;
    *) false ;;
  esac
}

# The packages among its arguments that are not there, on one line.
missing_packages() {
  local package missing=()
  for package in "$@"; do
    is_there "$package" || missing+=("$package")
  done
  echo "${missing[*]}"
}

# Runs apt-get as root without questions; waits for another apt that holds the lock. Its output goes to $install_log.
apt_get() {
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -y \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >>"$install_log" 2>&1 </dev/null
}

# True if apt can be run as root: we are root, sudo needs no password, or there is somebody to type it.
can_install() {
  [ "$(id -u)" = 0 ] && return
  command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }
}

# Installs the packages among its arguments that are missing; silent, and without the network, when none is.
# On failure sets $install_error to one line and returns 1.
try_install() {
  local missing
  command -v dpkg-query >/dev/null || {
    warn "this is neither Debian nor Ubuntu, so nothing is installed; needed are: $*"
    return 0
  }
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  install_error="these packages are missing: $missing; run as root or with sudo, or install them"
  can_install || return 1

  say "installing $missing"
  install_log=build/install.log
  : >"$install_log"
  apt_get update || true # what is known already may do; if not, the next line fails
  # shellcheck disable=SC2086  # a list of words
  apt_get install --no-install-recommends $missing && return 0
  install_error="apt-get could not install $missing: $(first_complaint) (all of it: $PWD/$install_log)"
  return 1
}

# The line of apt's output that says most: a failed download or lookup before its consequences.
first_complaint() {
  { grep -m 1 -E 'Temporary failure|Could not (resolve|connect)|Failed to fetch|No space left' "$install_log" ||
    grep -m 1 -E '^E: ' "$install_log" || tail -n 1 "$install_log"; } | sed 's/^[EW]: //; s/^ *//'
}

install_or_fail() { try_install "$@" || fail "$install_error"; }

# Runs a command whose output matters only if it fails: $1 names it, the rest is the command. Output goes to a log.
quietly() {
  local name=$1 log=build/$1.log
  shift
  "$@" >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    fail "$name failed; all of its output is in $PWD/$log"
  }
}

# Configures and builds the preset $1 of CMakePresets.json: the targets that follow, or everything.
build() {
  local preset=$1
  shift
  say "building build/$preset"
  quietly configure cmake --preset "$preset"
  cmake --build --preset "$preset" ${1:+--target "$@"} || fail "the build failed; its first error is above"
}

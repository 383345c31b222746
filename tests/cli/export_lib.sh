# shellcheck shell=bash
# What the tests of exported projects share; sourced with KOPT and SOURCE as arguments: a folder of the test's own, which
# is gone in the end, and words about what fails.
set -u
# shellcheck disable=SC2034  # used by those who source this
kopt=$1 source=$2/tests/cli/export examples=$2/examples
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export KOPT_STATE=$folder/state HOME=$folder
failures=0

# Ends the test, as skipped, where there is no GPU.
need_gpu() {
  "$(dirname "$kopt")/kopt-worker-cuda" probe >why 2>&1 && return
  echo "SKIPPED: $(head -1 why)"
  exit 0
}

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# expect EXIT WORDS COMMAND...: the exit code, and words that stdout or stderr holds.
expect() {
  local want=$1 words=$2 got=0
  shift 2
  timeout 300 "$@" >out 2>err </dev/null || got=$?
  [ "$got" = "$want" ] && cat out err | grep -qF -- "$words" && return
  fail "$*: exit $got, not $want, or without: $words"
  cat out err
}

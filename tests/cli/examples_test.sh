#!/bin/bash
# examples_test.sh KOPT EXAMPLES: the spec of every example with a cpu seed proves its power, and its seed and baseline
# are right. (`verify` judges the baseline before the candidate.)
set -u
kopt=$1 examples=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export KOPT_STATE=$folder HOME=$folder
# judge SPEC: right, or the reason. Two at a time: each is timed alone all the same.
judge() {
  local name out
  name=$(basename "$1" .spec)
  out=$("$kopt" verify "$1" "$examples/$name.cpp" 2>&1) && grep -q '^measured' <<<"$out" && return
  printf 'FAILED: %s\n%s\n' "$name" "$out"
  return 1
}
export kopt examples
export -f judge
mapfile -t specs < <(grep -lE '^cpu +=' "$examples"/*.spec)
[ -n "${specs[0]:-}" ] || { echo "FAILED: no spec in $examples"; exit 1; }
judge "${specs[0]}" && printf '%s\n' "${specs[@]:1}" | xargs -P 2 -n 1 bash -c 'judge "$1"' judge

#!/bin/bash
# bad_input_test.sh KOPT OLD_HOST: hosts that lack something, files that are none, runs that are ended. Each must give
# one clear error and the right exit code, and lose nothing.
set -u
kopt=$1 old_host=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
chmod 711 "$folder" && mkdir -m 1777 temporary # as root the workers are somebody else
export KOPT_STATE=$folder/state HOME=$folder TMPDIR=$folder/temporary
failures=0

# expect EXIT WORDS COMMAND...: the exit code, and words that stdout or stderr holds.
expect() {
  local want=$1 words=$2 got=0
  shift 2
  timeout 50 "$@" >out 2>err </dev/null || got=$?
  if [ "$got" != "$want" ] || ! cat out err | grep -qF -- "$words"; then
    echo "FAILED: $*: exit $got, not $want, or without: $words"
    cat out err
    failures=$((failures + 1))
  fi
}

"$kopt" init norm >/dev/null || exit 1
sed -i 's/= 1024/= 256/' norm.spec

# Files that are none.
mkdir folder.spec && mkfifo pipe.spec && head -c 2000000 /dev/zero >huge.spec && printf '\xff\xfe' >binary.spec
expect 2 "this is a folder" "$kopt" check folder.spec
expect 2 "lacks the key" "$kopt" check pipe.spec
expect 2 "larger than" "$kopt" check huge.spec
expect 2 "utf-8" "$kopt" check binary.spec
expect 2 "the name of a file is empty" "$kopt" check ""

# Hosts that lack something.
for part in landlock seccomp; do
  expect 3 "this host cannot confine candidates" "$old_host" $part "$kopt" check norm.spec
  expect 3 '"exit": 3' "$old_host" $part "$kopt" optimize norm.spec --budget 5 --json
  expect 3 "missing  sandbox" "$old_host" $part "$kopt" doctor
done
mkdir alone && cp "$kopt" alone/
expect 3 "kopt-worker-cpu is missing" alone/kopt check norm.spec
expect 3 "there is no place for the state" env -u HOME -u KOPT_STATE -u XDG_STATE_HOME "$kopt" runs

# Output that nobody reads is no failure; output that is lost is one.
"$kopt" runs 2>err | head -0
[ "${PIPESTATUS[0]}" = 0 ] && [ ! -s err ] || { echo "FAILED: a closed pipe"; failures=$((failures + 1)); }
"$kopt" runs >/dev/full 2>err
[ $? = 3 ] && grep -q "output cannot be written" err || { echo "FAILED: /dev/full"; failures=$((failures + 1)); }
"$kopt" runs <&- >&- 2>&- || { echo "FAILED: closed streams"; failures=$((failures + 1)); }

# Settings that make no sense, and a temporary folder that is named from where kopt was started.
expect 3 "unknown target" env KOPT_TARGET=xx "$kopt" doctor
expect 3 "is not a duration" env KOPT_BUDGET=abc "$kopt" doctor
mkdir -m 1777 'a"b'
expect 3 "set TMPDIR" env 'TMPDIR=a"b' "$kopt" check norm.spec
expect 0 "tolerance" env TMPDIR=temporary "$kopt" check norm.spec

# Seeds that are not right, with the evidence.
sed '/^extern/a\  undeclared(1);' norm.cpp >broken.cpp
expect 2 "broken.cpp:11:3: the seed is not usable: compile_error at compile" \
  "$kopt" optimize norm.spec --seed broken.cpp --budget 5s
sed '/^extern/a\  return;' norm.cpp >wrong.cpp
expect 2 "index: [0, 0]" "$kopt" optimize norm.spec --seed wrong.cpp --budget 5s
grep -q "no budget was spent" err || { echo "FAILED: no word of the budget"; failures=$((failures + 1)); }
[ ! -e kopt-out ] || { echo "FAILED: a results folder of no run"; failures=$((failures + 1)); }

# A run that is killed keeps its verdicts, and nothing of it still runs or lies about.
"$kopt" optimize norm.spec --budget 60s >out 2>err &
run=$!
for _ in $(seq 300); do
  "$kopt" show last >shown 2>/dev/null && grep -q measured shown && break
  sleep 0.1
done
children=$(cat /proc/$run/task/*/children)
kill -9 $run
wait $run 2>/dev/null
for _ in $(seq 50); do
  left=""
  for child in $children; do
    state=$(sed 's/.*) //' "/proc/$child/stat" 2>/dev/null | cut -c1)
    [ -z "$state" ] || [ "$state" = Z ] || left="$left $child"
  done
  left="$left$(ls temporary)"
  [ -z "$left" ] && break
  sleep 0.1
done
[ -n "$children" ] && [ -z "$left" ] || { echo "FAILED: still there:$left"; failures=$((failures + 1)); }
expect 0 "interrupted" "$kopt" runs
expect 0 "measured" "$kopt" show last
exit $((failures > 0))

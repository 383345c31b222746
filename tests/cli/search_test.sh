#!/bin/bash
# search_test.sh KOPT DOCS: the program itself on search spaces that are empty, huge, or full of failures, on a run that
# is killed and resumed without its files, and on the tutorial's own texts.
set -u
kopt=$1 docs=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
chmod 711 "$folder" && mkdir -m 1777 temporary # as root the workers are somebody else
export KOPT_STATE=$folder/state HOME=$folder TMPDIR=$folder/temporary
failures=0

fail() {
  echo "FAILED: $*"
  head -c 3000 out err
  failures=$((failures + 1))
}

# expect EXITS WORDS COMMAND...: one of the exit codes, and words that stdout or stderr holds.
expect() {
  local want=$1 words=$2 got=0
  shift 2
  timeout 100 "$@" >out 2>err </dev/null || got=$?
  [[ " $want " = *" $got "* ]] && cat out err | grep -qF -- "$words" || fail "$*: exit $got, not $want, or without: $words"
}

"$kopt" init norm >/dev/null || exit 1
sed -i 's/= 1024/= 128/' norm.spec
body=$(sed '/^\/\/@/d' norm_baseline.cpp)
call=$(grep '^//@ call' norm_baseline.cpp)

printf '//@ tune A = 1 | 2\n//@ where A > 2\n%s\n%s\n' "$call" "$body" >empty.cpp
expect 2 'none of the 2 configurations satisfies every `where`' "$kopt" tune norm.spec empty.cpp
printf '//@ tune A = 1 | 2\n//@ where A > 1\n%s\n%s\n' "$call" "$body" >default.cpp
expect 2 "the default tunables (A=1) violate" "$kopt" tune norm.spec default.cpp

for i in 0 1 2 3 4 5 6 7 8 9 10 11; do echo "//@ tune T$i = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10"; done >huge.cpp
printf '//@ where T0 * T1 * T2 == T3 * T4 * T5 && T6 < T7\n%s\n%s\n' "$call" "$body" >>huge.cpp
sed -i 's/T6 < T7/T6 <= T7/' huge.cpp
expect "0 1" "a space of 1.00 T points" "$kopt" tune norm.spec huge.cpp --budget 4s

# Half of the configurations do not compile, one takes too long: they are counted, and the rest is searched.
sed 's/^\[limits\]//; s/^compile_seconds.*//' norm.spec >limited.spec
printf '\n[limits]\ncompile_seconds = 3\n' >>limited.spec
cat >failing.cpp <<END
//@ tune A = 1 | 2 | 3 | 4 | 5
$call
static_assert(A % 2 == 1, "only odd ones");
template <int depth, long long place>
struct Slow {
  static constexpr long long value = Slow<depth - 1, 2 * place>::value + Slow<depth - 1, 2 * place + 1>::value;
};
template <long long place>
struct Slow<0, place> {
  static constexpr long long value = place;
};
constexpr long long kSlow = Slow<A == 5 ? 20 : 1, 1>::value;
$body
END
expect "0 1" '"compile_error": 2' "$kopt" tune limited.spec failing.cpp --budget 24s --json
grep -q '"measured": 2' out && grep -q '"timeout": 1' out || fail "two measured and one that takes too long"

# Killed, then resumed from the state alone.
"$kopt" runs rm $("$kopt" runs | awk 'NR > 1 {print $1}') >/dev/null
"$kopt" optimize norm.spec --budget 30s --out results >out 2>err &
run=$!
for _ in $(seq 300); do
  [ "$("$kopt" show last --json 2>/dev/null | grep -c '"confirmation": false')" -ge 3 ] && break
  sleep 0.1
done
kill -9 $run
wait $run 2>/dev/null
rm -f norm.cpp norm_baseline.cpp norm.spec
expect "0 1" "resuming after" "$kopt" resume last --budget 9s
"$kopt" show last --json >out 2>err
[ "$(grep '"configuration"' out | sort | uniq -d | wc -l)" -le 3 ] || fail "a configuration was screened twice"
grep -q '"state": "done"' out || fail "the run is not done"
[ -s results/report.html ] && [ -s results/report.md ] || fail "no report"
expect "0 1" "removed" "$kopt" runs rm last

# What the tutorial says can be typed.
awk '/^```toml/ {on = 1; next} /^```/ {on = 0} on' "$docs/tutorial.md" >normalise.spec
awk '/^```cpp/ {n++; on = 1; next} /^```/ {on = 0} on && n == 2' "$docs/tutorial.md" >normalise_baseline.cpp
awk '/^```cpp/ {n++; on = 1; next} /^```/ {on = 0} on && n == 3' "$docs/tutorial.md" >normalise.cpp
expect 0 "The check has power" "$kopt" check normalise.spec
expect 0 "every output is right" "$kopt" verify normalise.spec normalise.cpp
expect 0 "first against second" "$kopt" bench normalise.spec normalise.cpp normalise_baseline.cpp --budget 2s
exit $((failures > 0))

#!/bin/bash
# compile_only_test.sh KOPT REPOSITORY: device code is compiled and its plan bound on a machine without a GPU; and without
# one, whatever needs it says so with exit 3.
set -u
kopt=$1 repository=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export KOPT_STATE=$folder/state HOME=$folder
cd "$folder" || exit 1
failed=0

# expect EXIT WORDS ARGUMENTS...: runs kopt; the exit code and some words of what it printed.
expect() {
  local exit=$1 words=$2 got
  shift 2
  "$kopt" "$@" >out 2>&1
  got=$?
  [ "$got" = "$exit" ] && grep -qF -- "$words" out && return
  printf 'FAILED: kopt %s: exit %s, not %s, or without "%s"\n' "$*" "$got" "$exit" "$words"
  cat out
  failed=1
}

examples=$repository/examples
attacks=$repository/tests/adversarial/cuda
for spec in vector_add softmax scan matmul_f16 matmul_wgmma; do
  expect 0 "compiled for sm_90a" verify "$examples/$spec.spec" "$examples/$spec.cu" --target cuda --compile-only
done
for candidate in attention_wgmma attention_f16; do
  expect 0 "0 bytes spilt" verify "$examples/attention_f16.spec" "$examples/$candidate.cu" --target cuda --compile-only
done
for candidate in "$attacks"/honest_*.cu; do
  spec=$(sed -n 's|^// spec: ||p' "$candidate")
  expect 0 "compiled for sm_90a" verify "$attacks/${spec:-row_sum.spec}" "$candidate" --target cuda --compile-only
done
expect 0 '"outcome": null' verify "$attacks/row_sum.spec" "$attacks/endless.cu" --target cuda --compile-only --json
expect 0 "compiled for sm_80" verify "$attacks/row_sum.spec" "$attacks/endless.cu" --target cuda --compile-only --arch sm_80
expect 1 "compile_error at compile: candidate.cu(" verify "$attacks/row_sum.spec" "$attacks/syntax_error.cu" \
  --target cuda --compile-only
expect 1 "launch_error" verify "$attacks/row_sum.spec" "$attacks/too_many_threads.cu" --target cuda --compile-only
expect 2 "--compile-only is for device code" verify "$attacks/row_sum.spec" "$attacks/zeros.cu" --compile-only
expect 3 "sm_1" verify "$attacks/row_sum.spec" "$attacks/zeros.cu" --target cuda --compile-only --arch sm_1

if ! "$(dirname "$kopt")/kopt-worker-cuda" probe >/dev/null; then
  expect 3 "no NVIDIA driver" verify "$attacks/row_sum.spec" "$attacks/zeros.cu" --target cuda
  expect 3 "no NVIDIA driver" doctor --target cuda
fi
exit "$failed"

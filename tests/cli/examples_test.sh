#!/bin/bash
# examples_test.sh KOPT EXAMPLES: every example's spec proves its power, and its seed and baseline are right. (`verify`
# judges the baseline before the candidate.)
set -u
kopt=$1 examples=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export KOPT_STATE=$folder HOME=$folder
failures=0
for spec in "$examples"/*.spec; do
  name=$(basename "$spec" .spec)
  if ! "$kopt" verify "$spec" "$examples/$name.cpp" >"$folder/out" 2>&1 || ! grep -q '^measured' "$folder/out"; then
    echo "FAILED: $name"
    cat "$folder/out"
    failures=$((failures + 1))
  fi
done
[ -e "$spec" ] || { echo "FAILED: no spec in $examples"; exit 1; }
exit $((failures > 0))

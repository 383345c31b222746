#!/bin/bash
# export_test.sh KOPT SOURCE: what `kopt export` writes is built, tested, installed and linked as a stranger would, with
# cmake and a compiler alone.
source "$2/tests/cli/export_lib.sh"

# optimize SPEC: a run that has a winner. A busy machine may need more than one try.
optimize() {
  for _ in 1 2 3; do
    "$kopt" optimize "$1" --budget 10s --target-speedup 1.2 >out 2>err && return
  done
  cat out err
  echo "FAILED: no winner for $1"
  exit 1
}

# build FOLDER ARGUMENTS...: without a warning.
build() {
  local project=$1
  shift
  expect 0 "written to" cmake -S "$project" -B "$project/build" "$@"
  expect 0 "" cmake --build "$project/build" -j 2
  if grep -i warning out err; then fail "warnings in $project"; fi
}

# visible NAME FILE OPTION...: the library shows the functions of namespace NAME and nothing else.
visible() {
  local name=$1 file=$2 others
  shift 2
  nm -C --defined-only --extern-only "$@" "$file" >names || fail "no $file"
  grep -q "T $name::Run(" names || fail "$file has no Run"
  others=$(grep -vE "^$|\.o:$| T $name::(Run|WorkspaceBytes)\(" names)
  [ -z "$others" ] || fail "$file also shows: $others"
}

# ---- what kopt says ----

expect 2 "hint" "$kopt" export last
cp "$examples"/matmul* . && sed -i 's/= 384/= 128/; s/= 512/= 160/' matmul.spec
optimize matmul.spec
expect 0 "matmul::Run in matmul.h" "$kopt" export last
expect 2 "is not empty" "$kopt" export last
touch file && expect 2 "this is a file" "$kopt" export last --out file
expect 2 "cannot create" "$kopt" export last --out /proc/nothing
expect 2 "no run" "$kopt" export nonsense --out nonsense
expect 3 "was judged on" taskset -c 0 "$kopt" export last --out nonsense
[ ! -e nonsense ] || fail "a folder of no export"
optimize "$source/heads.spec"
expect 0 '"function": "small_attention::Run"' "$kopt" export last --out with/heads --json
optimize "$source/types.spec"
expect 0 "exported" "$kopt" export last --out types
"$kopt" optimize "$source/heads.spec" --seed "$source/heads_baseline.cpp" --budget 2s >out 2>err
expect 2 "has no confirmed winner" "$kopt" export last --out nothing

# ---- each project by itself: its test, its example ----

export HOME=/nonexistent KOPT_STATE=/nonexistent OMP_WAIT_POLICY=passive
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion"
hostile="-ffast-math -fvisibility=hidden -DNDEBUG"
build matmul-export "-DCMAKE_CXX_FLAGS=$warnings"
build with/heads "-DCMAKE_CXX_FLAGS=$hostile" -DCMAKE_BUILD_TYPE=Debug -DBUILD_SHARED_LIBS=ON
build types "-DCMAKE_CXX_FLAGS=$warnings" -G Ninja
for project in matmul-export with/heads types; do
  expect 0 "100% tests passed" ctest --test-dir "$project/build" --output-on-failure
  expect 0 "us a call" "$(echo $project/build/*_example)"
done
expect 1 "there are failures" types/build/types_test matmul-export/tests/data
expect 0 "place is not compared: a predicate of the spec decides" types/build/types_test types/tests/data
visible matmul matmul-export/build/libmatmul.a
visible types types/build/libtypes.a
visible small_attention with/heads/build/libsmall_attention.so --dynamic

# A wrong kernel does not pass.
cp -r matmul-export wrong && rm -rf wrong/build
sed -i 's/c\[MR\]\[kPanel\]/&/; s/sum\[i\]\[n\] += /&1.001f * /' wrong/src/kernel.inl
build wrong
expect 8 "elements are wrong" ctest --test-dir wrong/build --output-on-failure

# ---- a program that installs two of them and has the third as a folder ----

for project in matmul-export with/heads; do
  expect 0 "Installing" cmake --install "$project/build" --prefix "$folder/prefix"
done
mkdir program && cp "$source/program.cpp" "$source/CMakeLists.txt" program/
build program "-DCMAKE_PREFIX_PATH=$folder/prefix" "-DTYPES=$folder/types"
expect 0 "all right" program/build/program
exit $((failures > 0))

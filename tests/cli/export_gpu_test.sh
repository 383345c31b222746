#!/bin/bash
# export_gpu_test.sh KOPT SOURCE: kernels for a GPU are optimised, exported, built with cmake and a compiler alone, and run.
# Without a device it is skipped.
source "$2/tests/cli/export_lib.sh"

need_gpu

# package SPEC NAME: a run that has a winner, exported to NAME, built and tested.
package() {
  local spec=$1 name=$2 got=0
  "$kopt" optimize "$spec" --target cuda --budget 90s --target-speedup 1.1 >out 2>err || got=$?
  [ "$got" = 0 ] || { cat out err; fail "no winner for $spec"; exit 1; }
  expect 0 "exported" "$kopt" export last --out "$name"
  expect 0 "written to" cmake -S "$name" -B "$name/build"
  expect 0 "" cmake --build "$name/build" -j 4
  expect 0 "100% tests passed" ctest --test-dir "$name/build" --output-on-failure --no-tests=error
  if grep -q Skipped out; then fail "the test of $name is skipped"; fi
  expect 0 "us a call" "$(echo "$name"/build/*_example)"
  cat out
  expect 0 "Installing" cmake --install "$name/build" --prefix "$folder/prefix"
}

package "$source/steps.spec" steps
package "$examples/scan.spec" scan
package "$examples/matmul_wgmma.spec" matmul

# ---- without one of its steps the test fails ----

cp -r steps wrong && rm -rf wrong/build
sed -i 's/if constexpr (kRuns) at.Zero(reinterpret_cast<CUdeviceptr>(given.total).*/;/' wrong/src/run.cpp
expect 0 "written to" cmake -S wrong -B wrong/build
expect 0 "" cmake --build wrong/build -j 4
expect 8 "elements are wrong" ctest --test-dir wrong/build --output-on-failure

# ---- a program of its own: streams, threads, contexts, graphs ----

mkdir program && cp "$source/program_cuda.cpp" program/
cat >program/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.21)
project(program LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(steps REQUIRED)
find_package(matmul_f16_rows16 REQUIRED)
find_package(Threads REQUIRED)
add_executable(program program_cuda.cpp)
target_compile_options(program PRIVATE -Wall -Wextra)
target_link_libraries(program PRIVATE steps::steps matmul_f16_rows16::matmul_f16_rows16 CUDA::cuda_driver
                                      Threads::Threads)
END
expect 0 "written to" cmake -S program -B program/build "-DCMAKE_PREFIX_PATH=$folder/prefix"
expect 0 "" cmake --build program/build
expect 0 "all right" program/build/program
grep -h ok out
exit $((failures > 0))

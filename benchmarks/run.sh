#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sets up, builds the benchmarks for this machine, times the compiler on the quickstart and on the declarative half, runs everything and
# prints the table. Arguments are passed on: run.sh --quick, run.sh --json results.json, run.sh --benchmark_filter=train. Safe to repeat.
# TYPENET_BUILD_DIR names another build folder than ./build.
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
source cmake/setup.sh

need_to_build
need libbenchmark-dev has_header benchmark/benchmark.h
install_missing
choose_generator

build=${TYPENET_BUILD_DIR:-build}/native
cmake --preset native -B "$build" -DTYPENET_BUILD_BENCHMARKS=ON >&2
cmake --build "$build" --target typenet_benchmarks --parallel "$jobs" >&2
program=$(cd "$build" && pwd)/benchmarks/typenet_benchmarks

# seconds <command...>: the fastest of three, once the command is known to succeed.
seconds() {
  local TIMEFORMAT=%R best="" now
  "$@" >&2
  for _ in 1 2 3; do
    now=$({ time "$@" >/dev/null 2>&1; } 2>&1)
    best=$(printf '%s\n%s\n' "${best:-$now}" "$now" | sort -n | head -n 1)
  done
  echo "$best"
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
compile=("${CXX:-c++}" -std=c++20 "-I$root/include" -isystem /usr/include/eigen3 -c -o "$scratch/object")
echo "Timing the compiler" >&2
declarative=$(seconds "${compile[@]}" benchmarks/compile_time/declarative.cpp)
quickstart=$(seconds "${compile[@]}" -O3 -DNDEBUG -march=native -fopenmp examples/quickstart.cpp)

cd "$here"
"$program" --figure "compile the declarative half" "$declarative" s --figure "compile the quickstart, -O3" "$quickstart" s "$@"

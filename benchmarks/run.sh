#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sets up, builds for this machine, measures everything, one thing after another, and prints one Markdown table. Safe to repeat.
#   --quick      a short form, for a first look
#   --json FILE  also writes every figure as {"name", "value", "unit"}
#   --help       this text
# Other arguments go to Google Benchmark: run.sh --benchmark_filter=training. Close other programs first.
# TYPENET_BUILD_DIR names another build folder than ./build.
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
case " $* " in *" --help "*)
  sed -n '3,/^set /s/^# //p' "$root/benchmarks/run.sh"
  exit
  ;;
esac
source cmake/setup.sh
load=$(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null || echo 0)

need_to_build
need libbenchmark-dev has_header benchmark/benchmark.h
# What typenet is measured beside; each is left out where it is missing.
want libtorch-dev test -d /usr/share/cmake/Torch -o -d /usr/lib/x86_64-linux-gnu/cmake/Torch
install_missing
choose_generator

build=${TYPENET_BUILD_DIR:-build}/native
cmake --preset native -B "$build" -DTYPENET_BUILD_BENCHMARKS=ON -DTYPENET_BENCHMARK_PEERS=ON -DTYPENET_CUDA=OFF >&2
cmake --build "$build" --target typenet_benchmarks --parallel "$jobs" >&2
program=$(cd "$build" && pwd)/benchmarks/typenet_benchmarks

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
figures=()

# compile <name> <command...>: notes the median of three runs' seconds and, where GNU time is installed, the most memory of any.
compile() {
  local name=$1 times=() peak=0 seconds megabytes
  shift
  for _ in 1 2 3; do
    if [ -x /usr/bin/time ] && /usr/bin/time -f %M true 2>/dev/null; then
      /usr/bin/time -o "$scratch/time" -f '%e %M' "$@"
      read -r seconds megabytes < <(tail -n 1 "$scratch/time")
      if [ "$megabytes" -gt "$peak" ]; then peak=$megabytes; fi
    else
      local TIMEFORMAT=%R
      { time "$@" 2>&3; } 3>&2 2>"$scratch/time"
      read -r seconds <"$scratch/time"
    fi
    times+=("$seconds")
  done
  figures+=(--figure "compile time, $name" "$(printf '%s\n' "${times[@]}" | sort -n | sed -n 2p)" s)
  if [ "$peak" -gt 0 ]; then figures+=(--figure "compile memory, $name" "$((peak / 1024))" MB); fi
}

case " $* " in
  *" --benchmark_filter="*) ;;
  *)
    echo "benchmarks: timing the compiler" >&2
    eigen=$(pkg-config --cflags-only-I eigen3 2>/dev/null || true)
    compiler=("${CXX:-g++}" -std=c++20 "-I$root/include" ${eigen:--I/usr/include/eigen3})
    native=-march=native
    "${CXX:-g++}" $native -E -x c++ /dev/null >/dev/null 2>&1 || native=-mcpu=native
    compile "quickstart at -O3" "${compiler[@]}" -O3 $native -DNDEBUG -fopenmp -w -c examples/quickstart.cpp -o "$scratch/quickstart.o"
    compile "declarative half" "${compiler[@]}" -fsyntax-only benchmarks/compile_time/declarative.cpp
    ;;
esac

echo "benchmarks: measuring; this takes a minute or two" >&2
if awk -v load="$load" 'BEGIN {exit !(load > 0.5)}'; then
  echo "benchmarks: the machine was busy at the start (load $load): expect figures that are too low" >&2
fi
cd "$here"
"$program" "$@" ${figures[@]+"${figures[@]}"}

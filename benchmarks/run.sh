#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds for this machine, measures everything, and prints one Markdown table. Safe to repeat.
#   --quick      a short run, for a first look
#   --json FILE  also writes every figure as {"name", "value", "unit", "peer", "ratio"}: the fastest peer, and how many times as fast
#   --help       this text
# Other arguments are passed on to Google Benchmark: run.sh --benchmark_filter=training. Close other programs first.
# TYPENET_BUILD_DIR names a build folder other than ./build.
set -euo pipefail
unset CDPATH # makes cd print the folder
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
# Libraries to compare typenet with. A library that is missing is left out.
want libtorch-dev test -d /usr/share/cmake/Torch -o -d /usr/lib/x86_64-linux-gnu/cmake/Torch
want libdlib-dev has_header dlib/dnn.h
want libopenblas0-pthread has_library libopenblas.so.0
want libdnnl-dev has_header oneapi/dnnl/dnnl.hpp
want libonnx-dev has_header onnx/onnx_pb.h
want npm have npm
install_missing
choose_generator

build=${TYPENET_BUILD_DIR:-build}/native
if have npm && [ ! -d "$build/benchmarks/node_modules/onnxruntime-node" ]; then
  echo "benchmarks: installing onnxruntime-node" >&2
  mkdir -p "$build/benchmarks"
  npm install --ignore-scripts --no-audit --no-fund --no-save --prefix "$build/benchmarks" onnxruntime-node@1 >&2 ||
    echo "benchmarks: going on without ONNX Runtime" >&2
fi
cmake --preset native -B "$build" -DTYPENET_BUILD_BENCHMARKS=ON -DTYPENET_BENCHMARK_PEERS=ON -DTYPENET_CUDA=OFF >&2
cmake --build "$build" --target typenet_benchmarks --parallel "$jobs" >&2
program=$(cd "$build" && pwd)/benchmarks/typenet_benchmarks

bash examples/get-data.sh mnist >/dev/null || echo "benchmarks: no MNIST, so nothing is measured on it" >&2

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
figures=()
depths="4 16 64"
case " $* " in *" --quick "*) depths=4 ;; esac

# compile <name> <command...>: records the median seconds of three runs. If GNU time is installed, also records the peak memory.
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
    for depth in $depths; do
      compile "$depth layers at -O3" "${compiler[@]}" -O3 $native -DNDEBUG -fopenmp -w -DTYPENET_DEPTH="$depth" \
        -c benchmarks/compile_time/depth.cpp -o "$scratch/depth.o"
      figures+=(--figure "machine code, $depth layers" "$(size "$scratch/depth.o" | awk 'END {print $1 / 1024}')" KiB)
    done
    ;;
esac

echo "benchmarks: measuring; this takes a minute or two" >&2
if awk -v load="$load" 'BEGIN {exit !(load > 0.5)}'; then
  echo "benchmarks: the machine was busy at the start (load $load): expect figures that are too low" >&2
fi
cd "$here"
"$program" "$@" ${figures[@]+"${figures[@]}"}

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the tests under sanitizers: all of them under AddressSanitizer and UndefinedBehaviorSanitizer, those of several threads under
# ThreadSanitizer, which Archer tells of OpenMP's barriers, and those of the files under Valgrind.
# usage: tests/run.sh --sanitize
set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/setup.sh

has_tsan() { printf 'int main() {}' | clang++ -fsanitize=thread -x c++ - -o /dev/null; }
need_to_build
need doctest-dev has_header doctest/doctest.h
need libcli11-dev has_header CLI/CLI.hpp
need clang have clang++
need libclang-rt-dev has_tsan
need libomp-dev has_omp_for_clang
need valgrind have valgrind
want libstb-dev has_header stb/stb_image.h
install_missing
choose_generator

build=${TYPENET_BUILD_DIR:-build}
failed=()
start=$SECONDS

# leg <name> <command...>: runs one part and notes whether it failed.
leg() {
  local name=$1 begin=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    echo "== $name: passed in $((SECONDS - begin)) s"
  else
    echo "== $name: FAILED after $((SECONDS - begin)) s"
    failed+=("$name")
  fi
}
under_asan() {
  cmake --preset asan -B "$build/asan" && cmake --build "$build/asan" --parallel "$jobs" &&
    ctest --test-dir "$build/asan" --output-on-failure --no-tests=error --parallel "$jobs"
}
under_tsan() {
  # Without Archer, every barrier of OpenMP looks like a race.
  local archer
  archer=$(clang++ -print-file-name=libarcher.so)
  if ! [ -e "$archer" ]; then
    echo "clang++ has no libarcher.so (Debian: libomp-dev)" >&2
    return 1
  fi
  cmake --preset tsan -B "$build/tsan" && cmake --build "$build/tsan" --parallel "$jobs" --target test_threads &&
    OMP_TOOL_LIBRARIES=$archer TSAN_OPTIONS="ignore_noninstrumented_modules=1 suppressions='$PWD/tests/threads/tsan.supp'" \
      ctest --test-dir "$build/tsan" --output-on-failure --no-tests=error --tests-regex '^threads$'
}
under_valgrind() {
  cmake --preset debug -B "$build/debug" -DTYPENET_BUILD_EXAMPLES=OFF -DTYPENET_BUILD_BENCHMARKS=OFF -DTYPENET_CUDA=OFF &&
    cmake --build "$build/debug" --parallel "$jobs" --target test_io &&
    valgrind --quiet --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite "$build/debug/tests/test_io"
}
leg 'AddressSanitizer and UndefinedBehaviorSanitizer' under_asan
leg ThreadSanitizer under_tsan
leg Valgrind under_valgrind

if [ ${#failed[@]} -gt 0 ]; then
  echo "typenet: FAILED under ${failed[*]}, after $((SECONDS - start)) s"
  exit 1
fi
echo "typenet: nothing found by sanitizers, in $((SECONDS - start)) s"

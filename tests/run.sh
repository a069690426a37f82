#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sets up, builds and runs every test, with g++ and, where there is one, clang++. Needs no argument; safe to repeat.
# TYPENET_BUILD_DIR names another build folder than ./build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/setup.sh

need_core
need clang command -v clang++
need libomp-dev bash -c 'ls /usr/lib/llvm-*/lib/libomp.so'
need doctest-dev has_header doctest/doctest.h
need libcli11-dev has_header CLI/CLI.hpp
need libstb-dev has_header stb/stb_image.h
install_missing

build=${TYPENET_BUILD_DIR:-build}
jobs=$(nproc)
for compiler in gcc clang; do
  echo "== $compiler: configure and build"
  cmake --preset "ci-$compiler" -B "$build/ci-$compiler"
  cmake --build "$build/ci-$compiler" -j "$jobs"
  echo "== $compiler: test"
  ctest --test-dir "$build/ci-$compiler" --output-on-failure -j "$jobs"
done
echo "All tests passed with g++ and clang++."

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Kills each program of test_crash 300 times.
# usage: tests/run.sh --crash
set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source cmake/setup.sh

need_to_build
need doctest-dev has_header doctest/doctest.h
need libcli11-dev has_header CLI/CLI.hpp
install_missing
choose_generator

build=${TYPENET_BUILD_DIR:-build}/ci-gcc
cmake --preset ci-gcc -B "$build"
cmake --build "$build" --parallel "$jobs" --target test_crash
OMP_WAIT_POLICY=passive TYPENET_KILLS=300 "$build/tests/test_crash" --success=false --no-version

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, then builds and runs every test with g++. If clang++ is installed, runs all tests but the ill-formed programs
# with clang++ too. Builds the GPU programs with nvcc, which is installed if it is missing, and runs them on a GPU, or else some on the CPU.
# The last line names what was left out.
# Needs no argument and no input; safe to repeat. TYPENET_BUILD_DIR names a build folder other than ./build.
set -euo pipefail
unset CDPATH # makes cd print the folder
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
  '') ;;
  --fuzz) exec bash tests/fuzz/run.sh "${@:2}" ;;
  --crash) exec bash tests/crash/run.sh "${@:2}" ;;
  --sanitize) exec bash tests/sanitize.sh "${@:2}" ;;
  --help)
    cat <<'TEXT'
usage: tests/run.sh                  builds and runs every test, with each compiler that there is
       tests/run.sh --fuzz MINUTES   fuzzes every reader for its share of the time
       tests/run.sh --crash          kills training 300 times, half of them within a save, and resumes it
       tests/run.sh --sanitize       runs the tests under AddressSanitizer, UndefinedBehaviorSanitizer, ThreadSanitizer and Valgrind
TEXT
    exit
    ;;
  *)
    echo "tests/run.sh: there is no '$1'; --help says what there is" >&2
    exit 2
    ;;
esac
source cmake/setup.sh

need_to_build
need g++ have g++
need doctest-dev has_header doctest/doctest.h
need libcli11-dev has_header CLI/CLI.hpp
want libstb-dev has_header stb/stb_image.h
want libboost-dev has_header boost/math/distributions/binomial.hpp
want gnuplot-nox have gnuplot
want libthrust-dev has_header thrust/version.h
want libbenchmark-dev has_header benchmark/benchmark.h
want g++-aarch64-linux-gnu have aarch64-linux-gnu-g++
want clang have clang++
want libomp-dev has_omp_for_clang
want libc++-dev has_libcxx
want clang-19 have clang++-19
want clang-format-19 have clang-format-19
want doxygen have doxygen
want python3-torch has_torch
find_nvcc >/dev/null || want python3-pip has_pip
install_missing
choose_generator

build=${TYPENET_BUILD_DIR:-build}
failed=()
tested=()
left_out=(${packages_gone_without[@]+"${packages_gone_without[@]}"})
if ! bash examples/get-data.sh mnist >/dev/null; then
  echo "== no MNIST: what would be tested on it is tested on drawn images"
  left_out+=(MNIST)
fi
start=$SECONDS
for preset in ci-gcc ci-clang ci-cuda; do
  leg=$SECONDS
  compiler=g++
  only_build=()
  only_test=()
  options=()
  if [ "$preset" = ci-clang ]; then
    compiler=clang++
    if ! have clang++; then
      echo "== clang++: not found, left out"
      left_out+=(clang++)
      continue
    fi
  elif [ "$preset" = ci-cuda ]; then
    compiler=nvcc
    if ! nvcc=$(find_nvcc) && ! nvcc=$(get_nvcc "$build/cuda-toolkit"); then
      echo "== nvcc: not found, and not to be had by pip; left out. Install the CUDA Toolkit, or pip for python3 (Debian: python3-pip)"
      left_out+=(nvcc)
      continue
    fi
    export CUDACXX=$nvcc
    # Builds only the CUDA programs; the rest of the tree has been built and tested above.
    only_build=(--target cuda_programs)
    only_test=(--label-regex '^cuda$')
    if nvidia-smi --list-gpus 2>/dev/null | grep -q GPU; then
      options=(-DCMAKE_CUDA_ARCHITECTURES=native)
    else
      echo "== nvcc: no GPU here, so the kernels are run on the CPU, from their PTX"
      left_out+=("running on a GPU")
      # Compiles for every relevant device in one pass, without the optimizer, which takes most of nvcc's time.
      options=(-DCMAKE_CUDA_ARCHITECTURES=OFF
               "-DCMAKE_CUDA_FLAGS=-arch=compute_80 -code=sm_80,sm_90,compute_80 -Xcicc=-O1 -Xptxas=-O1"
               -DCMAKE_CUDA_FLAGS_RELEASE=-O0 -DTYPENET_TEST_FULLY=OFF)
    fi
  fi
  echo "== $compiler: configure and build"
  if ! cmake --preset "$preset" -B "$build/$preset" ${options[@]+"${options[@]}"} ||
    ! cmake --build "$build/$preset" --parallel "$jobs" ${only_build[@]+"${only_build[@]}"}; then
    failed+=("$compiler (build)")
    echo "== $compiler: build failed after $((SECONDS - leg)) s"
    continue
  fi
  echo "== $compiler: built in $((SECONDS - leg)) s; test"
  ctest --test-dir "$build/$preset" --output-on-failure --no-tests=error --parallel "$jobs" ${only_test[@]+"${only_test[@]}"} ||
    failed+=("$compiler (tests)")
  tested+=("$compiler")
  echo "== $compiler: $((SECONDS - leg)) s"
done

without=
if [ ${#left_out[@]} -gt 0 ]; then
  without=$(printf ', %s' "${left_out[@]}")
  without="; left out: ${without#, }"
fi
if [ ${#failed[@]} -gt 0 ]; then
  echo "typenet: FAILED: ${failed[*]}, after $((SECONDS - start)) s$without"
  exit 1
fi
echo "typenet: all tests passed with ${tested[*]}, in $((SECONDS - start)) s$without"

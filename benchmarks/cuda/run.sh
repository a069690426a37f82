#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the CUDA benchmarks for this machine's GPU, measures training and inference, and prints one Markdown table.
# Installs nvcc if it is missing. Also measures PyTorch if python3 has it with CUDA. Safe to repeat. Close other programs first.
#   --quick      a short run
#   --json FILE  also writes every figure as {"name", "value", "unit"}
# TYPENET_BUILD_DIR names a build folder other than ./build.
set -euo pipefail
unset CDPATH # makes cd print the folder
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
case " $* " in *" --help "*)
  sed -n '3,/^set /s/^# //p' "$root/benchmarks/cuda/run.sh"
  exit
  ;;
esac
source cmake/setup.sh

need_to_build
find_nvcc >/dev/null || want python3-pip has_pip
install_missing
choose_generator

# If nvcc can be neither found nor installed, CMake reports what is missing.
if nvcc=$(find_nvcc) || nvcc=$(get_nvcc "${TYPENET_BUILD_DIR:-build}/cuda-toolkit"); then export CUDACXX=$nvcc; fi
build=${TYPENET_BUILD_DIR:-build}/cuda-native
cmake --preset cuda -B "$build" -DCMAKE_CUDA_ARCHITECTURES=native -DTYPENET_BUILD_TESTS=OFF -DTYPENET_BUILD_EXAMPLES=OFF \
  -DTYPENET_BUILD_BENCHMARKS=ON >&2
cmake --build "$build" --target typenet_cuda_benchmarks --parallel "$jobs" >&2
program=$(cd "$build" && pwd)/benchmarks/cuda/typenet_cuda_benchmarks

peer=()
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
quick=()
case " $* " in *" --quick "*) quick=(--quick) ;; esac
if have python3 && python3 "$root/benchmarks/cuda/pytorch.py" ${quick[@]+"${quick[@]}"} >"$scratch/pytorch"; then
  peer=(--peer "$scratch/pytorch")
else
  echo "benchmarks: no PyTorch for CUDA in python3; its figures are left out" >&2
fi
cd "$here"
"$program" ${peer[@]+"${peer[@]}"} "$@"

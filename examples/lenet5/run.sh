#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From a fresh machine to a trained LeNet-5: sets up, builds for this machine, gets the data, trains about a minute, and prints how well it
# did and where the weights are. Arguments are passed on to `lenet5 train`: run.sh --epochs 60 --seed 7. Safe to repeat.
# The checkpoint lies in runs/ where this is called, or where --output says. TYPENET_BUILD_DIR names another build folder than ./build.
set -euo pipefail

here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source cmake/setup.sh

dataset=mnist
backend=eigen
asked=" "
previous=
for argument in "$@"; do
  case $argument in
    --*=*) asked+="${argument%%=*} " ;;
    --*) asked+="$argument " ;;
  esac
  case $argument in --dataset=*) dataset=${argument#--dataset=} ;; esac
  case $argument in --backend=*) backend=${argument#--backend=} ;; esac
  if [ "$previous" = --dataset ]; then dataset=$argument; fi
  if [ "$previous" = --backend ]; then backend=$argument; fi
  previous=$argument
done
given() { case $asked in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

need_to_build
need libcli11-dev has_header CLI/CLI.hpp
want libstb-dev has_header stb/stb_image.h
want libboost-dev has_header boost/math/distributions/binomial.hpp
want gnuplot-nox have gnuplot
cuda=OFF
case $backend in
  thrust) has_header thrust/version.h -I/usr/local/cuda/include/cccl || need libthrust-dev has_header thrust/version.h ;;
  cuda) cuda=ON ;; # the toolkit is not ours to install; CMake says what is missing
esac
install_missing
choose_generator

build=${TYPENET_BUILD_DIR:-build}/native
cmake --preset native -B "$build" -DTYPENET_BUILD_BENCHMARKS=OFF -DTYPENET_CUDA="$cuda" >&2
cmake --build "$build" --target lenet5 --parallel "$jobs" >&2
program=$(cd "$build" && pwd)/examples/lenet5/lenet5

# A folder that is named stands.
options=()
if ! given --help && ! given --data; then
  data=$(bash examples/get-data.sh "$dataset" | tail -n 1)
  options+=(--data "$data")
fi
cd "$here"
exec "$program" train ${options[@]+"${options[@]}"} "$@"

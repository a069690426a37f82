#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From a fresh machine to a trained LeNet-5: sets up, compiles one recipe for this machine (`modern`, or what --model names), gets the data,
# trains, and prints how well it did, where the weights are and how to use them. Arguments are passed on to `lenet5 train`:
# run.sh --epochs 60 --seed 7. Safe to repeat.
# The checkpoint lies in runs/ where this is called, or where --output says. TYPENET_BUILD_DIR names another build folder than ./build.
set -euo pipefail

here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source cmake/setup.sh

dataset=mnist
model=modern
backend=eigen
asked=" "
previous=
for argument in "$@"; do
  case $argument in
    --*=*) asked+="${argument%%=*} " ;;
    --*) asked+="$argument " ;;
  esac
  case $argument in --dataset=*) dataset=${argument#--dataset=} ;; esac
  case $argument in --model=*) model=${argument#--model=} ;; esac
  case $argument in --backend=*) backend=${argument#--backend=} ;; esac
  if [ "$previous" = --dataset ]; then dataset=$argument; fi
  if [ "$previous" = --model ]; then model=$argument; fi
  if [ "$previous" = --backend ]; then backend=$argument; fi
  previous=$argument
done
given() { case $asked in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

die() {
  echo "run.sh: $*" >&2
  exit 1
}

# Only what stands in the list of recipes becomes the name of a target.
backends=
names=
while read -r name _ listed; do
  case $name in "" | "#"*) continue ;; esac
  names+="${names:+, }$name"
  if [ "$name" = "$model" ]; then backends=$listed; fi
done <examples/lenet5/recipes.txt
if [[ ! $model =~ ^[a-z0-9-]+$ ]] || [ -z "$backends" ]; then die "there is no model '$model'; there are: $names"; fi
case $backend in
  eigen | thrust | cuda) ;;
  *) die "there is no backend '$backend'; there are: eigen, thrust, cuda" ;;
esac
case " $backends " in
  *" $backend "*) ;;
  *) die "model '$model' runs with --backend eigen alone" ;;
esac
target=lenet5_$model
if [ "$backend" != eigen ]; then target+=_$backend; fi

echo "== looking for what is needed to build" >&2
need_to_build
need libcli11-dev has_header CLI/CLI.hpp
want libstb-dev has_header stb/stb_image.h
cuda=OFF
case $backend in
  thrust) has_header thrust/version.h -I/usr/local/cuda/include/cccl || need libthrust-dev has_header thrust/version.h ;;
  cuda) cuda=ON ;; # the toolkit is not ours to install; CMake says what is missing
esac
install_missing
choose_generator

build=${TYPENET_BUILD_DIR:-build}/native
echo "== configuring $build" >&2
cmake --preset native -B "$build" -DTYPENET_BUILD_BENCHMARKS=OFF -DTYPENET_CUDA="$cuda" >&2
echo "== compiling the recipe $model for this machine, which takes about a minute the first time" >&2
cmake --build "$build" --target "$target" --parallel "$jobs" >&2
program=$(cd "$build" && pwd)/examples/lenet5/$target
echo "== compiled: $program; the target lenet5 has every recipe, and takes minutes" >&2

# A folder that is named stands.
options=()
if ! given --help && ! given --data; then
  data=$(bash examples/get-data.sh "$dataset" | tail -n 1)
  options+=(--data "$data")
fi
cd "$here"
exec "$program" train ${options[@]+"${options[@]}"} "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Trains LeNet-5 on a fresh machine: installs what is missing, compiles one recipe, gets the data, and trains.
# Prints the accuracy, the path of the weights, and the command that uses them. The recipe is `modern`, or the one that --model names.
# Arguments are passed on to `lenet5 train`: run.sh --epochs 60 --seed 7. Safe to repeat: no earlier checkpoint is replaced.
# The checkpoint is written to runs/ in the current folder, under a name that is free, or to the file that --output names.
# TYPENET_BUILD_DIR names a build folder other than ./build.
set -euo pipefail
unset CDPATH # makes cd print the folder

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

# Only a name in the list of recipes may become the name of a target.
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
  cuda) cuda=ON ;; # this script does not install the toolkit; CMake reports what is missing
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

# A folder that the user names is used as it is.
options=()
if ! given --help && ! given --data; then
  data=$(bash examples/get-data.sh "$dataset" | tail -n 1)
  options+=(--data "$data")
fi
cd "$here"
exec "$program" train ${options[@]+"${options[@]}"} "$@"

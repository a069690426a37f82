#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fuzzes every reader for its share of MINUTES, as many at a time as there are processors, and prints executions and findings. Inputs that
# reach new code are kept in the build folder, where the next run starts from them. A finding is kept beside them; minimised, it belongs in
# corpus/READER.
# usage: tests/fuzz/run.sh MINUTES
set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source cmake/setup.sh

minutes=${1:-}
if ! [[ $minutes =~ ^[1-9][0-9]{0,4}$ ]]; then
  echo "usage: tests/run.sh --fuzz MINUTES, a whole number from 1 to 99999; got '$minutes'" >&2
  exit 2
fi
has_libfuzzer() {
  printf '#include <cstddef>\nextern "C" int LLVMFuzzerTestOneInput(const unsigned char*, std::size_t) { return 0; }' |
    clang++ -fsanitize=fuzzer,address,undefined -x c++ - -o /dev/null
}
need_to_build
need doctest-dev has_header doctest/doctest.h
need clang have clang++
need libclang-rt-dev has_libfuzzer
want libstb-dev has_header stb/stb_image.h
want libomp-dev has_omp_for_clang
install_missing
choose_generator

build=${TYPENET_BUILD_DIR:-build}/fuzz
cmake --preset fuzz -B "$build"
cmake --build "$build" --parallel "$jobs" --target fuzzers
build=$(cd -- "$build" && pwd)

programs=()
for program in "$build"/tests/fuzz/fuzz_*; do
  if [ -f "$program" ] && [ -x "$program" ]; then programs+=("$program"); fi
done
rm -rf -- "$build/seeds"
"$build/tests/fuzz/write_seeds" "$build/seeds"
seconds=$((minutes * 60 * jobs / ${#programs[@]}))
if [ "$seconds" -lt 1 ]; then seconds=1; fi

# Files that readers read lie in memory where they can.
folder=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" typenet-fuzz-XXXXXX)
trap 'rm -rf -- "$folder"' EXIT
# Short stacks of allocations, and a small quarantine, double the speed.
export TMPDIR=$folder OMP_WAIT_POLICY=passive ASAN_OPTIONS=malloc_context_size=2:quarantine_size_mb=16

# fuzz <program> <seconds>: fuzzes one reader. Its log lies beside its corpus.
fuzz() {
  local reader=${1##*/fuzz_} dictionary=()
  local work=$build/corpus/$reader
  mkdir -p -- "$work"
  case $reader in
    weights | checkpoint) dictionary=(-dict=tests/fuzz/safetensors.dict) ;;
    results | image) dictionary=("-dict=tests/fuzz/$reader.dict") ;;
  esac
  "$1" -max_total_time="$2" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=256 -print_final_stats=1 -close_fd_mask=3 \
    -artifact_prefix="$build/finding-$reader-" ${dictionary[@]+"${dictionary[@]}"} "$work" "tests/fuzz/corpus/$reader" "$build/seeds/$reader" \
    >"$work.log" 2>&1
}
export build
export -f fuzz
status=0
printf '%s\n' "${programs[@]}" | xargs -P "$jobs" -I '{}' bash -c 'fuzz "$1" "$2"' - '{}' "$seconds" || status=$?

printf '%-12s %14s %14s\n' reader executions 'a second'
for program in "${programs[@]}"; do
  reader=${program##*/fuzz_}
  log=$build/corpus/$reader.log
  awk -v reader="$reader" '
    /^stat::number_of_executed_units/ {executions = $2}
    /^stat::average_exec_per_sec/ {rate = $2}
    END {printf "%-12s %14d %14d\n", reader, executions, rate}' "$log"
  # A fuzzer keeps the reader's own messages to itself; the input alone shows them.
  while IFS= read -r finding; do
    echo "  found $finding"
    "$program" "$finding" 2>&1 | grep -m 1 -E 'what\(\)|runtime error|ERROR:' | sed 's/^/    /' || true
  done < <(sed -n 's/.*Test unit written to //p' "$log")
done
if [ "$status" -ne 0 ]; then
  echo "typenet: fuzzing found inputs that are neither read nor refused; the logs are $build/corpus/*.log"
  exit 1
fi
echo "typenet: fuzzing found nothing in $seconds s a reader"

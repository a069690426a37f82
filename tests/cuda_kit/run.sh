#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests and measures typenet on this machine's GPU in about ten minutes. Needs an NVIDIA driver and nothing else.
# Runs the tests; again under compute-sanitizer's memcheck and racecheck, where it is installed; then the benchmarks, beside PyTorch where
# python3 has it with CUDA. Everything is also written to report.txt in the current folder. Exits with 77 where there is no GPU.
set -uo pipefail
case " $* " in *" --help "*)
  sed -n '3,/^set /s/^# //p' "$0"
  exit
  ;;
esac
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LD_LIBRARY_PATH=$kit/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export TYPENET_GOLDEN_DIR=$kit/golden OMP_WAIT_POLICY=passive
failed=()

# step <name> <seconds> <command...>: runs one step within a limit of time, and remembers a failure.
step() {
  local name=$1 limit=$2 status
  shift 2
  printf '\n== %s\n' "$name"
  timeout --kill-after=5 "$limit" "$@"
  status=$?
  if [ "$status" -eq 124 ]; then printf '== %s: stopped after %s s\n' "$name" "$limit"; fi
  if [ "$status" -ne 0 ]; then failed+=("$name"); fi
  return "$status"
}

# Prints the path of compute-sanitizer, if there is one.
sanitizer() {
  command -v compute-sanitizer && return
  local path
  for path in "${CUDA_HOME:-/usr/local/cuda}"/bin/compute-sanitizer /usr/local/cuda*/bin/compute-sanitizer; do
    if [ -x "$path" ]; then
      printf '%s\n' "$path"
      return
    fi
  done
  return 1
}

run() {
  # A kernel of this case writes where it must not, in a process of its own.
  local check quick="--test-case-exclude=a kernel that fails*"
  date -u '+%Y-%m-%d %H:%M UTC'
  nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv,noheader 2>/dev/null || echo "nvidia-smi: not found"
  timeout 60 "$kit/bin/test_cuda" --list-test-cases >/dev/null
  if [ $? -eq 77 ]; then
    echo "no CUDA device here: nothing was run"
    return 77
  fi
  step "tests" 150 "$kit/bin/test_cuda"
  if check=$(sanitizer); then
    step "memcheck" 120 "$check" --tool memcheck --leak-check full --error-exitcode 1 "$kit/bin/test_cuda" "$quick"
    step "racecheck" 120 "$check" --tool racecheck --error-exitcode 1 "$kit/bin/test_cuda" "$quick"
  else
    printf '\n== compute-sanitizer: not found, left out\n'
  fi
  local scratch peer=()
  scratch=$(mktemp -d) || return 1
  if command -v python3 >/dev/null && timeout 120 python3 "$kit/pytorch.py" --quick >"$scratch/pytorch" 2>/dev/null; then
    peer=(--peer "$scratch/pytorch")
  else
    printf '\n== PyTorch: python3 has none for CUDA, left out\n'
  fi
  step "benchmarks" 120 "$kit/bin/typenet_cuda_benchmarks" --quick --json cuda-figures.json ${peer[@]+"${peer[@]}"}
  rm -rf -- "$scratch"
  if [ ${#failed[@]} -gt 0 ]; then
    printf '\nFAILED: %s\n' "${failed[*]}"
    return 1
  fi
  printf '\nall passed\n'
}

run 2>&1 | tee report.txt
exit "${PIPESTATUS[0]}"

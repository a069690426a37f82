#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Shows that two versions of the library compute the same bits: compiles one fingerprint program against each, runs both, and prints every
# line that differs. Exits with 0 where none does, 1 where one does, 2 where it cannot tell, and 3 where none does but a program reports a
# failure of its own, such as bits that depend on the number of threads.
# usage: compare.sh [--quick] [BEFORE [AFTER]]
#   BEFORE   a commit; by default where this branch left main, or HEAD~1 where it is main
#   AFTER    a commit, whose fingerprint program is taken too; by default the working tree as it is
#   --quick  this machine's instructions alone, not those that all of its kind have
# CXX names the compiler, JOBS how many files are compiled at once, EIGEN3_INCLUDE_DIR Eigen's folder. ccache is used where it is found.
set -euo pipefail
unset CDPATH # makes cd print the folder
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

refuse() {
  echo "compare.sh: $1" >&2
  exit 2
}

quick=0
commits=()
for argument in "$@"; do
  case $argument in
    --quick) quick=1 ;;
    -*) refuse "unknown option $argument; usage: compare.sh [--quick] [BEFORE [AFTER]]" ;;
    *) commits+=("$argument") ;;
  esac
done
[ ${#commits[@]} -le 2 ] || refuse "expected at most two commits, got ${#commits[@]}"

before=${commits[0]:-}
after=${commits[1]:-}
if [ -z "$before" ]; then
  before=$(git merge-base main HEAD 2>/dev/null || true)
  if [ -z "$before" ] || [ "$before" = "$(git rev-parse HEAD)" ]; then before=HEAD~1; fi
fi
for commit in "$before" ${after:+"$after"}; do
  git rev-parse --quiet --verify "$commit^{commit}" >/dev/null || refuse "no commit is named $commit"
done

flag_sets=("-O2 -march=native -fopenmp" "-O2 -fopenmp")
[ "$quick" = 0 ] || flag_sets=("${flag_sets[0]}")
read -ra compiler <<<"${CXX:-g++}"
if command -v ccache >/dev/null && [ "${compiler[0]##*/}" != ccache ]; then compiler=(ccache "${compiler[@]}"); fi
export OMP_WAIT_POLICY=passive  # threads that wait should not spin where programs share processors

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/before" "$scratch/after"
git archive "$before" include | tar -x -C "$scratch/before"
if [ -n "$after" ]; then
  git archive "$after" include tests/fingerprint | tar -x -C "$scratch/after"
else
  mkdir "$scratch/after/tests"
  cp -r include "$scratch/after"
  cp -r tests/fingerprint "$scratch/after/tests"
fi
cp -r "$scratch/after/tests" "$scratch/before"

# build_and_run <before or after> <flag>...: leaves the lines in <tree>/lines. All paths are relative, so that ccache knows a tree again.
build_and_run() {
  local tree=$1 source
  shift
  cd "$scratch/$tree"
  for source in tests/fingerprint/*.cpp; do printf '%s\0' "$source"; done |
    xargs -0 -P "${JOBS:-$(nproc)}" -I '{}' "${compiler[@]}" -std=c++20 -w "$@" -Iinclude -isystem "${EIGEN3_INCLUDE_DIR:-/usr/include/eigen3}" \
      -DTHRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_OMP -c '{}' -o '{}.o' || refuse "$tree does not compile with $*"
  "${compiler[@]}" "$@" tests/fingerprint/*.o -o fingerprint -pthread -lz
  # A failure that it reports, on standard error, does not keep the lines from being compared.
  ./fingerprint >lines || { echo "$*: the fingerprint program of $tree reports a failure" && touch "$scratch/failed"; }
}

differ=0
for flags in "${flag_sets[@]}"; do
  read -ra words <<<"$flags"
  for tree in before after; do (build_and_run "$tree" "${words[@]}"); done
  # A line that only one of the two has differs as well.
  if ! diff --unchanged-line-format= --old-line-format='before  %L' --new-line-format='after   %L' "$scratch/before/lines" \
    "$scratch/after/lines" >"$scratch/differences"; then
    differ=1
    echo "$flags: these differ"
    cat "$scratch/differences"
  fi
done
[ "$differ" = 0 ] || exit 1
echo "$(wc -l <"$scratch/after/lines") fingerprints, all the same, for ${#flag_sets[@]} flag sets"
[ ! -e "$scratch/failed" ] || exit 3

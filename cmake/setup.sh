# SPDX-License-Identifier: MIT
# Functions for the scripts, which source it: they install what is missing where they may, and otherwise say what to install.

missing_packages=()
wanted_packages=()
# The wanted packages that install_missing could not install.
packages_gone_without=()
# The compiler that get_nvcc installs, in the names and versions of the Python package index: nvcc, its optimiser, its headers, the CUDA
# runtime and Thrust, all of one major version.
nvcc_packages=("nvidia-cuda-nvcc==13.*" "nvidia-nvvm==13.*" "nvidia-cuda-crt==13.*" "nvidia-cuda-runtime==13.*" "nvidia-cuda-cccl==13.*")

# need <Debian package> <test command...>: notes what nothing can be built without, unless the test succeeds.
need() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing_packages+=("$package")
}

# want <Debian package> <test command...>: the same for what is done without where it cannot be had.
want() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || wanted_packages+=("$package")
}

have() { command -v "$1" >/dev/null 2>&1; }

# has_header <header> [include option]: succeeds where a C++ compiler finds the header. It is not read, which takes seconds for some.
has_header() {
  printf '#if !__has_include(<%s>)\n#error not found\n#endif\n' "$1" | "${CXX:-c++}" -std=c++20 -E -x c++ ${2:+"$2"} - >/dev/null 2>&1
}

# has_library <file>: whether the linker of programs that run knows it.
has_library() { ldconfig -p | grep -q -F "$1"; }

has_omp_for_clang() { printf '#include <omp.h>\nint main() { return omp_get_max_threads() < 1; }' | clang++ -fopenmp -x c++ - -o /dev/null; }

# Prints where nvcc is: what CUDACXX names, or else on the path or in the toolkit's usual folder. Fails where it is in none of them.
find_nvcc() { command -v "${CUDACXX:-nvcc}" || { [ -x /usr/local/cuda/bin/nvcc ] && echo /usr/local/cuda/bin/nvcc; }; }

# Whether python3 has pip.

has_pip() { python3 -m pip --version; }

# get_nvcc <folder>: installs nvcc_packages there by pip, about 350 MB, unless they are there, and prints where their nvcc is. Fails, and says
# why, where that cannot be done.
get_nvcc() {
  local folder=$1 part=$1.part nvcc root
  if ! nvcc=$(nvcc_under "$folder"); then
    if ! has_pip >/dev/null 2>&1; then
      echo "setup: nvcc can be had by pip, which python3 lacks (Debian: python3-pip)" >&2
      return 1
    fi
    echo "setup: getting nvcc by pip" >&2
    # Only a finished and tried toolkit gets the folder's name.
    rm -rf -- "$part"
    mkdir -p -- "$(dirname -- "$folder")"
    if ! PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-input --disable-pip-version-check --retries 1 --no-deps \
      --only-binary :all: --no-compile --target "$part" "${nvcc_packages[@]}" </dev/null >&2 || ! nvcc=$(nvcc_under "$part"); then
      echo "setup: pip could not install ${nvcc_packages[*]}" >&2
      rm -rf -- "$part"
      return 1
    fi
    # Two names that an installed toolkit has, and that the packages leave out.
    root=$(dirname -- "$(dirname -- "$nvcc")")
    ln -sfn lib "$root/lib64"
    (cd -- "$root/lib" && ln -sf libcudart.so.* libcudart.so)
    echo '__global__ void kernel() {} int main() { kernel<<<1, 1>>>(); }' >"$part/trial.cu"
    if ! "$nvcc" -ccbin "${CXX:-c++}" -std=c++20 -o "$part/trial" "$part/trial.cu" >&2; then
      echo "setup: the nvcc that pip installed cannot build a program with ${CXX:-c++}" >&2
      rm -rf -- "$part"
      return 1
    fi
    rm -rf -- "$part"/trial* "$folder"
    mv -- "$part" "$folder" && nvcc=$(nvcc_under "$folder") || return 1
  fi
  printf '%s\n' "$nvcc"
}

# nvcc_under <folder>: prints the absolute path of the nvcc that pip installed there; fails where there is none.
nvcc_under() {
  local nvcc
  for nvcc in "$1"/nvidia/cu*/bin/nvcc; do
    if [ -x "$nvcc" ]; then
      (cd -- "$(dirname -- "$nvcc")" && printf '%s/nvcc\n' "$PWD")
      return
    fi
  done
  return 1
}

# Whether this user may install packages by apt-get. Sets as_root to the command that lets them, or to nothing for root.
may_install() {
  as_root=
  have apt-get || return 1
  [ "$(id -u)" -eq 0 ] && return 0
  as_root="sudo -n"
  have sudo && sudo -n true 2>/dev/null
}

# apt_get <argument...>: runs apt-get, after may_install, without questions. Waits up to ten minutes, and says so, while another process
# holds the lock of the packages or of their lists.
apt_get() {
  local log status waiting='' until=$((SECONDS + 600))
  log=$(mktemp) || return 1
  while :; do
    status=0
    # apt-get itself waits for the lock of the packages alone; that it cannot have a lock is known by its message.
    (
      set -o pipefail
      ${as_root:+$as_root} env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=30 \
        -o DPkg::Lock::Timeout=10 "$@" </dev/null 2>&1 | tee "$log"
    ) || status=$?
    if [ "$status" -eq 0 ] || [ "$SECONDS" -ge "$until" ] || ! grep -qiE 'could not get lock|unable to (lock|acquire)|locked by another' "$log"; then
      break
    fi
    if [ -z "$waiting" ]; then echo "setup: another process is installing packages; waiting up to ten minutes for it" >&2; fi
    waiting=1
    sleep 5
  done
  rm -f -- "$log"
  return "$status"
}

# apt_install <package...>: installs Debian's packages, after may_install.
apt_install() {
  if [ -z "${apt_updated:-}" ]; then
    # Without a network the lists and packages at hand may still do.
    apt_get update >&2 || echo "setup: apt-get update failed; going on with the lists at hand" >&2
    apt_updated=1
  fi
  apt_get install -y --no-install-recommends --no-remove "$@" >&2
}

# Installs what was noted, and sets packages_gone_without. Fails, with the list, if something needed is still missing.
install_missing() {
  local as_root=
  packages_gone_without=()
  if [ ${#missing_packages[@]} -eq 0 ] && [ ${#wanted_packages[@]} -eq 0 ]; then return 0; fi
  if may_install; then
    if [ ${#missing_packages[@]} -gt 0 ]; then
      echo "setup: installing ${missing_packages[*]}" >&2
      if apt_install "${missing_packages[@]}"; then missing_packages=(); fi
    fi
    local package
    for package in ${wanted_packages[@]+"${wanted_packages[@]}"}; do
      echo "setup: installing $package" >&2
      apt_install "$package" || packages_gone_without+=("$package")
    done
  else
    packages_gone_without=(${wanted_packages[@]+"${wanted_packages[@]}"})
  fi
  if [ ${#packages_gone_without[@]} -gt 0 ]; then echo "setup: going on without ${packages_gone_without[*]}" >&2; fi
  wanted_packages=()
  [ ${#missing_packages[@]} -eq 0 ] && return 0
  cat >&2 <<TEXT
setup: these are missing, and could not be installed from here: ${missing_packages[*]}
These are the names of Debian and Ubuntu: install them with
    sudo apt-get install ${missing_packages[*]}
or their equals elsewhere, and run this again.
TEXT
  return 1
}

# What every build of typenet needs.
need_to_build() {
  need cmake have cmake
  need g++ have "${CXX:-c++}"
  need make eval 'have ninja || have make'
  need libeigen3-dev has_header Eigen/Core -I/usr/include/eigen3
  need zlib1g-dev has_header zlib.h
  need nlohmann-json3-dev has_header nlohmann/json.hpp
  want ninja-build have ninja
}

# After install_missing: how to build.
choose_generator() {
  if [ -z "${CMAKE_GENERATOR:-}" ] && have ninja; then export CMAKE_GENERATOR=Ninja; fi
  # A compiler of C++20 with its constant expressions takes near a gigabyte.
  jobs=$(nproc 2>/dev/null || echo 1)
  if [ -r /proc/meminfo ]; then
    local gigabytes
    gigabytes=$(awk '/^MemAvailable:/ {print int($2 / 1048576)}' /proc/meminfo)
    if [ "$gigabytes" -lt "$jobs" ]; then jobs=$((gigabytes > 1 ? gigabytes : 1)); fi
  fi
}

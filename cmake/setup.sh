# SPDX-License-Identifier: MIT
# Functions that the scripts source. They install missing packages if this user may; otherwise they print what to install.

missing_packages=()
wanted_packages=()
# The wanted packages that install_missing could not install.
packages_gone_without=()
# The packages that get_nvcc installs from the Python package index: nvcc, its optimizer, its headers, the CUDA runtime and Thrust. All have
# one major version.
nvcc_packages=("nvidia-cuda-nvcc==13.*" "nvidia-nvvm==13.*" "nvidia-cuda-crt==13.*" "nvidia-cuda-runtime==13.*" "nvidia-cuda-cccl==13.*")

# need <Debian package> <test command...>: records a required package, unless the test succeeds.
need() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing_packages+=("$package")
}

# want <Debian package> <test command...>: records an optional package, unless the test succeeds.
want() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || wanted_packages+=("$package")
}

have() { command -v "$1" >/dev/null 2>&1; }

# has_header <header> [include option]: succeeds if the C++ compiler finds the header. The header itself is not compiled, to save time.
has_header() {
  printf '#if !__has_include(<%s>)\n#error not found\n#endif\n' "$1" | "${CXX:-c++}" -std=c++20 -E -x c++ ${2:+"$2"} - >/dev/null 2>&1
}

# has_library <file>: succeeds if the dynamic linker knows the library.
has_library() { ldconfig -p | grep -q -F "$1"; }

# has_libcxx: succeeds where clang++ finds the headers of libc++.
has_libcxx() { printf '#include <version>\n' | clang++ -stdlib=libc++ -std=c++20 -fsyntax-only -x c++ - 2>/dev/null; }

has_omp_for_clang() { printf '#include <omp.h>\nint main() { return omp_get_max_threads() < 1; }' | clang++ -fopenmp -x c++ - -o /dev/null; }

# has_torch: succeeds where a python3 finds PyTorch. Debian's package is for /usr/bin/python3, which need not be the first in PATH. It is large:
# with what it depends on, installing it takes about half a minute.
has_torch() {
  local python
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)' && return
  done
}

# Prints the path of nvcc: from CUDACXX, else from PATH, else from the toolkit's usual folder. Fails if nvcc is not found.
find_nvcc() { command -v "${CUDACXX:-nvcc}" || { [ -x /usr/local/cuda/bin/nvcc ] && echo /usr/local/cuda/bin/nvcc; }; }

# Succeeds if python3 has pip.

has_pip() { python3 -m pip --version; }

# get_nvcc <folder>: installs nvcc_packages (about 350 MB) into the folder by pip, unless they are installed, and prints the path of nvcc.
# On failure, prints the reason.
get_nvcc() {
  local folder=$1 part=$1.part nvcc root
  if ! nvcc=$(nvcc_under "$folder"); then
    if ! has_pip >/dev/null 2>&1; then
      echo "setup: nvcc can be had by pip, which python3 lacks (Debian: python3-pip)" >&2
      return 1
    fi
    echo "setup: getting nvcc by pip" >&2
    # Works in a temporary folder. Only a complete and tested toolkit is renamed to the final folder.
    rm -rf -- "$part"
    mkdir -p -- "$(dirname -- "$folder")"
    if ! PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-input --disable-pip-version-check --retries 1 --no-deps \
      --only-binary :all: --no-compile --target "$part" "${nvcc_packages[@]}" </dev/null >&2 || ! nvcc=$(nvcc_under "$part"); then
      echo "setup: pip could not install ${nvcc_packages[*]}" >&2
      rm -rf -- "$part"
      return 1
    fi
    # Creates two links that an installed toolkit has and the packages lack.
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

# nvcc_under <folder>: prints the absolute path of the nvcc that pip installed in the folder. Fails if there is none.
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

# Succeeds if this user may install packages by apt-get. Sets as_root to the command that gives root rights; it is empty for root.
may_install() {
  as_root=
  have apt-get || return 1
  [ "$(id -u)" -eq 0 ] && return 0
  as_root="sudo -n"
  have sudo && sudo -n true 2>/dev/null
}

# apt_get <argument...>: runs apt-get without questions; call may_install first. While another process holds a lock of apt, waits up to ten
# minutes and prints a message.
apt_get() {
  local log status waiting='' until=$((SECONDS + 600))
  log=$(mktemp) || return 1
  while :; do
    status=0
    # apt-get itself waits only for the lock of the packages. A failure to get another lock is recognized by its message.
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

# apt_install <package...>: installs Debian packages; call may_install first.
apt_install() {
  if [ -z "${apt_updated:-}" ]; then
    # Without a network, the present lists and packages may be sufficient.
    apt_get update >&2 || echo "setup: apt-get update failed; going on with the lists at hand" >&2
    apt_updated=1
  fi
  apt_get install -y --no-install-recommends --no-remove "$@" >&2
}

# Installs the recorded packages and sets packages_gone_without. If a required package is still missing, prints the list and fails.
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

# Records the packages that every build of typenet requires.
need_to_build() {
  need cmake have cmake
  need g++ have "${CXX:-c++}"
  need make eval 'have ninja || have make'
  need libeigen3-dev has_header Eigen/Core -I/usr/include/eigen3
  need zlib1g-dev has_header zlib.h
  need nlohmann-json3-dev has_header nlohmann/json.hpp
  want ninja-build have ninja
}

# Chooses the CMake generator and the number of parallel jobs; call install_missing first.
choose_generator() {
  if [ -z "${CMAKE_GENERATOR:-}" ] && have ninja; then export CMAKE_GENERATOR=Ninja; fi
  # One compiler process needs almost a gigabyte of memory.
  jobs=$(nproc 2>/dev/null || echo 1)
  if [ -r /proc/meminfo ]; then
    local gigabytes
    gigabytes=$(awk '/^MemAvailable:/ {print int($2 / 1048576)}' /proc/meminfo)
    if [ "$gigabytes" -lt "$jobs" ]; then jobs=$((gigabytes > 1 ? gigabytes : 1)); fi
  fi
}

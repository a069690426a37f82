# SPDX-License-Identifier: MIT
# Sourced by the run.sh scripts: installs what is missing where it may, and otherwise says what to install.

missing_packages=()
wanted_packages=()

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

# has_header <header> [include option]: whether a C++ compiler finds it.
has_header() { echo "#include <$1>" | "${CXX:-c++}" -std=c++20 -fsyntax-only -x c++ ${2:+"$2"} -; }

# has_library <file>: whether the linker of programs that run knows it.
has_library() { ldconfig -p | grep -q -F "$1"; }

has_omp_for_clang() { printf '#include <omp.h>\nint main() { return omp_get_max_threads() < 1; }' | clang++ -fopenmp -x c++ - -o /dev/null; }

# Prints where nvcc is, on the path or in the toolkit's usual folder; fails where it is in neither.
find_nvcc() { command -v nvcc || { [ -x /usr/local/cuda/bin/nvcc ] && echo /usr/local/cuda/bin/nvcc; }; }

apt_install() {
  apt_get() { ${as_root:+$as_root} env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=30 "$@" </dev/null >&2; }
  if [ -z "${apt_updated:-}" ]; then
    # Without a network the lists and packages at hand may still do.
    apt_get update || echo "setup: apt-get update failed; going on with the lists at hand" >&2
    apt_updated=1
  fi
  apt_get install -y --no-install-recommends --no-remove "$@"
}

# Installs what was noted. Fails, with the list, if something needed is still missing.
install_missing() {
  local as_root=
  if [ ${#missing_packages[@]} -eq 0 ] && [ ${#wanted_packages[@]} -eq 0 ]; then return 0; fi
  if have apt-get && { [ "$(id -u)" -eq 0 ] || { as_root="sudo -n" && have sudo && sudo -n true 2>/dev/null; }; }; then
    if [ ${#missing_packages[@]} -gt 0 ]; then
      echo "setup: installing ${missing_packages[*]}" >&2
      if apt_install "${missing_packages[@]}"; then missing_packages=(); fi
    fi
    local package
    for package in ${wanted_packages[@]+"${wanted_packages[@]}"}; do
      echo "setup: installing $package" >&2
      apt_install "$package" || echo "setup: going on without $package" >&2
    done
  elif [ ${#wanted_packages[@]} -gt 0 ]; then
    echo "setup: going on without ${wanted_packages[*]}" >&2
  fi
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

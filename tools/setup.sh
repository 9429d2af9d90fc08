#!/usr/bin/env bash
# Installs the dependencies and builds the project. Does nothing if everything is up to date.
#
#   tools/setup.sh            libraries, LibTorch and the programs
#   tools/setup.sh --tests    also tests, benchmarks and their reference implementations
#
# Environment: LIBTORCH=/path (a LibTorch folder), CUDACXX=/path/to/nvcc, HDF5_ROOT, MPI_HOME and NCCL_ROOT select
# existing installations; S2I_PRESET selects the CMake preset (default: release).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

with_tests=no
[ "${1:-}" = --tests ] && with_tests=yes
preset=${S2I_PRESET:-release}
venv=.deps/python

say() { printf '== %s\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Prints the missing Debian or Ubuntu packages, without those replaced by existing installations.
missing_packages() {
  local wanted=(g++ cmake ninja-build pkg-config git python3 python3-venv espeak-ng
    libsndfile1-dev libmpg123-dev libsoxr-dev libyaml-cpp-dev nlohmann-json3-dev libcli11-dev libspdlog-dev
    libxxhash-dev libutf8proc-dev libhwloc-dev libgoogle-perftools-dev libprotobuf-dev protobuf-compiler libisal-dev
    libpng-dev libjs-chart.js libgtest-dev libgmock-dev libbenchmark-dev)
  [ -n "${HDF5_ROOT:-}" ] || wanted+=(libhdf5-dev)
  [ -n "${MPI_HOME:-}" ] || command -v mpicc > /dev/null || wanted+=(openmpi-bin libopenmpi-dev)
  # The tests start their own Slurm cluster; system services are neither configured nor started.
  [ $with_tests = no ] || wanted+=(hdf5-tools lame slurmctld slurmd slurm-client munge iproute2 procps)
  # For the fuzz targets, which are skipped if the distribution has no clang 14.
  case $with_tests-$(. /etc/os-release && echo "${VERSION_CODENAME:-}") in
    yes-bookworm | yes-jammy | yes-noble) wanted+=(clang-14 libclang-rt-14-dev) ;;
  esac
  # To look at reports in a browser. Ubuntu has Chromium as a snap only; the test is then skipped.
  case $with_tests-$(. /etc/os-release && echo "${VERSION_CODENAME:-}") in
    yes-bookworm | yes-trixie) wanted+=(chromium-headless-shell fonts-dejavu-core) ;;
  esac
  local package
  for package in "${wanted[@]}"; do
    dpkg-query -W -f '${Status}\n' "$package" 2> /dev/null | grep -q 'ok installed' || echo "$package"
  done
}

install_packages() {
  command -v dpkg-query > /dev/null || fail "only Debian and Ubuntu are supported; on other systems install the libraries listed in README.md and run: cmake --preset release && cmake --build --preset release"
  local packages
  packages=$(missing_packages | tr '\n' ' ')
  [ -n "${packages// /}" ] || return 0
  local as_root=""
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
      as_root=sudo
    else
      printf 'setup: packages are missing; ask an administrator to run:\n' >&2
      printf '  apt-get update && apt-get install -y --no-install-recommends %s\n' "$packages" >&2
      exit 1
    fi
  fi
  say "installing $packages"
  $as_root apt-get update -qq
  # Prevent the packages from starting services: the tests start their own munge and Slurm.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root install -m 755 /dev/stdin $policy
    # shellcheck disable=SC2064  # expand the variables now
    trap "$as_root rm -f $policy" EXIT
  fi
  # shellcheck disable=SC2086  # word splitting is intended
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages \
    > /dev/null
}

# True if a CUDA 13 toolkit, cuDNN 9 and NCCL 2 are installed. Most CUDA wheels are then not needed.
has_cuda_libraries() {
  local nvcc=${CUDACXX:-$(command -v nvcc || true)}
  [ -n "$nvcc" ] && "$nvcc" --version | grep -q 'release 13\.' || return 1
  ldconfig -p | grep -q 'libcudnn\.so\.9' && ldconfig -p | grep -q 'libnccl\.so\.2'
}

# Installs a requirements file into .deps/python, if the file has changed since the last time.
install_wheels() {
  local name=$1
  shift
  local file=tools/requirements/$name.txt
  if ! cmp -s "$file" "$venv/.installed-$name"; then
    say "installing $name (pinned in $file)"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" -r "$file"
    cp "$file" "$venv/.installed-$name"
  fi
}

install_python() {
  [ -x $venv/bin/python ] || { say "creating $venv"; mkdir -p .deps; python3 -m venv $venv; }
  if [ -z "${LIBTORCH:-}" ]; then
    if has_cuda_libraries; then
      install_wheels torch-on-cuda --no-deps
    else
      install_wheels torch
    fi
  fi
  install_wheels demo
  if [ $with_tests = yes ]; then install_wheels tests; fi
}

build() {
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" > /dev/null
  say "building (preset $preset)"
  if [ $with_tests = yes ]; then
    cmake --build --preset "$preset"
  else
    cmake --build --preset "$preset" --target programs
  fi
}

install_packages
install_python
build

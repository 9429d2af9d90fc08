#!/usr/bin/env bash
# Installs and builds everything, then runs all tests. Arguments are passed to ctest: tools/test.sh -R checkpoint
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh --tests
# One more parallel test than cores, because many tests mostly wait for processes, jobs and timeouts.
exec ctest --preset "${S2I_PRESET:-release}" -j "$(($(nproc) + 1))" "$@"

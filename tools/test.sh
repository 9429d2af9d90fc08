#!/usr/bin/env bash
# Sets everything up, then runs every test. Arguments go to ctest: tools/test.sh -R checkpoint
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh --tests
exec ctest --preset "${S2I_PRESET:-release}" -j "$(nproc)" "$@"

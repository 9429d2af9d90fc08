#!/usr/bin/env bash
# Sets everything up, then runs every test. Arguments go to ctest: tools/test.sh -R checkpoint
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh --tests
# One test more at a time than there are cores: many wait for ranks, jobs and limits more than they compute.
exec ctest --preset "${S2I_PRESET:-release}" -j "$(($(nproc) + 1))" "$@"

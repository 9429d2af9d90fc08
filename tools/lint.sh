#!/usr/bin/env bash
# Checks the formatting of the sources. With --tidy also runs clang-tidy, which is slow because of LibTorch's headers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t sources < <(git ls-files '*.cc' '*.h' '*.cu')
clang-format --dry-run --Werror "${sources[@]}"
echo "clang-format: no problems in ${#sources[@]} files"
if [ "${1:-}" = --tidy ]; then
  mapfile -t units < <(git ls-files 'src/*.cc' 'preprocess/*.cc' 'cluster/*.cc' 'bench/*.cc')
  printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "build/${S2I_PRESET:-release}"
  echo "clang-tidy: no problems in ${#units[@]} files"
fi

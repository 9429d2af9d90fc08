#!/usr/bin/env bash
# Fuzzes the readers of untrusted files (tests/fuzz) with libFuzzer, AddressSanitizer and
# UndefinedBehaviorSanitizer.
#
#   tools/fuzz.sh [--optional] [SECONDS [TARGET...]]     default: 60 seconds for every target
#
# An input that causes a failure is saved in build/fuzz/findings/TARGET, and the exit status is 1. Fix
# the reader, then move the input to tests/fuzz/regressions/TARGET. The generated corpus is kept in
# build/fuzz/corpus/TARGET. With --optional the exit status is 77 if clang-14 is not installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip_status=1
[ "${1:-}" != --optional ] || { skip_status=77; shift; }
seconds=${1:-60}
[ $# -eq 0 ] || shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/fuzz_*.cc; do
    name=$(basename "$source" .cc)
    targets+=("${name#fuzz_}")
  done
fi

if ! command -v clang++-14 > /dev/null || [ ! -e "$(clang++-14 -print-file-name=libclang_rt.fuzzer-x86_64.a)" ]; then
  echo "fuzz: clang++-14 with libFuzzer is missing; tools/setup.sh --tests installs it" >&2
  exit $skip_status
fi

mkdir -p build/fuzz
{
  flock 9  # ctest may start several targets at the same time
  [ -f build/fuzz/build.ninja ] || cmake --preset fuzz > /dev/null
  cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}" > build/fuzz/build.log 2>&1 ||
    { cat build/fuzz/build.log >&2; exit 1; }
} 9> build/fuzz/.lock

memory=${TMPDIR:-/tmp}; [ ! -w /dev/shm ] || memory=/dev/shm  # for targets that write their input to files
status=0
for target in "${targets[@]}"; do
  generated=build/fuzz/corpus/$target
  findings=build/fuzz/findings/$target
  mkdir -p "$generated" "$findings"
  options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=1024
    -max_len=65536 -print_final_stats=1 -verbosity=0 -artifact_prefix="$findings/")
  [ ! -f "tests/fuzz/dictionaries/$target.dict" ] ||
    options+=(-dict="tests/fuzz/dictionaries/$target.dict")
  folders=("$generated" "tests/fuzz/corpus/$target")
  [ ! -d "tests/fuzz/regressions/$target" ] || folders+=("tests/fuzz/regressions/$target")
  # libsndfile 1.2.0 and HDF5 leak memory on some invalid files. The asan preset detects other leaks.
  if TMPDIR=$memory ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
    "build/fuzz/bin/fuzz_$target" "${options[@]}" "${folders[@]}" > "$findings/log" 2>&1; then
    awk -v t="$target" '/stat::number_of_executed_units/ {n=$2} END {print t ": " n " executions, no failure"}' \
      "$findings/log"
  else
    echo "$target: failed; see $findings/log" >&2
    tail -n 40 "$findings/log" >&2
    status=1
  fi
done
exit $status

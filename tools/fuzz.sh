#!/usr/bin/env bash
# Fuzzes the readers of files from outside with libFuzzer under AddressSanitizer and
# UndefinedBehaviorSanitizer (tests/fuzz).
#
#   tools/fuzz.sh [--optional] [SECONDS [TARGET...]]     60 seconds of every target by default
#
# An input that is neither read nor refused is kept in build/fuzz/findings/TARGET and ends with status
# 1: mend the reader, then move the input to tests/fuzz/regressions/TARGET. What is learned between runs
# stays in build/fuzz/corpus/TARGET. --optional: status 77 where clang-14 is not installed.
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
  flock 9  # ctest starts several targets at once; one of them builds
  [ -f build/fuzz/build.ninja ] || cmake --preset fuzz > /dev/null
  cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}" > build/fuzz/build.log 2>&1 ||
    { cat build/fuzz/build.log >&2; exit 1; }
} 9> build/fuzz/.lock

memory=${TMPDIR:-/tmp}; [ ! -w /dev/shm ] || memory=/dev/shm  # readers that take files get them there
status=0
for target in "${targets[@]}"; do
  learned=build/fuzz/corpus/$target
  findings=build/fuzz/findings/$target
  mkdir -p "$learned" "$findings"
  options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=1024
    -max_len=65536 -print_final_stats=1 -verbosity=0 -artifact_prefix="$findings/")
  [ ! -f "tests/fuzz/dictionaries/$target.dict" ] ||
    options+=(-dict="tests/fuzz/dictionaries/$target.dict")
  folders=("$learned" "tests/fuzz/corpus/$target")
  [ ! -d "tests/fuzz/regressions/$target" ] || folders+=("tests/fuzz/regressions/$target")
  # libsndfile 1.2.0 and HDF5 leak on some files they refuse; leaks of our own the asan preset finds.
  if TMPDIR=$memory ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
    "build/fuzz/bin/fuzz_$target" "${options[@]}" "${folders[@]}" > "$findings/log" 2>&1; then
    awk -v t="$target" '/stat::number_of_executed_units/ {n=$2} END {print t ": " n " executions, no finding"}' \
      "$findings/log"
  else
    echo "$target: a finding; see $findings/log" >&2
    tail -n 40 "$findings/log" >&2
    status=1
  fi
done
exit $status

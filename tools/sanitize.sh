#!/usr/bin/env bash
# Builds and runs the tests under sanitizers, one test program after the other.
#
#   tools/sanitize.sh asan            AddressSanitizer and UndefinedBehaviorSanitizer: all of them
#   tools/sanitize.sh tsan            ThreadSanitizer: those with threads
#   tools/sanitize.sh asan data_test  only these
#
# A LibTorch source takes 30 s to compile here; the first run of all of them is a matter of an hour.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=${1:-}
case $preset in
  asan) tests=(core_test audio_test data_test preprocess_test fuzz_targets kernels_test model_test
    cluster_test cluster_mpi_test train_test) ;;
  tsan) tests=(core_test data_test preprocess_test cluster_test cluster_mpi_test train_test) ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
shift
[ $# -eq 0 ] || tests=("$@")

# Open MPI and LibTorch keep memory to the end of a process.
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="suppressions=$PWD/cmake/tsan.supp ignore_noninstrumented_modules=1 halt_on_error=0 exitcode=66"
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" > /dev/null
status=0
for name in "${tests[@]}"; do
  echo "== $name ($preset)"
  cmake --build --preset "$preset" --target "$name" > "build/$preset/build.log" 2>&1 ||
    { cat "build/$preset/build.log" >&2; exit 1; }
  case $name in
    fuzz_targets) ctest --test-dir "build/$preset" -R '^fuzz_replay\.' --output-on-failure || status=1 ;;
    *_mpi_test) ctest --test-dir "build/$preset" -R "^$name" --output-on-failure || status=1 ;;
    *) "build/$preset/bin/$name" --gtest_brief=1 || status=1 ;;
  esac
done
exit $status

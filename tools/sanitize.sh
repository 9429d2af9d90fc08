#!/usr/bin/env bash
# Builds and runs the tests under sanitizers, one test program after the other.
#
#   tools/sanitize.sh asan            AddressSanitizer and UndefinedBehaviorSanitizer: all C++ tests, and whole runs
#   tools/sanitize.sh tsan            ThreadSanitizer: those with threads, and whole runs
#   tools/sanitize.sh asan data_test  only these
#
# Whole runs are tests/e2e/resume_test.py (e2e_resume): loader, reducer, watchdog and the writer of checkpoints
# side by side in one s2i-train, on one rank and on two.
# A LibTorch source takes 30 s to compile here; the first run of all of them is a matter of an hour.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=${1:-}
case $preset in
  asan) tests=(core_test audio_test data_test preprocess_test fuzz_targets kernels_test model_test
    cluster_test cluster_mpi_test job_end_test train_test checkpoint_fault_test bench_test e2e_resume) ;;
  tsan) tests=(core_test data_test preprocess_test cluster_test cluster_mpi_test job_end_test train_test e2e_resume) ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
shift
[ $# -eq 0 ] || tests=("$@")

# Open MPI and LibTorch keep memory to the end of a process.
# A test asks for more memory than there is.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="suppressions=$PWD/cmake/tsan.supp allocator_may_return_null=1 ignore_noninstrumented_modules=1 halt_on_error=0 exitcode=66"
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

python=.deps/python/bin/python  # with the packages of the tests, as in cmake/PythonTest.cmake
[ -x $python ] || python=python3

# run_whole NAME: the tests in tests/e2e/NAME_test.py with this build's programs; ctest's own limit is for a build without
# sanitizers.
run_whole() {
  S2I_BIN=$PWD/build/$preset/bin PYTHONDONTWRITEBYTECODE=1 \
    $python -m pytest -q -rs -p no:cacheprovider "tests/e2e/$1_test.py"
}

[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" > /dev/null
status=0
for name in "${tests[@]}"; do
  echo "== $name ($preset)"
  case $name in
    e2e_*) targets=(s2i-preprocess s2i-make-random-wavlm s2i-train) ;;
    *) targets=("$name") ;;
  esac
  cmake --build --preset "$preset" --target "${targets[@]}" > "build/$preset/build.log" 2>&1 ||
    { cat "build/$preset/build.log" >&2; exit 1; }
  case $name in
    fuzz_targets) ctest --test-dir "build/$preset" -R '^fuzz_replay\.' --output-on-failure || status=1 ;;
    e2e_*) run_whole "${name#e2e_}" || status=1 ;;
    *_mpi_test|job_end_test) ctest --test-dir "build/$preset" -R "^$name" --output-on-failure || status=1 ;;
    *) "build/$preset/bin/$name" --gtest_brief=1 || status=1 ;;
  esac
done
exit $status

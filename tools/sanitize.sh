#!/usr/bin/env bash
# Builds and runs the tests with sanitizers, one test program at a time.
#
#   tools/sanitize.sh asan            AddressSanitizer and UndefinedBehaviorSanitizer: all C++ tests, end-to-end tests
#   tools/sanitize.sh tsan            ThreadSanitizer: tests with threads, end-to-end tests
#   tools/sanitize.sh asan data_test  only the given tests
#
# The end-to-end tests (e2e_NAME is tests/e2e/NAME_test.py) run s2i-train with all its threads (loader, reducer,
# watchdog, checkpoint writer) on one and several ranks. Compiling a source that uses LibTorch takes about 30 s; the
# first run of all tests takes about an hour.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=${1:-}
case $preset in
  asan) tests=(core_test audio_test data_test preprocess_test fuzz_targets ops_test cuda_kernels_test weights_test nn_test classification_test optim_test
    cluster_test cluster_mpi_test job_end_test train_test checkpoint_test checkpoint_fault_test bench_test
    preprocess_program_test e2e_resume e2e_checkpoint e2e_signal e2e_trouble e2e_hang e2e_parallel
    e2e_reproducible e2e_report e2e_bad_input e2e_kill) ;;
  tsan) tests=(core_test data_test preprocess_test cluster_test cluster_mpi_test job_end_test train_test e2e_resume) ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
shift
[ $# -eq 0 ] || tests=("$@")

# AddressSanitizer and ThreadSanitizer write their reports to files, because a test that kills a program or expects it
# to fail would not notice a report. UndefinedBehaviorSanitizer writes to standard error, with the same exit status.
findings=$PWD/build/$preset/findings
rm -rf "$findings"
mkdir -p "$findings"
common="log_path=$findings/of:exitcode=66:allocator_may_return_null=1"  # a test allocates too much memory
# No leak detection: Open MPI and LibTorch do not free all memory at exit. Fault injection libraries are preloaded
# before the sanitizer's runtime.
export ASAN_OPTIONS=$common:detect_leaks=0:verify_asan_link_order=0
export UBSAN_OPTIONS=$common:print_stacktrace=1
export TSAN_OPTIONS=$common:suppressions=$PWD/cmake/tsan.supp:ignore_noninstrumented_modules=1:halt_on_error=0
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

python=.deps/python/bin/python  # has the packages for the tests, as in cmake/PythonTest.cmake
[ -x $python ] || python=python3

# run_pytest FILE...: runs pytest with the programs of this build, without ctest's timeouts, which are too short here.
run_pytest() {
  S2I_BIN=$PWD/build/$preset/bin PYTHONDONTWRITEBYTECODE=1 $python -m pytest -q -rs -p no:cacheprovider "$@"
}

[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" > /dev/null
status=0
for name in "${tests[@]}"; do
  echo "== $name ($preset)"
  case $name in
    e2e_*) targets=(s2i-preprocess s2i-make-random-model s2i-train s2i-evaluate s2i-predict s2i-checkpoint s2i-epoch-plan
      s2i_file_faults s2i_signal_at_read) ;;
    preprocess_program_test) targets=(s2i-preprocess) ;;
    *) targets=("$name") ;;
  esac
  cmake --build --preset "$preset" --target "${targets[@]}" > "build/$preset/build.log" 2>&1 ||
    { cat "build/$preset/build.log" >&2; exit 1; }
  case $name in
    fuzz_targets) ctest --test-dir "build/$preset" -R '^fuzz_replay\.' --output-on-failure || status=1 ;;
    e2e_*) run_pytest "tests/e2e/${name#e2e_}_test.py" || status=1 ;;
    preprocess_program_test) run_pytest tests/preprocess/*_test.py || status=1 ;;
    *_mpi_test|job_end_test) ctest --test-dir "build/$preset" -R "^$name" --output-on-failure || status=1 ;;
    *) "build/$preset/bin/$name" --gtest_brief=1 || status=1 ;;
  esac
done
# Select real reports: a failed allocation also leaves a warning in these files.
for finding in $(grep -lE 'ERROR: |runtime error: |WARNING: ThreadSanitizer' -r "$findings"); do
  echo "== $finding" >&2
  head -n 40 "$finding" >&2
  status=1
done
exit $status

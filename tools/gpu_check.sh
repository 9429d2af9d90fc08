#!/usr/bin/env bash
# Tests the GPU code on a machine with a GPU and prints a table for docs/benchmarks.md: training on GPU and CPU,
# collectives and gradient reduction over NCCL (one rank, several ranks sharing a GPU, one rank per GPU), complete
# runs of s2i-train, and a rank that hangs during a run.
#
#   tools/gpu_check.sh [--out DIR] [--bin DIR] [--quick] [--allow-no-gpu]
#
# --quick skips the published shapes (minutes on a few CPU cores) and the injected errors. Without a GPU the script
# fails, unless --allow-no-gpu is given; then it runs the checks that need no GPU, on the CPU, and lists the others
# as skipped. For machines without a compiler see docs/gpu.md.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

bin=${S2I_BIN:-build/release/bin} out=runs/gpu_check quick=no allow_no_gpu=no
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$2; shift ;;
    --bin) bin=$2; shift ;;
    --quick) quick=yes ;;
    --allow-no-gpu) allow_no_gpu=yes ;;
    *) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done
fail() { printf 'gpu_check: %s\n' "$*" >&2; exit 2; }
for program in device_compare cluster_mpi_test s2i-train s2i-preprocess s2i-make-random-model; do
  [ -x "$bin/$program" ] || fail "$bin/$program is missing; build it: tools/setup.sh --tests"
done
command -v python3 > /dev/null || fail "python3 is missing"
mkdir -p "$out"
work=$(mktemp -d)
current=
trap 'rm -rf "$work"' EXIT
# timeout runs in its own process group and must be terminated explicitly.
trap '[ -z "$current" ] || kill "$current"; exit 143' TERM INT
rm -f "$out"/compare_*.json
: > "$out/checks.tsv"
: > "$out/gpu_check.log"

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
  OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl_vader_single_copy_mechanism=none OMP_WAIT_POLICY=passive \
  GTEST_COLOR=no
report=tests/gpu/gpu_check_report.py

# row NAME STATUS SECONDS DETAIL
row() {
  printf '%s\t%s\t%s\t%s\n' "$@" >> "$out/checks.tsv"
  printf '== %-52s %s (%s s) %s\n' "$@"
}
# check NAME LIMIT_SECONDS COMMAND...: runs a check and adds a row to the table; the detail is the last line of output.
check() {
  local name=$1 limit=$2 start=$SECONDS status detail
  shift 2
  printf '\n== %s: %s\n' "$name" "$*" >> "$out/gpu_check.log"
  timeout -k 5 "$limit" "$@" > "$work/output" 2>&1 &
  current=$!
  wait "$current"
  status=$?
  current=
  cat "$work/output" >> "$out/gpu_check.log"
  detail=$(grep -v '^[[:space:]]*$' "$work/output" | tail -n 1 | tr '\t|' '  ' | cut -c 1-160)
  if [ $status -eq 0 ]; then
    row "$name" passed $((SECONDS - start)) "$detail"
  elif [ $status -eq 77 ]; then
    row "$name" skipped $((SECONDS - start)) "$detail"
  elif grep -q 'Duplicate GPU detected' "$work/output"; then
    row "$name" skipped $((SECONDS - start)) "this NCCL does not support several ranks on one GPU"
  else
    [ $status -ne 124 ] || detail="timeout after $limit s: $detail"
    row "$name" failed $((SECONDS - start)) "$detail"
    tail -n 25 "$work/output" >&2
  fi
  return $status
}
skip() { row "$1" skipped 0 "$2"; }

export LC_ALL=C
"$bin/device_compare" --versions "$out/versions.json" || fail "$bin/device_compare does not start (see above)"
gpus=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["GPUs"])' "$out/versions.json")
if [ "$gpus" -eq 0 ] && [ $allow_no_gpu = no ]; then
  fail "no GPU found (CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES-not set}); use --allow-no-gpu to run the other checks"
fi

# ---- GPU against CPU ----
compare() {  # NAME DEVICE SHAPE LIMIT [OPTION ...]
  check "$1" "$4" "$bin/device_compare" --device "$2" --shape "$3" --threads "$(nproc)" \
    --json "$out/compare_$2_$3.json" "${@:5}"
}
compare "CPU: two micro-batches vs. one" cpu small 300
[ $quick = yes ] || for mistake in weight dropout position gradient; do
  check "injected error is detected: $mistake" 120 bash -c \
    '"$0" --device cpu --type wavlm --form large --steps 2 --mistake "$1" 2>&1 | grep -o "[0-9]* of .* failed"' \
    "$bin/device_compare" $mistake
done
if [ "$gpus" -gt 0 ]; then
  compare "GPU vs. CPU, small shapes" cuda small 300
  [ $quick = yes ] || compare "GPU vs. CPU, Base and Large" cuda full 900 --type wavlm
else
  skip "GPU vs. CPU, small shapes" "no GPU"
  skip "GPU vs. CPU, Base and Large" "no GPU"
fi

# ---- collectives and gradient reduction ----
# A selection of the tests, because each test creates a communicator, which takes NCCL about a second.
tests='*/Collectives.*/Float_100003_by_1073741824:*/Collectives.*/BFloat16_100003_by_1073741824'
tests+=':*/Collectives.*/Long_7_by_1073741824:*/Collectives.*/Float_0_by_1073741824:Communicator.Sums*'
tests+=':Communicator.BFloat16*:Communicator.NonBlocking*:Communicator.Texts*:*/Reducer.*:GradientReducer.*'
collectives() {  # NAME DEVICE RANKS
  S2I_TEST_DEVICE=$2 OMP_NUM_THREADS=1 \
    check "$1" 300 mpirun -np "$3" "$bin/cluster_mpi_test" "--gtest_filter=$tests"
}
collectives "collectives and reducer over MPI, 2 ranks" cpu 2
if [ "$gpus" -gt 0 ]; then
  collectives "collectives and reducer over NCCL, 1 rank" cuda 1
  for ranks in 2 4; do
    [ "$gpus" -lt $ranks ] || continue
    collectives "collectives and reducer over NCCL, $ranks ranks on $gpus GPU(s)" cuda $ranks
  done
  [ "$gpus" -eq 1 ] || collectives "collectives and reducer over NCCL, one rank on each of $gpus GPUs" cuda "$gpus"
else
  skip "collectives and reducer over NCCL, 1, 2 and 4 ranks" "no GPU"
fi

# ---- complete runs ----
runs() { check "$1" 180 bash tests/gpu/run_checks.sh "$work" "$bin" "${@:2}"; }
runs "prepare a small corpus and model" prepare
runs "s2i-train on the CPU, 1 rank" losses cpu cpu 1 0
runs "s2i-train on the CPU, 2 ranks vs. 1" losses cpu2 cpu 2 1e-4
runs "a rank hangs during a run, CPU" stuck cpu
if [ "$gpus" -gt 0 ]; then
  runs "s2i-train on the GPU vs. the CPU" losses gpu cuda 1 1e-3
  runs "s2i-train on the GPU in bf16 vs. the CPU in fp32" losses gpu16 cuda 1 2e-2 precision=bf16
  runs "s2i-train on GPUs, 2 ranks vs. the CPU" losses gpu2 cuda 2 1e-3
  runs "a rank hangs during a run, GPU" stuck cuda
else
  skip "s2i-train on the GPU: 1 rank, bf16, 2 ranks; a rank hangs" "no GPU"
fi

python3 $report table "$out" > "$work/table"
status=$?
printf '\n'
cat "$work/table"
printf '\n%s\n' "results in $out: gpu_check.md, gpu_check.json, gpu_check.log"
exit $status

#!/usr/bin/env bash
# Runs all GPU checks and benchmarks in at most nine minutes: tools/gpu_check.sh, the comparison with transformers, and
# s2i-bench (training and all-reduce) if it is built. Prints tables and writes them to DIR (default $OUT):
#
#   bench/gpu_session.sh [DIR]
#
# For a machine without a compiler, run tools/gpu_bundle.sh first and then, on that machine:
#   . .gpu/env.sh && bench/gpu_session.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
out=${1:-${OUT:-runs/gpu_session}}
bin=${S2I_BIN:-build/release/bin}
python=python3
[ ! -x .deps/python/bin/python ] || python=.deps/python/bin/python
allow=${S2I_ALLOW_NO_GPU:+--allow-no-gpu}  # to test this script without a GPU
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
: > "$out/tables.md"
export PYTHONUNBUFFERED=1

# run NAME SECONDS COMMAND...: runs a command with a timeout, with its output on the screen and in the log. The session
# continues if it fails.
run() {
  local name=$1 limit=$2
  shift 2
  printf '\n==== %s (timeout %s s; %s s since the start)\n' "$name" "$limit" "$SECONDS"
  timeout -k 5 "$limit" "$@" 2>&1 | tee "$work/$name.out" | tee -a "$out/session.log"
  local status=${PIPESTATUS[0]}
  [ "$status" -eq 0 ] || echo "==== $name failed with status $status" | tee -a "$out/session.log"
  return "$status"
}
# add_table TITLE: appends standard input to tables.md.
add_table() { { printf '## %s\n\n' "$1"; cat; printf '\n'; } >> "$out/tables.md"; }

run gpu_check 220 tools/gpu_check.sh --bin "$bin" --out "$work/check" ${allow:+"$allow"}
[ ! -s "$work/check/gpu_check.md" ] || add_table "GPU check" < "$work/check/gpu_check.md"
cp "$work"/check/gpu_check.json "$work"/check/gpu_check.log "$out/" 2> /dev/null

if run peers 210 "$python" bench/peers/compare_training.py --bin "$bin" --shape "${S2I_SESSION_SHAPE:-base}" \
    --batch "${S2I_SESSION_BATCH:-32}" --utterances 256 --steps "${S2I_SESSION_STEPS:-20}" --warmup 5 --rounds 3 \
    --curve-steps 10 --json "$out/peers.json"; then
  grep -A 20 'rounds of' "$work/peers.out" | add_table "Training compared with transformers"
fi

if [ -x "$bin/s2i-bench" ]; then
  run bench-train 50 "$bin/s2i-bench" train --shape "${S2I_SESSION_SHAPE:-base}" --json "$out/bench_train.json" \
    batch.global="${S2I_SESSION_BATCH:-32}" precision=bf16 && add_table "s2i-bench train" < "$work/bench-train.out"
  run bench-allreduce 30 "$bin/s2i-bench" allreduce --json "$out/bench_allreduce.json" &&
    add_table "s2i-bench allreduce" < "$work/bench-allreduce.out"
else
  echo "==== $bin/s2i-bench is not built: skipped"
fi
printf '\n==== done after %s s; results in %s:\n' "$SECONDS" "$out"
ls "$out"
cat "$out/tables.md"

#!/usr/bin/env bash
# What a session on a GPU is for, within nine minutes: tools/gpu_check.sh, training beside transformers, and the
# collectives and training of s2i-bench where that is built. Tables go to the screen and into DIR (default $OUT):
#
#   bench/gpu_session.sh [DIR]
#
# Where there is no compiler: tools/gpu_bundle.sh before, and there  . .gpu/env.sh && bench/gpu_session.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
out=${1:-${OUT:-runs/gpu_session}}
bin=${S2I_BIN:-build/release/bin}
python=python3
[ ! -x .deps/python/bin/python ] || python=.deps/python/bin/python
allow=${S2I_ALLOW_NO_GPU:+--allow-no-gpu}  # to try this script out
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
: > "$out/tables.md"
export PYTHONUNBUFFERED=1

# part NAME SECONDS COMMAND...: its output to the screen and the log; a part that fails or is late stops no other.
part() {
  local name=$1 limit=$2
  shift 2
  printf '\n==== %s (at most %s s; %s s since the start)\n' "$name" "$limit" "$SECONDS"
  timeout -k 5 "$limit" "$@" 2>&1 | tee "$work/$name.out" | tee -a "$out/session.log"
  local status=${PIPESTATUS[0]}
  [ "$status" -eq 0 ] || echo "==== $name ended with status $status" | tee -a "$out/session.log"
  return "$status"
}
keep() { { printf '## %s\n\n' "$1"; cat; printf '\n'; } >> "$out/tables.md"; }

part gpu_check 220 tools/gpu_check.sh --bin "$bin" --out "$work/check" ${allow:+"$allow"}
[ ! -s "$work/check/gpu_check.md" ] || keep "GPU check" < "$work/check/gpu_check.md"
cp "$work"/check/gpu_check.json "$work"/check/gpu_check.log "$out/" 2> /dev/null

if part peers 210 "$python" bench/peers/compare_training.py --bin "$bin" --shape "${S2I_SESSION_SHAPE:-base}" \
    --batch "${S2I_SESSION_BATCH:-32}" --utterances 256 --steps "${S2I_SESSION_STEPS:-20}" --warmup 5 --rounds 3 \
    --curve-steps 10 --json "$out/peers.json"; then
  grep -A 20 'rounds of' "$work/peers.out" | keep "Training beside transformers"
fi

if [ -x "$bin/s2i-bench" ]; then
  part bench-train 50 "$bin/s2i-bench" train --shape "${S2I_SESSION_SHAPE:-base}" --json "$out/bench_train.json" \
    batch.global="${S2I_SESSION_BATCH:-32}" precision=bf16 && keep "s2i-bench train" < "$work/bench-train.out"
  part bench-allreduce 30 "$bin/s2i-bench" allreduce --json "$out/bench_allreduce.json" &&
    keep "s2i-bench allreduce" < "$work/bench-allreduce.out"
else
  echo "==== $bin/s2i-bench is not built: left out"
fi
printf '\n==== done after %s s; in %s:\n' "$SECONDS" "$out"
ls "$out"
cat "$out/tables.md"

#!/usr/bin/env bash
# Benchmarks the nodes of a job: all-reduce, training, scaling. Writes allreduce-fp32.json,
# allreduce-bf16.json, train.json and scale.json to OUT, and tables to the job's log.
#
#   sbatch [options of sbatch] slurm/bench.sh OUT [arguments of s2i-bench train]
#
#   sbatch --nodes=4 --ntasks-per-node=8 --gpus-per-node=8 --cpus-per-task=8 --time=30 \
#          slurm/bench.sh runs/bench --shape base precision=bf16 batch.global=512 --utterances 4096
#
# Without arguments: --shape base, 16 utterances per rank. s2i-bench model OUT/train.json predicts the
# throughput on more nodes (docs/scaling.md). sbatch options on the command line override the defaults
# in this file. Site settings, containers and launchers: slurm/common.sh.
#SBATCH --job-name=s2i-bench
#SBATCH --nodes=1
#SBATCH --output=%x-%j.log
set -euo pipefail

# Before anything else: by default, an early signal would kill the job without a message.
early_signal=${early_signal:-}
trap 'early_signal=USR1' USR1
trap 'early_signal=USR2' USR2

# sbatch runs a copy of this file from a spool folder, so the checkout must be located.
script_name=bench.sh
submitted=$(scontrol show job "${SLURM_JOB_ID:-}" 2> /dev/null | sed -nE "s|^ *Command=(.*)/slurm/$script_name( .*)?\$|\1|p" | head -n 1) || true
for home in "${S2I_HOME:-$(dirname "${BASH_SOURCE[0]}")/..}" "$submitted" "${SLURM_SUBMIT_DIR:-.}" "${SLURM_SUBMIT_DIR:-.}/.."; do
  [ ! -f "$home/slurm/common.sh" ] || break
done
home=$(cd "$home" && pwd)
. "$home/slurm/common.sh" || { echo "bench.sh: cannot locate the checkout; set S2I_HOME to it" >&2; exit 2; }

case ${1:-} in
  -h|--help) usage; exit 0 ;;
  ''|-*|*=*) fail "the results folder is missing: sbatch slurm/bench.sh OUT [arguments of s2i-bench train]" ;;
esac
require_job
out=$1
shift
ranks=${SLURM_NTASKS:-${SLURM_JOB_NUM_NODES:-1}}
[ $# -gt 0 ] || set -- --shape base "batch.global=$((16 * ranks))" --utterances $((256 * ranks))
mkdir -p "$out"
load_site
use_container
bench=$(program s2i-bench)
choose_launcher "$bench"

# measure NAME ARGUMENT...: runs one benchmark on all tasks; exits with its status if it fails.
measure() {
  local name=$1
  shift
  launch "$bench" "$@" --json "$out/$name.json"
  [ "$status" -eq 0 ] || { say "$name failed with status $status"; exit "$status"; }
}

measure allreduce-fp32 allreduce
measure allreduce-bf16 allreduce --type bf16
measure train train "$@"
[ "$ranks" -eq 1 ] || measure scale scale "$@"
say "results in $out"

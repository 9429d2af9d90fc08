#!/usr/bin/env bash
# Preprocesses a corpus in N parts, one per array task, then merges them. The output is identical to that of one
# process.
#
#   sbatch --array=1-N [options of sbatch] slurm/preprocess.sh ARGUMENT ...
#
#   sbatch --array=1-16 --cpus-per-task=16 --time=2:00:00 \
#          slurm/preprocess.sh --corpus skit-s2i --split train,test --out shards
#
# ARGUMENT ... are the arguments of s2i-preprocess for all parts. The corpus and --out must be on a shared file system.
# When all tasks have ended, the job s2i-merge writes the manifests, or lists incomplete parts with the reason. To
# retry, run the same command again, or e.g. PARTS=16 sbatch --array=3,7 ... for two parts of sixteen. Before its time
# limit a part stops and requeues itself if it has made progress. Without --array one job processes everything. Site
# settings and containers: slurm/common.sh and docs/slurm.md.
#SBATCH --job-name=s2i-preprocess
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --output=%x-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@60
#SBATCH --requeue
set -euo pipefail

# Before anything else: by default, an early signal would kill the job without a message.
early_signal=${early_signal:-}
trap 'early_signal=USR1' USR1
trap 'early_signal=USR2' USR2

# sbatch runs a copy of this file from a spool folder, so the checkout must be located.
script_name=preprocess.sh
submitted=$(scontrol show job "${SLURM_JOB_ID:-}" 2> /dev/null | sed -nE "s|^ *Command=(.*)/slurm/$script_name( .*)?\$|\1|p" | head -n 1) || true
for home in "${S2I_HOME:-$(dirname "${BASH_SOURCE[0]}")/..}" "$submitted" "${SLURM_SUBMIT_DIR:-.}" "${SLURM_SUBMIT_DIR:-.}/.."; do
  [ ! -f "$home/slurm/common.sh" ] || break
done
home=$(cd "$home" && pwd)
. "$home/slurm/common.sh" || { echo "preprocess.sh: cannot locate the checkout; set S2I_HOME to it" >&2; exit 2; }
. "$home/slurm/array.sh"

# value_of OPTION ARGUMENT...: prints the option's value; fails if it is not among the arguments.
value_of() {
  local option=$1
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      "$option") printf '%s' "${2:-}"; return 0 ;;
      "$option"=*) printf '%s' "${1#*=}"; return 0 ;;
    esac
    shift
  done
  return 1
}

case ${1:-} in
  -h|--help) usage; exit 0 ;;
  '') fail "arguments are missing: sbatch --array=1-16 slurm/preprocess.sh --corpus DIR --split train,test --out DIR" ;;
esac
require_job
out=$(value_of --out "$@") || fail "--out is missing"
load_site
use_container
preprocess=$(program s2i-preprocess)

portion=()
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  if value_of --part "$@" > /dev/null || value_of --merge "$@" > /dev/null; then fail "--part and --merge are set by the array"; fi
  parts=${PARTS:-$SLURM_ARRAY_TASK_MAX}
  if [ -z "${PARTS:-}" ] && [ "$SLURM_ARRAY_TASK_MIN-$SLURM_ARRAY_TASK_COUNT" != "1-$SLURM_ARRAY_TASK_MAX" ]; then
    fail "the number of parts is unknown: use --array=1-N, or set PARTS=N to run only some of the parts"
  fi
  portion=(--part "$SLURM_ARRAY_TASK_ID/$parts")
  if is_first_task; then
    time_limit=$(squeue --noheader --jobs="$job_id" --format=%l)
    after_array s2i-merge --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" --time="$time_limit" -- --merge "$parts" "$@"
  fi
fi
# Use the cores of the job, not all cores of the node.
value_of --jobs "$@" > /dev/null || portion+=(--jobs "${SLURM_CPUS_PER_TASK:-1}")

# Prints a value that changes with every finished shard.
finished_shards() {
  { [ ! -d "$out" ] || find "$out" -path '*/.resume/shard-*.json' -printf '%p %T@\n'; } | sort | cksum
}
before=$(finished_shards)
launcher=()
launch "$preprocess" "$@" "${portion[@]}"
if stopped_by_requeue_signal; then
  if [ "$(finished_shards)" = "$before" ]; then
    without_progress "stopped by a signal before a shard was finished"
  fi
  requeue "finished shards are kept"
fi
exit "$status"

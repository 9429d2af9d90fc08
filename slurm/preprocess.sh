#!/usr/bin/env bash
# Preprocesses a corpus in N parts, a task of an array each, then merges them: the shards and manifest.json are
# those that one process would write.
#
#   sbatch --array=1-N [options of sbatch] slurm/preprocess.sh ARGUMENT ...
#
#   sbatch --array=1-16 --cpus-per-task=16 --time=2:00:00 \
#          slurm/preprocess.sh --corpus skit-s2i --split train,test --out shards
#
# ARGUMENT ... are those of s2i-preprocess, the same for all; the corpus and --out are on a file system that every node
# sees. When all tasks have ended, a job s2i-merge writes the manifests, or says which parts are missing and why. The same
# command again does what is missing and merges; PARTS=16 sbatch --array=3,7 ... runs two parts of sixteen again.
# A part saves and requeues itself before its time is over, as long as it gets on. Without --array one job does
# everything. Settings of the site and containers: slurm/common.sh and docs/slurm.md.
#SBATCH --job-name=s2i-preprocess
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --output=%x-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@60
#SBATCH --requeue
set -euo pipefail

# sbatch runs a copy of this file from a folder of Slurm's, so the checkout has to be looked for.
script_name=preprocess.sh
for home in "${S2I_HOME:-$(dirname "${BASH_SOURCE[0]}")/..}" "${SLURM_SUBMIT_DIR:-.}" "${SLURM_SUBMIT_DIR:-.}/.."; do
  [ ! -f "$home/slurm/common.sh" ] || break
done
home=$(cd "$home" && pwd)
. "$home/slurm/common.sh" || { echo "preprocess.sh: submit from the checkout, or set S2I_HOME to it" >&2; exit 2; }
. "$home/slurm/array.sh"

# value_of OPTION ARGUMENT...: the option's value; false where it is not among the arguments.
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
  '') fail "no corpus: sbatch --array=1-16 slurm/preprocess.sh --corpus DIR --split train,test --out DIR" ;;
esac
require_job
out=$(value_of --out "$@") || fail "--out is missing"
load_site
use_container
preprocess=$(program s2i-preprocess)

portion=()
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  if value_of --part "$@" > /dev/null || value_of --merge "$@" > /dev/null; then fail "the array sets --part and --merge"; fi
  parts=${PARTS:-$SLURM_ARRAY_TASK_MAX}
  if [ -z "${PARTS:-}" ] && [ "$SLURM_ARRAY_TASK_MIN-$SLURM_ARRAY_TASK_COUNT" != "1-$SLURM_ARRAY_TASK_MAX" ]; then
    fail "an array of some parts does not say of how many: --array=1-N, or PARTS=N for a few of them again"
  fi
  portion=(--part "$SLURM_ARRAY_TASK_ID/$parts")
  if is_first_task; then
    time_limit=$(squeue --noheader --jobs="$job_id" --format=%l)
    after_array s2i-merge --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" --time="$time_limit" -- --merge "$parts" "$@"
  fi
fi
# Threads for the cores that the job has, not for those of the node.
value_of --jobs "$@" > /dev/null || portion+=(--jobs "${SLURM_CPUS_PER_TASK:-1}")

# Changes with every shard that is finished.
finished_shards() {
  { [ ! -d "$out" ] || find "$out" -path '*/.resume/shard-*.json' -printf '%p %T@\n'; } | sort | cksum
}
before=$(finished_shards)
launcher=()
launch "$preprocess" "$@" "${portion[@]}"
if stopped_by_requeue_signal; then
  if [ "$(finished_shards)" = "$before" ]; then
    say "stopped by a signal before a shard was finished: not requeued, for it would come to the same again"
    exit "$status"
  fi
  requeue "finished shards are kept"
fi
exit "$status"

#!/usr/bin/env bash
# Trains on one or more nodes, on CPUs or GPUs, and requeues itself before the time limit.
#
#   sbatch [options of sbatch] slurm/train.sh CONFIG [key=value ...]
#
#   sbatch --nodes=4 --ntasks-per-node=8 --gpus-per-node=8 --cpus-per-task=8 --time=8:00:00 \
#          slurm/train.sh configs/skit_s2i.yaml data.dir=shards run.dir=runs/first batch.global=256
#
# CONFIG and key=value are the arguments of s2i-train. sbatch options on the command line override the
# defaults in this file. Two minutes before the time limit the run saves a checkpoint and exits; the job
# is requeued and resumes from the checkpoint. The same happens if a node fails. scancel ends the job
# without a requeue. Site settings, containers and launchers: slurm/common.sh and docs/slurm.md.
#SBATCH --job-name=s2i-train
#SBATCH --nodes=1
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
set -euo pipefail

# Before anything else: by default, an early signal would kill the job without a message.
early_signal=${early_signal:-}
trap 'early_signal=USR1' USR1
trap 'early_signal=USR2' USR2

# sbatch runs a copy of this file from a spool folder, so the checkout must be located.
script_name=train.sh
submitted=$(scontrol show job "${SLURM_JOB_ID:-}" 2> /dev/null | sed -nE "s|^ *Command=(.*)/slurm/$script_name( .*)?\$|\1|p" | head -n 1) || true
for home in "${S2I_HOME:-$(dirname "${BASH_SOURCE[0]}")/..}" "$submitted" "${SLURM_SUBMIT_DIR:-.}" "${SLURM_SUBMIT_DIR:-.}/.."; do
  [ ! -f "$home/slurm/common.sh" ] || break
done
home=$(cd "$home" && pwd)
. "$home/slurm/common.sh" || { echo "train.sh: cannot locate the checkout; set S2I_HOME to it" >&2; exit 2; }

case ${1:-} in
  -h|--help) usage; exit 0 ;;
  '') fail "the configuration is missing: sbatch slurm/train.sh CONFIG [key=value ...]" ;;
esac
require_job
load_site
use_container
train=$(program s2i-train)
choose_launcher "$train"

# An invalid setting fails here, with one message and status 2, instead of on every rank.
run_dir=$("${run_prefix[@]}" "$train" "$@" --show run.dir) || exit_or_requeue $?
stop_signals=$("${run_prefix[@]}" "$train" "$@" --show run.stop_signals) || exit_or_requeue $?
# TERM (scancel) and INT also make the program save a checkpoint, but they end the job.
stop_signals=${stop_signals^^}
# shellcheck disable=SC2046  # word splitting is intended
requeue_after $(tr , '\n' <<< "${stop_signals//SIG/}" | grep -vwE 'TERM|INT' || true)
latest_checkpoint() { readlink "$run_dir/last" || true; }
before=$(latest_checkpoint)

# run.resume=PATH or never applies only until the job has saved a checkpoint, i.e. changed the link `last`. Later starts
# of the job resume from that checkpoint.
link_state() { stat --format='%N %y' "$run_dir/last" 2> /dev/null || echo none; }
first_state=$run_dir/.first-start-$job_id
later_starts=()
if [ "${SLURM_RESTART_COUNT:-0}" -eq 0 ]; then
  { mkdir -p "$run_dir" && link_state > "$first_state"; } || fail "cannot write $first_state"
elif [ -e "$run_dir/last" ] && [ "$(link_state)" != "$(cat "$first_state" 2> /dev/null)" ]; then
  later_starts=(run.resume=auto)
fi
launch "$train" "$@" "${later_starts[@]}"

if stopped_by_requeue_signal; then
  # Without this check, a job with a time limit too short for one step would be requeued forever.
  if [ "$(latest_checkpoint)" = "$before" ]; then
    without_progress "stopped by a signal before this start saved a step"
  fi
  requeue "saved after a signal"
elif [ "$status" -ne 0 ] && [ "$status" -ne 2 ] && [ $canceled = no ] && ! nodes_answer; then
  requeue "a node of ${SLURM_JOB_NODELIST:-the job} failed"
fi
exit "$status"

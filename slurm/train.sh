#!/usr/bin/env bash
# Trains on one node or many, CPU or GPU, and requeues itself when its time is over.
#
#   sbatch [options of sbatch] slurm/train.sh CONFIG [key=value ...]
#
#   sbatch --nodes=4 --ntasks-per-node=8 --gpus-per-node=8 --cpus-per-task=8 --time=8:00:00 \
#          slurm/train.sh configs/skit_s2i.yaml data.dir=shards run.dir=runs/first batch.global=256
#
# CONFIG and key=value are those of s2i-train. Options on sbatch's command line win over the defaults in
# this file. Two minutes before the time limit the run saves and ends, and the job goes back into the
# queue and on from the checkpoint; so it does when a node fails. scancel ends it for good. Settings of
# the site, containers and launchers: slurm/common.sh and docs/slurm.md.
#SBATCH --job-name=s2i-train
#SBATCH --nodes=1
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
set -euo pipefail

# sbatch runs a copy of this file from a folder of Slurm's, so the checkout has to be looked for.
script_name=train.sh
for home in "${S2I_HOME:-$(dirname "${BASH_SOURCE[0]}")/..}" "${SLURM_SUBMIT_DIR:-.}" "${SLURM_SUBMIT_DIR:-.}/.."; do
  [ ! -f "$home/slurm/common.sh" ] || break
done
home=$(cd "$home" && pwd)
. "$home/slurm/common.sh" || { echo "train.sh: submit from the checkout, or set S2I_HOME to it" >&2; exit 2; }

case ${1:-} in
  -h|--help) usage; exit 0 ;;
  '') fail "no configuration: sbatch slurm/train.sh CONFIG [key=value ...]" ;;
esac
require_job
load_site
use_container
train=$(program s2i-train)
choose_launcher "$train"

# A wrong setting ends the job here, with one message and status 2.
run_dir=$("${run_prefix[@]}" "$train" "$@" --show run.dir) || exit $?
stop_signals=$("${run_prefix[@]}" "$train" "$@" --show run.stop_signals) || exit $?
# After TERM, as of scancel, and INT the program saves as well, but it was told to end.
stop_signals=${stop_signals^^}
# shellcheck disable=SC2046  # a list of words
requeue_after $(tr , '\n' <<< "${stop_signals//SIG/}" | grep -vwE 'TERM|INT' || true)
newest_checkpoint() { readlink "$run_dir/last" || true; }
before=$(newest_checkpoint)

# run.resume=PATH or never is for the first start of the job: a later one goes on from what the earlier ones have
# saved, once there is anything (the link is then another one than before the job).
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
  # Without this, a job whose time is too short for one step would come back for ever.
  if [ "$(newest_checkpoint)" = "$before" ]; then
    say "stopped by a signal before the first step of this start was saved: not requeued, for it would come to the same again"
    exit "$status"
  fi
  requeue "saved after a signal"
elif [ "$status" -ne 0 ] && [ "$status" -ne 2 ] && [ $canceled = no ] && ! nodes_answer; then
  requeue "a node of ${SLURM_JOB_NODELIST:-the job} failed"
fi
exit "$status"

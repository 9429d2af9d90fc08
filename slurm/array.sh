# Sourced by preprocess.sh and sweep.sh, after common.sh: the one job that comes after all tasks of an array.
# shellcheck shell=bash
#
#   S2I_LAST_OPTIONS     more options of sbatch for that job, split at spaces, e.g. "--partition=cpu --mem=8G"

# The numbers of the array's tasks, one a line.
array_tasks() {
  squeue --noheader --array --states=all --jobs="$SLURM_ARRAY_JOB_ID" --format=%K | sort -n
}

is_first_task() { [ "$SLURM_ARRAY_TASK_ID" = "$SLURM_ARRAY_TASK_MIN" ]; }

# after_array NAME OPTION... -- ARGUMENT...: has the calling script run once more, with the arguments, as job NAME with
# the options of sbatch, when every task of the array has ended, however it ended. For the first task to call.
after_array() {
  local name=$1 options=() variable job
  shift
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  # A first task that comes a second time (requeued) finds it submitted.
  if squeue --noheader --me --name="$name" --format=%E | grep -qE ":${SLURM_ARRAY_JOB_ID}([_(]|\$)"; then return; fi
  # What was asked for the tasks is not for this job; where it may run and who pays is.
  # shellcheck disable=SC2206  # a list of words
  options=(--dependency="afterany:$SLURM_ARRAY_JOB_ID" --job-name="$name" --output=%x-%j.log --chdir="$PWD" --ntasks=1
    ${SLURM_JOB_PARTITION:+--partition="$SLURM_JOB_PARTITION"} ${SLURM_JOB_ACCOUNT:+--account="$SLURM_JOB_ACCOUNT"}
    ${SLURM_JOB_QOS:+--qos="$SLURM_JOB_QOS"} "${options[@]}" ${S2I_LAST_OPTIONS:-})
  export S2I_HOME=$home
  if job=$(
    for variable in "${!SLURM_@}" "${!SBATCH_@}"; do
      case $variable in SLURM_CONF|SLURM_CLUSTERS) ;; *) unset "$variable" ;; esac
    done
    sbatch --parsable "${options[@]}" "$home/slurm/$script" "$@"
  ); then
    say "job ${job%%;*} ($name) runs when all tasks of $SLURM_ARRAY_JOB_ID have ended"
  else
    say "could not submit $name from here; submit it yourself: sbatch ${options[*]} slurm/$script $*"
  fi
}

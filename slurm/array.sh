# Sourced by preprocess.sh and sweep.sh, after common.sh: submits the job that runs after all tasks of an array.
# shellcheck shell=bash
#
#   S2I_LAST_OPTIONS     additional sbatch options for that job, split at spaces, e.g. "--partition=cpu --mem=8G"

# Prints the numbers of the array's tasks, one per line.
array_tasks() {
  squeue --noheader --array --states=all --jobs="$SLURM_ARRAY_JOB_ID" --format=%K | sort -n
}

is_first_task() { [ "$SLURM_ARRAY_TASK_ID" = "$SLURM_ARRAY_TASK_MIN" ]; }

# after_array NAME OPTION... -- ARGUMENT...: submits the calling script with the given arguments and sbatch options as
# job NAME. The job starts when all tasks of the array have ended, with any status. Called by the first task.
after_array() {
  local name=$1 options=() variable job
  shift
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  # If the first task was requeued, the job has already been submitted.
  if squeue --noheader --me --name="$name" --format=%E | grep -qE ":${SLURM_ARRAY_JOB_ID}([_(]|\$)"; then return; fi
  # Keep partition, account and QOS of the tasks, but not their resources.
  # shellcheck disable=SC2206  # word splitting is intended
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
    say "cannot submit $name from this job; submit it manually: sbatch ${options[*]} slurm/$script $*"
  fi
}

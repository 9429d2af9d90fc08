# Functions shared by the job scripts: site file, container, launcher, signal forwarding, requeueing. Sourced by the
# scripts in this folder, not a job script itself. The caller sets $home to the checkout.
# shellcheck shell=bash
#
# Settings, from the environment of sbatch or from the site file:
#
#   S2I_HOME             the checkout, if it cannot be located automatically
#   S2I_SITE             the site file: bash, sourced in the job (default slurm/site.sh, if it exists)
#   S2I_BIN              folder of the programs (default $S2I_HOME/build/release/bin)
#   S2I_LAUNCHER         srun or mpirun (default: srun if Slurm and the program's MPI support a common PMI)
#   S2I_MPI              value of srun's --mpi (default: pmix for Open MPI, pmi2 for MPICH and derivatives)
#   S2I_REQUEUE_SIGNALS  signals after which a job is requeued (default: for training those of run.stop_signals
#                        without TERM and INT, otherwise USR1 and USR2)
#   CONTAINER            an image; programs run as: apptainer exec --bind ... IMAGE PROGRAM ...
#   CONTAINER_RUNTIME    apptainer or singularity (default: the first on the PATH)
#   CONTAINER_OPTIONS    additional options of its exec command, split at spaces

script=$(basename "${script_name:-$0}")

# Use ARRAY_TASK for array tasks: the SLURM_JOB_ID of the last task equals the id of the array.
job_id=${SLURM_JOB_ID:-}
[ -z "${SLURM_ARRAY_TASK_ID:-}" ] || job_id=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID

say() { printf '%s: %s\n' "$script" "$*" >&2; }
fail() { say "$@"; exit 2; }

# Prints the comment at the top of the calling script.
usage() { sed -n '/^#SBATCH/d; /^#!/d; /^#/!q; s/^# \{0,1\}//p' "$home/slurm/$script"; }

# Prints seconds from Slurm's [days-][[hours:]minutes:]seconds; a large number for UNLIMITED and other words.
seconds_of() {
  local days=0 text=$1 fields total=0 field
  case $text in ''|*[!0-9:-]*) printf 999999999; return ;; esac
  case $text in *-*) days=${text%%-*} text=${text#*-} ;; esac
  IFS=: read -ra fields <<< "$text"
  for field in "${fields[@]}"; do total=$((total * 60 + 10#$field)); done
  printf %d $((10#$days * 86400 + total))
}

# Prints a time of this job in seconds: time_of %l is its limit, time_of %L what is left.
time_of() { seconds_of "$(squeue --noheader --jobs="$job_id" --format="$1" 2> /dev/null || true)"; }

# The seconds before the time limit at which Slurm sends the signal, unless sbatch --signal changed it; 0: no signal.
warning_seconds() {
  local seconds
  seconds=$(sed -n 's/^#SBATCH --signal=.*@//p' "$home/slurm/$script")
  printf %d "${seconds:-0}"
}

require_job() {
  local limit warning
  # Steps started by srun; an interactive step of salloc has a number above 4294967000.
  if [ -n "${SLURM_STEP_ID:-}" ] && [ "$SLURM_STEP_ID" -lt 4294967000 ]; then
    fail "started with srun, which would start a run in every task; use sbatch, or inside an allocation: bash slurm/$script ..."
  fi
  [ -n "${SLURM_JOB_ID:-}" ] || fail "not in a Slurm job; submit it with: sbatch slurm/$script ... (help: bash slurm/$script --help)"
  limit=$(time_of %l)
  warning=$(warning_seconds)
  if [ "$limit" -le "$warning" ]; then
    say "the time limit of $limit s is not above the $warning s at which --signal stops the job before the limit: it is stopped as soon as possible; raise --time, or lower the seconds with --signal=B:USR1@SECONDS"
  fi
}

load_site() {
  local site=${S2I_SITE:-}
  if [ -z "$site" ]; then
    [ -f "$home/slurm/site.sh" ] || return 0
    site=$home/slurm/site.sh
  fi
  [ -f "$site" ] || fail "S2I_SITE=$site: file not found"
  set +eu  # 'module' and similar commands do not support set -eu
  # shellcheck disable=SC1090
  . "$site" || { set -eu; [ -z "$early_signal" ] || exit_or_requeue 2; fail "$site failed"; }
  set -eu
}

# Sets `run_prefix`, the command prefix that runs a program in the container; empty without a container.
use_container() {
  run_prefix=()
  [ -n "${CONTAINER:-}" ] || return 0
  local runtime=${CONTAINER_RUNTIME:-}
  if [ -z "$runtime" ]; then
    runtime=$(command -v apptainer || command -v singularity) ||
      fail "CONTAINER=$CONTAINER, but neither apptainer nor singularity is on the PATH; load a module in the site file"
  fi
  case $CONTAINER in
    *://*) ;;
    *) [ -e "$CONTAINER" ] || fail "CONTAINER=$CONTAINER: image not found" ;;
  esac
  run_prefix=("$runtime" exec --bind "$home" --bind "$PWD" --pwd "$PWD")
  [ -z "${SLURM_JOB_GPUS:-}${SLURM_GPUS_ON_NODE:-}" ] || run_prefix+=(--nv)
  # shellcheck disable=SC2206  # word splitting is intended
  run_prefix+=(${CONTAINER_OPTIONS:-} "$CONTAINER")
}

# program NAME: prints the path of a program; fails if it does not exist.
program() {
  local path=${S2I_BIN:-$home/build/release/bin}/$1
  [ -n "${CONTAINER:-}" ] || [ -x "$path" ] || fail "$path not found; build it (tools/setup.sh) or set S2I_BIN"
  printf '%s' "$path"
}

# Prints the value of srun's --mpi that both Slurm and the program's MPI support; empty if there is none.
common_pmi() {
  local supported libraries required
  supported=$(srun --mpi=list 2>&1) || true
  libraries=$("${run_prefix[@]}" ldd "$1" 2> /dev/null) || true
  case $libraries in
    *libopen-rte*|*libopen-pal*|*libprrte*) required=pmix ;;
    *libmpi*) required=pmi2 ;;
    *) required=pmix ;;
  esac
  if grep -qw "$required" <<< "$supported"; then printf '%s' "$required"; fi
}

# choose_launcher PROGRAM: sets `launcher`, the command that starts the program on every task of the job.
choose_launcher() {
  local tasks=${SLURM_NTASKS:-${SLURM_JOB_NUM_NODES:-1}} kind=${S2I_LAUNCHER:-} pmi=${S2I_MPI:-}
  case $kind in ''|srun|mpirun) ;; *) fail "S2I_LAUNCHER=$kind: must be srun or mpirun" ;; esac
  [ "$kind" = mpirun ] || [ -n "$pmi" ] || pmi=$(common_pmi "$1")
  if [ -z "$kind" ]; then
    if [ -n "$pmi" ]; then kind=srun; else kind=mpirun; fi
  fi
  if [ "$kind" = srun ]; then
    [ -n "$pmi" ] || fail "srun and the MPI of $1 have no common PMI (see srun --mpi=list); set S2I_MPI, or S2I_LAUNCHER=mpirun"
    # Since Slurm 22.05 srun does not inherit --cpus-per-task from sbatch. After one rank exits, the others have 30 s
    # to exit with their own status.
    launcher=(srun --mpi="$pmi" --ntasks="$tasks" --kill-on-bad-exit=0 --wait=30
      ${SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"})
  else
    command -v mpirun > /dev/null || fail "mpirun is not on the PATH; load the MPI of $1 in the site file"
    # By default Open MPI (4, and 5 with PRRTE) binds each rank and all its threads to one core.
    export OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy:-none}
    export PRTE_MCA_hwloc_default_binding_policy=${PRTE_MCA_hwloc_default_binding_policy:-none}
    launcher=(mpirun -np "$tasks")
  fi
}

# launch PROGRAM ARGUMENT...: runs the program on every task of the job and sets `status`. Forwards requeue signals of
# the batch shell (sbatch --signal=B:USR1@120) to the launcher, which forwards them to the ranks.
launch() {
  local process interrupted signal code pending
  process=
  pending=
  # shellcheck disable=SC2064  # expand $signal now
  for signal in $requeue_signals; do
    trap "interrupted=yes; pending=$signal; [ -z \"\$process\" ] || kill -s $signal \"\$process\" || true" "$signal"
  done
  pending=${pending:-$early_signal}
  if [ -n "$pending" ]; then
    early_signal=$pending
    say "signal $early_signal before the start of $(basename "$1"): not started"
    status=$((128 + $(kill -l "$early_signal")))
    return
  fi
  # Slurm sends TERM to the ranks itself; here it only marks the job as canceled.
  trap 'interrupted=yes; canceled=yes' TERM
  say "job $job_id, start $((${SLURM_RESTART_COUNT:-0} + 1)) on ${SLURM_JOB_NODELIST:-$HOSTNAME}: ${launcher[*]:+${launcher[*]} }$(basename "$1")"
  started=yes
  "${launcher[@]}" "${run_prefix[@]}" "$@" &
  process=$!
  [ -z "$pending" ] || kill -s "$pending" "$process" || true  # arrived before the process had a number
  status=127
  while :; do
    interrupted=no
    code=0
    wait "$process" || code=$?
    [ $code -eq 127 ] || status=$code  # 127: an earlier wait already returned the status
    [ $interrupted = yes ] || break
    [ $code -ne 127 ] || break
  done
  # shellcheck disable=SC2086
  trap - TERM $requeue_signals
  # Until the next launch or the end, a signal must not kill the script.
  trap 'early_signal=USR1' USR1
  trap 'early_signal=USR2' USR2
}

stopped_by_requeue_signal() {
  local signal
  for signal in $requeue_signals; do
    [ "$status" -ne $((128 + $(kill -l "$signal"))) ] || return 0
  done
  return 1
}

# True if every node of the job can still start a process.
nodes_answer() {
  [ "${SLURM_JOB_NUM_NODES:-1}" -gt 1 ] || return 0
  timeout 60 srun --mpi=none --overlap --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" \
    --ntasks-per-node=1 true 2> /dev/null
}

# requeue REASON: requeues this job; does not return.
requeue() {
  local state
  state=$(squeue --noheader --jobs="$job_id" --format=%T 2> /dev/null) || true
  if [ $canceled = yes ] || [ "$state" != RUNNING ]; then
    say "$1, but job $job_id is ending (state ${state:-unknown}): not requeued"
    exit "$status"
  fi
  say "$1: requeueing job $job_id"
  trap '' TERM  # requeueing terminates this job
  scontrol requeue "$job_id" || { say "Slurm did not requeue it (submitted with --no-requeue?)"; exit "$status"; }
  exit 0
}

# without_progress WHY: ends a start that a signal stopped without progress. It is requeued only if the signal came before
# the program started and was not the one before the time limit: anything else could be requeued forever.
without_progress() {
  local left warning
  left=$(time_of %L)
  warning=$(warning_seconds)
  if [ $started = no ] && [ "$left" -gt "$warning" ]; then requeue "stopped before the program started"; fi
  say "$1: not requeued, because there was no progress ($left s of the time limit of $(time_of %l) s are left; --signal stops the job $warning s before it)"
  exit "$status"
}

# exit_or_requeue STATUS: ends a start after a failed command; requeues if a signal ended the command.
exit_or_requeue() {
  status=$1
  [ -n "$early_signal" ] || exit "$status"
  status=$((128 + $(kill -l "$early_signal")))
  without_progress "signal $early_signal before the program started"
}

# requeue_after SIGNAL...: sets the signals after which the job is requeued; S2I_REQUEUE_SIGNALS overrides them.
requeue_after() {
  local signal
  requeue_signals=${S2I_REQUEUE_SIGNALS:-$*}
  for signal in $requeue_signals; do
    kill -l "$signal" > /dev/null 2>&1 && [[ $signal == [A-Z]* ]] || fail "S2I_REQUEUE_SIGNALS: '$signal' is not a signal name"
    [ "$signal" != TERM ] && [ "$signal" != KILL ] || fail "S2I_REQUEUE_SIGNALS: $signal is not allowed, because Slurm uses it to cancel jobs"
  done
}

canceled=no  # TERM was received
started=no  # the program was started
requeue_after USR1 USR2

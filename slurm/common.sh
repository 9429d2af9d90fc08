# Sourced by the scripts beside it; a job of its own it is not. The caller has set $home, the checkout.
# shellcheck shell=bash
#
# What the scripts share: the site file, the container, the launcher, passing signals on, requeueing.
# Settings come from the environment of sbatch or from the site file:
#
#   S2I_HOME             the checkout, when it is not found by itself
#   S2I_SITE             the site file: bash, sourced in the job (default slurm/site.sh, if there is one)
#   S2I_BIN              folder of the programs (default $S2I_HOME/build/release/bin)
#   S2I_LAUNCHER         srun or mpirun (default: srun where Slurm and the program's MPI share a PMI)
#   S2I_MPI              srun's --mpi (default: pmix for Open MPI, pmi2 for MPICH and its relatives)
#   S2I_REQUEUE_SIGNALS  signals after which a job is requeued (default: for training those of run.stop_signals,
#                        TERM and INT aside; else USR1 and USR2)
#   CONTAINER            an image; programs run as: apptainer exec --bind ... IMAGE PROGRAM ...
#   CONTAINER_RUNTIME    apptainer or singularity (default: the first on the PATH)
#   CONTAINER_OPTIONS    more options of its exec, split at spaces

script=$(basename "${script_name:-$0}")

# A task of an array goes by its own number: SLURM_JOB_ID of the last task names the whole array.
job_id=${SLURM_JOB_ID:-}
[ -z "${SLURM_ARRAY_TASK_ID:-}" ] || job_id=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID

say() { printf '%s: %s\n' "$script" "$*" >&2; }
fail() { say "$@"; exit 2; }

# The comment at the top of the calling script, as its help.
usage() { sed -n '/^#SBATCH/d; /^#!/d; /^#/!q; s/^# \{0,1\}//p' "$home/slurm/$script"; }

require_job() {
  [ -n "${SLURM_JOB_ID:-}" ] || fail "this is for a Slurm job: sbatch slurm/$script ... ('bash slurm/$script --help' says more)"
}

load_site() {
  local site=${S2I_SITE:-}
  if [ -z "$site" ]; then
    [ -f "$home/slurm/site.sh" ] || return 0
    site=$home/slurm/site.sh
  fi
  [ -f "$site" ] || fail "S2I_SITE=$site: no such file"
  set +eu  # 'module' and its like are not written for them
  # shellcheck disable=SC1090
  . "$site" || { set -eu; fail "$site failed"; }
  set -eu
}

# Sets `run_prefix`, the words before a program: none, or those of the container.
use_container() {
  run_prefix=()
  [ -n "${CONTAINER:-}" ] || return 0
  local runtime=${CONTAINER_RUNTIME:-}
  if [ -z "$runtime" ]; then
    runtime=$(command -v apptainer || command -v singularity) ||
      fail "CONTAINER=$CONTAINER, but neither apptainer nor singularity is on the PATH; load its module in the site file"
  fi
  case $CONTAINER in
    *://*) ;;
    *) [ -e "$CONTAINER" ] || fail "CONTAINER=$CONTAINER: no such image" ;;
  esac
  run_prefix=("$runtime" exec --bind "$home" --bind "$PWD" --pwd "$PWD")
  [ -z "${SLURM_JOB_GPUS:-}${SLURM_GPUS_ON_NODE:-}" ] || run_prefix+=(--nv)
  # shellcheck disable=SC2206  # a list of words
  run_prefix+=(${CONTAINER_OPTIONS:-} "$CONTAINER")
}

# program NAME: its path; refuses one that is not there.
program() {
  local path=${S2I_BIN:-$home/build/release/bin}/$1
  [ -n "${CONTAINER:-}" ] || [ -x "$path" ] || fail "$path is not there; build it (tools/setup.sh) or set S2I_BIN"
  printf '%s' "$path"
}

# The --mpi of srun by which this program's ranks find each other; empty when there is none.
common_pmi() {
  local offered libraries wanted
  offered=$(srun --mpi=list 2>&1) || true
  libraries=$("${run_prefix[@]}" ldd "$1" 2> /dev/null) || true
  case $libraries in
    *libopen-rte*|*libopen-pal*|*libprrte*) wanted=pmix ;;
    *libmpi*) wanted=pmi2 ;;
    *) wanted=pmix ;;
  esac
  if grep -qw "$wanted" <<< "$offered"; then printf '%s' "$wanted"; fi
}

# choose_launcher PROGRAM: sets `launcher`, the words that start it on every task of the job.
choose_launcher() {
  local tasks=${SLURM_NTASKS:-${SLURM_JOB_NUM_NODES:-1}} kind=${S2I_LAUNCHER:-} pmi=${S2I_MPI:-}
  case $kind in ''|srun|mpirun) ;; *) fail "S2I_LAUNCHER=$kind: known are srun and mpirun" ;; esac
  [ "$kind" = mpirun ] || [ -n "$pmi" ] || pmi=$(common_pmi "$1")
  if [ -z "$kind" ]; then
    if [ -n "$pmi" ]; then kind=srun; else kind=mpirun; fi
  fi
  if [ "$kind" = srun ]; then
    [ -n "$pmi" ] || fail "srun and the MPI of $1 share no PMI ('srun --mpi=list' shows Slurm's); set S2I_MPI, or S2I_LAUNCHER=mpirun"
    # srun has not taken --cpus-per-task from sbatch since Slurm 22.05. A rank that ends leaves the others 30 s
    # to end by themselves, each with its own status.
    launcher=(srun --mpi="$pmi" --ntasks="$tasks" --kill-on-bad-exit=0 --wait=30
      ${SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"})
  else
    command -v mpirun > /dev/null || fail "no mpirun on the PATH; load the MPI of $1 in the site file"
    # Open MPI (4, and 5 by PRRTE) would bind each rank to one core, and with it the threads it has.
    export OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy:-none}
    export PRTE_MCA_hwloc_default_binding_policy=${PRTE_MCA_hwloc_default_binding_policy:-none}
    launcher=(mpirun -np "$tasks")
  fi
}

# launch PROGRAM ARGUMENT...: runs it on every task of the job and sets `status`. A requeue signal that the batch
# shell gets (sbatch --signal=B:USR1@120) is passed on to the launcher, which passes it to the ranks.
launch() {
  local process interrupted signal code
  canceled=no
  process=
  # shellcheck disable=SC2064  # the signal as it is now
  for signal in $requeue_signals; do
    trap "interrupted=yes; [ -z \"\$process\" ] || kill -s $signal \"\$process\" || true" "$signal"
  done
  # Slurm sends TERM to the ranks itself; here it only says that the job was canceled.
  trap 'interrupted=yes; canceled=yes' TERM
  say "job $job_id, start $((${SLURM_RESTART_COUNT:-0} + 1)) on ${SLURM_JOB_NODELIST:-$HOSTNAME}: ${launcher[*]:+${launcher[*]} }$(basename "$1")"
  "${launcher[@]}" "${run_prefix[@]}" "$@" &
  process=$!
  status=127
  while :; do
    interrupted=no
    code=0
    wait "$process" || code=$?
    [ $code -eq 127 ] || status=$code  # 127: waited for it before, a signal came in between
    [ $interrupted = yes ] || break
    [ $code -ne 127 ] || break
  done
  # shellcheck disable=SC2086
  trap - TERM $requeue_signals
}

stopped_by_requeue_signal() {
  local signal
  for signal in $requeue_signals; do
    [ "$status" -ne $((128 + $(kill -l "$signal"))) ] || return 0
  done
  return 1
}

# True when every node of the job still starts a process.
nodes_answer() {
  [ "${SLURM_JOB_NUM_NODES:-1}" -gt 1 ] || return 0
  timeout 60 srun --mpi=none --overlap --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" \
    --ntasks-per-node=1 true 2> /dev/null
}

# requeue WHY: back into the queue with this job; does not return.
requeue() {
  local state
  state=$(squeue --noheader --jobs="$job_id" --format=%T 2> /dev/null) || true
  if [ $canceled = yes ] || [ "$state" != RUNNING ]; then
    say "$1, but job $job_id is ${state:-unknown} and being ended: not requeued"
    exit "$status"
  fi
  say "$1: requeueing job $job_id"
  trap '' TERM  # the end that requeueing brings
  scontrol requeue "$job_id" || { say "Slurm did not requeue it (submitted with --no-requeue?)"; exit "$status"; }
  exit 0
}

# requeue_after SIGNAL...: the job is requeued after one of these, unless S2I_REQUEUE_SIGNALS says which.
requeue_after() {
  local signal
  requeue_signals=${S2I_REQUEUE_SIGNALS:-$*}
  for signal in $requeue_signals; do
    kill -l "$signal" > /dev/null 2>&1 && [[ $signal == [A-Z]* ]] || fail "S2I_REQUEUE_SIGNALS: '$signal' is no signal's name"
    [ "$signal" != TERM ] && [ "$signal" != KILL ] || fail "S2I_REQUEUE_SIGNALS: $signal is how Slurm ends a job for good"
  done
}

requeue_after USR1 USR2

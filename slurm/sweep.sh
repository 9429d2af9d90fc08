#!/usr/bin/env bash
# Trains the same thing many times, with other seeds, other settings or both: a task of an array each. When all have
# ended, a job s2i-collect prints mean, deviation, minimum and maximum of their figures, a line a setting.
#
#   sbatch --array=1-N [options of sbatch] slurm/sweep.sh CONFIG [@FILE] key=value ...
#
# Five seeds:
#   sbatch --array=1-5 slurm/sweep.sh configs/x.yaml run.dir=runs/seeds/{task} run.seed={task}
# The settings in a file, a line of key=value words each (here four, so 12 tasks are three seeds of each):
#   sbatch --array=1-12 slurm/sweep.sh configs/x.yaml @settings.txt run.dir=runs/lr/{setting}-{seed} run.seed={seed}
#
# {task} is the number of the task; {setting} the line of FILE, taken in turn; {seed} how many times the lines were gone
# through, from 1 (without FILE the same as {task}). run.dir must be another for every task. Each task is a job of
# slurm/train.sh, with any number of nodes. The table is in the log of s2i-collect, and as summary.json and summary.csv
# beside the run folders; runs that failed are named. --array=3,7 with the rest as it was runs two of them again.
#SBATCH --job-name=s2i-sweep
#SBATCH --nodes=1
#SBATCH --output=%x-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
set -euo pipefail

# sbatch runs a copy of this file from a folder of Slurm's, so the checkout has to be looked for.
script_name=sweep.sh
for home in "${S2I_HOME:-$(dirname "${BASH_SOURCE[0]}")/..}" "${SLURM_SUBMIT_DIR:-.}" "${SLURM_SUBMIT_DIR:-.}/.."; do
  [ ! -f "$home/slurm/common.sh" ] || break
done
home=$(cd "$home" && pwd)
. "$home/slurm/common.sh" || { echo "sweep.sh: submit from the checkout, or set S2I_HOME to it" >&2; exit 2; }
. "$home/slurm/array.sh"

# The lines of FILE that are neither empty nor comments, into `settings`.
read_settings() {
  [ -f "$1" ] || fail "@$1: no such file"
  mapfile -t settings < <(grep -vE '^[[:space:]]*(#|$)' "$1")
  [ ${#settings[@]} -gt 0 ] || fail "@$1: no settings in it"
}

# arguments_of TASK: the arguments of its run into `arguments`, its run.dir into `run_dir`.
arguments_of() {
  local task=$1 lines=${#settings[@]} word line=()
  [ "$lines" -gt 0 ] || lines=1
  local setting=$(((task - 1) % lines + 1)) seed=$(((task - 1) / lines + 1))
  read -ra line <<< "${settings[$((setting - 1))]:-}"
  arguments=()
  for word in "${words[@]}" "${line[@]}"; do
    word=${word//\{task\}/$task}
    word=${word//\{setting\}/$setting}
    arguments+=("${word//\{seed\}/$seed}")
    case $word in run.dir=*) run_dir=${arguments[-1]#run.dir=} ;; esac
  done
}

# collect PATTERN FOLDER...: the table of the folders and of what else the pattern finds, from other tasks before.
collect() {
  local pattern=$1 beside=${1%%\**} folder folders=("${@:2}")
  while IFS= read -r folder; do
    [ ! -f "$folder/config.yaml" ] || folders+=("$folder")
  done < <(compgen -G "$pattern" | sort -V)
  case $beside in */*) beside=${beside%/*} ;; *) beside=. ;; esac
  mkdir -p "$beside"
  mapfile -t folders < <(printf '%s\n' "${folders[@]}" | sort -Vu)
  python3 "$home/tools/collect_runs.py" "${folders[@]}" --json "$beside/summary.json" --csv "$beside/summary.csv"
}

case ${1:-} in
  -h|--help) usage; exit 0 ;;
  --collect) load_site; collect "${@:2}"; exit ;;
  '') fail "no configuration: sbatch --array=1-5 slurm/sweep.sh CONFIG run.dir=runs/sweep/{task} run.seed={task}" ;;
esac
require_job
[ -n "${SLURM_ARRAY_TASK_ID:-}" ] || fail "this is for an array: sbatch --array=1-5 slurm/sweep.sh ..."
[ "$SLURM_ARRAY_TASK_MIN" -ge 1 ] || fail "tasks are numbered from 1: --array=1-N"

settings=()
words=()
pattern=
for word in "$@"; do
  case $word in
    @*) read_settings "${word#@}" ;;
    *) words+=("$word") ;;
  esac
  case $word in run.dir=*) pattern=$(sed -E 's/\{(task|setting|seed)\}/*/g' <<< "${word#run.dir=}") ;; esac
done
[ -n "$pattern" ] || fail "no run.dir: each task needs a folder of its own, e.g. run.dir=runs/sweep/{task}"

# Two tasks in one folder would destroy each other's run.
twice=$(for ((task = SLURM_ARRAY_TASK_MIN; task <= SLURM_ARRAY_TASK_MAX; ++task)); do
  arguments_of "$task"
  printf '%s\n' "$run_dir"
done | sort | uniq -d | head -n 1)
[ -z "$twice" ] || fail "more than one task would have run.dir=$twice; put {task}, or {setting} and {seed}, into it"

if is_first_task; then
  load_site
  folders=()
  for task in $(array_tasks); do
    arguments_of "$task"
    folders+=("$run_dir")
  done
  after_array s2i-collect --nodes=1 --cpus-per-task=1 --time=10 -- --collect "$pattern" "${folders[@]}"
fi

arguments_of "$SLURM_ARRAY_TASK_ID"
say "task $SLURM_ARRAY_TASK_ID: ${arguments[*]}"
exec bash "$home/slurm/train.sh" "${arguments[@]}"

#!/usr/bin/env bash
# Trains with several seeds, several settings or both, one run per array task. When all tasks have ended, the job
# s2i-collect prints the mean, standard deviation, minimum and maximum of the metrics per setting.
#
#   sbatch --array=1-N [options of sbatch] slurm/sweep.sh CONFIG [@FILE] key=value ...
#
# Five seeds:
#   sbatch --array=1-5 slurm/sweep.sh configs/x.yaml run.dir=runs/seeds/{task} run.seed={task}
# Settings from a file with one line of key=value arguments per setting (here four lines, so 12 tasks are three seeds
# of each):
#   sbatch --array=1-12 slurm/sweep.sh configs/x.yaml @settings.txt run.dir=runs/lr/{setting}-{seed} run.seed={seed}
#
# {task} is the task number, {setting} the line number in FILE and {seed} a counter from 1: tasks go through the lines
# in order, then start again with the next seed. Without FILE, {seed} equals {task}. run.dir must be different for
# every task. Each task runs slurm/train.sh, on any number of nodes. The table is in the log of s2i-collect and in
# summary.json and summary.csv next to the run folders; failed runs are listed. To rerun some tasks, use the same
# command with e.g. --array=3,7.
#SBATCH --job-name=s2i-sweep
#SBATCH --nodes=1
#SBATCH --output=%x-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
set -euo pipefail

# Before anything else: by default, an early signal would kill the job without a message.
early_signal=${early_signal:-}
trap 'early_signal=USR1' USR1
trap 'early_signal=USR2' USR2

# sbatch runs a copy of this file from a spool folder, so the checkout must be located.
script_name=sweep.sh
submitted=$(scontrol show job "${SLURM_JOB_ID:-}" 2> /dev/null | sed -nE "s|^ *Command=(.*)/slurm/$script_name( .*)?\$|\1|p" | head -n 1) || true
for home in "${S2I_HOME:-$(dirname "${BASH_SOURCE[0]}")/..}" "$submitted" "${SLURM_SUBMIT_DIR:-.}" "${SLURM_SUBMIT_DIR:-.}/.."; do
  [ ! -f "$home/slurm/common.sh" ] || break
done
home=$(cd "$home" && pwd)
. "$home/slurm/common.sh" || { echo "sweep.sh: cannot locate the checkout; set S2I_HOME to it" >&2; exit 2; }
. "$home/slurm/array.sh"

# read_settings FILE: sets `settings` to the lines of FILE without empty lines and comments.
read_settings() {
  [ -f "$1" ] || fail "@$1: file not found"
  mapfile -t settings < <(grep -vE '^[[:space:]]*(#|$)' "$1")
  [ ${#settings[@]} -gt 0 ] || fail "@$1: the file has no settings"
}

# arguments_of TASK: sets `arguments` and `run_dir` for the run of a task.
arguments_of() {
  local task=$1 lines=${#settings[@]} argument line=()
  [ "$lines" -gt 0 ] || lines=1
  local setting=$(((task - 1) % lines + 1)) seed=$(((task - 1) / lines + 1))
  read -ra line <<< "${settings[$((setting - 1))]:-}"
  arguments=()
  for argument in "${common_arguments[@]}" "${line[@]}"; do
    argument=${argument//\{task\}/$task}
    argument=${argument//\{setting\}/$setting}
    arguments+=("${argument//\{seed\}/$seed}")
    case $argument in run.dir=*) run_dir=${arguments[-1]#run.dir=} ;; esac
  done
}

# collect PATTERN FOLDER...: summarizes the given run folders and those of earlier tasks that match the pattern.
collect() {
  local pattern=$1 parent=${1%%\**} folder folders=("${@:2}")
  while IFS= read -r folder; do
    [ ! -f "$folder/config.yaml" ] || folders+=("$folder")
  done < <(compgen -G "$pattern" | sort -V)
  case $parent in */*) parent=${parent%/*} ;; *) parent=. ;; esac
  mkdir -p "$parent"
  mapfile -t folders < <(printf '%s\n' "${folders[@]}" | sort -Vu)
  python3 "$home/tools/collect_runs.py" "${folders[@]}" --json "$parent/summary.json" --csv "$parent/summary.csv"
}

case ${1:-} in
  -h|--help) usage; exit 0 ;;
  --collect) load_site; collect "${@:2}"; exit ;;
  '') fail "the configuration is missing: sbatch --array=1-5 slurm/sweep.sh CONFIG run.dir=runs/sweep/{task} run.seed={task}" ;;
esac
require_job
[ -n "${SLURM_ARRAY_TASK_ID:-}" ] || fail "not in an array job; submit it with: sbatch --array=1-5 slurm/sweep.sh ..."
[ "$SLURM_ARRAY_TASK_MIN" -ge 1 ] || fail "task numbers must start at 1: --array=1-N"

settings=()
common_arguments=()
pattern=
for argument in "$@"; do
  case $argument in
    @*) read_settings "${argument#@}" ;;
    *) common_arguments+=("$argument") ;;
  esac
  case $argument in run.dir=*) pattern=$(sed -E 's/\{(task|setting|seed)\}/*/g' <<< "${argument#run.dir=}") ;; esac
done
[ -n "$pattern" ] || fail "run.dir is missing: each task needs its own run folder, e.g. run.dir=runs/sweep/{task}"

# Two tasks must not use the same run folder.
duplicate=$(for ((task = SLURM_ARRAY_TASK_MIN; task <= SLURM_ARRAY_TASK_MAX; ++task)); do
  arguments_of "$task"
  printf '%s\n' "$run_dir"
done | sort | uniq -d | head -n 1)
[ -z "$duplicate" ] || fail "several tasks would have run.dir=$duplicate; include {task}, or {setting} and {seed}, in it"

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
# Sourced, not executed: a new shell would not have the traps for an instant.
set -- "${arguments[@]}"
. "$home/slurm/train.sh"

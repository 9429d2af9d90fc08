#!/usr/bin/env bash
# Checks of whole runs of s2i-train for tools/gpu_check.sh; the last line of output says what was seen.
#
#   run_checks.sh WORK BIN prepare                       a small corpus, its shards and a small model
#   run_checks.sh WORK BIN losses RUN DEVICE RANKS LIMIT [SETTING...]
#                                                        trains, and compares the losses with those of RUN cpu
#   run_checks.sh WORK BIN stuck DEVICE                  stops a rank in mid-run: the job has to end by itself
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
work=$1 bin=$2 what=$3
shift 3

prepare() {
  python3 tests/gpu/tone_corpus.py "$work/corpus" &&
    "$bin/s2i-preprocess" --corpus "$work/corpus" --split train --out "$work/shards" &&
    "$bin/s2i-make-random-model" --shape tiny --out "$work/model" --seed 3 --labels 4 &&
    printf 'train: {max_steps: 10, epochs: 100}\nrun: {seed: 11, threads: 1}\n' > "$work/run.yaml" &&
    echo "64 utterances of tones, the tiny shape"
}

train() {  # RUN DEVICE RANKS SETTINGS...
  local run=$1 device=$2 ranks=$3
  shift 3
  exec mpirun -np "$ranks" "$bin/s2i-train" "$work/run.yaml" "data.dir=$work/shards" "model.init=$work/model" \
    "run.dir=$work/$run" "run.device=$device" cluster.allow_shared_gpu=true batch.global=12 model.dropout=0.1 \
    model.freeze_feature_encoder=false data.test_split= data.validation_fraction=0 \
    optimizer.learning_rate=1e-3 "$@"
}

losses() {  # RUN DEVICE RANKS LIMIT SETTINGS...
  local run=$1 limit=$4
  (train "$1" "$2" "$3" "${@:5}") &&
    python3 tests/gpu/gpu_check_report.py losses "$work/$run" "$work/cpu" "$limit"
}

stuck() {  # DEVICE
  local run=$work/stuck-$1 limit=90 job ranks rank start status
  local settings=(train.max_steps=1000000 train.epochs=1000000 cluster.timeout_seconds=10)
  if ! "$bin/s2i-train" --help-config 2>&1 | grep -q step_timeout_seconds; then
    echo "this build has no watchdog"
    return 77
  fi
  # Long enough for two processes to create their contexts on one GPU.
  settings+=(cluster.step_timeout_seconds=30)
  (train "stuck-$1" "$1" 2 "${settings[@]}") 2> "$work/stuck.log" &
  job=$!
  for _ in $(seq 300); do
    [ "$(wc -l 2> /dev/null < "$run/metrics.jsonl" || echo 0)" -lt 3 ] || break
    kill -0 $job 2> /dev/null || break
    sleep 0.2
  done
  ranks=$(pgrep -P $job -f s2i-train)
  rank=$(tail -n 1 <<< "$ranks")
  start=$SECONDS
  kill -STOP "$rank" || { cat "$work/stuck.log"; echo "the job ended before a rank could be stopped"; return 1; }
  while kill -0 $job 2> /dev/null && [ $((SECONDS - start)) -lt $limit ]; do sleep 0.2; done
  local seconds=$((SECONDS - start))
  # shellcheck disable=SC2086  # a list of processes
  [ $seconds -lt $limit ] || kill -KILL $job $ranks
  wait $job
  status=$?
  cat "$work/stuck.log"
  sleep 1
  [ $seconds -lt $limit ] || { echo "still there $seconds s after the rank had stopped"; return 1; }
  for rank in $ranks; do
    # An ended process stays in the table until its parent reads its status.
    case $(ps -o stat= -p "$rank") in '' | Z*) continue ;; esac
    kill -KILL "$rank"
    echo "process $rank was left behind"
    return 1
  done
  grep -qE 'rank [0-9]+ .*did not (answer|arrive)' "$work/stuck.log" || { echo "the log does not name the rank"; return 1; }
  echo "ended after $seconds s with status $status; $(grep -c . "$work/stuck.log") lines of log"
  [ $status -ne 0 ]
}

"$what" "$@"

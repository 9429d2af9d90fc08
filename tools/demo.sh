#!/usr/bin/env bash
# Installs and builds everything, then runs the complete pipeline on a synthetic corpus (espeak-ng):
# preprocessing -> fine-tuning a small pretrained WavLM on two ranks -> evaluation -> predictions.
# Output goes to runs/demo. Run it again to resume after an interruption.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh

bin=build/${S2I_PRESET:-release}/bin
out=runs/demo
ranks=$(( $(nproc) > 1 ? 2 : 1 ))
mpirun=(mpirun -np $ranks)
if [ "$(id -u)" -eq 0 ]; then mpirun+=(--allow-run-as-root); fi
say() { printf '\n== %s\n' "$*" >&2; }

say "1/5 Generating a corpus of 14 banking intents in the layout of Skit-S2I"
.deps/python/bin/python tools/make_sample_corpus --out $out/corpus

say "2/5 Preprocessing: corpus -> shards"
$bin/s2i-preprocess --corpus $out/corpus --split train,test,test_unseen --out $out/shards

say "3/5 Fine-tuning models/wavlm-tiny on $ranks ranks"
"${mpirun[@]}" $bin/s2i-train configs/demo.yaml data.dir=$out/shards run.dir=$out/run

say "4/5 Evaluating on sentences and a voice that are not in the training data"
"${mpirun[@]}" $bin/s2i-evaluate --model $out/run/best/model --data $out/shards --split test_unseen \
  --out $out/report-unseen

say "5/5 Predicting the intents of audio files"
mapfile -t files < <(find $out/corpus/wav_audios -name '*.wav' | sort | awk 'NR % 400 == 1')
$bin/s2i-predict --model $out/run/best/model "${files[@]}"

cat >&2 << END

Done. Best checkpoint       $out/run/best/model (can be loaded with transformers' from_pretrained)
      Test metrics          $out/run/evaluation.json, predictions.csv
      Unseen split          $out/report-unseen/evaluation.json
      Metrics per step      $out/run/metrics.jsonl
For your own corpus see README.md.
END

#!/usr/bin/env bash
# Sets everything up, then the main job on a corpus that espeak-ng speaks: corpus -> shards ->
# fine-tuning of a small pretrained WavLM over two ranks -> evaluation -> predictions.
# What it writes is under runs/demo; run again, it goes on where it stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh

bin=build/${S2I_PRESET:-release}/bin
out=runs/demo
ranks=$(( $(nproc) > 1 ? 2 : 1 ))
mpirun=(mpirun -np $ranks)
if [ "$(id -u)" -eq 0 ]; then mpirun+=(--allow-run-as-root); fi
say() { printf '\n== %s\n' "$*" >&2; }

say "1/5 A corpus of 14 banking intents, in the layout of Skit-S2I"
.deps/python/bin/python tools/make_sample_corpus --out $out/corpus

say "2/5 Corpus -> shards"
$bin/s2i-preprocess --corpus $out/corpus --split train,test,test_unseen --out $out/shards

say "3/5 Fine-tuning models/wavlm-tiny over $ranks ranks"
"${mpirun[@]}" $bin/s2i-train configs/demo.yaml data.dir=$out/shards run.dir=$out/run

say "4/5 Wordings and a voice that training never had"
"${mpirun[@]}" $bin/s2i-evaluate --model $out/run/best/model --data $out/shards --split test_unseen \
  --out $out/report-unseen

say "5/5 Predictions for files by name"
mapfile -t files < <(find $out/corpus/wav_audios -name '*.wav' | sort | awk 'NR % 400 == 1')
$bin/s2i-predict --model $out/run/best/model "${files[@]}"

cat >&2 << END

Done. The best checkpoint   $out/run/best/model (from_pretrained of transformers reads it)
      its test figures      $out/run/evaluation.json, predictions.csv
      the unseen split      $out/report-unseen/evaluation.json
      every step            $out/run/metrics.jsonl
Your own corpus: the same commands with your folder, see README.md.
END

#!/usr/bin/env python3
"""Compares training in transformers and in s2i-train: throughput and losses.

    .deps/python/bin/python bench/peers/compare_training.py [--shape base] [--steps 12] [--rounds 3]

Recipes:
  script   the settings of the script that this project replaces: batch 2, Adam 1e-5, fp32, nothing frozen, zero
           padding without a mask; with Lightning if installed (tools/requirements/peers.txt), else a plain loop
  tuned    a current setup with transformers: bf16 autocast, batches of similar lengths, fused AdamW, a larger
           batch, the feature encoder frozen; attention as implemented for WavLM in transformers

Both sides start from the same weights and use the same utterances in the same order (s2i-epoch-plan), from
shards of s2i-preprocess: --shards DIR/SPLIT, or generated tones of --shortest to --longest seconds. The
throughput is utterances per second over the steps of a round, including data loading, without the warm-up
steps; the table has the median and the range over the rounds. Timed rounds use dropout and SpecAugment, but
not LayerDrop. Losses are compared in a separate round without dropout and SpecAugment. The two sides alternate.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 3
DROPOUTS = ["hidden_dropout", "activation_dropout", "attention_dropout", "feat_proj_dropout",
            "final_dropout", "layerdrop"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("S2I_BIN", ROOT / "build/release/bin")))
    parser.add_argument("--shape", default="base", choices=["tiny", "base", "large"])
    parser.add_argument("--model", type=pathlib.Path, help="initial weights (default: random)")
    parser.add_argument("--shards", type=pathlib.Path, help="folder of a preprocessed split (default: generate tones)")
    parser.add_argument("--utterances", type=int, default=128, help="number of generated tones")
    parser.add_argument("--shortest", type=float, default=2.0, help="minimum length of a tone in seconds")
    parser.add_argument("--longest", type=float, default=6.0, help="maximum length of a tone in seconds")
    parser.add_argument("--recipes", nargs="+", default=["script", "tuned"], choices=["script", "tuned"])
    parser.add_argument("--batch", type=int, default=8, help="utterances per step in the tuned recipe")
    parser.add_argument("--steps", type=int, default=12, help="timed steps per round, after --warmup steps")
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--curve-steps", type=int, default=10)
    parser.add_argument("--curve-learning-rate", type=float, help="default: that of the recipe")
    parser.add_argument("--curve-limit", type=float,
                        help="exit with status 1 if an fp32 loss differs by more than this relative error")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--plain", action="store_true", help="use a plain loop even if Lightning is installed")
    parser.add_argument("--json", type=pathlib.Path, help="write all measurements to this file")
    return parser.parse_args()


args = arguments()
os.environ["OMP_NUM_THREADS"] = str(args.threads)

try:
    import torch  # noqa: E402  (after the number of threads is set)
    import transformers  # noqa: E402
    import transformers_training as peer  # noqa: E402
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


class Recipe:
    def __init__(self, name):
        self.name = name
        self.script = name == "script"
        self.batch = 2 if self.script else args.batch
        self.pool = 1 if self.script else 16
        self.learning_rate = 1e-5 if self.script else 5e-5
        self.lightning = self.script and peer.lightning is not None and not args.plain

    def settings(self, bf16, learning_rate):
        adam = "adam" if self.script else "adamw"
        return [f"batch.global={self.batch}", f"batch.pool={self.pool}", f"optimizer.name={adam}",
                f"optimizer.weight_decay={0.0 if self.script else 0.01}", "optimizer.clip_norm=0",
                f"optimizer.learning_rate={learning_rate}", "schedule.name=constant",
                "schedule.warmup_steps=0", f"precision={'bf16' if bf16 else 'fp32'}",
                f"model.freeze_feature_encoder={'false' if self.script else 'true'}"]


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.device = args.device
        if self.device == "auto":
            self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.shards = args.shards or self.make_shards()
        self.runs = 0
        (folder / "empty.yaml").write_text("run: {log_level: warn}\n")
        self.models = {"timed": folder / "timed", "curve": folder / "curve"}
        self.make_models()

    def call(self, program, *arguments):
        done = subprocess.run([args.bin / program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{program} {' '.join(map(str, arguments))}\n{done.stderr}")
        return done.stdout

    def make_shards(self):
        subprocess.run([sys.executable, ROOT / "tests/gpu/tone_corpus.py", self.folder / "corpus",
                        "--utterances", str(args.utterances), "--shortest", str(args.shortest),
                        "--longest", str(args.longest), "--intents", "14"], check=True)
        self.call("s2i-preprocess", "--corpus", self.folder / "corpus", "--split", "train", "--out",
                  self.folder / "shards")
        return self.folder / "shards/train"

    def make_models(self):
        """Creates the initial weights for both sides, including the new head, with one step of s2i-train at a
        learning rate of 1e-30."""
        start = args.model
        if start is None:
            start = self.folder / "random"
            self.call("s2i-make-random-model", "--shape", args.shape, "--out", start, "--labels", "14")
        run = self.ours(start, ["optimizer.learning_rate=1e-30", "optimizer.weight_decay=0", "batch.global=1"], 1)
        for kind, path in self.models.items():
            shutil.copytree(run / "last/model", path)
            config = json.loads((path / "config.json").read_text())
            config.update({"layerdrop": 0.0} if kind == "timed" else
                          {**dict.fromkeys(DROPOUTS, 0.0), "apply_spec_augment": False})
            (path / "config.json").write_text(json.dumps(config))
            self.masks = config["feat_extract_norm"] != "group"

    def ours(self, model, settings, steps):
        self.runs += 1
        run = self.folder / f"run-{self.runs}"
        self.call("s2i-train", self.folder / "empty.yaml", f"data.dir={self.shards.parent}",
                  f"data.train_split={self.shards.name}", "data.test_split=", "data.validation_fraction=0",
                  f"model.init={model}", "model.normalize=true", "model.padding=huggingface_unmasked",
                  f"run.dir={run}", f"run.seed={SEED}", f"run.device={self.device}",
                  f"run.threads={args.threads}", "train.epochs=100000", f"train.max_steps={steps}", *settings)
        return run

    def run_ours(self, recipe, kind, bf16, learning_rate, steps):
        run = self.ours(self.models[kind], recipe.settings(bf16, learning_rate), steps)
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        shutil.rmtree(run)
        return [line["loss"] for line in lines], [line["seconds"]["total"] for line in lines]

    def run_peer(self, recipe, kind, bf16, learning_rate, steps):
        return peer.train(self.models[kind], self.shards, self.plan(recipe, steps), self.device, bf16,
                          recipe.script, learning_rate, not recipe.script, recipe.lightning)

    def plan(self, recipe, steps):
        return json.loads(self.call("s2i-epoch-plan", self.shards, recipe.batch, recipe.pool, SEED, steps))

    def rate(self, recipe, times):
        plan = self.plan(recipe, len(times))
        return sum(map(len, plan[args.warmup:])) / sum(times[args.warmup:])

    def curves(self, recipe, bf16):
        learning_rate = args.curve_learning_rate or recipe.learning_rate
        losses = [side(recipe, "curve", bf16, learning_rate, args.curve_steps)[0]
                  for side in (self.run_peer, self.run_ours)]
        worst = max(abs(a - b) / abs(a) for a, b in zip(*losses))
        return dict(type="bf16" if bf16 else "fp32", learning_rate=learning_rate, worst=worst,
                    transformers=losses[0], ours=losses[1])

    def measure(self, recipe):
        bf16 = not recipe.script
        sides = {"transformers": self.run_peer, "wavlm-s2i": self.run_ours}
        rates = {name: [] for name in sides}
        for number in range(args.rounds):
            order = list(sides) if number % 2 == 0 else list(reversed(sides))
            for name in order:
                _, times = sides[name](recipe, "timed", bf16, recipe.learning_rate, args.warmup + args.steps)
                rates[name].append(self.rate(recipe, times))
        curves = [self.curves(recipe, kind) for kind in ([False] if recipe.script else [False, True])]
        return dict(recipe=recipe.name, batch=recipe.batch, type="bf16" if bf16 else "fp32",
                    loop="Lightning" if recipe.lightning else "plain loop", rates=rates, curves=curves,
                    ratio=statistics.median(rates["wavlm-s2i"]) / statistics.median(rates["transformers"]))


def spread(rates):
    return f"{statistics.median(rates):.3g} ({min(rates):.3g} to {max(rates):.3g})"


def table(results, device):
    lines = ["| recipe | transformers, utterances/s | wavlm-s2i, utterances/s | ratio | max. relative loss difference |",
             "|---|---|---|---|---|"]
    for r in results:
        curves = "; ".join(
            f"{c['type']} {c['worst']:.1e} over {len(c['ours'])} steps (loss {c['ours'][0]:.3f} to {c['ours'][-1]:.3f})"
            for c in r["curves"])
        lines.append(f"| {r['recipe']}: batch {r['batch']}, {r['type']}, {r['loop']} "
                     f"| {spread(r['rates']['transformers'])} | {spread(r['rates']['wavlm-s2i'])} "
                     f"| {r['ratio']:.2f} | {curves} |")
    return "\n".join(lines)


def main():
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(pathlib.Path(folder))
        results = [bench.measure(Recipe(name)) for name in args.recipes]
    versions = dict(torch=torch.__version__, transformers=transformers.__version__,
                    lightning=peer.lightning and peer.lightning.__version__, python=platform.python_version(),
                    device=torch.cuda.get_device_name() if bench.device == "cuda" else f"CPU, {args.threads} threads")
    weights = args.model.name if args.model else f"{args.shape}, random weights"
    print(f"{weights}; {args.rounds} alternating rounds of {args.steps} steps; "
          + ", ".join(f"{k} {v}" for k, v in versions.items() if v))
    print(table(results, bench.device))
    if args.json:
        args.json.write_text(json.dumps(dict(versions=versions, weights=weights, results=results), indent=1) + "\n")
    worst = max(c["worst"] for r in results for c in r["curves"] if c["type"] == "fp32")
    if args.curve_limit is not None and not worst <= args.curve_limit:
        sys.exit(f"losses differ by {worst:.1e}, more than {args.curve_limit:.0e}")


if __name__ == "__main__":
    main()

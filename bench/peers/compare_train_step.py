#!/usr/bin/env python3
"""Compares the speed of a training step of WavLM Base in transformers and in this project.

    .deps/python/bin/python bench/peers/compare_train_step.py [--build build/release]

Both load the same random weights and take the same steps (forward, backward, fused AdamW with the same
parameter groups) on the same batch, in turns within one run: dropout and SpecAugment as in the
configuration of Base, LayerDrop off so that every step does the same work, 2 threads. The step of
wavlm-s2i also computes the norm of the gradient, as its training does. Prints median and spread of each
and the ratio of medians, for fp32 and bf16 (transformers: autocast), feature encoder trained and frozen.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--shape", default="base", choices=["tiny", "base", "large"])
    parser.add_argument("--batch", type=int, default=4, help="utterances")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each utterance")
    parser.add_argument("--steps", type=int, default=5, help="timed steps of each, after one warm-up step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--types", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--encoders", nargs="+", default=["trained", "frozen"])
    return parser.parse_args()


args = arguments()
os.environ["OMP_NUM_THREADS"] = str(args.threads)

import torch  # noqa: E402  (after the number of threads is set)
from safetensors.torch import save_file  # noqa: E402
from transformers import WavLMForSequenceClassification  # noqa: E402


class Transformers:
    def __init__(self, directory, batch, kind, encoder):
        self.model = WavLMForSequenceClassification.from_pretrained(directory).train()
        if encoder == "frozen":
            self.model.freeze_feature_encoder()
        self.batch = batch
        self.bfloat16 = kind == "bf16"
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        # The parameter groups of wavlm-s2i: no weight decay for biases and norms.
        self.optimizer = torch.optim.AdamW(
            [{"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.01},
             {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}], lr=1e-5, fused=True)

    def step(self):
        start = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            logits = self.model(self.batch["audio"].clone()).logits
        loss = torch.nn.functional.cross_entropy(logits.float(), self.batch["labels"])
        value = loss.item()
        loss.backward()
        self.optimizer.step()
        return time.perf_counter() - start, value


class Ours:
    def __init__(self, directory, batch_file, kind, encoder):
        self.process = subprocess.Popen(
            [args.build / "bin/train_step_bench", directory, batch_file, kind, encoder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def step(self):
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        seconds, loss = self.process.stdout.readline().split()[:2]
        return float(seconds), float(loss)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def describe(times):
    return f"{statistics.median(times):6.3f} s ({min(times):.3f} ... {max(times):.3f})"


def main():
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([args.build / "bin/s2i-make-random-model", "--shape", args.shape,
                        "--out", folder / "model"], check=True)
        config = json.loads((folder / "model/config.json").read_text())
        config["layerdrop"] = 0.0
        (folder / "model/config.json").write_text(json.dumps(config))
        samples = int(args.seconds * 16000)
        batch = dict(audio=torch.randn(args.batch, samples),
                     lengths=torch.full([args.batch], samples),
                     labels=torch.arange(args.batch) % 14)
        save_file(batch, folder / "batch.safetensors")
        print(f"{args.shape}, {args.batch} x {args.seconds} s, {args.threads} threads, median of "
              f"{args.steps} alternating steps (minimum ... maximum)")
        for kind in args.types:
            for encoder in args.encoders:
                peer = Transformers(folder / "model", batch, kind, encoder)
                ours = Ours(folder / "model", folder / "batch.safetensors", kind, encoder)
                times = {"transformers": [], "wavlm-s2i": []}
                for step in range(args.steps + 1):
                    for name, side in (("transformers", peer), ("wavlm-s2i", ours)):
                        seconds, loss = side.step()
                        if step > 0:
                            times[name].append(seconds)
                ours.close()
                ratio = statistics.median(times["transformers"]) / statistics.median(times["wavlm-s2i"])
                for name, list_of in times.items():
                    rate = args.batch / statistics.median(list_of)
                    print(f"{kind} {encoder:8} {name:13} {describe(list_of)}  {rate:.2f} utterances/s")
                print(f"{kind} {encoder:8} ratio {ratio:.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

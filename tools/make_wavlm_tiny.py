#!/usr/bin/env python3
"""Pretrain models/wavlm-tiny, a WavLM with just under one million parameters.

Fine-tuning a WavLM with random weights on a small corpus does not converge within minutes, but
fine-tuning one that was pretrained on letters does. This script synthesizes random word sequences
with espeak-ng, trains WavLM with a CTC head for letters and space, and saves the encoder in the
layout of a published checkpoint. See docs/wavlm-tiny.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import shutil
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
import torch
from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMModel

REPOSITORY = Path(__file__).resolve().parent.parent
WORDS = Path(__file__).resolve().parent / "sample_corpus" / "words.txt"

SAMPLE_RATE = 16_000
TELEPHONE_RATE = 8_000
ESPEAK_RATE = 22_050
WAV_HEADER_BYTES = 44

# Different from the voices of tools/make_sample_corpus.
VOICES = (
    "en-us", "en-us+f2", "en-us+m3", "en-us+f4",
    "en-gb", "en-gb+m1", "en-gb+f1", "en-gb+m7",
    "en-gb-scotland", "en-gb-scotland+f3", "en-gb-scotland+m4",
    "en-029", "en-029+f5", "en-029+m2",
    "en-gb-x-rp", "en-gb-x-rp+f2",
)  # fmt: skip

BLANK = 0
LETTERS = " " + string.ascii_lowercase
BATCH = 16
WARM_UP = 200
PEAK_LEARNING_RATE = 2e-3
GRADIENT_CLIP = 1.0
NOISE_OF_SIGNAL = 0.03
HELD_OUT = 160
REPORT_EVERY = 50
BYTES_LIMIT = 4_000_000


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One sentence: 16-bit samples at SAMPLE_RATE, and its letters as CTC labels."""

    samples: np.ndarray
    labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class Batch:
    """Padded input, its mask, and the concatenated labels with their lengths."""

    inputs: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor
    label_lengths: torch.Tensor


class LetterModel(torch.nn.Module):
    """WavLM with a linear head for letters, which is discarded after pretraining."""

    def __init__(self, config: WavLMConfig) -> None:
        super().__init__()
        self.wavlm = WavLMModel(config)
        self.letters = torch.nn.Linear(config.hidden_size, 1 + len(LETTERS))

    def forward(self, inputs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.letters(self.wavlm(inputs, attention_mask=mask).last_hidden_state)


def read_words(path: Path) -> list[str]:
    """Read the words of the list, without comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


def speak(text: str, voice: str, words_per_minute: int, pitch: int) -> np.ndarray:
    """Synthesize with espeak-ng at telephone bandwidth; 16-bit samples at SAMPLE_RATE."""
    command = ["espeak-ng", "-v", voice, "-s", str(words_per_minute), "-p", str(pitch)]
    wav = subprocess.run([*command, "--stdout", text], check=True, capture_output=True).stdout
    spoken = np.frombuffer(wav[WAV_HEADER_BYTES:], dtype="<i2").astype(np.float32)
    telephone = soxr.resample(spoken, ESPEAK_RATE, TELEPHONE_RATE)
    wide = soxr.resample(telephone, TELEPHONE_RATE, SAMPLE_RATE)
    return np.clip(np.rint(wide), -32768, 32767).astype(np.int16)


def synthesize(task: tuple[int, int, tuple[str, ...]]) -> Utterance:
    """Create utterance `index` of `seed`; the result does not depend on the number of workers."""
    seed, index, words = task
    rng = np.random.default_rng((seed, index))
    text = " ".join(rng.choice(words, size=rng.integers(3, 8)))
    voice = VOICES[rng.integers(len(VOICES))]
    samples = speak(text, voice, int(rng.integers(140, 191)), int(rng.integers(35, 66)))
    labels = np.array([1 + LETTERS.index(letter) for letter in text], dtype=np.int64)
    return Utterance(samples, labels)


def make_corpus(count: int, seed: int, processes: int) -> list[Utterance]:
    """Synthesize `count` sentences with several processes, in memory."""
    words = tuple(read_words(WORDS))
    tasks = [(seed, index, words) for index in range(count)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return pool.map(synthesize, tasks, chunksize=64)


def normalize(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add noise and normalize to zero mean and unit variance, as Wav2Vec2FeatureExtractor does."""
    wave = samples.astype(np.float32)
    level = wave.std() * NOISE_OF_SIGNAL * rng.random()
    wave += level * rng.standard_normal(len(wave), dtype=np.float32)
    return (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)


def collate(utterances: list[Utterance], rng: np.random.Generator) -> Batch:
    """Pad with zeros at the end, as fine-tuning does."""
    longest = max(len(utterance.samples) for utterance in utterances)
    inputs = torch.zeros(len(utterances), longest)
    mask = torch.zeros(len(utterances), longest, dtype=torch.long)
    for row, utterance in enumerate(utterances):
        length = len(utterance.samples)
        inputs[row, :length] = torch.from_numpy(normalize(utterance.samples, rng))
        mask[row, :length] = 1
    labels = torch.from_numpy(np.concatenate([utterance.labels for utterance in utterances]))
    lengths = torch.tensor([len(utterance.labels) for utterance in utterances])
    return Batch(inputs, mask, labels, lengths)


def batches(corpus: list[Utterance], rng: np.random.Generator) -> Iterator[Batch]:
    """Endless epochs of batches of similar lengths, which need little padding."""
    lengths = np.array([len(utterance.samples) for utterance in corpus])
    while True:
        order = np.argsort(lengths * rng.uniform(0.95, 1.05, len(lengths)))
        starts = rng.permutation(np.arange(0, len(order) - BATCH + 1, BATCH))
        for start in starts:
            yield collate([corpus[i] for i in order[start : start + BATCH]], rng)


def model_config() -> WavLMConfig:
    """Layer-norm feature extractor and pre-LayerNorm encoder as in WavLM Large, 1/300 of its size."""
    return WavLMConfig(
        vocab_size=1 + len(LETTERS),
        feat_extract_norm="layer",
        conv_bias=True,
        conv_dim=(64, 64, 64, 64, 96, 96, 96),
        do_stable_layer_norm=True,
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=464,
        num_conv_pos_embeddings=32,
        num_conv_pos_embedding_groups=4,
        classifier_proj_size=128,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        final_dropout=0.0,
        layerdrop=0.0,
        apply_spec_augment=False,
    )


def learning_rate_factor(step: int, steps: int) -> float:
    """Linear warm-up, then linear decay to zero."""
    warm_up = min(WARM_UP, max(1, steps // 4))
    if step < warm_up:
        return (step + 1) / warm_up
    return max(0.0, (steps - step) / max(1, steps - warm_up))


def letter_loss(model: LetterModel, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """CTC loss per letter and log probabilities; the CTC loss is computed in single precision."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = model(batch.inputs, batch.mask)
    log_probabilities = scores.float().log_softmax(-1)
    frames = model.wavlm._get_feat_extract_output_lengths(batch.mask.sum(-1))
    loss = torch.nn.functional.ctc_loss(
        log_probabilities.transpose(0, 1),
        batch.labels,
        frames,
        batch.label_lengths,
        blank=BLANK,
        zero_infinity=True,
    )
    return loss, log_probabilities


def train(model: LetterModel, corpus: list[Utterance], steps: int, seed: int) -> float:
    """Train for `steps` steps; returns the mean loss per letter of the last report."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, steps)
    )
    source = batches(corpus, np.random.default_rng((seed, 0, 1)))
    model.train()
    begin, recent, reported = time.monotonic(), [], float("nan")
    for step in range(1, steps + 1):
        loss, _ = letter_loss(model, next(source))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_CLIP)
        optimizer.step()
        schedule.step()
        recent.append(loss.item())
        if step % REPORT_EVERY == 0 or step == steps:
            reported, recent = float(np.mean(recent)), []
            seconds = time.monotonic() - begin
            print(f"step {step}/{steps} loss {reported:.3f} {seconds:.0f} s", flush=True)
    return reported


def edit_distance(left: list[int], right: list[int]) -> int:
    """Levenshtein distance."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]


def greedy_letters(log_probabilities: torch.Tensor) -> list[int]:
    """Best label of each frame, repeats merged, blanks dropped."""
    best = torch.unique_consecutive(log_probabilities.argmax(-1))
    return [int(label) for label in best if label != BLANK]


@torch.no_grad()
def letter_error_rate(model: LetterModel, corpus: list[Utterance]) -> float:
    """Letter error rate of greedy decoding on held-out sentences."""
    model.eval()
    rng = np.random.default_rng(0)
    errors = letters = 0
    for utterance in corpus:
        _, log_probabilities = letter_loss(model, collate([utterance], rng))
        truth = utterance.labels.tolist()
        errors += edit_distance(greedy_letters(log_probabilities[0]), truth)
        letters += len(truth)
    return errors / letters


def set_fine_tuning_values(config: WavLMConfig) -> None:
    """Set the fine-tuning defaults in config.json, which pretraining does not use."""
    config.hidden_dropout = 0.1
    config.attention_dropout = 0.1
    config.activation_dropout = 0.0
    config.feat_proj_dropout = 0.1
    config.final_dropout = 0.0
    config.layerdrop = 0.0
    # Off by default. If enabled, the spans are short enough for a spoken digit of 20 frames.
    config.apply_spec_augment = False
    config.mask_time_length = 4
    config.mask_time_min_masks = 0


def save(model: WavLMModel, out: Path) -> int:
    """Write weights, configuration and preprocessor; returns the size of the folder in bytes."""
    set_fine_tuning_values(model.config)
    model.save_pretrained(out, safe_serialization=True)
    Wav2Vec2FeatureExtractor(
        feature_size=1,
        sampling_rate=SAMPLE_RATE,
        padding_value=0.0,
        do_normalize=True,
        return_attention_mask=True,
    ).save_pretrained(out)
    files = [path for path in out.iterdir() if path.is_file()]
    for path in files:
        path.chmod(0o644)
    return sum(path.stat().st_size for path in files)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Pretrain models/wavlm-tiny on sentences synthesized with espeak-ng.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=REPOSITORY / "models" / "wavlm-tiny",
                        help="output folder")  # fmt: skip
    parser.add_argument("--steps", type=int, default=2000, help="training steps")
    parser.add_argument("--sentences", type=int, default=5000, help="number of sentences")
    parser.add_argument("--seed", type=int, default=1, help="seed of sentences and weights")
    parser.add_argument("--threads", type=int, default=2, help="threads, and espeak-ng processes")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    if shutil.which("espeak-ng") is None:
        print("make_wavlm_tiny: espeak-ng is not installed", file=sys.stderr)
        return 2
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    begin = time.monotonic()
    sentences = make_corpus(arguments.sentences + HELD_OUT, arguments.seed, arguments.threads)
    corpus, held_out = sentences[: arguments.sentences], sentences[arguments.sentences :]
    hours = sum(len(utterance.samples) for utterance in corpus) / SAMPLE_RATE / 3600
    print(f"{len(corpus)} sentences, {hours:.2f} h, {time.monotonic() - begin:.0f} s", flush=True)

    model = LetterModel(model_config())
    print(f"{model.wavlm.num_parameters()} parameters in the encoder", flush=True)
    begin = time.monotonic()
    loss = train(model, corpus, arguments.steps, arguments.seed)
    summary = {
        "steps": arguments.steps,
        "final_loss_per_letter": round(loss, 3),
        "held_out_letter_error_rate": round(letter_error_rate(model, held_out), 3),
        "training_seconds": round(time.monotonic() - begin),
    }
    size = save(model.wavlm, arguments.out)
    print(json.dumps(summary | {"bytes": size}), flush=True)
    if size >= BYTES_LIMIT:
        print(f"make_wavlm_tiny: {size} bytes, limit {BYTES_LIMIT}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

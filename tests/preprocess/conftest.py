"""Shared code of the s2i-preprocess tests: small corpora of noise, and running the program.

The program is in $S2I_BIN. h5py, soundfile and soxr are the reference implementations.
"""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")
soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
h5py = pytest.importorskip("h5py", reason="h5py is not installed")

PROGRAM = Path(os.environ.get("S2I_BIN", "build/release/bin")).resolve() / "s2i-preprocess"
COLUMNS = ["id", "intent_class", "template", "audio_path", "speaker_id"]


class Corpus:
    """A folder with train.csv and 8 kHz WAV files of different lengths."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "wav").mkdir(parents=True)

    def add_audio(self, name, seconds=0.1, rate=8000, channels=1, **format):
        rng = np.random.default_rng(len(name) + int(seconds * 1000))
        audio = 0.2 * rng.standard_normal((int(seconds * rate), channels))
        soundfile.write(self.folder / name, np.clip(audio, -1, 1).squeeze(), rate, **format)
        return name

    def write_csv(self, rows, name="train.csv", columns=COLUMNS):
        with (self.folder / name).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns)
            writer.writerows(rows)

    def fill(self, count, name="train"):
        """Writes `count` valid utterances of 0.05 to 0.5 s with three intents and two speakers."""
        rows = []
        for i in range(count):
            path = self.add_audio(f"wav/{name}-{i}.wav", seconds=0.05 + i * 37 % 450 / 1000)
            rows.append([i, i % 3, "some, words", path, i % 2])
        self.write_csv(rows, f"{name}.csv")
        return rows

    def run(self, out, *options, split="train", **keywords):
        return preprocess("--corpus", self.folder, "--split", split, "--out", out, *options,
                          **keywords)


def preprocess(*arguments, status=0, **keywords):
    """Runs the program and checks its exit status; returns its log."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=120, **keywords)
    assert done.returncode == status, f"status {done.returncode}\n{done.stderr}"
    return done.stderr


def read_manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


def read_shards(folder):
    """Reads every utterance in order with h5py: (id, label, speaker, samples)."""
    utterances = []
    for shard in read_manifest(folder)["shards"]:
        with h5py.File(folder / shard["file"]) as file:
            offset = file["offset"][:].astype(int)
            for i, name in enumerate(file["id"].asstr()):
                samples = file["audio"][offset[i] : offset[i + 1]]
                utterances.append((name, int(file["label"][i]), int(file["speaker"][i]), samples))
    return utterances


def files_of(folder):
    """File name -> content, without subfolders such as .resume and without the lock."""
    return {p.name: p.read_bytes() for p in Path(folder).iterdir() if p.is_file() and p.name != ".lock"}


@pytest.fixture
def corpus(tmp_path):
    return Corpus(tmp_path / "corpus")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "shards"

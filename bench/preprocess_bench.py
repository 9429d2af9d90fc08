#!/usr/bin/env python3
"""Compare the speed of s2i-preprocess with the same pipeline in Python.

The pipeline is 8 kHz 16-bit WAV -> 16 kHz int16 -> HDF5 shards, with fsync. s2i-preprocess also
validates every file and writes checksums. The Python pipeline uses soundfile, soxr (and torchaudio
if installed) and h5py, and computes checksums if xxhash is installed. Runs alternate. The output is
the median and range of the real-time factor: seconds of audio per second of wall-clock time (wall)
and per second of CPU time (cpu, user and system). Python's startup and imports are not included,
the startup of s2i-preprocess is.

    bench/preprocess_bench.py --program build/release/bin/s2i-preprocess [--corpus DIR --split train]

Without --corpus the script generates a corpus with utterance lengths as in Skit-S2I (mean 4.2 s).
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import math
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import soundfile
import soxr

RATE_IN = 8_000
RATE_OUT = 16_000
ROWS_PER_SHARD = 512


def make_corpus(folder: Path, count: int) -> None:
    """Write amplitude-modulated noise of 1 to 9 s, mean 4.2 s, in the layout of Skit-S2I."""
    rng = np.random.default_rng(1)
    (folder / "wav_audios").mkdir(parents=True)
    with (folder / "train.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "intent_class", "template", "audio_path", "speaker_id"))
        for number in range(count):
            seconds = float(np.clip(rng.gamma(9.0, 4.2 / 9.0), 1.0, 9.0))
            samples = int(seconds * RATE_IN)
            envelope = 0.1 * (1.2 + np.sin(np.arange(samples) * (2 * math.pi * 3 / RATE_IN)))
            path = f"wav_audios/{number:05d}.wav"
            audio = envelope * rng.standard_normal(samples)
            soundfile.write(folder / path, np.clip(audio, -1, 1), RATE_IN, subtype="PCM_16")
            writer.writerow((number, number % 14, "noise", path, number % 11))


def resample_soxr(audio: np.ndarray, rate: int) -> np.ndarray:
    return soxr.resample(audio, rate, RATE_OUT)


def resample_torchaudio(audio: np.ndarray, rate: int) -> np.ndarray:
    import torch
    import torchaudio

    torch.set_num_threads(1)
    return torchaudio.functional.resample(torch.from_numpy(audio), rate, RATE_OUT).numpy()


RESAMPLERS = {"soxr": resample_soxr, "torchaudio": resample_torchaudio}


def prepare(task: tuple[str, str]) -> tuple[np.ndarray, int]:
    """Process one utterance; returns int16 samples and their checksum (0 without xxhash)."""
    path, resampler = task
    audio, rate = soundfile.read(path, dtype="float32")
    if audio.ndim > 1:
        audio = audio.mean(axis=1)
    if rate != RATE_OUT:
        audio = RESAMPLERS[resampler](audio, rate)
    samples = np.clip(np.rint(audio * 32768), -32768, 32767).astype(np.int16)
    checksum = 0
    if importlib.util.find_spec("xxhash"):
        import xxhash

        checksum = xxhash.xxh3_64_intdigest(samples)
    return samples, checksum


def write_shard(path: Path, rows: list[dict[str, str]], utterances: list) -> None:
    lengths = [len(samples) for samples, _ in utterances]
    with h5py.File(path, "w") as file:
        file.create_dataset("audio", data=np.concatenate([samples for samples, _ in utterances]))
        file.create_dataset("offset", data=np.cumsum([0, *lengths], dtype=np.uint64))
        file.create_dataset("label", data=np.array([int(r["intent_class"]) for r in rows], np.int32))
        file.create_dataset("speaker", data=np.array([int(r["speaker_id"]) for r in rows], np.int32))
        file.create_dataset("id", data=np.array([r["id"].encode() for r in rows]))
        file.create_dataset("checksum", data=np.array([c for _, c in utterances], np.uint64))
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def run_peer(arguments: argparse.Namespace) -> None:
    """Run the Python pipeline (in a separate process) and print its times as JSON."""
    if arguments.peer == "torchaudio":
        resample_torchaudio(np.zeros(RATE_IN, np.float32), RATE_IN)
    begin, begin_cpu = time.perf_counter(), cpu_seconds(resource.RUSAGE_SELF)
    with (arguments.corpus / f"{arguments.split}.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    tasks = [(str(arguments.corpus / row["audio_path"]), arguments.peer) for row in rows]
    pool = multiprocessing.get_context("fork").Pool(arguments.jobs) if arguments.jobs > 1 else None
    results = pool.imap(prepare, tasks, chunksize=8) if pool else map(prepare, tasks)
    for number, start in enumerate(range(0, len(rows), ROWS_PER_SHARD)):
        part = rows[start : start + ROWS_PER_SHARD]
        write_shard(arguments.out / f"{number:05d}.h5", part, [next(results) for _ in part])
    if pool:
        pool.close()
        pool.join()
    wall = time.perf_counter() - begin
    cpu = cpu_seconds(resource.RUSAGE_SELF) - begin_cpu + cpu_seconds(resource.RUSAGE_CHILDREN)
    print(json.dumps({"wall": wall, "cpu": cpu}))


def cpu_seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def measure_program(arguments: argparse.Namespace, cores: set[int], out: Path) -> dict[str, float]:
    command = [str(arguments.program), "--corpus", str(arguments.corpus), "--split", arguments.split]
    command += ["--out", str(out), "--jobs", str(len(cores)), "--log-level", "warn"]
    command += ["--shard-utterances", str(ROWS_PER_SHARD)]
    begin, begin_cpu = time.perf_counter(), cpu_seconds(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    cpu = cpu_seconds(resource.RUSAGE_CHILDREN) - begin_cpu
    return {"wall": time.perf_counter() - begin, "cpu": cpu}


def measure_peer(
    arguments: argparse.Namespace, name: str, cores: set[int], out: Path
) -> dict[str, float]:
    command = [sys.executable, __file__, "--peer", name, "--corpus", str(arguments.corpus)]
    command += ["--split", arguments.split, "--out", str(out), "--jobs", str(len(cores))]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return json.loads(done.stdout)


def compare_outputs(program_out: Path, split: str, peer_out: Path) -> int:
    """The largest difference between samples of the two pipelines, in int16 units."""

    def audio(paths: list[Path]) -> np.ndarray:
        return np.concatenate([h5py.File(path)["audio"][:] for path in sorted(paths)])

    ours = audio(list((program_out / split).glob("shard-*.h5")))
    reference = audio(list(peer_out.glob("*.h5")))
    return int(np.abs(ours.astype(np.int32) - reference).max())


def audio_seconds(arguments: argparse.Namespace) -> float:
    with (arguments.corpus / f"{arguments.split}.csv").open(newline="") as stream:
        paths = [arguments.corpus / row["audio_path"] for row in csv.DictReader(stream)]
    return sum(soundfile.info(path).duration for path in paths)


def report(name: str, jobs: int, runs: list[dict[str, float]], seconds: float) -> dict[str, float]:
    medians = {}
    text = []
    for clock in ("wall", "cpu"):
        factors = sorted(seconds / run[clock] for run in runs)
        medians[clock] = statistics.median(factors)
        text.append(f"{clock} {medians[clock]:7.0f}x ({factors[0]:.0f}-{factors[-1]:.0f})")
    print(f"{name:24} {jobs} job{'s' if jobs > 1 else ' '}  " + "  ".join(text), flush=True)
    return medians


def bench(arguments: argparse.Namespace, folder: Path) -> None:
    if arguments.corpus is None:
        arguments.corpus = folder / "corpus"
        print(f"generating {arguments.utterances} utterances", flush=True)
        make_corpus(arguments.corpus, arguments.utterances)
    seconds = audio_seconds(arguments)  # also reads the file headers into the page cache
    peers = ["soxr"] + (["torchaudio"] if importlib.util.find_spec("torchaudio") else [])
    checksums = "with" if importlib.util.find_spec("xxhash") else "without"
    print(f"{seconds / 3600:.2f} h of audio; Python {checksums} checksums; real-time factors:")
    cores = sorted(os.sched_getaffinity(0))
    for used in [{cores[0]}, set(cores)][: 1 if len(cores) == 1 else 2]:
        runs: dict[str, list[dict[str, float]]] = {"s2i-preprocess": []}
        runs |= {f"Python, {peer}": [] for peer in peers}
        for repetition in range(arguments.repetitions + 1):
            out = folder / "out"
            for name in runs:
                target = out / name.replace(", ", "-")
                target.mkdir(parents=True)
                if name == "s2i-preprocess":
                    result = measure_program(arguments, used, target)
                else:
                    result = measure_peer(arguments, name.split()[-1], used, target)
                if repetition > 0:  # the first is a warm-up
                    runs[name].append(result)
            if repetition == 0 and len(used) == 1:
                difference = compare_outputs(out / "s2i-preprocess", arguments.split, out / "Python-soxr")
                print(f"largest difference to a sample of the Python pipeline: {difference} of 32768")
            shutil.rmtree(out)
        ours = None
        for name, results in runs.items():
            medians = report(name, len(used), results, seconds)
            ours = ours or medians
            if medians is not ours:
                ratios = [f"{clock} {ours[clock] / medians[clock]:.2f}" for clock in medians]
                print(f"{'':24} speedup of s2i-preprocess: " + ", ".join(ratios))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, default=Path("build/release/bin/s2i-preprocess"))
    parser.add_argument("--corpus", type=Path, help="corpus of WAV files (default: generate one)")
    parser.add_argument("--split", default="train")
    parser.add_argument("--utterances", type=int, default=1024, help="size of the generated corpus")
    parser.add_argument("--repetitions", type=int, default=5, help="measured repetitions, after one warm-up")
    parser.add_argument("--scratch", type=Path, help="folder for the output (default: /tmp)")
    parser.add_argument("--peer", choices=tuple(RESAMPLERS), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        run_peer(arguments)
        return
    with tempfile.TemporaryDirectory(dir=arguments.scratch, prefix="preprocess-bench-") as folder:
        bench(arguments, Path(folder))


if __name__ == "__main__":
    main()

"""Shared code of the end-to-end tests: the programs, a small corpus of tones, its shards and a model.

The programs are in $S2I_BIN. The corpus is synthetic, generated with a seed: four intents with tones of different
rhythms, small enough for two CPU cores. Tests of exactness do not need real speech.
"""

import csv
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")
sf = pytest.importorskip("soundfile", reason="soundfile is not installed")

BIN = Path(os.environ.get("S2I_BIN", "build/release/bin")).resolve()
INTENTS = ["ask_balance", "block_card", "find_branch", "greet"]
MPI_ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "OMP_NUM_THREADS": "1",
}


def run(program, *arguments, ranks=None, check=True, stdin=None, environment=None, timeout=300):
    """Runs a program of the project; with `ranks`, under mpirun. Returns the finished process."""
    command = [str(BIN / program), *map(str, arguments)]
    if ranks is not None:
        command = ["mpirun", "-np", str(ranks), *command]
    done = subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=timeout,
                          env={**os.environ, **MPI_ENVIRONMENT, **(environment or {})})
    if check and done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\nstatus {done.returncode}\n{done.stderr[-4000:]}")
    return done


def message(done, status):
    """The last line of the log, after checking the status and that there is no stack trace."""
    assert done.returncode == status, done.stderr
    assert "terminate called" not in done.stderr
    assert "internal error" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if " error " in line]
    assert errors, done.stderr
    return errors[-1]


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def wait_until(condition, what, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"no {what} in {seconds} s"
        time.sleep(0.01)


def steps_logged(folder):
    metrics = folder / "metrics.jsonl"
    return metrics.read_text().count("\n") if metrics.exists() else 0


def start_train(*arguments, environment=None, launcher=()):
    """Starts s2i-train and returns the process; the caller must wait for it."""
    return subprocess.Popen([*launcher, BIN / "s2i-train", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={**os.environ, **MPI_ENVIRONMENT, **(environment or {})})


def wait_for_steps(folder, count, process):
    """Waits until `count` steps are logged; fails if the run ends before."""
    wait_until(lambda: process.poll() is not None or steps_logged(folder) >= count, f"step {count}")
    assert steps_logged(folder) >= count, process.communicate()


def progress(folder, rank):
    """The content of a rank's progress file."""
    return json.loads((folder / f"progress/rank-{rank:05}.json").read_text())


def write_split(folder, name, per_intent, rng, rows_before=0):
    """Writes wav_audios/ and NAME.csv: utterances of 0.3 to 1.2 s at 8 kHz, six speakers."""
    (folder / "wav_audios").mkdir(parents=True, exist_ok=True)
    rows = []
    for intent in range(len(INTENTS)):
        for _ in range(per_intent):
            number = rows_before + len(rows)
            seconds = rng.uniform(0.3, 1.2)
            t = np.arange(int(8000 * seconds)) / 8000
            tone = np.sin(2 * np.pi * (300 + 250 * intent + rng.uniform(-40, 40)) * t)
            audio = 0.3 * tone * (np.sin(2 * np.pi * (2 + intent) * t) > 0) + 0.01 * rng.standard_normal(t.size)
            path = f"wav_audios/{number}.wav"
            sf.write(folder / path, audio, 8000, subtype="PCM_16")
            rows.append([number, intent, "words, quoted", path, number % 6])
    with open(folder / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "intent_class", "template", "audio_path", "speaker_id"])
        writer.writerows(rows)
    return len(rows)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(5)
    count = write_split(folder, "train", 14, rng)
    write_split(folder, "test", 5, rng, count)
    with open(folder / "intent_info.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["intent_class", "intent_name", "description"])
        writer.writerows([i, name, ""] for i, name in enumerate(INTENTS))
    return folder


@pytest.fixture(scope="session")
def shards(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    run("s2i-preprocess", "--corpus", corpus, "--split", "train,test", "--out", folder)
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """Random weights of a small shape, as a Hugging Face directory."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    run("s2i-make-random-model", "--shape", "tiny", "--out", folder, "--seed", "3", "--labels", len(INTENTS))
    return folder


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    """A configuration file; tests override the settings that they test."""
    path = tmp_path_factory.mktemp("config") / "test.yaml"
    path.write_text(
        "batch: {global: 12}\n"
        "optimizer: {learning_rate: 1.0e-3}\n"
        "model: {freeze_feature_encoder: false}\n"
        "train: {epochs: 2}\n"
        "run: {seed: 11, device: cpu, threads: 1}\n")
    return path


@pytest.fixture
def train(settings, shards, model, tmp_path):
    """train(name, *overrides, ranks=, ...) -> (run folder, finished process)."""

    def start(name, *overrides, **options):
        folder = tmp_path / name
        done = run("s2i-train", settings, f"data.dir={shards}", f"model.init={model}",
                   f"run.dir={folder}", *overrides, **options)
        return folder, done

    return start


@pytest.fixture
def job(settings, shards, model, tmp_path):
    """job(ranks or None, *overrides) -> (process, run folder), after the third step of the run.

    With `ranks` the process is mpirun. The overrides must make the run long; it is killed after the test.
    """
    started = []

    def start(ranks, *overrides):
        folder = tmp_path / "run"
        launcher = ["mpirun", "-np", str(ranks)] if ranks else []
        process = start_train(settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={folder}",
                              "cluster.progress_seconds=0.2", *overrides, launcher=launcher)
        started.append(process)
        wait_for_steps(folder, 3, process)
        return process, folder

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture(scope="session")
def trained(settings, shards, model, tmp_path_factory):
    """The run folder of one finished run, for tests that only read it."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    run("s2i-train", settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={folder}")
    return folder

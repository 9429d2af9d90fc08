"""Memory that runs out, signals that come outside of steps, a second start in one run folder, a best
checkpoint that is lost: one clear message each, and what was learned is kept.

Libraries of tests/faults are preloaded into the programs: allocations above a limit fail, and a signal comes
at a chosen read.
"""

import json
import os
import re
import signal

import numpy as np
import pytest
import soundfile as sf
from checkpoint_test import ENOSPC, faults
from conftest import BIN, read_lines, run, start_train, wait_for_steps
from resume_test import RANDOM, assert_same, outcome

LIBRARIES = BIN.parent / "lib"
MEMORY_LIMIT = LIBRARIES / "libs2i_memory_limit.so"
SIGNAL_AT_READ = LIBRARIES / "libs2i_signal_at_read.so"

pytestmark = pytest.mark.skipif(not SIGNAL_AT_READ.exists(), reason="tests/faults is not built")
limits_memory = pytest.mark.skipif(not MEMORY_LIMIT.exists(), reason="tests/faults has no memory_limit in this build")


def memory_of(count):
    return {"LD_PRELOAD": str(MEMORY_LIMIT), "S2I_MEMORY_LIMIT": str(count)}


def signal_at_read(number, at, below, after, rank=None):
    words = f"signal={int(number)} at={at} below={below} after={after}" + (f" rank={rank}" if rank else "")
    return {"LD_PRELOAD": str(SIGNAL_AT_READ), "S2I_SIGNAL_AT_READ": words}


# Of one utterance a batch, so that there are many: twenty here.
VALIDATES = [*RANDOM, "data.validation_split=test", "batch.evaluation=1"]


@pytest.mark.parametrize("ranks, number", [(None, signal.SIGTERM), (2, signal.SIGUSR1)])
def test_a_signal_in_a_validation_saves_and_the_next_start_validates(train, shards, tmp_path, ranks, number):
    whole, _ = train("whole", *VALIDATES, ranks=ranks)
    # The third utterance of the first validation, and of the validation that makes up for it.
    plan = signal_at_read(number, 3, shards / "test", tmp_path / "run/metrics.jsonl", rank=ranks and 1)
    for _ in range(2):
        folder, done = train("run", *VALIDATES, ranks=ranks, environment=plan, check=False)
        assert done.returncode == 128 + number, done.stderr
        assert "after saving step 5; repeat the command to resume" in done.stderr
        state = json.loads((folder / "last/run_state.json").read_text())
        assert state["step"] == 5 and state["validation_due"]
        assert (folder / "validation.jsonl").read_text() == ""
        assert len(read_lines(folder / "metrics.jsonl")) == 5
    train("run", *VALIDATES, ranks=ranks)
    assert_same(outcome(whole), outcome(folder))


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_signal_in_the_final_evaluation_leaves_it_to_the_next_start(train, shards, tmp_path, ranks):
    overrides = [*RANDOM, "batch.evaluation=1"]
    whole, _ = train("whole", *overrides, ranks=ranks)
    plan = signal_at_read(signal.SIGUSR1, 3, shards / "test", tmp_path / "run/metrics.jsonl", rank=ranks and 1)
    folder, done = train("run", *overrides, ranks=ranks, environment=plan, check=False)
    assert done.returncode == 128 + signal.SIGUSR1, done.stderr
    assert "in the final evaluation; repeat the command to resume" in done.stderr
    assert not (folder / "evaluation.json").exists()
    train("run", *overrides, ranks=ranks)
    assert_same(outcome(whole), outcome(folder))


def test_an_early_stop_holds_when_only_the_evaluation_is_left(train, shards, tmp_path):
    # Nothing is learned, so no validation is better than the first.
    overrides = ["optimizer.learning_rate=1.0e-20", "train.early_stop_patience=1", "train.epochs=50",
                 "batch.evaluation=1"]
    plan = signal_at_read(signal.SIGUSR1, 3, shards / "test", tmp_path / "run/metrics.jsonl")
    folder, done = train("run", *overrides, environment=plan, check=False)
    assert done.returncode == 128 + signal.SIGUSR1, done.stderr
    steps = len(read_lines(folder / "metrics.jsonl"))
    assert steps < 250
    train("run", *overrides)
    assert len(read_lines(folder / "metrics.jsonl")) == steps
    assert (folder / "evaluation.json").exists()


@pytest.mark.parametrize("steps", ["train.max_steps=2", "train.max_steps=100000"], ids=["end", "signal"])
def test_a_last_write_that_fails_once_is_tried_again(settings, shards, model, tmp_path, steps):
    folder = tmp_path / "run"
    # With an epoch of 56 steps a signal's checkpoint is the first.
    process = start_train(settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={folder}", "batch.global=1",
                    "data.validation_fraction=0", "train.epochs=0", steps,
                    environment=faults(f"{folder}/checkpoints/.writing-", error=ENOSPC, at=0))
    if "100000" in steps:
        wait_for_steps(folder, 1, process)
        process.send_signal(signal.SIGUSR1)
    stderr = process.communicate(timeout=120)[1]
    assert "consecutive failed writes: 1" in stderr
    assert process.returncode == (128 + signal.SIGUSR1 if "100000" in steps else 0), stderr
    assert run("s2i-checkpoint", "verify", folder).stdout.count(": valid") == 1
    assert (folder / "evaluation.json").exists() == ("100000" not in steps)


def test_the_wait_for_the_last_checkpoint_is_said(train, tmp_path):
    _, done = train("run", "train.max_steps=1", environment=faults(tmp_path / "run", delay_ms=20))
    waited = re.search(r"blocked ([0-9.]+) s on the final checkpoint", done.stderr)
    assert float(waited[1]) > 0.2  # a write has well over ten fsyncs


def test_a_run_folder_is_one_runs_at_a_time(train, settings, shards, model, tmp_path):
    folder = tmp_path / "run"
    endless = [settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={folder}", "train.epochs=100000"]
    first = start_train(*endless)
    wait_for_steps(folder, 1, first)
    half_written = folder / "checkpoints/.writing-step-99999999"
    half_written.mkdir()
    second = run("s2i-train", *endless, "cluster.timeout_seconds=1", check=False)
    assert second.returncode == 2
    assert f"in use by process {first.pid} on " in second.stderr
    assert half_written.exists()
    assert run("s2i-train", *endless, "--dry-run").returncode == 0
    # One that waits goes on when the first has ended, whatever ended it.
    third = start_train(*endless)
    while "waiting up to" not in (line := third.stderr.readline()):
        assert line, "the third start did not wait"
    first.kill()
    first.communicate()
    while "per epoch" not in (line := third.stderr.readline()):
        assert line, "the third start did not go on"
    wait_for_steps(folder, 1, third)
    third.send_signal(signal.SIGUSR1)
    assert third.communicate(timeout=120) and third.returncode == 128 + signal.SIGUSR1


def test_a_best_checkpoint_that_is_lost_is_named(train):
    # After the first step, still small, each makes it worse.
    overrides = ["optimizer.learning_rate=0.1", "train.evaluate_every_steps=1", "train.max_steps=5",
                 "checkpoint.keep=10", "data.validation_split=test"]
    folder, _ = train("run", *overrides)
    best, last = (os.readlink(folder / name) for name in ("best", "last"))
    assert best != last
    weights = folder / best / "model/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    (folder / "evaluation.json").unlink()
    for ranks in (None, 2):
        _, done = train("run", *overrides, ranks=ranks, check=False)
        assert done.returncode == 1, done.stderr
        assert "model.safetensors" in done.stderr and f"s2i-checkpoint list {folder}" in done.stderr
        assert not (folder / "evaluation.json").exists()
    (folder / "best").unlink()
    os.symlink(last, folder / "best")
    train("run", *overrides)
    assert (folder / "evaluation.json").exists()


@limits_memory
def test_memory_that_runs_out_says_which_batch_and_what_to_set(train):
    # The activations of a whole batch are larger than anything before them.
    for options in [[], ["--dry-run"]]:
        _, done = train("run", "batch.micro=12", *options, environment=memory_of(3_000_000), check=False)
        assert done.returncode == 1, done.stderr
        error = [line for line in done.stderr.splitlines() if " error " in line][-1]
        assert re.search("out of memory in a dry run" if options else r"out of memory in step \d+ ", error)
        assert "12 utterances of" in error and "% padding; the longest is '" in error
        assert "lower batch.micro (now 12" in error


@limits_memory
def test_memory_that_the_loader_lacks_is_told_of_its_own_batch(train):
    # The audio of the longest batch alone has 921,216 bytes.
    _, done = train("run", "batch.micro=12", "--dry-run", environment=memory_of(800_000), check=False)
    assert done.returncode == 1, done.stderr
    assert "out of memory in a dry run on rank 0 with a micro-batch of 12 utterances of 19192 samples" in done.stderr


@limits_memory
def test_memory_that_runs_out_in_an_evaluation(train, trained, shards):
    limit = memory_of(3_000_000)
    _, done = train("run", "batch.micro=1", "batch.evaluation=20", "data.validation_split=test",
                    environment=limit, check=False)
    assert done.returncode == 1, done.stderr
    assert "out of memory in an evaluation on rank 0 with a batch of 20 utterances" in done.stderr
    assert "lower batch.evaluation (now 20" in done.stderr
    arguments = ["s2i-evaluate", "--model", trained / "best/model", "--data", shards, "--batch"]
    done = run(*arguments, 20, environment=limit, check=False)
    assert done.returncode == 1 and "lower --batch (now 20" in done.stderr, done.stderr
    assert run(*arguments, 1, environment=limit).returncode == 0


@limits_memory
def test_a_file_too_long_for_the_memory_does_not_end_the_list(trained, corpus, tmp_path):
    long = tmp_path / "long.wav"
    sf.write(long, 0.1 * np.random.default_rng(1).standard_normal(16000 * 30), 16000, subtype="PCM_16")
    short = [corpus / "wav_audios/0.wav", corpus / "wav_audios/1.wav"]
    done = run("s2i-predict", "--model", trained / "best/model", short[0], long, short[1],
               environment=memory_of(3_000_000), check=False)
    assert done.returncode == 1
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [str(path) for path in short]
    assert f"{long}: out of memory" in done.stderr

"""s2i-train killed at calls that change files between two checkpoints, and the end that follows.

tests/faults counts the calls below the run folder, and kills before the chosen one; a write is done by half. The
interval is a whole start: it goes on from a checkpoint, tidies the folder and the logs, takes the steps to the
next checkpoint (written behind the training) and ends. Every seventh call is taken, from a seeded one on, for all
of them take many minutes; S2I_KILL_EVERY=1 takes all.
"""

import os
import random
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import BIN, run
from resume_test import assert_same, outcome

FAULTS = BIN.parent / "lib/libs2i_file_faults.so"
RUN = ["model.dropout=0.1", "batch.global=4", "schedule.name=constant", "schedule.warmup_steps=0", "train.epochs=0",
       "train.evaluate_every_steps=2", "checkpoint.every_steps=2", "checkpoint.keep=2", "data.test_split=",
       "cluster.progress_seconds=3600"]
FIRST, END = "train.max_steps=2", "train.max_steps=4"
EVERY = int(os.environ.get("S2I_KILL_EVERY", "7"))
SEED = 17

pytestmark = pytest.mark.skipif(not FAULTS.exists(), reason="tests/faults is not built")


def state(folder):
    """There is no test split, so no evaluation to compare."""
    (folder / "evaluation.json").write_text("null")
    return outcome(folder)


def test_killed_anywhere_between_two_checkpoints_it_ends_as_if_undisturbed(settings, shards, model, tmp_path):
    arguments = [settings, f"data.dir={shards}", f"model.init={model}", *RUN]
    run("s2i-train", *arguments, FIRST, f"run.dir={tmp_path / 'prefix'}")

    def start(at):
        """A copy of the prefix, and how its next start ends if it is killed at call `at`."""
        folder = tmp_path / f"at-{at}"
        shutil.copytree(tmp_path / "prefix", folder, symlinks=True)
        plan = {"LD_PRELOAD": str(FAULTS), "S2I_FAULTS": f"below={folder} kill=1 at={at}"}
        return folder, run("s2i-train", *arguments, END, f"run.dir={folder}", check=False, environment=plan)

    whole, done = start(10**9)
    assert done.returncode == 0, done.stderr
    expected = state(whole)

    def killed(at):
        """False for a number that no call has any more."""
        folder, done = start(at)
        assert done.returncode in (0, -signal.SIGKILL), f"call {at}: {done.stderr}"
        if done.returncode == 0:
            return False
        again = run("s2i-train", *arguments, END, f"run.dir={folder}")
        assert "corrupt" not in again.stderr, f"call {at}: {again.stderr}"
        assert_same(expected, state(folder))
        shutil.rmtree(folder)
        return True

    cases, at = 0, random.Random(SEED).randrange(EVERY)
    with ThreadPoolExecutor(2) as pool:
        while True:
            outcomes = list(pool.map(killed, range(at, at + 8 * EVERY, EVERY)))
            cases += sum(outcomes)
            at += 8 * EVERY
            if not all(outcomes):
                break
    print(f"{cases} cases")
    assert cases > 50 / EVERY

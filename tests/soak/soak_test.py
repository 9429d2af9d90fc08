"""Soak: a run under a seeded monkey ends with the same parameters as an undisturbed one.

The monkey deals decks of all kinds of faults (monkey.py), one fault a start, until its time is over and each
kind has been; the last start is left alone. S2I_SOAK_SECONDS (120) is the monkey's time, S2I_SOAK_SEED (1)
says which faults; S2I_SOAK_REPORT names a file for the counts, as JSON.
"""

import json
import os
import random
import shutil
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from conftest import corpus, model, read_lines, settings, shards  # noqa: E402, F401
from monkey import FAULTS, KINDS, Monkey  # noqa: E402
from resume_test import RANDOM, assert_same, outcome  # noqa: E402

SECONDS = float(os.environ.get("S2I_SOAK_SECONDS", "120"))
SEED = int(os.environ.get("S2I_SOAK_SEED", "1"))
RUN = [*RANDOM, "train.epochs=0", "train.evaluate_every_steps=20", "checkpoint.every_steps=3", "checkpoint.keep=3",
       "checkpoint.max_failures=100"]
MOST_STEPS = 20  # that a start takes beyond the ones before it, and some more until its fault acts
RESERVE = 100    # steps, for the last start
# A start takes some seconds to begin, so these last for the time; harass() deals them out.
TOTAL = RESERVE + max(3 * len(KINDS) * MOST_STEPS, int(1.2 * SECONDS))

# The allocator's pools grow with the longest batch met so far; what leaks at every step, checkpoint or
# validation would be a multiple of this over a run.
MORE_MEMORY = 16  # MiB, from the second fifth of the undisturbed run to its last
# Every start reads the metrics of all steps before, of which half a kilobyte a step is held for a moment.
MORE_MEMORY_OVER_STARTS = 64  # MiB, from the first third of the starts to the last
MORE_FILES_OVER_STARTS = 8    # those of a checkpoint, in starts too short for a look between two

pytestmark = pytest.mark.skipif(not FAULTS.exists(), reason="tests/faults is not built")


@pytest.fixture
def runs(settings, shards, model, tmp_path):  # noqa: F811
    """runs(name, steps) -> a Monkey for a run folder of this name; whatever it starts ends with the test."""
    made = []

    def make(name, steps):
        own_shards, logs = tmp_path / f"{name}-shards", tmp_path / f"{name}-logs"
        shutil.copytree(shards, own_shards)
        logs.mkdir()
        arguments = [settings, f"data.dir={own_shards}", f"model.init={model}", *RUN, f"train.max_steps={steps}"]
        made.append(Monkey(arguments, own_shards, tmp_path / name, logs, random.Random(SEED)))
        return made[-1]

    yield make
    for monkey in made:
        for start in monkey.starts:
            start.end_now()


def undisturbed(monkey):
    start = monkey.start()
    status = start.wait_for_end()
    assert status == 0, start.tail()
    return start


def assert_steady(first, last, more_memory, more_files, when):
    for rank, ((memory, files), (memory_after, files_after)) in enumerate(zip(first, last)):
        assert files_after <= files + more_files, f"{when}, rank {rank}: {files} files open, then {files_after}"
        assert memory_after <= memory + more_memory, f"{when}, rank {rank}: {memory:.0f} MiB, then {memory_after:.0f}"


def harass(monkey, total):
    """Returns the counts of faults by kind."""
    rng, began, seen, deck = monkey.rng, time.monotonic(), dict.fromkeys(KINDS, 0), []
    reached = 0
    while (time.monotonic() - began < SECONDS or 0 in seen.values()) and reached < total - RESERVE:
        deck = deck or rng.sample(KINDS, len(KINDS))
        # The steps that are left have to last for the time that is left.
        spent, number = time.monotonic() - began, len(monkey.starts)
        starts_left = max(1.0, (SECONDS - spent) * number / spent if number else SECONDS / 3)
        most = min(MOST_STEPS, (total - RESERVE - reached) / starts_left)
        kind = deck.pop()
        monkey.strike(kind, reached + 1 + int(rng.random() * most))
        if kind != "damage" or monkey.damaged:
            seen[kind] += 1
        reached = max(reached, monkey.starts[-1].reached())
        print(f"{time.monotonic() - began:7.1f} s  {kind:9} past step {reached} of {total}", flush=True)
    return seen, time.monotonic() - began


def test_soak(runs):
    whole = runs("whole", TOTAL)
    long_start = undisturbed(whole)
    early = long_start.between(0.2 * TOTAL, 0.4 * TOTAL)
    late = long_start.between(0.8 * TOTAL, TOTAL - 1)
    assert_steady(early, late, MORE_MEMORY, 0, "in the undisturbed run")

    monkey = runs("disturbed", TOTAL)
    seen, seconds = harass(monkey, TOTAL)
    last = undisturbed(monkey)
    monkey.check_log(last)
    report = {"seed": SEED, "seconds": round(seconds, 1), "steps": TOTAL, "starts": len(monkey.starts),
              "faults": seen, "memory_mib": {"early": [m for m, _ in early], "late": [m for m, _ in late]},
              "open_files": {"early": [f for _, f in early], "late": [f for _, f in late]}}
    print(json.dumps(report, indent=2))
    if path := os.environ.get("S2I_SOAK_REPORT"):
        Path(path).write_text(json.dumps(report, indent=2) + "\n")

    assert all(seen.values()), seen
    third = max(1, len(monkey.starts) // 3)
    first_third, last_third = ([start.between(0, TOTAL) for start in part]
                               for part in (monkey.starts[:third], monkey.starts[-third - 1:-1]))
    most = [[(max(start[rank][0] for start in part), max(start[rank][1] for start in part)) for rank in range(2)]
            for part in (first_third, last_third)]
    assert_steady(*most, MORE_MEMORY_OVER_STARTS, MORE_FILES_OVER_STARTS, "over the starts")
    assert len(read_lines(monkey.folder / "metrics.jsonl")) == TOTAL
    assert_same(outcome(whole.folder), outcome(monkey.folder))

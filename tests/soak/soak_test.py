"""Soak test: a run with random faults ends with the same parameters as an uninterrupted run.

Each start of the run gets one fault (fault_injector.py). All kinds of faults occur in random order, repeatedly,
until the time is over. The last start has no fault. Environment: S2I_SOAK_SECONDS (default 120), S2I_SOAK_SEED
(default 1), S2I_SOAK_REPORT (file for a JSON report).
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
from fault_injector import FAULTS, KINDS, FaultInjector  # noqa: E402
from resume_test import RANDOM, assert_same, outcome  # noqa: E402

SECONDS = float(os.environ.get("S2I_SOAK_SECONDS", "120"))
SEED = int(os.environ.get("S2I_SOAK_SEED", "1"))
RUN = [*RANDOM, "train.epochs=0", "train.evaluate_every_steps=20", "checkpoint.every_steps=3", "checkpoint.keep=3",
       "checkpoint.max_failures=100"]
MAX_STEPS_PER_START = 20  # new steps per start before its fault
RESERVE = 100             # steps left for the last start
# Sufficient for S2I_SOAK_SECONDS, because each start takes some seconds; inject_faults() distributes the steps.
TOTAL = RESERVE + max(3 * len(KINDS) * MAX_STEPS_PER_START, int(1.2 * SECONDS))

# Limits on growth. The allocator's pools grow with the longest batch so far; a leak at every step, checkpoint or
# validation would be several times larger than this limit.
MEMORY_GROWTH = 16  # MiB, from the second fifth of the uninterrupted run to its last fifth
# Every start reads the metrics of all earlier steps, which temporarily takes about 0.5 KB per step.
MEMORY_GROWTH_OVER_STARTS = 64  # MiB, from the first third of the starts to the last third
FILES_GROWTH_OVER_STARTS = 8    # open files of a checkpoint write, in starts with few samples

pytestmark = pytest.mark.skipif(not FAULTS.exists(), reason="tests/faults is not built")


@pytest.fixture
def runs(settings, shards, model, tmp_path):  # noqa: F811
    """runs(name, steps) -> a FaultInjector for a run folder. Its processes are killed at the end of the test."""
    made = []

    def make(name, steps):
        own_shards, logs = tmp_path / f"{name}-shards", tmp_path / f"{name}-logs"
        shutil.copytree(shards, own_shards)
        logs.mkdir()
        arguments = [settings, f"data.dir={own_shards}", f"model.init={model}", *RUN, f"train.max_steps={steps}"]
        made.append(FaultInjector(arguments, own_shards, tmp_path / name, logs, random.Random(SEED)))
        return made[-1]

    yield make
    for injector in made:
        for start in injector.starts:
            start.kill_all()


def run_to_end(injector):
    start = injector.start()
    status = start.wait_for_end()
    assert status == 0, start.tail()
    return start


def assert_no_growth(first, last, memory_growth, files_growth, when):
    for rank, ((memory, files), (memory_after, files_after)) in enumerate(zip(first, last)):
        assert files_after <= files + files_growth, f"{when}, rank {rank}: {files} files open, then {files_after}"
        assert memory_after <= memory + memory_growth, f"{when}, rank {rank}: {memory:.0f} MiB, then {memory_after:.0f}"


def inject_faults(injector, total):
    """Returns (number of faults by kind, seconds)."""
    rng, began, counts, remaining = injector.rng, time.monotonic(), dict.fromkeys(KINDS, 0), []
    reached = 0
    while (time.monotonic() - began < SECONDS or 0 in counts.values()) and reached < total - RESERVE:
        remaining = remaining or rng.sample(KINDS, len(KINDS))
        # Distribute the remaining steps over the remaining time.
        elapsed, number = time.monotonic() - began, len(injector.starts)
        starts_left = max(1.0, (SECONDS - elapsed) * number / elapsed if number else SECONDS / 3)
        max_steps = min(MAX_STEPS_PER_START, (total - RESERVE - reached) / starts_left)
        kind = remaining.pop()
        injector.inject(kind, reached + 1 + int(rng.random() * max_steps))
        if kind != "corrupt" or injector.corrupted:
            counts[kind] += 1
        reached = max(reached, injector.starts[-1].reached())
        print(f"{time.monotonic() - began:7.1f} s  {kind:9} after step {reached} of {total}", flush=True)
    return counts, time.monotonic() - began


def test_soak(runs):
    uninterrupted = runs("uninterrupted", TOTAL)
    long_start = run_to_end(uninterrupted)
    early = long_start.between(0.2 * TOTAL, 0.4 * TOTAL)
    late = long_start.between(0.8 * TOTAL, TOTAL - 1)
    assert_no_growth(early, late, MEMORY_GROWTH, 0, "in the uninterrupted run")

    injector = runs("faults", TOTAL)
    counts, seconds = inject_faults(injector, TOTAL)
    last = run_to_end(injector)
    injector.check_log(last)
    report = {"seed": SEED, "seconds": round(seconds, 1), "steps": TOTAL, "starts": len(injector.starts),
              "faults": counts, "memory_mib": {"early": [m for m, _ in early], "late": [m for m, _ in late]},
              "open_files": {"early": [f for _, f in early], "late": [f for _, f in late]}}
    print(json.dumps(report, indent=2))
    if path := os.environ.get("S2I_SOAK_REPORT"):
        Path(path).write_text(json.dumps(report, indent=2) + "\n")

    assert all(counts.values()), counts
    third = max(1, len(injector.starts) // 3)
    first_third, last_third = ([start.between(0, TOTAL) for start in part]
                               for part in (injector.starts[:third], injector.starts[-third - 1:-1]))
    maxima = [[(max(start[rank][0] for start in part), max(start[rank][1] for start in part)) for rank in range(2)]
            for part in (first_third, last_third)]
    assert_no_growth(*maxima, MEMORY_GROWTH_OVER_STARTS, FILES_GROWTH_OVER_STARTS, "over the starts")
    assert len(read_lines(injector.folder / "metrics.jsonl")) == TOTAL
    assert_same(outcome(uninterrupted.folder), outcome(injector.folder))

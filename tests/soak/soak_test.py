"""Soak: a run under a seeded monkey ends with the same parameters as an undisturbed one.

The monkey waits a moment and then kills a rank, sends a signal, hangs a rank (the watchdog has to end the
job), fills the disk for a while or damages the newest checkpoint; then the same command starts again. Until
its time is over; the last start is left alone. S2I_SOAK_SECONDS (60) and S2I_SOAK_SEED (1) say how long and
which.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from conftest import BIN, MPI_ENVIRONMENT, corpus, model, read_lines, settings, shards  # noqa: E402, F401
from resume_test import RANDOM, assert_same, outcome  # noqa: E402

FAULTS = BIN.parent / "lib/libs2i_file_faults.so"
SECONDS = float(os.environ.get("S2I_SOAK_SECONDS", "60"))
SEED = int(os.environ.get("S2I_SOAK_SEED", "1"))
RUN = [*RANDOM, "checkpoint.every_steps=2", "checkpoint.keep=3", "checkpoint.max_failures=100",
       "cluster.timeout_seconds=5"]


def ranks_of(process):
    listed = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout
    return [int(pid) for pid in listed.split()]


def usage(pid):
    """Resident memory in MiB and open files, or None if the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 2**20, len(os.listdir(f"/proc/{pid}/fd"))
    except (OSError, IndexError):
        return None


def damage_newest(folder, rng):
    found = sorted((folder / "checkpoints").glob("step-*"))
    if len(found) < 2:
        return False
    path = rng.choice(sorted(p for p in found[-1].rglob("*") if p.is_file()))
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 + rng.randrange(255)
    path.write_bytes(content)
    return True


def test_soak(settings, shards, model, tmp_path):  # noqa: F811
    epochs = max(20, int(SECONDS))
    arguments = [settings, f"data.dir={shards}", f"model.init={model}", *RUN, f"train.epochs={epochs}"]
    rng = random.Random(SEED)

    def start(folder, environment=None):
        log = open(tmp_path / f"{folder.name}.log", "a")
        return subprocess.Popen(["mpirun", "-np", "2", BIN / "s2i-train", *arguments, f"run.dir={folder}"],
                                stderr=log, stdout=log, env={**os.environ, **MPI_ENVIRONMENT, **(environment or {})})

    whole = tmp_path / "whole"
    assert start(whole).wait(timeout=600) == 0
    folder = tmp_path / "disturbed"
    faults = {}
    deadline = time.time() + SECONDS
    starts = 0
    while True:
        starts += 1
        fault = rng.choice(["kill", "signal", "hang", "full", "damage"]) if time.time() < deadline else None
        environment = None
        if fault == "full":
            environment = {"LD_PRELOAD": str(FAULTS),
                           "S2I_FAULTS": f"below={folder} error=28 at={rng.randrange(300, 900)} count=30"}
        process = start(folder, environment)
        lines_before = len(read_lines(folder / "metrics.jsonl")) if (folder / "metrics.jsonl").exists() else 0
        wanted = lines_before + rng.randrange(3, 12)
        first_usage, last_usage = {}, {}
        while process.poll() is None:
            time.sleep(0.05)
            for pid in ranks_of(process):
                if (now := usage(pid)) is not None:
                    last_usage[pid] = now
            metrics = folder / "metrics.jsonl"
            lines = metrics.read_text().count("\n") if metrics.exists() else 0
            if lines > lines_before and not first_usage:
                first_usage = dict(last_usage)
            if fault in (None, "full") or lines < wanted:
                continue
            ranks = ranks_of(process)
            if len(ranks) < 2:
                continue
            victim = rng.choice(ranks)
            if fault in ("kill", "damage"):
                os.kill(victim, signal.SIGKILL)
            elif fault == "signal":
                os.kill(victim, rng.choice([signal.SIGTERM, signal.SIGUSR1, signal.SIGINT]))
            else:
                os.kill(victim, signal.SIGSTOP)
            process.wait(timeout=120)
            if fault == "hang":
                assert "the run hangs" in (tmp_path / f"{folder.name}.log").read_text()
        status = process.wait()
        if fault:
            faults[fault] = faults.get(fault, 0) + 1
        for pid, (memory, files) in first_usage.items():
            assert last_usage[pid][1] <= files + 8, f"open files: {files}, then {last_usage[pid][1]}"
            assert last_usage[pid][0] <= memory * 1.5 + 256, f"MiB: {memory}, then {last_usage[pid][0]}"
        if status == 0:
            break
        if fault == "damage" and not damage_newest(folder, rng):
            faults["damage"] -= 1
    print(f"\n{starts} starts, faults {json.dumps(faults)}")
    assert_same(outcome(whole), outcome(folder))

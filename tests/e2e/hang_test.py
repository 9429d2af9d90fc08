"""A run that hangs says where and ends; a rank that dies or lags is named; a file a rank tells meanwhile."""

import contextlib
import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
from conftest import progress, read_lines, wait_until

LONG = ["train.epochs=100000", "data.test_split=", "data.validation_fraction=0"]


def alive(pid):
    """A zombie that its parent has not looked at yet is not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_stopped_rank_is_named_and_the_job_ends(job):
    process, folder = job(3, *LONG, "cluster.timeout_seconds=3")
    ranks = [progress(folder, rank)["process"] for rank in range(3)]
    os.kill(ranks[1], signal.SIGSTOP)
    # While it hangs, the others' files tell what they wait in.
    wait_until(lambda: progress(folder, 0).get("collective", {}).get("seconds", 0) > 1, "wait in a collective")
    stuck = progress(folder, 0)
    assert stuck["state"] == "running" and stuck["unit"].startswith("train step ")
    assert [step["step"] for step in stuck["last_steps"]] == sorted(step["step"] for step in stuck["last_steps"])
    errors = process.communicate(timeout=90)[1]
    assert process.returncode == 1
    assert "rank 0 of 3 on" in errors and "rank 2 of 3 on" in errors
    assert "the run hangs; 2 of 3 ranks have waited" in errors
    assert "rank 1 on" in errors and "did not answer" in errors
    # mpirun does not wait for their last breath.
    wait_until(lambda: not any(alive(pid) for pid in ranks), "end of all ranks", 20)
    report = json.loads((folder / "progress/hang.json").read_text())
    assert [rank["answered"] for rank in report["ranks"]] == [True, False, True]
    assert "rank 1 on" in report["summary"]


def test_a_step_beyond_its_limit_ends_the_job(job):
    # The limit of collectives is far away: it is the step of rank 0, which waits, that takes too long.
    process, folder = job(2, *LONG, "cluster.step_timeout_seconds=2")
    os.kill(progress(folder, 1)["process"], signal.SIGSTOP)
    errors = process.communicate(timeout=90)[1]
    assert process.returncode == 1
    assert re.search(r"train step \d+ exceeded cluster.step_timeout_seconds=2: rank 0 of 2", errors), errors


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_rank_ends_the_job_and_the_last_checkpoint_is_whole(job, train, victim):
    process, folder = job(2, *LONG, "checkpoint.every_steps=2")
    wait_until(lambda: (folder / "last").exists(), "checkpoint")
    pids = [progress(folder, rank)["process"] for rank in range(2)]
    os.kill(pids[victim], signal.SIGKILL)
    output, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert f"process rank {victim} " in output + errors and "signal 9" in output + errors
    wait_until(lambda: not any(alive(pid) for pid in pids), "end of all ranks", 20)
    _, done = train("run", *LONG, "train.max_steps=30", "checkpoint.every_steps=2", ranks=2)
    assert "resuming from" in done.stderr and "corrupt" not in done.stderr


def test_a_slow_rank_is_named_once_with_where_its_time_goes(job):
    process, folder = job(2, *LONG, "cluster.straggler_steps=5", "cluster.straggler_factor=2",
                          "run.stop_signals=SIGUSR1")
    slow = progress(folder, 1)["process"]
    done = threading.Event()

    def hold_back():
        while not done.is_set() and process.poll() is None:
            os.kill(slow, signal.SIGSTOP)
            time.sleep(0.2)
            os.kill(slow, signal.SIGCONT)
            time.sleep(0.02)

    holder = threading.Thread(target=hold_back)
    holder.start()
    try:
        line = next(line for line in process.stderr if "straggler" in line)
    finally:
        done.set()
        holder.join()
    assert "rank 1 on" in line and "data" in line and "forward" in line and "backward" in line
    process.send_signal(signal.SIGUSR1)
    rest = process.communicate(timeout=90)[1]
    assert "rank 1 on" not in rest.replace(line, "") or "straggler" not in rest


def test_any_signal_can_be_the_one_that_saves(job):
    process, folder = job(2, *LONG, "run.stop_signals=SIGUSR2")
    process.send_signal(signal.SIGUSR2)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGUSR2, errors
    saved = json.loads((folder / "last/run_state.json").read_text())["step"]
    assert saved == len(read_lines(folder / "metrics.jsonl"))

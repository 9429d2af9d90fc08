"""Training over a link that is cut or slow: messages of the watchdog, exit status, duration."""

import importlib.util
import json
import re
import time
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("e2e", Path(__file__).parents[1] / "e2e/conftest.py")
e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(e2e)
corpus, shards, model, settings = e2e.corpus, e2e.shards, e2e.model, e2e.settings

LIMIT = 4  # cluster.timeout_seconds
ENOUGH = 90  # seconds after which every job has ended, with a large margin


@pytest.fixture
def start(network, settings, shards, model, tmp_path):
    """start(*overrides) -> (mpirun, run folder): a run of a rank on each host, past its first steps."""

    def start(*overrides):
        folder = tmp_path / "run"
        process = network.mpirun(
            [e2e.BIN / "s2i-train", settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={folder}",
             "train.epochs=100000", "data.test_split=", "data.validation_fraction=0",
             "cluster.progress_seconds=0.2", "checkpoint.every_steps=3", *overrides])
        deadline = time.monotonic() + ENOUGH
        while not (folder / "last").exists():
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.05)
        return process, folder

    return start


def wait_until_gone(network):
    deadline = time.monotonic() + 30
    while any(network.processes().values()):
        assert time.monotonic() < deadline, network.processes()
        time.sleep(0.2)


def test_a_cut_link_ends_the_job_with_a_message_and_leaves_no_process(network, start, record_property):
    process, folder = start(f"cluster.timeout_seconds={LIMIT}")
    network.cut("node-b")
    cut = time.monotonic()
    output, errors = process.communicate(timeout=ENOUGH)
    record_property("seconds_from_cut_to_end", time.monotonic() - cut)
    assert process.returncode != 0
    assert re.search(r"rank 0 of 2 on node-a is in train step \d+ for [\d.]+ s, phase", errors)
    assert "the run hangs; 1 of 2 ranks have waited" in errors
    assert "rank 1 on node-b did not answer (its process is stopped, or its node or network is down)" in errors
    # The rank on the other side ends by itself.
    wait_until_gone(network)
    report = json.loads((folder / "progress/hang.json").read_text())
    assert [rank["host"] for rank in report["ranks"]] == ["node-a", "node-b"]
    checked = e2e.run("s2i-evaluate", "--model", folder / "last/model", "--data", folder / "no-such-data",
                      "--out", folder / "report", check=False)
    assert checked.returncode == 2  # and not 1: the model itself is valid


def test_a_slow_link_is_not_an_error(network, start):
    process, folder = start("cluster.timeout_seconds=60")
    lines = folder / "metrics.jsonl"

    def reduction_seconds(count):
        """Median wait for gradients of the next `count` steps."""
        seen = len(whole_lines(lines)) + 2  # these may have started before
        deadline = time.monotonic() + ENOUGH
        while len(whole_lines(lines)) < seen + count:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        return sorted(line["seconds"]["reduction"] for line in whole_lines(lines)[seen:])[count // 2]

    fast = reduction_seconds(20)
    # The tiny model's gradients have 134 kilobytes: a second.
    network.slow(rate="1mbit")
    slow = reduction_seconds(3)
    assert slow > 3 * fast, f"{slow} s over 1 Mbit/s, {fast} s before"
    network.slow()
    process.send_signal(10)
    output, errors = process.communicate(timeout=ENOUGH)
    assert process.returncode == 128 + 10, errors
    assert "hangs" not in errors


def test_a_link_too_slow_for_the_limit_ends_the_job(network, start):
    process, _ = start(f"cluster.timeout_seconds={LIMIT}")
    network.slow(rate="20kbit")
    output, errors = process.communicate(timeout=2 * ENOUGH)
    assert process.returncode != 0
    assert "the run hangs" in errors and "collective" in errors
    wait_until_gone(network)


def whole_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]

"""Checkpoints under faults: disks that fail for a while or for good, kills, slow disks; and s2i-checkpoint.

Faults are injected by tests/faults (a library preloaded into s2i-train), which counts the calls that
change files below a folder.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import pytest
from conftest import BIN, MPI_ENVIRONMENT, read_lines, run, start_train, wait_for_steps
from resume_test import RANDOM, assert_same, outcome, remove_checkpoints_after

FAULTS = BIN.parent / "lib/libs2i_file_faults.so"
OFTEN = [*RANDOM, "checkpoint.every_steps=1", "checkpoint.keep=3"]
ENOSPC = 28

pytestmark = pytest.mark.skipif(not FAULTS.exists(), reason="tests/faults is not built")


def faults(folder, **plan):
    words = [f"below={folder}", *(f"{key}={value}" for key, value in plan.items())]
    return {"LD_PRELOAD": str(FAULTS), "S2I_FAULTS": " ".join(words)}


@pytest.fixture
def undisturbed(train):
    folder, _ = train("undisturbed", *OFTEN)
    return outcome(folder)


def test_a_disk_that_is_full_for_a_while_costs_no_step(train, tmp_path, undisturbed):
    plan = faults(tmp_path / "run", error=ENOSPC, at=400, count=20)
    folder, done = train("run", *OFTEN, "checkpoint.max_failures=100", environment=plan)
    assert "cannot write the checkpoint" in done.stderr and "No space left" in done.stderr
    assert_same(undisturbed, outcome(folder))


@pytest.mark.parametrize("asynchronous", ["true", "false"])
def test_failures_in_a_row_end_the_run_and_the_next_start_goes_on(train, tmp_path, undisturbed, asynchronous):
    overrides = [*OFTEN, f"checkpoint.asynchronous={asynchronous}"]
    plan = faults(tmp_path / "run/checkpoints", error=ENOSPC, at=300, count=10**9)
    folder, done = train("run", *overrides, "checkpoint.max_failures=2", environment=plan, check=False)
    assert done.returncode == 1
    assert "2 consecutive checkpoints" in done.stderr
    steps = len(read_lines(folder / "metrics.jsonl"))
    assert steps < 15
    train("run", *overrides)
    assert_same(undisturbed, outcome(folder))


def test_killed_while_writing_the_next_start_goes_on(train, tmp_path, undisturbed):
    for number, at in enumerate([7, 150, 333, 480, 611]):
        folder, done = train(f"run-{number}", *OFTEN, check=False,
                             environment=faults(tmp_path / f"run-{number}", kill=1, at=at))
        assert done.returncode == -signal.SIGKILL
        train(f"run-{number}", *OFTEN)
        assert_same(undisturbed, outcome(folder))


def test_a_slow_disk_is_seen_in_the_metrics(train, tmp_path, undisturbed):
    plan = faults(tmp_path / "run", delay_ms=20)
    folder, _ = train("run", *OFTEN, environment=plan)
    assert_same(undisturbed, outcome(folder))
    waited = [line["seconds"]["checkpoint"] for line in read_lines(folder / "metrics.jsonl")]
    assert waited[0] == 0
    assert max(waited) > 0.2  # a write has well over ten fsyncs, and the next save waits for it


def test_a_second_signal_ends_at_once(settings, shards, model, tmp_path):
    folder = tmp_path / "run"
    process = start_train(settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={folder}",
                    "train.epochs=1000", environment=faults(folder / "checkpoints", delay_ms=5000))
    wait_for_steps(folder, 2, process)
    process.send_signal(signal.SIGTERM)  # its checkpoint would take a minute and more
    time.sleep(2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == -signal.SIGTERM


def test_the_model_to_start_from_need_not_be_there_on_resume(train, model, tmp_path, undisturbed):
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    overrides = [*OFTEN, "checkpoint.keep=100", f"model.init={copy}"]
    folder, _ = train("run", *overrides)
    remove_checkpoints_after(folder, 7)
    shutil.rmtree(copy)
    _, done = train("run", *overrides)
    assert "step 7 of 15" in done.stderr
    assert_same(undisturbed, outcome(folder))


def test_links_that_a_crash_left_behind_are_mended(train):
    folder, _ = train("run", *OFTEN)
    expected = outcome(folder)
    best = os.readlink(folder / "best")
    (folder / "last").unlink()
    (folder / "best").unlink()
    os.symlink("checkpoints/step-00000001", folder / "best")
    train("run", *OFTEN)
    assert os.readlink(folder / "best") == best
    assert_same(expected, outcome(folder))


def test_going_on_from_an_earlier_one_sets_the_later_ones_aside(train):
    folder, _ = train("run", *RANDOM, "checkpoint.keep=10")
    expected = outcome(folder)
    _, done = train("run", *RANDOM, "checkpoint.keep=1",
                    f"run.resume={folder}/checkpoints/step-00000005")
    assert "superseded-step-00000015" in done.stderr
    assert_same(expected, outcome(folder))


def test_list_verify_and_diff(train):
    folder, _ = train("run", *RANDOM, "checkpoint.keep=10")
    other, _ = train("other", *RANDOM, "checkpoint.keep=10", "run.seed=12")
    listed = json.loads(run("s2i-checkpoint", "list", "--json", folder).stdout)
    assert [entry["step"] for entry in listed] == [5, 10, 15]
    assert all(entry["valid"] for entry in listed) and listed[-1]["last"]
    assert sum(entry["best"] for entry in listed) == 1
    validation = read_lines(folder / "validation.jsonl")
    assert [entry["validation"]["loss"] for entry in listed] == [line["loss"] for line in validation]
    text = run("s2i-checkpoint", "list", folder).stdout
    assert text.count(" valid ") == 3 and "best" in text

    a, b = folder / "checkpoints/step-00000010", other / "checkpoints/step-00000010"
    same = json.loads(run("s2i-checkpoint", "diff", "--json", a, a).stdout)
    assert same["equal"] and same["tensors"] == {} and same["settings"] == {}
    done = run("s2i-checkpoint", "diff", "--json", a, b, check=False)
    found = json.loads(done.stdout)
    assert done.returncode == 1 and not found["equal"]
    assert found["settings"]["run.seed"] == ["11", "12"]
    assert found["tensors"]["classifier.weight"] > 0

    assert run("s2i-checkpoint", "verify", folder).stdout.count(": valid") == 3
    weights = a / "model/model.safetensors"
    os.truncate(weights, weights.stat().st_size - 1)
    (a / "extra").write_text("")
    done = run("s2i-checkpoint", "verify", folder, check=False)
    assert done.returncode == 1
    assert "model.safetensors has" in done.stderr and "extra is not listed" in done.stderr
    assert run("s2i-checkpoint", "diff", a, b, check=False).returncode == 2
    assert run("s2i-checkpoint", "list", folder / "nowhere", check=False).returncode == 2


def test_a_step_that_is_not_finite_can_be_taken_again(train):
    # Weight decay beyond all bounds: the second step has weights that are not finite.
    overrides = ["optimizer.weight_decay=1.0e+40", "train.max_bad_steps=2"]
    folder, _ = train("a run's folder", *overrides, check=False, ranks=2)
    first = (folder / "bad_step").stat().st_ino
    _, done = train("a run's folder", *overrides, check=False, ranks=2)
    assert done.returncode == 1
    assert (folder / "bad_step").stat().st_ino != first  # another took its place
    assert not list(folder.glob(".bad_step*"))
    assert "not finite for 2 consecutive steps" in done.stderr
    dump = json.loads((folder / "bad_step/bad_step.json").read_text())
    assert dump["step"] == 3 and len(dump["utterances"]) == 12
    assert all(name in done.stderr for name in dump["utterances"])
    assert run("s2i-checkpoint", "verify", folder / "bad_step").returncode == 0
    assert shlex.split(dump["command"])[:4] == ["mpirun", "-np", "2", "s2i-train"]
    programs = {**os.environ, **MPI_ENVIRONMENT, "PATH": f"{BIN}:{os.environ['PATH']}"}
    again = subprocess.run(dump["command"], shell=True, capture_output=True, text=True, env=programs, timeout=300)
    assert again.returncode == 1
    assert "step 3: loss nan" in again.stderr or "step 3: loss inf" in again.stderr, again.stderr
    second = json.loads((folder / "bad_step_again/bad_step/bad_step.json").read_text())
    assert {key: second[key] for key in ("step", "loss", "grad_norm", "utterances")} == {
        key: dump[key] for key in ("step", "loss", "grad_norm", "utterances")}


# Weight decay beyond all bounds: after the first step nothing is finite any more.
NOT_FINITE = ["optimizer.weight_decay=1.0e+60", "data.test_split="]


def checkpoints_of(folder):
    return sorted(int(path.name.removeprefix("step-")) for path in (folder / "checkpoints").glob("step-*"))


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_a_validation_that_is_not_finite_is_never_the_best(train, metric):
    overrides = [*NOT_FINITE, "train.max_bad_steps=100", f"train.best_metric={metric}"]
    folder, done = train("run", *overrides, "train.epochs=2")
    assert re.search("the validation loss (nan|inf) is not finite", done.stderr)
    text = (folder / "last/run_state.json").read_text()
    assert json.loads(text)["best_step"] == -1 and "null" not in text
    assert [line["best"] for line in read_lines(folder / "validation.jsonl")] == [False, False]
    assert "loss not finite" in run("s2i-checkpoint", "list", folder).stdout
    _, done = train("run", *overrides, "train.epochs=3")
    assert "step 10 of 15" in done.stderr
    assert len(read_lines(folder / "metrics.jsonl")) == 15


def test_no_checkpoint_is_made_amid_steps_that_are_not_finite(train):
    folder, done = train("run", *NOT_FINITE, "train.max_bad_steps=6", "checkpoint.every_steps=1", "checkpoint.keep=1",
                         check=False)
    assert "not finite for 6 consecutive steps" in done.stderr
    assert checkpoints_of(folder) == [1]


def test_a_signal_amid_bad_steps_keeps_the_checkpoint_before_and_the_count(train, settings, shards, model, tmp_path):
    folder = tmp_path / "run"
    overrides = [*NOT_FINITE, "train.epochs=1000", "checkpoint.every_steps=1", "checkpoint.keep=1"]
    process = start_train(settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={folder}", *overrides,
                    "train.max_bad_steps=100000")
    wait_for_steps(folder, 3, process)
    process.send_signal(signal.SIGUSR1)
    stderr = process.communicate(timeout=120)[1]
    assert process.returncode == 128 + signal.SIGUSR1, stderr
    state = json.loads((folder / "last/run_state.json").read_text())
    bad = state["consecutive_nonfinite_steps"]
    assert bad == state["step"] - 1 >= 2
    assert checkpoints_of(folder) == [1, state["step"]]
    _, done = train("run", *overrides, f"train.max_bad_steps={bad + 2}", check=False)
    assert done.returncode == 1
    assert f"not finite for {bad + 2} consecutive steps" in done.stderr
    assert len(read_lines(folder / "metrics.jsonl")) == state["step"] + 1


def overwrite(shard):
    with open(shard, "r+b") as file:
        for at in range(shard.stat().st_size // 4, 3 * shard.stat().st_size // 4, 1000):
            file.seek(at)
            file.write(b"\xa5\x5a")


def cut_short(shard):
    os.truncate(shard, shard.stat().st_size // 4)


@pytest.mark.parametrize("fault, message", [(overwrite, "do not match their checksum"),
                                            (cut_short, "when it was opened")])
def test_a_shard_that_changes_under_a_running_job_is_named(settings, shards, model, tmp_path, fault, message):
    changed = tmp_path / "changed"
    shutil.copytree(shards, changed)
    shard = next((changed / "train").glob("*.h5"))
    folder = tmp_path / "run"
    process = start_train(settings, f"data.dir={changed}", f"model.init={model}", f"run.dir={folder}",
                    "train.epochs=1000")
    wait_for_steps(folder, 2, process)
    fault(shard)
    stderr = process.communicate(timeout=120)[1]
    assert process.returncode == 1
    assert shard.name in stderr and message in stderr and "utterance '" in stderr

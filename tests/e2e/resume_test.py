"""A run that was stopped and resumed is the run that was not."""

import json
import shutil
import subprocess

import pytest
from conftest import read_lines

# Everything random is on: dropout, LayerDrop, SpecAugment; accumulation as well.
RANDOM = ["model.dropout=0.1", "model.spec_augment=true", "batch.micro=4", "train.epochs=3"]


def without_times(lines):
    for line in lines:
        for key in ("seconds", "utterances_per_second", "reduction_hidden"):
            line.pop(key, None)
    return lines


def outcome(folder):
    """What must be equal to the bit: weights, optimiser, position, metrics, figures."""
    last = folder / "last"
    state = json.loads((last / "trainer.json").read_text())
    state.pop("config")
    evaluation = json.loads((folder / "evaluation.json").read_text())
    return {
        "weights": (last / "model/model.safetensors").read_bytes(),
        "optimizer": (last / "optimizer.safetensors").read_bytes(),
        "state": state,
        "metrics": without_times(read_lines(folder / "metrics.jsonl")),
        "validation": without_times(read_lines(folder / "validation.jsonl")),
        "evaluation": evaluation,
    }


def assert_same(a, b):
    for key in a:
        assert a[key] == b[key], f"{key} differ"


@pytest.mark.parametrize("ranks", [1, 2])
def test_resume_is_bit_identical(train, ranks):
    whole, _ = train("whole", *RANDOM, ranks=ranks)
    expected = outcome(whole)
    # A checkpoint at every step, written behind the training.
    parts, _ = train("parts", *RANDOM, "checkpoint.every_steps=1", "checkpoint.keep=100", ranks=ranks)
    # An epoch has 5 steps here: its first, in its middle, at its end, in the next, before the last.
    for stop_at in (1, 3, 5, 8, 14):
        copy = parts.parent / f"from-{stop_at}"
        shutil.copytree(parts, copy, symlinks=True)
        remove_checkpoints_after(copy, stop_at)
        again, done = train(copy.name, *RANDOM, ranks=ranks)
        assert f"step {stop_at} of 15" in done.stderr
        assert_same(expected, outcome(again))


def remove_checkpoints_after(folder, step):
    for path in sorted((folder / "checkpoints").glob("step-*")):
        if int(path.name.removeprefix("step-")) > step:
            subprocess.run(["rm", "-r", path], check=True)


def test_resume_on_another_number_of_ranks_keeps_order_and_losses(train):
    overrides = ["model.dropout=0.1", "train.epochs=2", "checkpoint.every_steps=1", "checkpoint.keep=100"]
    whole, _ = train("run", *overrides, ranks=1)
    before = [line["loss"] for line in read_lines(whole / "metrics.jsonl")]
    remove_checkpoints_after(whole, 3)
    _, done = train("run", *overrides, ranks=3)
    assert "step 3 of 10" in done.stderr
    after = [line["loss"] for line in read_lines(whole / "metrics.jsonl")]
    assert after[:3] == before[:3]
    assert after == pytest.approx(before, rel=1e-3)


def test_a_damaged_checkpoint_is_passed_over(train):
    whole, _ = train("whole", *RANDOM, "checkpoint.keep=100")
    parts, _ = train("parts", *RANDOM, "checkpoint.keep=100")
    newest = parts / "checkpoints/step-00000015/optimizer.safetensors"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    again, done = train("parts", *RANDOM, "checkpoint.keep=100")
    assert "passing over the damaged checkpoint" in done.stderr
    assert "step 10 of 15" in done.stderr
    assert_same(outcome(whole), outcome(again))


def test_settings_that_may_not_change_are_refused(train):
    train("run", "train.max_steps=2", "data.test_split=")
    _, done = train("run", "run.seed=12", "train.max_steps=4", "data.test_split=", check=False)
    assert done.returncode == 2
    assert "run.seed: 11 -> 12" in done.stderr
    _, done = train("run", "train.max_steps=4", "data.test_split=")
    assert "train.max_steps: 2 -> 4" in done.stderr
    _, done = train("run", "run.resume=never", "data.test_split=", check=False)
    assert done.returncode == 2
    assert "holds checkpoints" in done.stderr

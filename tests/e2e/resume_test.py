"""A run that was stopped and resumed is the run that was not."""

import json
import shutil
import subprocess

import pytest
from conftest import INTENTS, np, read_lines, run, write_split

# Everything random is on: dropout, LayerDrop, SpecAugment; accumulation as well.
RANDOM = ["model.dropout=0.1", "model.spec_augment=true", "batch.micro=4", "train.epochs=3"]


def without_times(lines):
    for line in lines:
        for key in ("time", "seconds", "utterances_per_second", "reduction_hidden"):
            line.pop(key, None)
    return lines


def outcome(folder):
    """What must be equal to the bit: weights, optimizer, position, metrics, figures."""
    last = folder / "last"
    state = json.loads((last / "run_state.json").read_text())
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
    assert "changed since the checkpoint: ranks: 1 -> 3" in done.stderr
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
    assert "skipping the corrupt checkpoint" in done.stderr
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
    assert "has checkpoints" in done.stderr


# No parameter moves, so no validation is better than the first.
STOPS_EARLY = ["optimizer.learning_rate=1.0e-30", "train.evaluate_every_steps=1", "train.early_stop_patience=3",
               "train.epochs=3", "checkpoint.keep=100"]


def test_a_run_that_stopped_early_stays_stopped(train):
    folder, done = train("run", *STOPS_EARLY)
    assert "early stop: " in done.stderr
    expected = outcome(folder)
    assert len(expected["metrics"]) == 4
    _, done = train("run", *STOPS_EARLY)
    assert "step 4 of 15" in done.stderr
    assert_same(expected, outcome(folder))
    train("run", *STOPS_EARLY, "train.early_stop_patience=5")
    assert len(read_lines(folder / "metrics.jsonl")) == 6


def test_a_run_resumed_before_it_stops_early_stops_at_the_same_step(train):
    whole, _ = train("whole", *STOPS_EARLY)
    for stop_at in (1, 3):
        copy = whole.parent / f"from-{stop_at}"
        shutil.copytree(whole, copy, symlinks=True)
        remove_checkpoints_after(copy, stop_at)
        _, done = train(copy.name, *STOPS_EARLY)
        assert f"step {stop_at} of 15" in done.stderr
        assert_same(outcome(whole), outcome(copy))


def test_other_data_is_refused(train, tmp_path):
    folder, _ = train("run", "train.max_steps=2", "data.test_split=")
    write_split(tmp_path / "corpus", "train", 14, np.random.default_rng(6))
    names = "".join(f"{i},{name},\n" for i, name in enumerate(INTENTS))
    (tmp_path / "corpus/intent_info.csv").write_text("intent_class,intent_name,description\n" + names)
    run("s2i-preprocess", "--corpus", tmp_path / "corpus", "--split", "train", "--out", tmp_path / "other")
    _, done = train("run", f"data.dir={tmp_path / 'other'}", "train.max_steps=4", "data.test_split=", check=False)
    assert done.returncode == 2
    before = json.loads((folder / "last/run_state.json").read_text())["data_checksum"]
    after = json.loads((tmp_path / "other/train/manifest.json").read_text())["dataset_checksum"]
    assert f"training data (checksum): {before} -> {after}" in done.stderr


def test_another_validation_split_is_refused(train, corpus, tmp_path):
    train("run", "train.max_steps=2", "data.validation_split=test", "data.test_split=")
    shutil.copytree(corpus, tmp_path / "corpus")
    rows = (tmp_path / "corpus/test.csv").read_text().splitlines(keepends=True)
    (tmp_path / "corpus/test.csv").write_text("".join(rows[:-1]))
    run("s2i-preprocess", "--corpus", tmp_path / "corpus", "--split", "train,test", "--out", tmp_path / "other")
    _, done = train("run", f"data.dir={tmp_path / 'other'}", "train.max_steps=4", "data.validation_split=test",
                    "data.test_split=", check=False)
    assert done.returncode == 2
    assert "validation data (checksum): " in done.stderr
    assert "training data (checksum): " not in done.stderr


def test_a_model_of_another_shape_is_refused(train, model, tmp_path):
    train("run", "train.max_steps=2", "data.test_split=")
    for name, layers in (("same", 2), ("other", 3)):
        shutil.copytree(model, tmp_path / name)
        config = json.loads((model / "config.json").read_text())
        config.update(num_hidden_layers=layers, hidden_dropout=0.3)
        (tmp_path / name / "config.json").write_text(json.dumps(config))
    _, done = train("run", f"model.init={tmp_path / 'other'}", "train.max_steps=4", "data.test_split=", check=False)
    assert done.returncode == 2
    assert "num_hidden_layers: 2 -> 3" in done.stderr and "hidden_dropout" not in done.stderr
    _, done = train("run", f"model.init={tmp_path / 'same'}", "train.max_steps=4", "data.test_split=")
    assert "model.init is ignored" in done.stderr


def test_losses_far_above_the_median_are_reported_also_after_a_resume(train):
    # Over a tenth of the median is every loss, once there are the 16 that a median takes.
    overrides = [*RANDOM, "train.epochs=4", "train.spike_factor=0.1", "checkpoint.every_steps=1", "checkpoint.keep=100"]

    def reported(done):
        lines = [line for line in done.stderr.splitlines() if "times the previous median" in line]
        return [line.split("utterances: ")[1].split() for line in lines]

    folder, done = train("run", *overrides)
    expected = outcome(folder)
    assert [line["step"] for line in expected["metrics"] if line["spike"]] == [17, 18, 19, 20]
    whole = reported(done)
    assert [len(ids) for ids in whole] == [line["utterances"] for line in expected["metrics"][16:]]
    assert len(set(sum(whole[:3], []))) == sum(len(ids) for ids in whole[:3])  # of one epoch, each once
    remove_checkpoints_after(folder, 18)
    _, done = train("run", *overrides)
    assert reported(done) == whole[2:]
    assert_same(expected, outcome(folder))

"""The number of ranks changes the speed of a run, not the run."""

import json

import pytest
from conftest import read_lines, run

DETERMINISTIC = ["model.dropout=0", "model.spec_augment=false"]


def losses(folder):
    return [line["loss"] for line in read_lines(folder / "metrics.jsonl")]


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_losses_do_not_depend_on_the_number_of_ranks(train, ranks):
    overrides = [*DETERMINISTIC, "train.epochs=10", "train.max_steps=50", "data.test_split=",
                 "data.validation_fraction=0"]
    alone, _ = train("alone", *overrides)
    together, _ = train("together", *overrides, ranks=ranks)
    a, b = losses(alone), losses(together)
    assert len(a) == len(b) == 50
    for step, (x, y) in enumerate(zip(a, b)):
        assert abs(x - y) <= (1e-5 if step < 5 else 1e-3) * abs(x), f"step {step + 1}: {x} and {y}"


def test_dropout_belongs_to_the_utterance_not_to_the_rank(train):
    overrides = ["model.dropout=0.2", "train.max_steps=5", "data.test_split="]
    alone, _ = train("alone", *overrides)
    together, _ = train("together", *overrides, ranks=3)
    for x, y in zip(losses(alone), losses(together)):
        assert y == pytest.approx(x, rel=1e-4)


def test_micro_batches_sum_to_the_same_step(train):
    overrides = [*DETERMINISTIC, "train.max_steps=5", "data.test_split="]
    whole, _ = train("whole", *overrides)
    parts, _ = train("parts", *overrides, "batch.micro=5")
    for x, y in zip(losses(whole), losses(parts)):
        assert y == pytest.approx(x, rel=1e-5)


def test_a_step_with_fewer_utterances_than_ranks(train):
    # 56 utterances in batches of 11: the last has one utterance, for four ranks.
    folder, _ = train("run", "batch.global=11", "data.validation_fraction=0", "train.epochs=1",
                      "data.test_split=", ranks=4)
    lines = read_lines(folder / "metrics.jsonl")
    assert [line["utterances"] for line in lines] == [11] * 5 + [1]


def rounded(value):
    """The numbers in it equal others within 1e-5."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return pytest.approx(value, rel=1e-5, abs=1e-7) if isinstance(value, float) else value


def test_evaluation_is_the_same_for_any_ranks_and_batch(trained, shards, tmp_path):
    reports = []
    for ranks, batch in [(1, 16), (2, 3), (3, 1), (4, 7)]:
        out = tmp_path / f"{ranks}-{batch}"
        run("s2i-evaluate", "--model", trained / "best/model", "--data", shards, "--out", out,
            "--batch", batch, ranks=ranks)
        report = json.loads((out / "evaluation.json").read_text())
        # The batch size shows in the last digits of the logits.
        for figure in ("loss", "calibration", "uncalibrated", "aurc"):
            report[figure] = rounded(report[figure])
        lines = (out / "predictions.csv").read_text().splitlines()
        reports.append((report, [line.split(",")[:4] for line in lines]))
    for report in reports[1:]:
        assert report == reports[0]
    assert reports[0][0]["count"] == 20


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("padding", ["masked", "huggingface", "huggingface_unmasked"])
def test_the_model_repeats_the_evaluation_of_its_run(train, shards, tmp_path, padding, precision):
    """What an evaluation depends on travels with the model: padding, precision, batch, length multiple."""
    folder, _ = train("run", f"model.padding={padding}", f"precision={precision}", "train.epochs=1",
                      "batch.evaluation=6", "batch.length_multiple=400", ranks=2)
    expected = json.loads((folder / "evaluation.json").read_text())
    for ranks in (1, 2, 3):
        out = tmp_path / f"on-{ranks}"
        run("s2i-evaluate", "--model", folder / "best/model", "--data", shards, "--out", out, "--threads", 1, ranks=ranks)
        assert json.loads((out / "evaluation.json").read_text()) == expected
        assert (out / "predictions.csv").read_text() == (folder / "predictions.csv").read_text()
    if padding == "huggingface":  # an option overrides the model
        out = tmp_path / "other"
        run("s2i-evaluate", "--model", folder / "best/model", "--data", shards, "--out", out, "--padding", "masked")
        assert json.loads((out / "evaluation.json").read_text())["loss"] != expected["loss"]


def test_without_validation_the_last_step_is_best_and_all_ranks_see_it(train):
    folder, _ = train("run", "data.validation_fraction=0", "train.epochs=1", ranks=3)
    assert (folder / "best").resolve() == (folder / "last").resolve()
    assert json.loads((folder / "evaluation.json").read_text())["count"] == 20

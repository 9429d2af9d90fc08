"""cluster.reproducible: the same bits for every number of ranks."""

import json

import pytest
from conftest import read_lines, run

EVERYTHING_RANDOM = ["model.dropout=0.1", "model.spec_augment=true"]
# 13 utterances a step in micro-batches of 3: five of them, the last with one utterance.
UNEVEN = ["batch.global=13", "batch.micro=3"]
EVEN = ["batch.global=12", "batch.micro=2"]


def outcome(folder):
    lines = read_lines(folder / "metrics.jsonl")
    state = json.loads((folder / "last/run_state.json").read_text())
    return {
        "weights": (folder / "last/model/model.safetensors").read_bytes(),
        "optimizer": (folder / "last/optimizer.safetensors").read_bytes(),
        "metrics": [(line["step"], line["loss"], line["grad_norm"]) for line in lines],
        "validation": [(line["loss"], line["accuracy"]) for line in read_lines(folder / "validation.jsonl")],
        "best": (state["best_value"], state["best_loss"], state["best_step"]),
        "evaluation": json.loads((folder / "evaluation.json").read_text()),
        "predictions": (folder / "predictions.csv").read_text(),
    }


@pytest.mark.parametrize("batch", [EVEN, UNEVEN], ids=["even", "uneven"])
def test_every_number_of_ranks_gives_the_same_bits(train, batch):
    overrides = [*EVERYTHING_RANDOM, *batch, "cluster.reproducible=true", "train.epochs=2"]
    alone = outcome(train("alone", *overrides)[0])
    for ranks in (2, 3, 4):
        together = outcome(train(f"on-{ranks}", *overrides, ranks=ranks)[0])
        for key, value in alone.items():
            assert together[key] == value, f"{key} on {ranks} ranks"


def test_it_is_the_option_that_does_it(train):
    # Otherwise the test above could pass because the sums happen not to round.
    overrides = [*EVERYTHING_RANDOM, *EVEN, "train.epochs=2"]
    alone = outcome(train("alone", *overrides)[0])
    together = outcome(train("together", *overrides, ranks=3)[0])
    assert alone["weights"] != together["weights"]


@pytest.mark.parametrize("overrides, words", [
    (["batch.micro=0"], "needs batch.micro"),
    (["batch.micro=2", "cluster.reduce_type=bf16"], "sums in fp32"),
    (["batch.micro=2", "run.threads=0"], "needs run.threads"),
])
def test_what_it_needs_is_said(settings, shards, model, tmp_path, overrides, words):
    done = run("s2i-train", settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={tmp_path / 'run'}",
               "cluster.reproducible=true", *overrides, check=False)
    assert done.returncode == 2
    assert words in done.stderr

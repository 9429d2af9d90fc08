"""Output that cannot be written is an error: standard output on a full device or closed."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import read_lines, run

BIN = Path(os.environ.get("S2I_BIN", "build/release/bin"))
CONFIG = Path(__file__).resolve().parents[2] / "configs/demo.yaml"


def on_full_device(program, *arguments, stdin=None):
    with open("/dev/full", "w") as full:
        return subprocess.run([BIN / program, *map(str, arguments)], stdout=full, stderr=subprocess.PIPE, text=True,
                              input=stdin, timeout=120)


def fails(done, reason="No space left on device"):
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    assert errors and "standard output" in errors[-1] and reason in errors[-1], done.stderr
    return errors


@pytest.mark.parametrize("program", ["s2i-train", "s2i-evaluate", "s2i-predict", "s2i-checkpoint", "s2i-preprocess", "s2i-bench",
                                     "s2i-make-random-model"])
def test_help(program):
    fails(on_full_device(program, "--help"))
    fails(on_full_device(program, "--version"), "")  # CLI11 flushes it and keeps no reason


@pytest.mark.parametrize("arguments", [["--help-config"], [CONFIG, "data.dir=x", "run.dir=y", "--show", "run.dir"]])
def test_settings(arguments):
    fails(on_full_device("s2i-train", *arguments))


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["verify"], ["verify", "--json"]])
def test_checkpoint_reports(trained, arguments):
    fails(on_full_device("s2i-checkpoint", arguments[0], trained, *arguments[1:]))


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_checkpoint_differences(trained, options):
    fails(on_full_device("s2i-checkpoint", "diff", trained / "best", trained / "last", *options))


def test_evaluation(trained, shards):
    fails(on_full_device("s2i-evaluate", "--model", trained / "best/model", "--data", shards, "--json"))


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_prediction_ends_at_the_first_lost_line(trained, corpus, options):
    files = sorted(corpus.rglob("*.wav"))[:3]
    errors = fails(on_full_device("s2i-predict", "--model", trained / "best/model", *options, *files))
    assert len(errors) == 1
    fails(on_full_device("s2i-predict", "--model", trained / "best/model", *options, "-",
                         stdin="".join(f"{file}\n" for file in files)))


def test_summary_of_preprocessing(corpus, tmp_path):
    fails(on_full_device("s2i-preprocess", "--corpus", corpus, "--split", "test", "--out", tmp_path, "--summary", "-"))
    assert (tmp_path / "test/manifest.json").exists()


def test_a_closed_output(trained):
    done = subprocess.run(["sh", "-c", f"exec {BIN}/s2i-checkpoint list {trained} >&-"], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "standard output" in done.stderr


def test_times_are_utc(trained):
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    for log in ("metrics.jsonl", "validation.jsonl"):
        assert all(re.fullmatch(pattern, line["time"]) for line in read_lines(trained / log))
    done = run("s2i-checkpoint", "list", trained / "nonesuch", check=False)
    assert re.match(pattern + " error ", done.stderr.splitlines()[-1])
    listed = json.loads(run("s2i-checkpoint", "list", trained, "--json").stdout)
    assert "time" not in listed[-1]["validation"] and "accuracy" in listed[-1]["validation"]

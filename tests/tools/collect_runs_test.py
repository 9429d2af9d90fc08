"""tools/collect_runs.py, which summarizes the metrics of several runs, on synthetic run folders."""

import csv
import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "tools/collect_runs.py"
METRICS = ["accuracy", "f1_weighted", "f1_macro", "loss"]


def make_run(folder, accuracy=0.5, loss=1.0, finished=True, evaluated=True, checksum="aa", **config):
    """Writes the files that the tool reads; keyword a__b is the setting a.b."""
    checkpoint = folder / "checkpoints/step-00000010"
    checkpoint.mkdir(parents=True)
    (folder / "last").symlink_to("checkpoints/step-00000010")
    settings = {"optimizer.learning_rate": "0.001", "run.dir": f'"{folder}"', "run.seed": "1",
                **{key.replace("__", "."): value for key, value in config.items()}}
    (checkpoint / "run_state.json").write_text(json.dumps(
        {"step": 10, "finished": finished, "data_checksum": checksum, "config": settings}))
    if evaluated:
        (folder / "evaluation.json").write_text(json.dumps(
            {"accuracy": accuracy, "f1_weighted": accuracy / 2, "f1_macro": accuracy / 4, "count": 20,
             "loss": loss, "intents": []}))
    return folder


def collect(*arguments, status=0):
    """Returns (stdout with the table, stderr)."""
    done = subprocess.run([sys.executable, PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def rows_of(table):
    return [line.split() for line in table.splitlines()]


def test_seeds_are_one_setting(tmp_path):
    accuracies = [0.5, 0.75, 0.9]
    runs = [make_run(tmp_path / str(seed), accuracy, loss=seed, run__seed=str(seed))
            for seed, accuracy in enumerate(accuracies, 1)]
    table, errors = collect(*runs, "--json", tmp_path / "a.json", "--csv", tmp_path / "a.csv")
    assert errors == ""
    assert rows_of(table)[:2] == [["setting", "metric", "runs", "mean", "deviation", "minimum", "maximum"],
                                  ["all", "accuracy", "3", "0.7167", "0.2021", "0.5000", "0.9000"]]
    assert [row[0] for row in rows_of(table)[2:]] == METRICS[1:]
    summary = json.loads((tmp_path / "a.json").read_text())
    assert summary["skipped"] == [] and len(summary["settings"]) == 1
    setting = summary["settings"][0]
    assert setting["setting"] == {}
    assert setting["accuracy"] == {"mean": statistics.fmean(accuracies), "deviation": statistics.stdev(accuracies),
                                   "minimum": 0.5, "maximum": 0.9}
    assert setting["loss"] == {"mean": 2.0, "deviation": 1.0, "minimum": 1, "maximum": 3}
    assert [(run["seed"], run["accuracy"]) for run in setting["runs"]] == list(zip("123", accuracies))
    with (tmp_path / "a.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["metric"] for line in lines] == METRICS
    assert float(lines[0]["mean"]) == statistics.fmean(accuracies)


def test_settings_are_named_by_their_differences_and_sorted_as_numbers(tmp_path):
    for rate in ("0.001", "1e-05", "0.0001"):
        for seed in ("1", "2"):
            make_run(tmp_path / f"{rate}-{seed}", accuracy=float(seed) / 4, run__seed=seed,
                     optimizer__learning_rate=rate)
    table, _ = collect(*tmp_path.iterdir())
    names = [row[0] for row in rows_of(table)[1::4]]
    assert names == [f"optimizer.learning_rate={rate}" for rate in ("1e-05", "0.0001", "0.001")]
    assert all(row[1:] == ["accuracy", "2", "0.3750", "0.1768", "0.2500", "0.5000"] for row in rows_of(table)[1::4])


def test_one_run_has_no_deviation(tmp_path):
    table, _ = collect(make_run(tmp_path / "a"), "--csv", tmp_path / "a.csv", "--json", tmp_path / "a.json")
    assert rows_of(table)[1] == ["all", "accuracy", "1", "0.5000", "-", "0.5000", "0.5000"]
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "all,accuracy,1,0.5,,0.5,0.5"
    assert json.loads((tmp_path / "a.json").read_text())["settings"][0]["loss"]["deviation"] is None


def test_a_duplicate_folder_counts_once(tmp_path):
    run = make_run(tmp_path / "a")
    assert rows_of(collect(run, run)[0])[1][2] == "1"


def test_runs_on_different_data_are_different_settings(tmp_path):
    table, _ = collect(make_run(tmp_path / "a"), make_run(tmp_path / "b", checksum="bb"))
    assert "data (checksum)=aa" in table and "data (checksum)=bb" in table


@pytest.mark.parametrize("spoil, reason", [
    (lambda run: None, "folder not found"),
    (lambda run: run.mkdir(), "no checkpoint"),
    (lambda run: make_run(run, finished=False), "not finished: the last checkpoint is at step 10"),
    (lambda run: make_run(run, evaluated=False), "no evaluation.json"),
    (lambda run: make_run(run, loss=None), "loss in evaluation.json is None"),
    (lambda run: make_run(run, accuracy=float("nan")), "accuracy in evaluation.json is nan"),
    (lambda run: (make_run(run) / "evaluation.json").write_text("{"), "evaluation.json cannot be read"),
    (lambda run: (make_run(run) / "evaluation.json").write_text("[]"), "is not a JSON object"),
    (lambda run: (make_run(run) / "last/run_state.json").write_text('{"finished": true}'), "no configuration"),
])
def test_a_run_without_valid_metrics_is_reported_and_skipped(tmp_path, spoil, reason):
    good, bad = make_run(tmp_path / "good"), tmp_path / "bad"
    spoil(bad)
    table, errors = collect(good, bad, "--json", tmp_path / "a.json", status=1)
    assert f"skipped {bad}: " in errors and reason in errors and "skipped 1 of 2 runs" in errors
    assert rows_of(table)[1][:4] == ["all", "accuracy", "1", "0.5000"]
    summary = json.loads((tmp_path / "a.json").read_text())
    assert [run["run"] for run in summary["skipped"]] == [str(bad)]


def test_fails_without_a_valid_run(tmp_path):
    table, errors = collect(tmp_path / "a", status=1)
    assert table == "" and "skipped 1 of 1 runs" in errors
    assert "required" in collect(status=2)[1]


def test_reports_a_summary_that_cannot_be_written(tmp_path):
    run = make_run(tmp_path / "a")
    assert "cannot write" in collect(run, "--json", tmp_path / "gone/a.json", status=1)[1]

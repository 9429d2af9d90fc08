"""slurm/sweep.sh on a real Slurm cluster: an array of runs and the job that collects their metrics."""

import json
import re
import statistics

import pytest
from array_jobs import job_after, logs_of
from conftest import e2e
from private_cluster import REPOSITORY


@pytest.fixture
def sweep(cluster, settings, shards, model, tmp_path):
    """sweep(array, argument...) -> (id of the array, id of the collect job); runs have two steps."""
    def submit(array, *arguments):
        job = cluster.submit(
            REPOSITORY / "slurm/sweep.sh", settings, f"data.dir={shards}", f"model.init={model}",
            "train.max_steps=2", *arguments, options=["--array", array], cwd=tmp_path,
            environment={"S2I_HOME": str(REPOSITORY), "S2I_BIN": str(e2e.BIN), "OMP_NUM_THREADS": "1"})
        return job, job_after(cluster, tmp_path, job, "s2i-collect")
    return submit


def test_three_seeds_and_their_table(cluster, sweep, tmp_path):
    _, collect = sweep("1-3%2", "run.dir=sweep/{task}", "run.seed={task}")
    assert cluster.wait(collect)["JobState"] == "COMPLETED", logs_of(tmp_path)
    evaluations = [json.loads((tmp_path / f"sweep/{task}/evaluation.json").read_text()) for task in (1, 2, 3)]
    losses = [evaluation["loss"] for evaluation in evaluations]
    assert len(set(losses)) == 3
    summary = json.loads((tmp_path / "sweep/summary.json").read_text())
    assert not summary["skipped"] and len(summary["settings"]) == 1
    assert [run["seed"] for run in summary["settings"][0]["runs"]] == ["1", "2", "3"]
    assert summary["settings"][0]["loss"] == {
        "mean": pytest.approx(statistics.fmean(losses)), "deviation": pytest.approx(statistics.stdev(losses)),
        "minimum": min(losses), "maximum": max(losses)}
    table = (tmp_path / f"s2i-collect-{collect}.log").read_text()
    assert re.search(rf"loss +3 +{statistics.fmean(losses):.4f} +{statistics.stdev(losses):.4f} ", table), table
    assert (tmp_path / "sweep/summary.csv").read_text().startswith("setting,metric,runs,mean,")


def test_settings_and_seeds_and_a_run_that_fails(cluster, sweep, tmp_path):
    (tmp_path / "settings.txt").write_text("# learning rates\noptimizer.learning_rate=1e-3\n\n"
                                           "optimizer.learning_rate=no\n")
    _, collect = sweep("1-3", f"@{tmp_path}/settings.txt", "run.dir=runs/{setting}-{seed}", "run.seed={seed}")
    assert cluster.wait(collect)["JobState"] == "FAILED"
    table = (tmp_path / f"s2i-collect-{collect}.log").read_text()
    assert "skipped runs/2-1: folder not found" in table and "skipped 1 of 3 runs" in table
    assert re.search(r"all +accuracy +2 ", table), table

    # Rerun the failed task with a valid setting; the table includes the earlier runs.
    (tmp_path / "settings.txt").write_text("optimizer.learning_rate=1e-3\noptimizer.learning_rate=1e-4\n")
    _, collect = sweep("2", f"@{tmp_path}/settings.txt", "run.dir=runs/{setting}-{seed}", "run.seed={seed}")
    assert cluster.wait(collect)["JobState"] == "COMPLETED", logs_of(tmp_path)
    summary = json.loads((tmp_path / "runs/summary.json").read_text())
    assert [setting["setting"] for setting in summary["settings"]] == [
        {"optimizer.learning_rate": "0.0001"}, {"optimizer.learning_rate": "0.001"}]
    assert [[(run["run"], run["seed"]) for run in setting["runs"]] for setting in summary["settings"]] == [
        [("runs/2-1", "1")], [("runs/1-1", "1"), ("runs/1-2", "2")]]


def test_rejects_tasks_with_the_same_run_folder(cluster, settings, tmp_path):
    job = cluster.submit(REPOSITORY / "slurm/sweep.sh", settings, "run.dir=runs/one", options=["--array=1-2"],
                         environment={"S2I_HOME": str(REPOSITORY)}, cwd=tmp_path)
    for task in (1, 2):
        assert cluster.wait(f"{job}_{task}")["ExitCode"] == "2:0"
    assert "would have run.dir=runs/one" in (tmp_path / f"s2i-sweep-{job}_1.log").read_text()

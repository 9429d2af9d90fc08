"""slurm/preprocess.sh on a real Slurm cluster: an array of parts and a merge give the same bytes as one process."""

import re
import shutil

import pytest
from array_jobs import job_after
from conftest import e2e
from private_cluster import REPOSITORY, wait_until

SCRIPT = "slurm/preprocess.sh"


def files_of(folder):
    """Relative path -> content of all files except resume records."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*")
            if p.is_file() and ".resume" not in p.parts and p.name != ".lock"}


def submit(cluster, folder, corpus, out, *options, array="1-3", environment=None):
    """Submits an array; its logs and that of the merge are written to `folder`."""
    folder.mkdir(exist_ok=True)
    return cluster.submit(
        REPOSITORY / SCRIPT, "--corpus", corpus, "--split", "train,test", "--out", out,
        "--shard-utterances", "5", options=["--array", array, "--cpus-per-task=1", *options],
        environment={"S2I_HOME": str(REPOSITORY), "S2I_BIN": str(e2e.BIN), **(environment or {})}, cwd=folder)


def merge_of(cluster, folder, array):
    return job_after(cluster, folder, array, "s2i-merge")


def log_of(folder, job):
    return (folder / f"s2i-merge-{job}.log").read_text()


def reference(corpus, tmp_path):
    e2e.run("s2i-preprocess", "--corpus", corpus, "--split", "train,test", "--out", tmp_path / "reference",
            "--shard-utterances", "5")
    return files_of(tmp_path / "reference")


def test_an_array_and_its_merge_give_the_same_bytes_as_one_process(cluster, corpus, tmp_path):
    logs, out = tmp_path / "logs", tmp_path / "out"
    array = submit(cluster, logs, corpus, out)
    merge = merge_of(cluster, logs, array)
    assert cluster.wait(merge)["JobState"] == "COMPLETED", log_of(logs, merge)
    assert files_of(out) == reference(corpus, tmp_path)
    assert "merged from 3 parts" in log_of(logs, merge)
    tasks = [log.read_text() for log in logs.glob(f"s2i-preprocess-{array}_*.log")]
    assert sorted(re.search(r"train, part (\d)/3", log).group(1) for log in tasks) == ["1", "2", "3"]


def test_the_merge_names_a_failed_part_and_a_rerun_completes_it(cluster, corpus, tmp_path):
    logs, out = tmp_path / "logs", tmp_path / "out"
    # Submitted with --hold, so that a task can be canceled before it starts.
    array = submit(cluster, logs, corpus, out, "--hold")
    cluster.run("scancel", f"{array}_2")
    cluster.run("scontrol", "release", array)
    merge = merge_of(cluster, logs, array)
    assert cluster.wait(merge)["JobState"] == "FAILED"
    assert "part 2/3" in log_of(logs, merge) and "part 1/3" not in log_of(logs, merge)
    assert not list(out.glob("*/manifest.json"))

    array = submit(cluster, logs, corpus, out, array="2", environment={"PARTS": "3"})
    merge = merge_of(cluster, logs, array)
    assert cluster.wait(merge)["JobState"] == "COMPLETED", log_of(logs, merge)
    assert files_of(out) == reference(corpus, tmp_path)


@pytest.fixture
def large_corpus(corpus, tmp_path):
    """A corpus that repeats the audio of `corpus`: 1,000 rows, 200 shards."""
    folder = tmp_path / "large"
    folder.mkdir()
    header, *rows = (corpus / "train.csv").read_text().splitlines()
    for name, count in (("train", 1000), ("test", 50)):
        lines = [f"{i},{rows[i % len(rows)].split(',', 1)[1]}" for i in range(count)]
        (folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")
    shutil.copytree(corpus / "wav_audios", folder / "wav_audios")
    return folder


def test_a_part_at_its_time_limit_is_requeued_alone_and_resumes(cluster, large_corpus, tmp_path):
    logs, out = tmp_path / "logs", tmp_path / "out"
    array = submit(cluster, logs, large_corpus, out, array="1-2")
    merge = merge_of(cluster, logs, array)
    # The job id of the last task equals the id of the array; requeueing it must not affect the other tasks.
    wait_until(lambda: (out / "train/.resume/shard-00021.json").exists(), 60, "part 2 to write shards", pause=0.01)
    cluster.run("scancel", "--batch", "--signal=USR1", f"{array}_2")
    assert cluster.wait(merge)["JobState"] == "COMPLETED", log_of(logs, merge)
    assert files_of(out) == reference(large_corpus, tmp_path)
    log = (logs / f"s2i-preprocess-{array}_2.log").read_text()
    assert "stopped by signal 10" in log and f"requeueing job {array}_2" in log
    assert re.search(r"reusing \d+ of \d+ shards from an earlier run", log) and "start 2 on" in log
    assert "start 2 on" not in (logs / f"s2i-preprocess-{array}_1.log").read_text()


def test_an_array_of_some_parts_requires_PARTS(cluster, corpus, tmp_path):
    array = submit(cluster, tmp_path / "logs", corpus, tmp_path / "out", array="2-3")
    for task in (2, 3):
        assert cluster.wait(f"{array}_{task}")["ExitCode"] == "2:0"
    assert "PARTS=N" in (tmp_path / f"logs/s2i-preprocess-{array}_2.log").read_text()

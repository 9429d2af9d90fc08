"""Signals before the program runs, time limits that are too short, and starts that would hang, on a real Slurm cluster."""

import time

import pytest
from private_cluster import REPOSITORY, wait_until

SCRIPTS = ["train.sh", "preprocess.sh", "bench.sh", "sweep.sh"]


@pytest.fixture
def start(cluster, tmp_path):
    """start(script, site, *options, program=bash lines) -> (job number, log()) of a job that first waits in its site file."""

    def submit(script, site, *options, program="exit 0", environment=None, cwd=tmp_path, path=None):
        (tmp_path / "site.sh").write_text(site)
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        for name in ("s2i-train", "s2i-preprocess", "s2i-bench"):
            (folder / name).write_text(
                '#!/bin/bash\nif [ "${@: -2:1}" = --show ]; then\n'
                "  case ${@: -1} in run.dir) echo run ;; *) echo SIGTERM,SIGINT,SIGUSR1 ;; esac; exit\nfi\n" + program)
            (folder / name).chmod(0o755)
        arguments = {"preprocess.sh": ["--corpus", "c", "--split", "test", "--out", "out"], "bench.sh": ["out"],
                     "sweep.sh": ["config.yaml", "run.dir=run/{task}"], "train.sh": ["config.yaml"]}[script]
        array = ["--array=1-1"] if script == "sweep.sh" else []
        number = cluster.submit(path or REPOSITORY / "slurm" / script, *arguments,
                                options=["--nodes=1", *array, *options], cwd=cwd,
                                environment={"S2I_SITE": str(tmp_path / "site.sh"), "S2I_BIN": str(folder), **(environment or {})})
        return number, lambda: "".join(path.read_text() for path in sorted(cwd.glob("*.log")))

    return submit


WAIT = 'touch waiting\nwhile [ ! -e go ]; do sleep 0.1; done\necho "the site file ends"\n'


def signal_in_site_file(cluster, tmp_path, number):
    wait_until(lambda: (tmp_path / "waiting").exists(), 60, "the site file")
    cluster.run("scancel", "--batch", "--signal=USR1", number)
    time.sleep(1)  # Slurm delivers it after the command has ended
    (tmp_path / "go").touch()


@pytest.mark.parametrize("script", ["train.sh", "preprocess.sh"])
def test_a_signal_before_the_program_starts_requeues(cluster, start, tmp_path, script):
    number, log = start(script, WAIT, "--time=10")
    signal_in_site_file(cluster, tmp_path, number)
    shown = cluster.wait(number, 200)
    assert "signal USR1 before the start of" in log(), log()
    assert "requeueing job" in log()
    assert (shown["JobState"], shown["Restarts"]) == ("COMPLETED", "1"), log()


def test_a_signal_before_a_benchmark_ends_the_job_with_the_reason(cluster, start, tmp_path):
    number, log = start("bench.sh", WAIT, "--time=10")
    signal_in_site_file(cluster, tmp_path, number)
    shown = cluster.wait(number, 60)
    assert shown["ExitCode"] == "138:0" and "signal USR1 before the start of s2i-bench" in log(), log()


def test_a_time_limit_below_the_warning_is_explained_and_not_requeued_without_progress(cluster, start):
    number, log = start("train.sh", "", "--time=1", program="trap 'exit 138' USR1\nfor i in {1..600}; do sleep 0.1; done\n")
    shown = cluster.wait(number, 200)
    assert "the time limit of 60 s is not above the 120 s" in log(), log()
    assert (shown["ExitCode"], shown["Restarts"]) == ("138:0", "0"), log()
    assert "not requeued, because there was no progress" in log() and "time limit of 60 s" in log()


@pytest.mark.parametrize("script", ["train.sh", "bench.sh"])
def test_srun_inside_an_allocation_is_refused(cluster, script, tmp_path):
    done = cluster.run("salloc", "--nodes=2", "--quiet", "srun", "bash", REPOSITORY / "slurm" / script, "runs", check=False)
    assert done.returncode != 0
    assert "started with srun" in done.stderr and f"bash slurm/{script}" in done.stderr, done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_checkout_is_located_from_another_folder(cluster, start, tmp_path, script):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    number, log = start(script, "echo the site file\n", program="echo the program\n", cwd=elsewhere)
    shown = cluster.wait(number, 100)
    assert shown["JobState"] == "COMPLETED", log()
    assert "the program" in log()

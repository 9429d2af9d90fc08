"""slurm/bench.sh on two nodes."""

import json


def test_writes_all_reports_on_two_nodes(cluster, tmp_path):
    out = tmp_path / "bench"
    job = cluster.submit("slurm/bench.sh", out, "--shape", "tiny", "--utterances", "24", "--warmup", "1",
                         "--steps", "2", "batch.global=4", "run.device=cpu",
                         options=["--nodes=2", "--ntasks-per-node=1", f"--output={tmp_path}/log"],
                         environment={"OMP_NUM_THREADS": "1"})
    log = tmp_path / "log"
    ended = cluster.wait(job, seconds=240)
    assert ended["JobState"] == "COMPLETED", log.read_text()
    for name, benchmark in {"allreduce-fp32": "allreduce", "allreduce-bf16": "allreduce", "train": "train",
                            "scale": "scale"}.items():
        report = json.loads((out / f"{name}.json").read_text())
        assert report["benchmark"] == benchmark
        assert (report["ranks"], report["nodes"]) == (2, 2)
    assert "busbw GB/s" in log.read_text()


def test_an_invalid_setting_fails_the_job_with_status_2(cluster, tmp_path):
    job = cluster.submit("slurm/bench.sh", tmp_path / "bench", "--shape", "tiny", "batch.globl=4", "run.device=cpu",
                         options=[f"--output={tmp_path}/log"], environment={"OMP_NUM_THREADS": "1"})
    ended = cluster.wait(job, seconds=240)
    assert ended["JobState"] == "FAILED" and ended["ExitCode"] == "2:0"
    assert "batch.global" in (tmp_path / "log").read_text()

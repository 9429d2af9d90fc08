"""s2i-bench, as people run it: tables and JSON of every subcommand."""

import json
import os
import subprocess
from pathlib import Path

import pytest

BIN = Path(os.environ.get("S2I_BIN", "build/release/bin")).resolve()
MPI_ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "OMP_NUM_THREADS": "1",
}
TINY = ["--shape", "tiny", "--utterances", "24", "--warmup", "1", "--steps", "3",
        "batch.global=4", "run.device=cpu", "run.threads=1"]


@pytest.fixture
def bench(tmp_path):
    """bench(*arguments, ranks=) -> (JSON, what it printed)."""

    def start(*arguments, ranks=None, status=0):
        out = tmp_path / "out.json"
        command = [str(BIN / "s2i-bench"), *map(str, arguments), "--json", str(out)]
        if ranks is not None:
            command = ["mpirun", "-np", str(ranks), *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240,
                              env={**os.environ, **MPI_ENVIRONMENT})
        assert done.returncode == status, done.stdout + done.stderr
        return (json.loads(out.read_text()), done.stdout) if status == 0 else (None, done.stderr)

    return start


@pytest.mark.parametrize("kind, element", [("fp32", 4), ("bf16", 2)])
@pytest.mark.parametrize("ranks", [2, 3])
def test_all_reduce_is_the_table_of_nccl_tests(bench, ranks, kind, element):
    report, text = bench("allreduce", "--device", "cpu", "--min", "4K", "--max", "1M", "--factor", "4",
                         "--iterations", "5", "--warmup", "1", "--type", kind, ranks=ranks)
    result, = report["results"]
    assert result["backend"] == "MPI" and report["ranks"] == ranks
    assert [line["bytes"] for line in result["sizes"]] == [4096 * 4**i for i in range(5)]
    for line in result["sizes"]:
        assert line["count"] == line["bytes"] // element
        assert line["wrong"] == 0
        assert 0 < line["least_us"] <= line["time_us"] <= line["most_us"]
        assert line["algbw_gbs"] == pytest.approx(line["bytes"] / line["time_us"] / 1e3)
        assert line["busbw_gbs"] == pytest.approx(line["algbw_gbs"] * 2 * (ranks - 1) / ranks)
    assert result["fit"]["busbw_gbs"] > 0 and result["fit"]["latency_us"] >= 0
    assert "busbw GB/s" in text


def test_train_reports_what_it_did(bench):
    report, text = bench("train", *TINY)
    assert report["ranks"] == 1 and report["threads_per_rank"] == 1 and report["device"] == "cpu"
    assert report["steps"] == 3 and report["global_batch"] == 4
    for figure in ("utterances_per_second", "audio_seconds_per_second", "flop_per_step", "flop_per_second",
                   "peak_flop_per_second", "host_memory_bytes", "trained_parameters"):
        assert report[figure] > 0, figure
    for share in ("padding", "data_wait", "reduction_hidden", "share_of_peak", "useful_share_of_peak"):
        assert 0 <= report[share] <= 1, share
    step = report["step_seconds"]
    assert 0 < step["least"] <= step["median"] <= step["most"]
    assert set(report["phase_seconds"]) == {"data", "forward", "backward", "reduction", "optimizer"}
    assert 0.9 * report["trained_parameters"] * 4 < report["gradient_bytes"] < 1.2 * report["trained_parameters"] * 4
    assert report["useful_flop_per_step"] <= report["flop_per_step"]
    ready = report["compute"]["gradient_ready"]
    assert [x for x, _ in ready] == sorted(x for x, _ in ready) and ready[-1][0] <= report["gradient_bytes"]
    assert [y for _, y in ready] == sorted(y for _, y in ready) and 0 < ready[-1][1] <= 1
    assert "utterances/s" in text


def test_two_ranks_halve_the_work_of_each(bench):
    alone, _ = bench("train", *TINY)
    together, _ = bench("train", *TINY, "cluster.reduce_type=bf16", ranks=2)
    # Shorter utterances are padded less: two micro-batches instead of one.
    assert together["useful_flop_per_step"] == pytest.approx(alone["useful_flop_per_step"])
    assert together["flop_per_step"] <= alone["flop_per_step"]
    assert together["gradient_bytes"] * 2 == alone["gradient_bytes"]


def test_a_bucket_size_is_found(bench):
    report, text = bench("train", *TINY, "--find-bucket", ranks=2)
    assert report["best_bucket_mib"] in [size["bucket_mib"] for size in report["sizes"]]
    assert f"cluster.bucket_mib={report['best_bucket_mib']:g}" in text
    _, errors = bench("train", *TINY, "--find-bucket", status=2)
    assert "two ranks" in errors


def test_scale_goes_over_the_ranks_at_hand(bench):
    report, text = bench("scale", *TINY, "--rank-batch", "3", "--rounds", "1", ranks=3)
    assert [point["ranks"] for point in report["strong"]] == [1, 2, 3]
    assert [point["global_batch"] for point in report["strong"]] == [4, 4, 4]
    assert [point["global_batch"] for point in report["weak"]] == [3, 6, 9]
    for points in (report["strong"], report["weak"]):
        assert points[0]["efficiency"] == 1
        for point in points:
            assert point["utterances_per_second"] == pytest.approx(
                point["global_batch"] / point["step_seconds"]["median"])
            assert point["speedup"] == pytest.approx(
                point["utterances_per_second"] / points[0]["utterances_per_second"])
            assert point["efficiency"] == pytest.approx(point["speedup"] / point["ranks"])
    assert "1 thread(s) per rank" in text


def test_the_model_starts_from_a_measurement(bench, tmp_path):
    measured, _ = bench("train", *TINY)
    path = tmp_path / "train.json"
    path.write_text(json.dumps(measured))
    report, text = bench("model", path, "--ranks", "1", "8", "1024", "--rank-batch", "2", "--intra", "5:300",
                         "--jitter", "0")
    points = report["predictions"]
    assert [(p["ranks"], p["reduce_type"]) for p in points] == [
        (n, kind) for kind in ("fp32", "bf16") for n in (1, 8, 1024)]
    assert points[0]["efficiency"] == 1
    assert all(0 < p["efficiency"] <= 1.05 for p in points)
    assert "efficiency" in text


@pytest.mark.parametrize("arguments, word", [
    (["train", "batch.global=4"], "--shape"),
    (["train", "--shape", "tiny", "batch.globl=4"], "batch.global"),
    (["train", "--shape", "tiny", "batch.global=99", "--utterances", "5", "run.threads=1"], "--utterances"),
    (["allreduce", "--min", "2M", "--max", "1M"], "--max"),
    (["model", "/nowhere.json"], "/nowhere.json"),
    (["scale", "--shape", "huge"], "huge"),
])
def test_mistakes_are_named(bench, arguments, word):
    status = 1 if "/nowhere.json" in arguments else None
    done = subprocess.run([BIN / "s2i-bench", *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **MPI_ENVIRONMENT})
    assert done.returncode == (status or 2)
    assert word in done.stdout + done.stderr

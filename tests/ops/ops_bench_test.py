"""ops_bench runs, and measures every operation."""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ["S2I_BIN"])


def test_every_operation_has_a_benchmark_that_runs():
    done = subprocess.run([BIN / "ops_bench", "--benchmark_filter=/small/.*/cpu/", "--benchmark_min_time=0.001",
                           "--benchmark_format=json"],
                          capture_output=True, text=True, timeout=120, check=True)
    measured = {run["name"].removesuffix("/manual_time"): run for run in json.loads(done.stdout)["benchmarks"]}
    assert not [name for name, run in measured.items() if run.get("error_occurred")]
    assert all(run["real_time"] > 0 and ("B/s" in run or "FLOP/s" in run) for run in measured.values())
    operations = {path.name for path in (ROOT / "src/ops").iterdir() if path.is_dir()} - {"simd"}
    in_place = {"adam_update"}  # has no backward pass
    for direction, expected in (("forward", operations), ("forward_backward", operations - in_place)):
        assert {name.split("/")[0] for name in measured if name.endswith(f"/{direction}")} == expected


def test_an_unknown_option_is_refused():
    done = subprocess.run([BIN / "ops_bench", "--frequency"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2

"""Fixtures of the tests on a real Slurm: the cluster, and the corpus, shards and model of tests/e2e."""

import importlib.util
from pathlib import Path

import pytest

from private_cluster import REPOSITORY, PrivateCluster, wait_until, why_not

_spec = importlib.util.spec_from_file_location("e2e", Path(__file__).parents[1] / "e2e/conftest.py")
e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(e2e)
corpus, shards, model, settings = e2e.corpus, e2e.shards, e2e.model, e2e.settings

SCRIPT = REPOSITORY / "slurm/train.sh"
# 40 steps of all that is random, on one rank a node.
LONG = ["model.dropout=0.1", "model.spec_augment=true", "train.epochs=8", "checkpoint.every_steps=7"]


@pytest.fixture(scope="session")
def can_start_clusters():
    """Skips the tests, with the reason, if a private cluster cannot be started."""
    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def private_cluster(can_start_clusters, tmp_path_factory):
    """Two nodes, n1 and n2, for all tests of a file."""
    with PrivateCluster(tmp_path_factory.mktemp("slurm") / "cluster") as cluster:
        yield cluster


@pytest.fixture
def cluster(private_cluster):
    """The cluster with both nodes idle; a test that fails shows the daemons' logs."""
    yield private_cluster
    private_cluster.run("scancel", "--user=root", "--signal=KILL", check=False)
    private_cluster.run("scancel", "--user=root", check=False)
    private_cluster.repair()


class Job:
    """A submitted job with its log and run folder."""

    def __init__(self, cluster, number, folder, run_dir):
        self.cluster, self.number, self.folder, self.run_dir = cluster, number, folder, run_dir

    def shown(self):
        return self.cluster.job(self.number)

    def log(self):
        return "".join(path.read_text() for path in sorted(self.folder.glob(f"*-{self.number}.log")))

    def steps(self):
        path = self.run_dir / "metrics.jsonl"
        return path.read_text().count("\n") if path.exists() else 0

    def wait_for_steps(self, count, start=1, seconds=180):
        """Waits until the `start`th start of the job has done `count` steps."""
        def there():
            return self.log().count("train.sh: job ") >= start and self.steps() >= count
        wait_until(there, seconds, f"step {count} of start {start}: {self.log()}", pause=0.05)

    def end(self, seconds=300):
        return self.cluster.wait(self.number, seconds)

    def signal(self, *options):
        self.cluster.run("scancel", *options, self.number)


@pytest.fixture
def submit(cluster, settings, shards, model, tmp_path):
    """submit(*overrides, options=[...], environment={...}) -> Job, from the folder of the test."""
    runs = []

    def start(*overrides, options=(), environment=None):
        run_dir = tmp_path / f"run{len(runs)}"
        runs.append(run_dir)
        number = cluster.submit(
            SCRIPT, settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={run_dir}", *overrides,
            options=["--nodes=2", *options], cwd=tmp_path,
            environment={"S2I_HOME": str(REPOSITORY), "S2I_BIN": str(e2e.BIN), "OMP_WAIT_POLICY": "passive",
                         **(environment or {})})
        return Job(cluster, number, tmp_path, run_dir)

    return start


def outcome(run_dir):
    """What must not depend on interruptions: the final weights, and the metrics without times."""
    metrics = e2e.read_lines(run_dir / "metrics.jsonl")
    for line in metrics:
        for key in ("time", "seconds", "utterances_per_second", "reduction_hidden"):
            line.pop(key, None)
    return (run_dir / "last/model/model.safetensors").read_bytes(), metrics

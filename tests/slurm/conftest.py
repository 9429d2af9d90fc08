"""What the tests on a real Slurm share: the cluster, and the corpus, shards and model of tests/e2e."""

import importlib.util
from pathlib import Path

import pytest

from private_cluster import PrivateCluster, why_not

_spec = importlib.util.spec_from_file_location("e2e", Path(__file__).parents[1] / "e2e/conftest.py")
e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(e2e)
corpus, shards, model, settings = e2e.corpus, e2e.shards, e2e.model, e2e.settings


@pytest.fixture(scope="session")
def private_cluster(tmp_path_factory):
    """Two nodes, n1 and n2, for all tests of a file."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with PrivateCluster(tmp_path_factory.mktemp("slurm") / "cluster") as cluster:
        yield cluster


@pytest.fixture
def cluster(private_cluster):
    """The cluster with both nodes idle; a test that fails shows the daemons' logs."""
    yield private_cluster
    private_cluster.run("scancel", "--user=root", "--signal=KILL", check=False)
    private_cluster.run("scancel", "--user=root", check=False)
    private_cluster.repair()

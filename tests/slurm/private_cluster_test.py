"""The private cluster that the other Slurm tests use."""

import subprocess

from conftest import e2e
from private_cluster import PrivateCluster, wait_until


def test_a_job_runs_on_both_nodes(cluster):
    assert sorted(cluster.run("srun", "--nodes=2", "hostname").stdout.split()) == ["n1", "n2"]


def test_mpi_talks_between_the_nodes(cluster):
    done = cluster.run("srun", "--nodes=2", "--mpi=pmix", e2e.BIN / "cluster_mpi_test",
                       "--gtest_filter=*Communicator*", timeout=60)
    assert "PASSED" in done.stdout


def test_a_node_without_power_is_down_until_it_is_back(cluster):
    def state(name):
        return cluster.run("sinfo", "--noheader", "--nodes", name, "--format=%T").stdout.strip()

    cluster.nodes["n2"].power_off()
    wait_until(lambda: state("n2") == "down*", 60, "n2 to be down")
    assert state("n1") == "idle"
    cluster.start_node("n2")
    cluster.wait_for_nodes()


def test_the_daemons_end_with_the_hosts(can_start_clusters, tmp_path):
    with PrivateCluster(tmp_path / "second") as second:
        everything = subprocess.run(["ps", "-ww", "-e", "-o", "args="], capture_output=True, text=True).stdout
        assert f"--socket={tmp_path}/second" in everything
        assert any("slurmd" in line for line in second.nodes["n2"].processes())
    everything = subprocess.run(["ps", "-ww", "-e", "-o", "args="], capture_output=True, text=True).stdout
    assert f"{tmp_path}/second" not in everything

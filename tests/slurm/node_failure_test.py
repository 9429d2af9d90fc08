"""Node failure: the job resumes from its last checkpoint on the remaining node and leaves no processes behind."""

import pytest
from conftest import LONG, e2e
from private_cluster import wait_until


@pytest.mark.parametrize("node, lost, launcher", [
    ("n2", "link", "srun"), ("n1", "power", "srun"), ("n2", "power", "mpirun"),
])
def test_resumes_on_the_remaining_node(submit, cluster, node, lost, launcher):
    job = submit(*LONG, options=["--nodes=1-2"], environment={"S2I_LAUNCHER": launcher})
    job.wait_for_steps(10)
    if lost == "power":
        cluster.nodes[node].power_off()
    else:
        cluster.cut_link(node)
    shown = job.end()
    log = job.log()
    left = {"n1": "n2", "n2": "n1"}[node]
    assert (shown["JobState"], shown["NodeList"], shown["Restarts"]) == ("COMPLETED", left, "1"), log
    assert "resuming from" in log and "1 rank" in log, log
    assert [line["step"] for line in e2e.read_lines(job.run_dir / "metrics.jsonl")] == list(range(1, 41))
    # No process of the first start is left, also not on the lost node after its link is back.
    if lost == "link":
        cluster.mend_link(node)
        wait_until(lambda: not programs(cluster, node), 150, "the lost node's ranks to exit")  # TCP retries with backoff
    assert not programs(cluster, left)


def programs(cluster, node):
    return [line for line in cluster.nodes[node].processes() if "s2i-train" in line]

"""The network of namespaces.py: programs communicate over it, and links can be slowed, cut and restored."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import namespaces

BIN = Path(os.environ.get("S2I_BIN", "build/release/bin")).resolve()

# Accepts connections one after another and answers each line with its number of bytes.
SERVER = """
import socket
server = socket.create_server(("", 5000))
print("ready", flush=True)
while True:
    with server.accept()[0].makefile("rwb") as link:
        for line in link:
            link.write(b"%d\\n" % len(line))
            link.flush()
"""

# For each number on standard input, sends a line of that many bytes; prints the answer and the seconds.
CLIENT = """
import socket, sys, time
with socket.create_connection((sys.argv[1], 5000)).makefile("rwb") as link:
    for line in sys.stdin:
        start = time.monotonic()
        link.write(b"x" * (int(line) - 1) + b"\\n")
        link.flush()
        print(int(link.readline()), time.monotonic() - start, flush=True)
"""


class Link:
    """A connection from node-a to node-b."""

    def __init__(self, network):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.server = subprocess.Popen(network.hosts["node-b"].command(sys.executable, "-c", SERVER), **pipes)
        assert self.server.stdout.readline() == "ready\n"
        self.client = subprocess.Popen(
            network.hosts["node-a"].command(sys.executable, "-c", CLIENT, f"{namespaces.SUBNET}.2"), **pipes)

    def start(self, size):
        self.client.stdin.write(f"{size}\n")
        self.client.stdin.flush()

    def finish(self):
        """(bytes received, round-trip seconds)"""
        size, seconds = self.client.stdout.readline().split()
        return int(size), float(seconds)

    def send(self, size):
        self.start(size)
        return self.finish()


def test_two_ranks_on_two_hosts_work_together(network):
    # The excluded test is for ranks that share a host.
    job = network.mpirun([BIN / "cluster_mpi_test", "--gtest_brief=1", "--gtest_filter=-Topology.OneHost*"])
    output, errors = job.communicate(timeout=120)
    assert job.returncode == 0, output + errors
    assert "PASSED" in output


def test_ranks_have_the_name_of_their_host(network):
    job = network.mpirun(["sh", "-c", "echo $OMPI_COMM_WORLD_RANK on $(hostname)"], ranks_per_host=2)
    output, errors = job.communicate(timeout=60)
    assert sorted(output.splitlines()) == ["0 on node-a", "1 on node-a", "2 on node-b", "3 on node-b"], errors


def test_a_slowed_link_keeps_to_its_rate(network):
    link = Link(network)
    network.slow(rate="16mbit")
    size, seconds = link.send(2_000_000)
    assert size == 2_000_000
    assert seconds > 0.8  # 1 s minus the burst, which is sent at once


def test_a_delayed_link_delays_and_loses_nothing(network):
    link = Link(network)
    network.slow(delay_ms=20)
    assert link.send(1)[1] > 0.04
    assert link.send(5_000_000)[0] == 5_000_000
    network.slow()
    assert link.send(5_000_000)[0] == 5_000_000


@pytest.mark.parametrize("delay_ms", [0, 1])
def test_a_cut_link_is_silent_until_it_is_mended(network, delay_ms):
    network.slow(delay_ms=delay_ms)
    link = Link(network)
    assert link.send(10)[0] == 10
    network.cut("node-b")
    assert "NO-CARRIER" in network.hosts["node-b"].run("ip", "link", "show", "eth0")
    assert "NO-CARRIER" not in network.hosts["node-a"].run("ip", "link", "show", "eth0")
    link.start(20)
    time.sleep(0.5)
    network.mend("node-b")
    size, seconds = link.finish()
    assert size == 20 and seconds > 0.5


def test_nothing_is_left_behind(can_make_hosts):
    with namespaces.hosts() as network:
        link = Link(network)
        assert list(network.processes()["node-b"]) == [link.server.pid]
        holder = network.hosts["node-b"].holder.pid
    assert link.server.wait(timeout=10) == -9
    assert not Path(f"/proc/{holder}").exists()

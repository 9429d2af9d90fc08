"""Two simulated hosts on one machine, each with its own network and host name, connected by a switch.

    with hosts() as network:                    # node-a and node-b; raises Unavailable where that cannot be had
        network.slow(rate="100mbit", delay_ms=1)
        job = network.mpirun([program, argument], environment={"OMP_NUM_THREADS": "1"})
        network.cut("node-b")                   # takes the link down; mend() takes it up again
        job.communicate(timeout=60)

A host is a network namespace and a UTS namespace. veth pairs connect the hosts to a bridge in a third namespace, so
that a cut link looks as on a real switch: no carrier for one host, no packets for the other. Files, processes and users
are shared. The namespaces have no names on the machine: they are removed when the context ends or, if Python is killed,
with the last process that runs in them.

why_not() is also for tests/slurm, whose hosts have their own processes and mounts too.
"""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SUBNET = "10.97.0"
DELAY_RELAY = Path(__file__).with_name("delay_relay.py")
PROGRAMS = ("unshare", "nsenter", "hostname", "ip", "tc")
KINDS = ("--net", "--uts")  # of namespaces, as unshare(1) names them
# All that hosts and their network are made of. Not every kernel has bridges and tbf; delay_relay.py has raw sockets.
TRIAL = ("hostname trial && ip link add bridge type bridge && ip link add port type veth peer name eth0 && "
         "tc qdisc replace dev eth0 root tbf rate 1mbit burst 128kb latency 50ms && "
         f"{{ {sys.executable} -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)' 2> /dev/null || "
         "{ echo raw sockets are not permitted >&2; false; }; }")
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"  # Debian has tc and slurmd there


class Unavailable(Exception):
    """Network namespaces are not available on this machine; the message has the reason."""


def find_program(name):
    return shutil.which(name, path=PATH)


@functools.cache
def why_not(programs=PROGRAMS, unshare=KINDS, trial=TRIAL):
    """Why hosts cannot be created, or None: checks the user, the installed programs, and whether the shell command
    `trial` succeeds in new namespaces, made with these options of unshare(1). That finds out a container
    without privileges."""
    if os.geteuid() != 0:
        return "hosts for the tests need root"
    for program in programs:
        if not find_program(program):
            return f"{program} is not installed (tools/setup.sh --tests)"
    done = subprocess.run(["unshare", *unshare, "sh", "-c", trial], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, env={**os.environ, "PATH": PATH})
    if done.returncode != 0:
        return f"hosts for the tests cannot be made here: {done.stderr.strip() or f'status {done.returncode}'}"
    return None


class Namespace:
    """A network namespace and a UTS namespace, which exist while a process is sleeping in them."""

    def __init__(self, name):
        self.name = name
        # It reads a pipe from this process, and ends when this process ends for any reason.
        script = 'hostname "$0" && echo ready && exec cat'
        self.holder = subprocess.Popen(["unshare", *KINDS, "sh", "-c", script, name],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       text=True)
        if self.holder.stdout.readline().strip() != "ready":
            raise RuntimeError(f"host {name} did not start: {self.holder.stderr.read().strip()}")

    def command(self, program, *arguments):
        """The command line that runs the program on this host."""
        return ["nsenter", f"--target={self.holder.pid}", *KINDS, "--", find_program(program) or str(program),
                *map(str, arguments)]

    def run(self, *arguments):
        """Runs a command and returns its output. Raises RuntimeError with its error output."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def processes(self):
        """{pid: command line} of the processes in this namespace, without the holder."""
        mine = os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino
        found = {}
        for entry in Path("/proc").iterdir():
            # Processes may end meanwhile.
            with contextlib.suppress(OSError):
                if (entry.name.isdigit() and int(entry.name) != self.holder.pid
                        and os.stat(entry / "ns/net").st_ino == mine):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def close(self):
        if self.holder.poll() is None:
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
        self.holder.kill()
        self.holder.communicate()


class Network:
    """Hosts connected by a switch. Created by hosts()."""

    def __init__(self, names, folder):
        self.hosts = {}
        self.relay = None
        self.folder = folder
        self.switch = Namespace("switch")
        try:
            self.switch.run("ip", "link", "add", "bridge", "type", "bridge")
            self.switch.run("ip", "link", "set", "bridge", "up")
            for name in names:
                self.add(name)
        except BaseException:
            self.close()
            raise

    def add(self, name):
        host = Namespace(name)
        self.hosts[name] = host
        self.switch.run("ip", "link", "add", self.port(name), "type", "veth",
                        "peer", "name", "eth0", "netns", host.holder.pid)
        self.switch.run("ip", "link", "set", self.port(name), "master", "bridge", "up")
        host.run("ip", "link", "set", "lo", "up")
        host.run("ip", "address", "add", f"{SUBNET}.{len(self.hosts)}/24", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")

    @staticmethod
    def port(name):
        return f"port-{name}"

    def cut(self, name):
        """Takes the host's link down: it loses its carrier, and the other hosts receive nothing from it."""
        self.switch.run("ip", "link", "set", self.port(name), "down")

    def mend(self, name):
        self.switch.run("ip", "link", "set", self.port(name), "up")

    def slow(self, rate=None, delay_ms=0):
        """Limits the sending rate of each host to `rate` ("100mbit", in tc's notation; None: no limit), and delays
        every packet by `delay_ms`. Replaces the settings of an earlier call. The delay only applies between the
        first two hosts and is implemented by delay_relay.py: not every kernel has netem."""
        for host in self.hosts.values():
            if rate is None:
                subprocess.run(host.command("tc", "qdisc", "delete", "dev", "eth0", "root"), capture_output=True)
            else:
                host.run("tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", rate,
                         "burst", "128kb", "latency", "50ms")
        self.stop_relay()
        ports = [self.port(name) for name in list(self.hosts)[:2]]
        if delay_ms > 0:
            for port in ports:
                self.switch.run("ip", "link", "set", port, "nomaster")
            self.relay = subprocess.Popen(self.switch.command(sys.executable, DELAY_RELAY, *ports, delay_ms / 1000),
                                          stdout=subprocess.PIPE, text=True)
            if self.relay.stdout.readline().strip() != "ready":
                raise RuntimeError("the delay relay did not start")

    def stop_relay(self):
        if self.relay is None:
            return
        self.relay.kill()
        self.relay.communicate()
        self.relay = None
        for name in list(self.hosts)[:2]:
            self.switch.run("ip", "link", "set", self.port(name), "master", "bridge")

    def mpirun(self, command, ranks_per_host=1, environment=None, arguments=(), **popen):
        """Starts `command` under Open MPI's mpirun on the first host, with ranks on every host in the
        order of the hosts, over TCP alone. Returns the Popen; its output is captured as text."""
        agent = self.folder / "remote_shell"
        cases = "".join(f"  {name}) pid={host.holder.pid} ;;\n" for name, host in self.hosts.items())
        agent.write_text(f'#!/bin/sh\n# mpirun calls: remote_shell HOST COMMAND...\ncase "$1" in\n{cases}'
                         '  *) echo "no host $1" >&2; exit 1 ;;\nesac\nshift\n'
                         'exec nsenter --target="$pid" --net --uts -- sh -c "$*"\n')
        agent.chmod(0o755)
        slots = ",".join(f"{name}:{ranks_per_host}" for name in self.hosts)
        line = ["mpirun", "--host", slots, "-np", ranks_per_host * len(self.hosts), "--map-by", "slot",
                "--mca", "plm_rsh_agent", agent, "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "eth0",
                "--mca", "oob_tcp_if_include", "eth0", *arguments, *command]
        defaults = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                    "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
                    "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
        first = next(iter(self.hosts.values()))
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **popen}
        return subprocess.Popen(first.command(*line), env={**os.environ, **defaults, **(environment or {})}, **options)

    def processes(self):
        """{host: {pid: command line}} of the processes that are running on the hosts."""
        return {name: host.processes() for name, host in self.hosts.items()}

    def close(self):
        for namespace in [*self.hosts.values(), self.switch]:
            namespace.close()
        if self.relay is not None:
            self.relay.communicate()


@contextlib.contextmanager
def hosts(names=("node-a", "node-b")):
    """A Network of these hosts. Raises Unavailable."""
    if reason := why_not():
        raise Unavailable(reason)
    with tempfile.TemporaryDirectory(prefix="s2i-network-") as folder:
        network = Network(names, Path(folder))
        try:
            yield network
        finally:
            network.close()

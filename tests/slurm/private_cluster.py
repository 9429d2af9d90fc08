"""A private Slurm cluster: slurmctld, munged and two slurmd in one folder, which all end with the fixture.

    python tests/slurm/private_cluster.py                     a shell in which sbatch, squeue ... use it
    python tests/slurm/private_cluster.py sbatch --wait JOB   one command, then everything ends

In tests:

    with PrivateCluster(folder) as cluster:
        job = cluster.submit("slurm/train.sh", "configs/demo.yaml", options=["--nodes=2"])
        assert cluster.wait(job)["JobState"] == "COMPLETED"

Three hosts, ctl, n1 and n2, are namespaces (network, PID, mount, host name) on this machine, joined by a
bridge that only they see: any number of clusters runs side by side, nothing of this machine's network or
services is touched, and the end of a host's first process is the end of all it ran, as when a machine
loses power. Files are shared, except /dev/shm and /proc. Needs root and the Debian packages slurmctld,
slurmd, slurm-client, munge and iproute2. A chroot will do; a container has to be a privileged one.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "tests/network"))
import namespaces  # noqa: E402
from namespaces import find_program  # noqa: E402

NODES = {"n1": "10.77.0.11", "n2": "10.77.0.12"}
CONTROLLER = "10.77.0.1"
FINAL_STATES = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "BOOT_FAIL", "OUT_OF_MEMORY", "DEADLINE"}

SLURM_CONF = """\
ClusterName=s2i
SlurmctldHost=ctl({controller})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also how long a requeued job waits before it starts again (default 120 s, at least 5).
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
# Short limits: a node that does not answer is down after SlurmdTimeout.
SlurmdTimeout=10
MessageTimeout=5
KillWait=5
OverTimeLimit=0
SchedulerParameters=bf_interval=1,sched_interval=5
NodeName=n1 NodeAddr={n1} CPUs=4 RealMemory=4000
NodeName=n2 NodeAddr={n2} CPUs=4 RealMemory=4000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP
"""


PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged", "mungekey", "ip", "hostname", "mount", "unshare", "nsenter",
            "setpriv", "ps")
KINDS = ("--net", "--uts", "--pid", "--mount", "--ipc")
UNSHARE = (*KINDS, "--kill-child", "--mount-proc", "--propagation", "unchanged")
# What is mounted on a host must not show elsewhere. unshare(1) does that by itself only where / is a mount point,
# which it is not in a chroot. This starts at the root of the mount namespace, even if that is outside the chroot.
PRIVATE_MOUNTS = "mount --namespace /proc/self/ns/mnt --make-rprivate /"
TRIAL = (f"{PRIVATE_MOUNTS} && mount --bind /etc/hosts /etc/hosts && mount -t tmpfs none /dev/shm && hostname trial && "
         "ip link add br0 type bridge && ip link add n1 type veth peer name eth0 && "
         "setpriv --clear-groups true")  # Slurm insists on it; the root of a user namespace may not be allowed to


def why_not():
    """Why no cluster can be started here, or None."""
    return namespaces.why_not(PROGRAMS, UNSHARE, TRIAL)


def wait_until(condition, seconds, what, pause=0.1):
    """Waits for a true value of condition() and returns it."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(pause)
    return value


class Host:
    """A simulated host: namespaces held by an idle process. All processes of the host end with it."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = folder
        self.process = None

    def power_on(self):
        prepare = (f"{PRIVATE_MOUNTS} && hostname {self.name} && mount --bind {self.folder}/hosts /etc/hosts && "
                   # The first process of a host takes in orphans: bash, other than sleep, waits for their ends.
                   "mount -t tmpfs none /dev/shm && echo ready && exec bash -c 'sleep infinity & wait'")
        # setpriv: when the tests are killed, so is the host.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *UNSHARE, "sh", "-c", prepare],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd="/")
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"host {self.name} did not start")
        self.ip("link", "set", "lo", "up")

    def first_process(self):
        parent = self.process.pid
        return int(Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0])

    def command(self, *words):
        """The command that runs `words` on this host."""
        # --root and --wd: those of the first process. Without them a chroot would be left.
        return ["nsenter", "--target", str(self.first_process()), *KINDS, "--root", "--wd", *map(str, words)]

    def ip(self, *words):
        """Runs ip(8) on the host's network."""
        done = subprocess.run(["nsenter", "--target", str(self.process.pid), "--net", find_program("ip"), *words],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: ip {' '.join(words)}: {done.stderr.strip()}")

    def processes(self):
        """The command lines of the processes on the host, except the one that holds the namespaces."""
        listing = subprocess.run(self.command("ps", "-e", "-o", "pid=,args="), capture_output=True, text=True)
        lines = [line.split(None, 1) for line in listing.stdout.splitlines()]
        return [args for pid, args in lines
                if pid != "1" and args != "sleep infinity" and not args.startswith("ps -e")]

    def power_off(self):
        """Kills all processes of the host at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


class PrivateCluster:
    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.controller = Host("ctl", self.folder)
        self.nodes = {name: Host(name, self.folder) for name in NODES}
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf"),
                            "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                            "OMPI_MCA_btl_vader_single_copy_mechanism": "none"}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "state").mkdir()
        (self.folder / "slurm.conf").write_text(
            SLURM_CONF.format(folder=self.folder, controller=CONTROLLER, **NODES))
        # Each host has a /dev/shm of its own, so the nodes' PMIx files cannot meet.
        (self.folder / "mpi.conf").write_text("PMIxCliTmpDirBase=/dev/shm\n")
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"{address} {name}\n" for name, address in {"ctl": CONTROLLER, **NODES}.items()))
        self.controller.power_on()
        self.controller.ip("link", "add", "br0", "type", "bridge")
        self.controller.ip("address", "add", f"{CONTROLLER}/24", "dev", "br0")
        self.controller.ip("link", "set", "br0", "up")
        self.start_munge()
        self.daemon(self.controller, "slurmctld", "-D", "-i")
        for name in self.nodes:
            self.start_node(name)
        self.wait_for_nodes()

    def start_munge(self):
        munge = self.folder / "munge"
        munge.mkdir(mode=0o755)
        subprocess.run([find_program("mungekey"), "--create", f"--keyfile={munge}/key"], check=True)
        self.daemon(self.controller, "munged", "--foreground", "--force", f"--socket={munge}/socket",
                    f"--key-file={munge}/key", f"--pid-file={munge}/pid", f"--log-file={munge}/log",
                    f"--seed-file={munge}/seed")
        wait_until((munge / "socket").exists, 30, "munged")

    def daemon(self, host, program, *arguments):
        log = open(self.folder / f"{program}-{host.name}.out", "ab")
        subprocess.Popen(host.command(find_program(program), *arguments), stdin=subprocess.DEVNULL, stdout=log,
                         stderr=log, env={**os.environ, **self.environment}, cwd="/")
        log.close()

    def start_node(self, name):
        """Starts a node, connects it to the network and starts its slurmd."""
        host = self.nodes[name]
        host.power_on()
        self.controller.ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns",
                            str(host.process.pid))
        self.controller.ip("link", "set", name, "master", "br0", "up")
        host.ip("address", "add", f"{NODES[name]}/24", "dev", "eth0")
        host.ip("link", "set", "eth0", "up")
        self.daemon(host, "slurmd", "-D")

    def cut_link(self, name):
        """Disconnects the node from the network; its processes keep running."""
        self.controller.ip("link", "set", name, "down")

    def mend_link(self, name):
        self.controller.ip("link", "set", name, "up")

    def repair(self):
        """Restores both nodes: started, connected and idle."""
        for name, host in self.nodes.items():
            if host.process is None:
                self.start_node(name)
            else:
                self.mend_link(name)
        self.wait_for_nodes()

    def wait_for_nodes(self, seconds=180):
        """Waits until both nodes are idle."""
        def idle():
            states = self.run("sinfo", "--noheader", "--Node", "--format=%T", check=False).stdout.split()
            return states == ["idle"] * len(self.nodes)
        try:
            wait_until(idle, seconds, "both nodes")
        except TimeoutError as error:
            raise RuntimeError(f"{error}\n{self.logs()}") from None

    def stop(self):
        for host in [*self.nodes.values(), self.controller]:
            host.power_off()

    def logs(self):
        """The last lines of every daemon's log, for error messages."""
        texts = []
        for path in sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out"), *self.folder.glob("munge/log")]):
            lines = path.read_text(errors="replace").splitlines()[-20:]
            texts.append("\n".join([f"--- {path.name}", *lines]))
        return "\n".join(texts)

    def run(self, *words, check=True, timeout=120, environment=None, cwd=None):
        """Runs a command on the controller's network and returns the finished process."""
        command = ["nsenter", "--target", str(self.controller.first_process()), "--net", "--uts",
                   *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=cwd or REPOSITORY,
                              env={**os.environ, **self.environment, **(environment or {})})
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}: status {done.returncode}\n{done.stderr}")
        return done

    def submit(self, script, *arguments, options=(), environment=None, cwd=None):
        """Submits a job with sbatch; returns its id as a string."""
        return self.run("sbatch", "--parsable", *options, script, *arguments,
                        environment=environment, cwd=cwd).stdout.strip()

    def job(self, job):
        """The fields of `scontrol show job`: JobState, ExitCode, Restarts, NodeList, ..."""
        text = self.run("scontrol", "--oneliner", "show", "job", job).stdout
        return dict(re.findall(r"(\S+?)=(\S*)", text))

    def wait(self, job, seconds=300):
        """Waits for the end of a job (a requeued job has not ended) and returns job(job)."""
        def ended():
            shown = self.job(job)
            return shown if shown["JobState"] in FINAL_STATES else None
        try:
            return wait_until(ended, seconds, f"the end of job {job}")
        except TimeoutError as error:
            queue = self.run("squeue", "--long", check=False).stdout
            raise RuntimeError(f"{error}\n{queue}\n{self.logs()}") from None

    def wait_for_state(self, job, state, seconds=180):
        wait_until(lambda: self.job(job)["JobState"] == state, seconds, f"job {job} to be {state}")


def main():
    reason = why_not()
    if reason:
        sys.exit(f"private_cluster: {reason}")
    command = sys.argv[1:] or [os.environ.get("SHELL", "bash")]
    with tempfile.TemporaryDirectory(prefix="s2i-slurm-") as folder, PrivateCluster(folder) as cluster:
        print(f"== Slurm with nodes n1 and n2; logs in {folder}; it ends with this command", file=sys.stderr)
        target = str(cluster.controller.first_process())
        done = subprocess.run(["nsenter", "--target", target, "--net", "--uts", *command],
                              env={**os.environ, **cluster.environment})
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()

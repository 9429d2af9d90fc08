"""Injects faults into a training run: starts s2i-train on two ranks repeatedly and ends each start with one fault.

A fault waits for a given step, acts, and checks the exit status and the log. It sets `expected` to a pattern that
the log of the next start must match.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import time
from pathlib import Path

from conftest import BIN, MPI_ENVIRONMENT

REPOSITORY = Path(__file__).resolve().parents[2]
FAULTS = BIN.parent / "lib/libs2i_file_faults.so"
PROGRESS_TIMEOUT = 600  # seconds without a new step until a wait fails
SKIPPED_CORRUPT = "skipping the corrupt checkpoint"


def last_step(folder):
    """The last step in metrics.jsonl; 0 without a complete line."""
    try:
        with open(folder / "metrics.jsonl", "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            lines = file.read().split(b"\n")[:-1]
        return json.loads(lines[-1])["step"] if lines else 0
    except (OSError, ValueError):
        return 0


def children(pid):
    output = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    found = [int(child) for child in output.split()]
    return found + [grandchild for child in found for grandchild in children(child)]


def usage(pid):
    """Returns (resident memory in MiB, open files), or None if the process does not exist."""
    with contextlib.suppress(OSError, IndexError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 2**20, len(os.listdir(f"/proc/{pid}/fd"))
    return None


def is_rank(pid):
    with contextlib.suppress(OSError):
        running = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        return running and Path(f"/proc/{pid}/comm").read_text().strip() == "s2i-train"
    return False


class Start:
    """One start of the program, with its own log file."""

    def __init__(self, folder, command, log, environment=None):
        self.folder, self.log_path, self.samples = folder, log, []
        with open(log, "w") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output,
                                            env={**os.environ, **MPI_ENVIRONMENT, **(environment or {})})
        self.ranks = []

    def log(self):
        return self.log_path.read_text(errors="replace")

    def ended(self):
        return self.process.poll() is not None

    def tail(self):
        return f"{self.log_path}, status {self.process.poll()}, step {last_step(self.folder)}:\n{self.log()[-3000:]}"

    def sample(self):
        """Records the current step and the memory and open files of both ranks."""
        if len(self.ranks) < 2 or not all(map(is_rank, self.ranks)):
            self.ranks = sorted(pid for pid in children(self.process.pid) if is_rank(pid))
        now = [usage(pid) for pid in self.ranks]
        if len(now) == 2 and all(now):
            self.samples.append((last_step(self.folder), now))

    def wait_until(self, condition, what):
        since, step = time.monotonic(), -1
        while not condition():
            if (now := last_step(self.folder)) != step:
                since, step = time.monotonic(), now
            assert time.monotonic() < since + PROGRESS_TIMEOUT, f"timeout waiting for {what}: {self.tail()}"
            time.sleep(0.02)

    def wait_for(self, condition, what):
        """Waits for the condition. Fails if the run ends before."""
        def reached():
            self.sample()
            assert not self.ended(), f"exited before {what}: {self.tail()}"
            return len(self.ranks) == 2 and condition()

        self.wait_until(reached, what)

    def wait_for_step(self, step):
        self.wait_for(lambda: last_step(self.folder) >= step, f"step {step}")

    def wait_for_end(self):
        """Waits until all processes have exited. Returns the exit status."""
        def exited():
            self.sample()
            return self.ended() and not any(map(is_rank, self.ranks))

        self.wait_until(exited, "exit")
        return self.process.wait()

    def between(self, first, last):
        """For each rank, the median memory in MiB and the minimum of open files in these steps."""
        found = [now for step, now in self.samples if first <= step <= last]
        assert found, f"no sample in steps {first} to {last}"
        return [(statistics.median(now[rank][0] for now in found), min(now[rank][1] for now in found))
                for rank in range(2)]

    def reached(self):
        """The last step that is known to be done."""
        return max([last_step(self.folder), *(step for step, _ in self.samples)])

    def kill_all(self):
        for pid in [self.process.pid, *children(self.process.pid), *self.ranks]:
            if pid == self.process.pid or is_rank(pid):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        self.process.wait()


class FaultInjector:
    def __init__(self, arguments, shards, folder, logs, rng):
        self.arguments, self.shards, self.folder, self.logs, self.rng = arguments, shards, folder, logs, rng
        self.starts = []
        self.expected = None  # pattern that the log of the next start must match, if any
        self.corrupted = False

    def start(self, *overrides, environment=None, launcher=("mpirun", "-np", "2", str(BIN / "s2i-train"))):
        log = self.logs / f"start-{len(self.starts) + 1:04}.log"
        command = [*map(str, launcher), *map(str, self.arguments), f"run.dir={self.folder}", *overrides]
        self.starts.append(Start(self.folder, command, log, environment))
        return self.starts[-1]

    def check_log(self, start):
        """Checks that the log reports a corrupt checkpoint only if one was corrupted, and matches `expected`."""
        log = start.log()
        assert (SKIPPED_CORRUPT in log) == self.corrupted, start.tail()
        if len(self.starts) > 1:
            assert "resuming from" in log, start.tail()
        if self.expected:
            assert re.search(self.expected, log), f"'{self.expected}' is missing: {start.tail()}"
        self.expected, self.corrupted = None, False

    def inject(self, kind, step):
        """Starts the program and injects the fault after `step`."""
        start = getattr(self, kind)(step)
        assert "Segmentation fault" not in start.log(), start.tail()

    def running(self, step, *overrides, **options):
        start = self.start(*overrides, **options)
        start.wait_for_step(step)
        self.check_log(start)
        return start

    def end(self, start, status, message=""):
        found = start.wait_for_end()
        assert found == status, f"status {found}, expected {status}: {start.tail()}"
        assert message in start.log(), f"'{message}' is missing: {start.tail()}"
        return start

    def saved_by(self, start, number):
        """Returns the step saved after the signal; the next start must resume from it."""
        saved = re.search(rf"stopped by signal {int(number)} after saving step (\d+); repeat the command to resume",
                         start.log())
        assert saved, start.tail()
        self.expected = rf"resuming from .*\(step {saved[1]} of "
        return int(saved[1])

    # The kinds of faults; the method names are in KINDS.

    def kill(self, step):
        start = self.running(step)
        os.kill(self.rng.choice(start.ranks), signal.SIGKILL)
        return self.end(start, 128 + signal.SIGKILL)

    def signal(self, step):
        start = self.running(step)
        number = self.rng.choice([signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
        os.kill(self.rng.choice(start.ranks), number)
        self.end(start, 128 + number)
        self.saved_by(start, number)
        return start

    def hang(self, step):
        start = self.running(step, "cluster.timeout_seconds=10")
        os.kill(self.rng.choice(start.ranks), signal.SIGSTOP)
        return self.end(start, 1, "the run hangs")

    def full(self, step):
        """The disk is full for 30 calls. The run must continue; it is then stopped with SIGTERM."""
        plan = f"below={self.folder} error=28 at={self.rng.randrange(100, 500)} count=30"
        start = self.start(environment={"LD_PRELOAD": str(FAULTS), "S2I_FAULTS": plan})
        start.wait_for(lambda: "No space left" in start.log(), "full disk")
        start.wait_for_step(max(step, last_step(self.folder) + 2))
        self.check_log(start)
        os.kill(start.ranks[0], signal.SIGTERM)
        self.end(start, 128 + signal.SIGTERM)
        self.saved_by(start, signal.SIGTERM)
        return start

    def corrupt(self, step):
        """Kills a rank and changes a byte of the latest checkpoint, unless it is the best: the best checkpoint has
        no replacement."""
        def latest():
            found = sorted((self.folder / "checkpoints").glob("step-*"))
            best = os.readlink(self.folder / "best") if (self.folder / "best").is_symlink() else ""
            return found[-1] if len(found) > 1 and not best.endswith(found[-1].name) else None

        start = self.running(step)
        start.wait_for(latest, "a checkpoint to corrupt")
        os.kill(self.rng.choice(start.ranks), signal.SIGKILL)
        self.end(start, 128 + signal.SIGKILL)
        self.corrupted = (checkpoint := latest()) is not None
        if self.corrupted:
            path = self.rng.choice(sorted(p for p in checkpoint.rglob("*") if p.is_file()))
            content = bytearray(path.read_bytes())
            content[self.rng.randrange(len(content))] ^= 1 + self.rng.randrange(255)
            path.write_bytes(content)
        return start

    def shard(self, step):
        start = self.running(step)
        shard = self.rng.choice(sorted((self.shards / "train").glob("*.h5")))
        original = shard.read_bytes()
        os.truncate(shard, self.rng.randrange(len(original) // 4))
        self.end(start, 1, shard.name)
        shard.write_bytes(original)
        return start

    def launcher(self, step):
        """Kills mpirun. The ranks must exit."""
        start = self.running(step)
        os.kill(start.process.pid, signal.SIGKILL)
        return self.end(start, -signal.SIGKILL)

    def requeue(self, step):
        """Runs slurm/train.sh with mock Slurm commands and sends it SIGUSR1. It must request a requeue after exit
        status 128 + SIGUSR1 with a new checkpoint."""
        mocks, requeued = self.logs / "slurm", self.logs / "requeued"
        if not mocks.exists():
            mocks.mkdir()
            (mocks / "squeue").write_text("#!/bin/sh\necho RUNNING\n")
            (mocks / "scontrol").write_text(f'#!/bin/sh\n[ "$1" != requeue ] || echo "$@" >> {requeued}\n')
            # A wrapper around the real mpirun that also writes its exit status to a file.
            (mocks / "mpirun").write_text(
                f'#!/bin/bash\n{shutil.which("mpirun")} "$@" &\ntrap "kill -USR1 $!" USR1\n'
                f'while kill -0 $! 2> /dev/null; do wait $!; status=$?; done\n'
                f'echo $status > {requeued}.status\nexit $status\n')
            (mocks / "site.sh").write_text("")
            for path in mocks.iterdir():
                path.chmod(0o755)
        requeued.unlink(missing_ok=True)
        environment = {"PATH": f"{mocks}:{os.environ['PATH']}", "SLURM_JOB_ID": "7", "SLURM_NTASKS": "2",
                       "S2I_HOME": str(REPOSITORY), "S2I_LAUNCHER": "mpirun", "S2I_BIN": str(BIN),
                       "S2I_SITE": str(mocks / "site.sh")}
        start = self.running(step, environment=environment, launcher=("bash", REPOSITORY / "slurm/train.sh"))
        start.process.send_signal(signal.SIGUSR1)
        self.end(start, 0, "requeueing job 7")
        assert requeued.read_text() == "requeue 7\n"
        assert int(Path(f"{requeued}.status").read_text()) == 128 + signal.SIGUSR1, start.tail()
        self.saved_by(start, signal.SIGUSR1)
        return start


KINDS = ["kill", "signal", "hang", "full", "corrupt", "shard", "launcher", "requeue"]

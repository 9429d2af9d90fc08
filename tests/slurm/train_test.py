"""slurm/train.sh on a real Slurm cluster: complete runs, stops and requeues, and invalid settings."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import LONG, SCRIPT, e2e, outcome
from private_cluster import REPOSITORY, wait_until

SHORT = ["train.epochs=1"]


@pytest.fixture
def mock_program(tmp_path):
    """mock_program(bash lines) -> environment with an S2I_BIN whose s2i-train runs these lines."""

    def write(lines):
        program = tmp_path / "bin/s2i-train"
        program.parent.mkdir()
        program.write_text('#!/bin/bash\nif [ "${@: -2:1}" = --show ]; then\n'
                           '  case ${@: -1} in run.dir) echo run ;; *) echo SIGTERM,SIGINT,SIGUSR1 ;; esac; exit\nfi\nmkdir -p run\n' + lines)
        program.chmod(0o755)
        return {"S2I_BIN": str(program.parent)}

    return write


@pytest.fixture(scope="module")
def uninterrupted(settings, shards, model, tmp_path_factory):
    """The run folder of an uninterrupted run of LONG on two ranks."""
    run_dir = tmp_path_factory.mktemp("uninterrupted") / "run"
    e2e.run("s2i-train", settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={run_dir}", *LONG, ranks=2)
    return run_dir


@pytest.mark.parametrize("launcher, started_with", [("", "srun --mpi=pmix"), ("mpirun", "mpirun -np 2")])
def test_two_nodes_train_together(submit, launcher, started_with):
    job = submit(*SHORT, environment={"S2I_LAUNCHER": launcher})
    assert job.end()["JobState"] == "COMPLETED", job.log()
    log = job.log()
    assert started_with in log
    assert "2 ranks on 2 nodes" in log
    assert re.search(r"^ *0 +n1 ", log, re.M) and re.search(r"^ *1 +n2 ", log, re.M), log
    assert job.steps() == 5
    assert (job.run_dir / "evaluation.json").exists()


@pytest.mark.parametrize("launcher, signals", [
    # Slurm sends the signal to the ranks, or to the batch shell, which forwards it (as before the time limit).
    ("srun", [["--signal=USR1"], ["--batch", "--signal=USR1"]]),
    ("mpirun", [["--batch", "--signal=USR2"]]),  # from run.stop_signals
])
def test_a_stopped_and_requeued_run_ends_with_the_same_result(submit, uninterrupted, launcher, signals):
    job = submit(*LONG, "run.stop_signals=SIGTERM,SIGUSR1,SIGUSR2", environment={"S2I_LAUNCHER": launcher})
    for number, options in enumerate(signals, start=1):
        job.wait_for_steps(7 * number, start=number)
        job.signal(*options)
        wait_until(lambda: job.shown()["Restarts"] == str(number), 180, f"requeue {number}: {job.log()}")
    shown = job.end()
    log = job.log()  # has all starts
    assert shown["JobState"] == "COMPLETED", log
    assert len(re.findall("stopped by .*after saving", log)) == len(signals), log
    assert log.count("resuming from") == len(signals)
    assert outcome(job.run_dir) == outcome(uninterrupted)


def test_scancel_saves_a_checkpoint_without_a_requeue(submit):
    job = submit(*LONG)
    job.wait_for_steps(3)
    job.signal()
    shown = job.end()
    assert (shown["JobState"], shown["Restarts"]) == ("CANCELLED", "0")
    wait_until(lambda: "stopped by signal 15 after saving" in job.log(), 30, "the final log message")
    assert "requeueing" not in job.log()


def test_the_signal_before_the_time_limit_requeues(submit, mock_program):
    # Slurm checks time limits every 30 s, so a job with a limit of one minute gets the signal at the first check.
    environment = mock_program("""
[ ! -L run/last ] || exit 0
trap 'ln -s checkpoints/step-00000001 run/last; exit 138' USR1
for second in {1..60}; do sleep 1; done
""")
    job = submit(options=["--nodes=1", "--time=1"], environment=environment)
    shown = job.end()
    assert (shown["JobState"], shown["Restarts"]) == ("COMPLETED", "1"), job.log()


def test_a_start_that_saves_no_step_is_not_requeued(submit, mock_program):
    job = submit(environment=mock_program("exit 138"))
    shown = job.end()
    assert (shown["JobState"], shown["ExitCode"], shown["Restarts"]) == ("FAILED", "138:0", "0"), job.log()
    assert "before this start saved a step" in job.log()


def test_a_failure_without_a_node_failure_is_not_requeued(submit, mock_program):
    job = submit(environment=mock_program("exit 1"))
    shown = job.end()
    assert (shown["JobState"], shown["ExitCode"], shown["Restarts"]) == ("FAILED", "1:0", "0"), job.log()


def test_an_invalid_setting_fails_the_job_with_one_message(submit):
    job = submit("train.epohcs=3")
    shown = job.end()
    assert (shown["ExitCode"], shown["Restarts"]) == ("2:0", "0")
    assert job.log().count("unknown key 'train.epohcs'; did you mean 'train.epochs'?") == 1
    assert "start 1" not in job.log()


def test_no_requeue_on_the_command_line_has_precedence(submit, mock_program):
    step = "ln -s checkpoints/step-$SLURM_JOB_ID run/last; exit 138"
    job = submit(options=["--no-requeue"], environment=mock_program(step))
    shown = job.end()
    assert (shown["ExitCode"], shown["Restarts"]) == ("138:0", "0"), job.log()
    assert "--no-requeue" in job.log()


def test_sbatch_options_override_the_script(submit):
    job = submit(*SHORT, options=["--nodes=1", "--ntasks-per-node=2", "--cpus-per-task=2", "--job-name=mine",
                                  "--output=other-%j.log"])
    shown = job.end()
    assert (shown["JobState"], shown["JobName"], shown["NumNodes"]) == ("COMPLETED", "mine", "1"), job.log()
    assert (job.folder / f"other-{job.number}.log").exists()
    assert "2 ranks on 1 node" in job.log()


def test_a_container_and_the_site_file(submit, tmp_path):
    """The container runtime is a mock that records its arguments and starts the program on the host."""
    (tmp_path / "image.sif").touch()
    runtime = tmp_path / "runtime/apptainer"
    runtime.parent.mkdir()
    runtime.write_text('#!/bin/bash\necho "$*" >> calls.txt\nuntil [ "$1" = image.sif ]; do shift; done\nshift\nexec "$@"\n')
    runtime.chmod(0o755)
    site = tmp_path / "site.sh"
    site.write_text(f"echo on $(hostname): $unset_is_no_error\nfalse\n"
                    f"PATH={runtime.parent}:$PATH\nS2I_LAUNCHER=mpirun\n")
    job = submit(*SHORT, environment={"CONTAINER": "image.sif", "CONTAINER_OPTIONS": "--cleanenv --bind /data",
                                      "S2I_SITE": str(site)})
    assert job.end()["JobState"] == "COMPLETED", job.log()
    assert all(part in job.log() for part in ("on n1:", "mpirun -np 2", "2 ranks on 2 nodes")), job.log()
    started = [line for line in (tmp_path / "calls.txt").read_text().splitlines() if "--show" not in line and "ldd" not in line]
    assert len(started) == 2
    expected = f"exec --bind {REPOSITORY} --bind {tmp_path} --pwd {tmp_path} --cleanenv --bind /data image.sif {e2e.BIN}/s2i-train"
    assert all(line.startswith(expected) for line in started), started


@pytest.mark.parametrize("environment, message", [
    ({"S2I_LAUNCHER": "ssh"}, "S2I_LAUNCHER=ssh: must be srun or mpirun"),
    ({"S2I_SITE": "none.sh"}, "S2I_SITE=none.sh: file not found"),
    ({"S2I_BIN": "/nowhere"}, "/nowhere/s2i-train not found; build it (tools/setup.sh) or set S2I_BIN"),
    ({"CONTAINER": "none.sif", "CONTAINER_RUNTIME": "true"}, "CONTAINER=none.sif: image not found"),
    ({"CONTAINER": "docker://x"}, "neither apptainer nor singularity is on the PATH"),
    ({"S2I_REQUEUE_SIGNALS": "USR1 TERM"}, "TERM is not allowed, because Slurm uses it to cancel jobs"),
    ({"S2I_REQUEUE_SIGNALS": "USR9"}, "'USR9' is not a signal name"),
])
def test_rejects_invalid_settings_of_the_script(settings, environment, message):
    if "apptainer" in message and (shutil.which("apptainer") or shutil.which("singularity")):
        pytest.skip("this machine has a container runtime")
    variables = {"SLURM_JOB_ID": "1", "S2I_BIN": str(e2e.BIN), **environment}
    done = subprocess.run(["bash", SCRIPT, settings, "data.dir=x", "run.dir=y"], capture_output=True, text=True,
                          env={**os.environ, **variables})
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("existing_checkpoint", [False, True])
def test_a_later_start_resumes_from_the_checkpoint_of_the_job(mock_program, tmp_path, existing_checkpoint):
    """Slurm and mpirun are mocks. Checks the run.resume argument that each start passes to the program."""
    environment = mock_program('echo "${@: -1}" >> arguments\n[ ! -e save ] || ln -sfn "$(cat save)" run/last\nexit 1')
    mpirun = tmp_path / "mpirun/mpirun"
    mpirun.parent.mkdir()
    mpirun.write_text('#!/bin/bash\nshift 2\nexec "$@"\n')
    mpirun.chmod(0o755)
    environment |= {"PATH": f"{mpirun.parent}:{os.environ['PATH']}", "S2I_LAUNCHER": "mpirun", "SLURM_JOB_ID": "7",
                    "S2I_HOME": str(REPOSITORY)}
    (tmp_path / "run").mkdir()
    for step in ("05", "10"):
        (tmp_path / f"step-{step}").mkdir()
    if existing_checkpoint:
        (tmp_path / "run/last").symlink_to("../step-05")

    def start(number, *arguments):
        done = subprocess.run(["bash", SCRIPT, "x.yaml", *arguments], cwd=tmp_path, capture_output=True, text=True,
                              env={**os.environ, **environment, "SLURM_RESTART_COUNT": str(number)})
        assert done.returncode == 1, done.stderr
        return (tmp_path / "arguments").read_text().split()[-1]

    path = "run.resume=elsewhere/step-05"
    assert start(0, path) == path
    assert start(1, path) == path  # the first start saved nothing
    (tmp_path / "save").write_text("../step-10")
    assert start(2, path) == path
    (tmp_path / "save").write_text("../step-05")
    assert start(3, path) == "run.resume=auto"
    assert start(4, path) == "run.resume=auto"
    assert start(0, path) == path  # another job


def test_outside_a_job():
    def call(*arguments):
        return subprocess.run(["bash", SCRIPT, *arguments], capture_output=True, text=True, cwd="/tmp")

    assert "sbatch [options of sbatch] slurm/train.sh CONFIG" in call("--help").stdout
    assert "#SBATCH" not in call("--help").stdout
    for arguments, message in [((), "the configuration is missing"), (("x.yaml",), "not in a Slurm job")]:
        done = call(*arguments)
        assert done.returncode == 2 and message in done.stderr


def test_locates_the_checkout_from_the_folder_of_submission(cluster, tmp_path):
    number = cluster.submit("train.sh", "none.yaml", options=[f"--output={tmp_path}/log"], cwd=REPOSITORY / "slurm",
                            environment={"S2I_BIN": str(e2e.BIN)})
    assert cluster.wait(number)["ExitCode"] == "2:0"
    assert "none.yaml" in (tmp_path / "log").read_text()

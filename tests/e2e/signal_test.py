"""A signal to any rank: all ranks agree on the step, save it, and exit with 128 + the signal; the next start goes on.

The part of a run that gets the signal would not end by itself: its last step is too far away to be reached. The
schedule is constant, so that only the end depends on train.max_steps.
"""

import json
import os
import re
import signal

import pytest
from conftest import progress, read_lines, steps_logged
from resume_test import RANDOM, assert_same, outcome

RUN = [*RANDOM, "schedule.name=constant", "schedule.warmup_steps=0", "train.epochs=0"]
ENDLESS = [*RUN, "train.max_steps=10000000"]
PATIENCE = 300  # seconds


def saved_after(process, folder, number):
    """The step that the run saved, once it has ended as it has to after this signal."""
    errors = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 128 + number, errors
    told = re.search(rf"stopped by signal {int(number)} after saving step (\d+); repeat the command to resume", errors)
    assert told, errors
    step = int(told[1])
    assert os.readlink(folder / "last") == f"checkpoints/step-{step:08}"
    assert steps_logged(folder) == step
    return step


def assert_goes_on_as_if_undisturbed(train, step, ranks, *overrides):
    end = f"train.max_steps={step + 4}"
    folder, done = train("run", *RUN, end, *overrides, ranks=ranks)
    assert f"step {step} of {step + 4}" in done.stderr
    whole, _ = train("whole", *RUN, end, *overrides, ranks=ranks)
    assert_same(outcome(whole), outcome(folder))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
@pytest.mark.parametrize("ranks, victim", [(None, 0), (2, 0), (2, 1)])
def test_a_signal_to_one_rank_stops_all_at_one_step_and_the_next_start_goes_on(job, train, ranks, victim, number):
    process, folder = job(ranks, *ENDLESS)
    os.kill(progress(folder, victim)["process"], number)
    # The signal is seen at the beginning of the step after the one the victim is in. Rank 0 may be in the step
    # after the last one logged by now; another rank in the one after that, waiting for rank 0.
    at_most = steps_logged(folder) + 2 + victim
    step = saved_after(process, folder, number)
    assert step <= at_most
    for rank in range(ranks or 1):
        last = progress(folder, rank)
        assert (last["state"], last["last_steps"][-1]["step"]) == ("ended", step), last
    assert_goes_on_as_if_undisturbed(train, step, ranks)


def test_a_signal_that_mpirun_passes_on_to_every_rank_stops_them_once(job, train):
    process, folder = job(2, *ENDLESS)
    process.send_signal(signal.SIGUSR1)
    step = saved_after(process, folder, signal.SIGUSR1)
    assert_goes_on_as_if_undisturbed(train, step, 2)


def test_a_signal_at_a_step_with_a_validation_leaves_it_to_the_next_start(job, train):
    each_step = "train.evaluate_every_steps=1"
    process, folder = job(2, *ENDLESS, each_step)
    os.kill(progress(folder, 1)["process"], signal.SIGUSR1)
    step = saved_after(process, folder, signal.SIGUSR1)
    assert json.loads((folder / "last/run_state.json").read_text())["validation_due"]
    assert [line["step"] for line in read_lines(folder / "validation.jsonl")] == list(range(1, step))
    assert_goes_on_as_if_undisturbed(train, step, 2, each_step)
    assert [line["step"] for line in read_lines(folder / "validation.jsonl")] == list(range(1, step + 5))

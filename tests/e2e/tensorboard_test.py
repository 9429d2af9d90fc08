"""The event files of a run, as TensorBoard's own code reads them."""

import io
import json
import shutil
import signal
import urllib.request
from collections import Counter

import pytest
from conftest import INTENTS, read_lines, steps_logged, wait_until
from resume_test import remove_checkpoints_after
from signal_test import ENDLESS, RUN

event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator",
                                        reason="tensorboard is not installed")
event_file_loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
plugin_data = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2")

LOGGED = {"train/loss": "loss", "train/learning_rate": "learning_rate", "train/grad_norm": "grad_norm",
          "train/padding": "padding", "train/utterances_per_second": "utterances_per_second", "train/epoch": "epoch"}


def opened(folder):
    accumulator = event_accumulator.EventAccumulator(
        str(folder / "tensorboard"), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def in_files(folder):
    """How often each (tag, step) is in the files, before TensorBoard leaves anything out."""
    seen = Counter()
    for path in sorted((folder / "tensorboard").iterdir()):
        for event in event_file_loader.LegacyEventFileLoader(str(path)).Load():
            seen.update((value.tag, event.step) for value in event.summary.value)
    return seen


def scalars(accumulator, tag):
    return [(event.step, event.value) for event in accumulator.Scalars(tag)]


def f32(pairs):
    return [(step, pytest.approx(value, rel=1e-6)) for step, value in pairs]


def session(accumulator, part):
    content = accumulator.SummaryMetadata(f"_hparams_/session_{part}_info").plugin_data.content
    return getattr(plugin_data.HParamsPluginData.FromString(content), f"session_{part}_info")


def test_it_has_the_figures_of_the_logs(trained):
    board = opened(trained)
    steps = read_lines(trained / "metrics.jsonl")
    for tag, key in LOGGED.items():
        assert scalars(board, tag) == f32((line["step"], line[key]) for line in steps), tag
    for phase in steps[0]["seconds"]:
        logged = f32((line["step"], line["seconds"][phase]) for line in steps)
        assert scalars(board, f"seconds/{phase}") == logged, phase
    validations = read_lines(trained / "validation.jsonl")
    for key in ("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "loss"):
        assert scalars(board, f"validation/{key}") == f32((line["step"], line[key]) for line in validations), key
    evaluation = json.loads((trained / "evaluation.json").read_text())
    last = steps[-1]["step"]
    for key in ("accuracy", "f1_macro", "loss"):
        assert scalars(board, f"final/{key}") == f32([(last, evaluation[key])]), key
    for intent in INTENTS:
        assert [step for step, _ in scalars(board, f"validation_f1/{intent}")] == [v["step"] for v in validations]
        assert scalars(board, f"final_f1/{intent}") == f32([(last, evaluation["per_intent"][intent]["f1"])])


def test_the_confusion_matrix_is_an_image(trained):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    board = opened(trained)
    events = board.Images("final/confusion")
    assert [event.step for event in events] == [read_lines(trained / "metrics.jsonl")[-1]["step"]]
    picture = image.open(io.BytesIO(events[0].encoded_image_string))
    assert picture.size == (events[0].width, events[0].height) and picture.mode == "RGB"
    confusion = json.loads((trained / "evaluation.json").read_text())["confusion"]
    cell = picture.width // len(INTENTS)
    for label, row in enumerate(confusion):
        for predicted, count in enumerate(row):
            color = picture.getpixel((predicted * cell + cell // 2, label * cell + cell // 2))
            assert (color != (255, 255, 255)) == (count > 0), (label, predicted)
    legend = board.SummaryMetadata("final/confusion").summary_description
    assert "1. ask\\_balance" in legend
    assert len(board.Images("validation/confusion")) == len(read_lines(trained / "validation.jsonl"))


def test_it_has_the_configuration_and_the_settings_of_the_session(trained):
    board = opened(trained)
    text = board.Tensors("configuration")[0].tensor_proto.string_val[0].decode()
    assert "      learning_rate: 0.001" in text.splitlines()
    settings = {name: getattr(value, value.WhichOneof("kind"))
                for name, value in session(board, "start").hparams.items()}
    assert settings["optimizer.learning_rate"] == 1e-3
    assert settings["batch.global"] == 12.0
    assert settings["model.freeze_feature_encoder"] is False
    assert settings["schedule.name"] == "linear"
    assert settings["run.seed"] == 11.0
    assert not {"run.dir", "cluster.timeout_seconds", "checkpoint.keep"} & set(settings)
    assert session(board, "end").status == 1  # success


def test_a_run_that_was_killed_and_resumed_has_each_step_once(job, train):
    process, folder = job(None, *ENDLESS, "checkpoint.every_steps=4", "train.evaluate_every_steps=2")
    wait_until(lambda: steps_logged(folder) >= 11, "step 11")
    process.kill()
    process.communicate()
    end = ["train.max_steps=16", "train.evaluate_every_steps=2"]
    _, done = train("run", *RUN, *end)
    resumed = int(done.stderr.split("(step ")[1].split(" of 16")[0])
    assert resumed in (8, 10, 12, 14), "killed too late for this test"
    whole, _ = train("whole", *RUN, *end)

    expected = in_files(whole)
    assert set(expected.values()) == {1}
    expected[("configuration", resumed)] += 1  # the resumed run may have another one
    at_start = ("_hparams_/session_start_info", 0)
    expected[("_hparams_/session_start_info", resumed)] = expected.pop(at_start)
    assert in_files(folder) == expected
    board = opened(folder)
    assert [step for step, _ in scalars(board, "train/loss")] == list(range(1, 17))
    assert scalars(board, "train/loss") == scalars(opened(whole), "train/loss")


def test_a_step_is_there_once_wherever_the_run_goes_on(train):
    settings = ["checkpoint.every_steps=1", "checkpoint.keep=100", "train.evaluate_every_steps=1", "train.max_steps=6"]
    folder, _ = train("run", *settings)
    once = {tag: count for tag, count in in_files(folder).items() if tag[0] not in ("configuration",)}
    for goes_on_at in (6, 3, 3, 5, 1):
        remove_checkpoints_after(folder, goes_on_at)
        train("run", *settings)
        seen = in_files(folder)
        assert set(seen.values()) == {1}
        without_start = {tag: count for tag, count in seen.items()
                         if tag[0] not in ("configuration", "_hparams_/session_start_info")}
        assert without_start == {tag: count for tag, count in once.items()
                                 if tag[0] != "_hparams_/session_start_info"}
    assert scalars(opened(folder), "validation/loss") == f32(
        (line["step"], line["loss"]) for line in read_lines(folder / "validation.jsonl"))


def test_a_validation_that_a_signal_prevented_is_there_once(job, train):
    """A stop between a step and its validation, a start that validates, and another from the same checkpoint."""
    each_step = ["train.evaluate_every_steps=1", "checkpoint.keep=100"]
    process, folder = job(None, *ENDLESS, *each_step)
    process.send_signal(signal.SIGUSR1)
    process.communicate()
    step = steps_logged(folder)
    shutil.copytree(folder / f"checkpoints/step-{step:08}", tmp := folder.parent / "stopped")
    assert json.loads((tmp / "run_state.json").read_text())["validation_due"]
    end = f"train.max_steps={step + 2}"
    train("run", *RUN, *each_step, end)
    assert in_files(folder)[("validation/loss", step)] == 1
    # As if the start had been killed before it saved the state after the validation.
    remove_checkpoints_after(folder, step - 1)
    shutil.copytree(tmp, folder / f"checkpoints/step-{step:08}")
    train("run", *RUN, *each_step, end)
    seen = in_files(folder)
    assert set(seen.values()) == {1}
    assert [s for tag, s in seen if tag == "validation/loss"] == list(range(1, step + 3))


def test_without_a_test_split_the_final_figures_are_those_of_the_best_validation(train):
    folder, _ = train("run", "data.test_split=", "train.evaluate_every_steps=2", "train.max_steps=6")
    best = [line for line in read_lines(folder / "validation.jsonl") if line["best"]][-1]
    assert scalars(opened(folder), "final/accuracy") == f32([(6, best["accuracy"])])


def test_it_can_be_turned_off(train):
    folder, _ = train("run", "run.tensorboard=false", "train.max_steps=1", "data.test_split=")
    assert not (folder / "tensorboard").exists()


@pytest.mark.parametrize("loading", ["true", "false"])
def test_a_sweep_sorts_by_its_final_figures(train, tmp_path, loading):
    program = pytest.importorskip("tensorboard.program")
    rates = [1e-5, 1e-3, 3e-3]
    expected = {}
    for rate in rates:
        folder, _ = train(f"sweep/{rate}", f"optimizer.learning_rate={rate}", "train.max_steps=4")
        expected[rate] = json.loads((folder / "evaluation.json").read_text())["loss"]
    board = program.TensorBoard()
    board.configure(argv=["", "--logdir", str(tmp_path / "sweep"), "--host", "127.0.0.1", "--port", "0",
                          "--load_fast", loading])
    url = board.launch()

    def ask(what, **request):
        body = json.dumps({"experimentName": "", **request}).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{url}data/plugin/hparams/{what}", body, headers)) as reply:
            return json.loads(reply.read())

    wait_until(lambda: len(ask("experiment").get("metricInfos", [])) > 4, "experiment", 60)
    experiment = ask("experiment")
    assert [info["name"]["tag"] for info in experiment["metricInfos"]][:5] == [
        f"final/{name}" for name in ("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "loss")]
    assert [info["name"] for info in experiment["hparamInfos"] if info.get("differs")] == ["optimizer.learning_rate"]
    groups = ask("session_groups", allowedStatuses=["STATUS_SUCCESS"], sliceSize=10, colParams=[
        {"metric": {"group": "", "tag": "final/loss"}, "order": "ORDER_ASC"},
        {"hparam": "optimizer.learning_rate", "includeInResult": True}])["sessionGroups"]
    found = [group["hparams"]["optimizer.learning_rate"] for group in groups]
    assert found == sorted(rates, key=expected.get)

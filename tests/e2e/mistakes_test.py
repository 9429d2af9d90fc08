"""Paths and settings that are not what was meant: the message names the remedy."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import BIN, MPI_ENVIRONMENT, message, run



NO_OVERRIDE_OF_PERMISSIONS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


def run_as_user(program, *arguments):
    """Runs a program without root's right to read every file."""
    launcher = NO_OVERRIDE_OF_PERMISSIONS if os.geteuid() == 0 else []
    if launcher and (not shutil.which("setpriv") or subprocess.run([*launcher, "true"]).returncode != 0):
        pytest.skip("root cannot drop its right to read every file here (setpriv)")
    return subprocess.run([*launcher, str(BIN / program), *map(str, arguments)], capture_output=True, text=True,
                          timeout=300, env={**os.environ, **MPI_ENVIRONMENT})


def test_an_empty_value_and_a_tab(tmp_path):
    cases = {
        "train:\n  epochs: null\n": "settings.yaml:2: train.epochs is empty but must be a whole number; remove the line",
        "train:\n  epochs:\n": "settings.yaml:2: train.epochs is empty",
        "precision: null\n": "settings.yaml:1: precision is empty but must be one of fp32, bf16; remove the line",
        "train:\n\tepochs: 3\n": "settings.yaml:2: indented with a tab",
        "optimizer:\n  lr: 1e-3\n": "did you mean 'optimizer.learning_rate'",
        "train:\n  wd: 0\n": "did you mean 'optimizer.weight_decay'",
    }
    for text, expected in cases.items():
        (tmp_path / "settings.yaml").write_text(text)
        assert expected in message(run("s2i-train", tmp_path / "settings.yaml", check=False), 2), text


def test_a_file_without_read_permission(train, settings, shards, model, tmp_path):
    copies = {"shards": tmp_path / "shards", "model": tmp_path / "model"}
    shutil.copytree(shards, copies["shards"])
    shutil.copytree(model, copies["model"])
    configuration = tmp_path / "settings.yaml"
    shutil.copy(settings, configuration)
    start = (configuration, f"data.dir={copies['shards']}", f"model.init={copies['model']}", f"run.dir={tmp_path / 'x'}",
             "--dry-run")
    assert run_as_user("s2i-train", *start).returncode == 0
    shard = next((copies["shards"] / "train").glob("*.h5"))
    for path in (shard, copies["shards"] / "train/manifest.json", copies["shards"] / "train",
                 copies["model"] / "model.safetensors", copies["model"] / "config.json", copies["model"], configuration):
        mode = path.stat().st_mode
        path.chmod(0)
        done = run_as_user("s2i-train", *start)
        path.chmod(mode)
        error = message(done, 2)
        assert "ermission" in error and str(path) in error, error
        assert "s2i-preprocess" not in error, error


def test_run_resume_is_not_a_checkpoint(train, model):
    folder, _ = train("x")
    cases = {
        "true": "run.resume=true is neither auto, never nor the folder of a checkpoint",
        f"{folder}/lats": "is neither auto, never nor the folder of a checkpoint",
        "": "is empty but must be auto, never or a checkpoint's path",
        f"{folder}": f"is the folder of a run, not of a checkpoint; use run.resume={folder}/last",
        f"{folder}/last/model": f"is the model of a checkpoint; use run.resume={folder}/last",
        f"{model}": f"start from it with model.init={model}",
        f"{folder}/config.yaml": "is a file; name the folder of a checkpoint",
    }
    for value, expected in cases.items():
        _, done = train("y", f"run.resume={value}", check=False)
        error = message(done, 2)
        assert expected in error and "filesystem" not in error, (value, error)


def test_a_run_folder_as_model_suggests_its_best_model(train, shards):
    folder, _ = train("x")
    cases = {f"{folder}": f"use its model {folder}/best/model", f"{folder}/best": f"use its model {folder}/best/model"}
    for path, expected in cases.items():
        done = run("s2i-evaluate", "--model", path, "--data", shards, check=False)
        assert expected in message(done, 2)
        _, done = train("y", f"model.init={path}", check=False)
        assert expected in message(done, 2)


def test_a_relative_path_is_reported_with_the_current_folder(settings, shards, model, tmp_path):
    for name, *overrides in (("models/missing", f"data.dir={shards}", "model.init=models/missing"),
                             ("missing/train", "data.dir=missing", f"model.init={model}")):
        done = subprocess.run([BIN / "s2i-train", settings, f"run.dir={tmp_path}/x", *overrides], cwd=tmp_path,
                              capture_output=True, text=True, env={**os.environ, **MPI_ENVIRONMENT})
        assert f"{name} (in the current folder, {tmp_path})" in message(done, 2)


def test_a_dry_run_writes_nothing(train):
    folder, done = train("x", "--dry-run")
    assert "nothing was saved" in done.stderr
    assert not folder.exists()


def test_a_finished_run_with_fewer_steps_trains_nothing(train):
    folder, _ = train("x")
    _, done = train("x", "train.max_steps=3")
    assert "is past the last step of this run, 3, so nothing is trained; raise train.epochs" in done.stderr
    assert "%)" not in done.stderr.split("nothing is trained")[1].split("evaluate")[0]


def test_another_learning_rate_suggests_the_model_of_the_checkpoint(train):
    folder, _ = train("x")
    _, done = train("x", "optimizer.learning_rate=2e-3", check=False)
    assert done.returncode == 2
    model = done.stderr.split("model.init=")[1].split(":\n")[0]
    assert "optimizer.learning_rate: 0.001 -> 0.002" in done.stderr
    train("y", f"model.init={model}", "optimizer.learning_rate=2e-3", "train.max_steps=1")


def test_the_number_of_trained_parameters_is_recorded(train):
    folder, done = train("x", "train.max_steps=1", "model.freeze_layers=1")
    counts = re.search(r"(\d+) of (\d+) parameters are trained", done.stderr)
    assert 0 < int(counts[1]) < int(counts[2])
    assert counts[0] in (folder / "config.yaml").read_text().splitlines()[0]

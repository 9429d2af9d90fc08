"""What a person can get wrong: one clear error each, the right exit status, and nothing lost."""

import json
import os
import shutil
import subprocess

import pytest
from conftest import message, run


def test_configuration_mistakes(train, settings, tmp_path):
    cases = {
        "optimizer.learning_rat=1": "did you mean 'optimizer.learning_rate'",
        "train.epochs=many": "must be a whole number",
        "train.epochs=-1": "at least 0",
        "precision=fp8": "one of fp32, bf16",
        "justaword": "key=value",
        "data.validation_fraction=.nan": "finite",
    }
    for override, expected in cases.items():
        _, done = train("x", override, check=False)
        assert expected in message(done, 2), override
    done = run("s2i-train", tmp_path / "missing.yaml", check=False)
    assert "no configuration file" in message(done, 2)
    broken = tmp_path / "broken.yaml"
    broken.write_text("train:\n  epochs: 3\n  epohcs: 4\n")
    assert "broken.yaml:3: unknown key 'train.epohcs'" in message(run("s2i-train", broken, check=False), 2)
    done = run("s2i-train", check=False)
    assert "no configuration file" in message(done, 2)
    assert "data.dir is not set" in message(run("s2i-train", settings, check=False), 2)


def test_numbers_of_a_command_line_are_decimal(tmp_path):
    for program, option in (("s2i-evaluate", "--batch"), ("s2i-preprocess", "--jobs"), ("s2i-make-random-model", "--seed")):
        done = run(program, option, "0x10", check=False)
        assert done.returncode == 2 and "'0x10' is not a whole decimal number" in done.stderr
    done = run("s2i-bench", "train", "--steps", "0x10", check=False)  # of a subcommand
    assert done.returncode == 2 and "whole decimal number" in done.stderr
    models = [tmp_path / name for name in ("octal", "decimal")]
    for model, seed in zip(models, ("010", "10")):
        run("s2i-make-random-model", "--shape", "tiny", "--seed", seed, "--out", model)
    weights = [(model / "model.safetensors").read_bytes() for model in models]
    assert weights[0] == weights[1]


def test_one_message_for_all_ranks(train):
    _, done = train("x", "precision=fp8", ranks=3, check=False)
    assert done.returncode == 2
    assert done.stderr.count("one of fp32, bf16") == 1


def test_shards_that_do_not_fit(train, corpus, shards, tmp_path):
    _, done = train("x", f"data.dir={tmp_path}", check=False)
    assert "s2i-preprocess" in message(done, 2)
    _, done = train("x", "data.test_split=nonesuch", check=False)
    assert "data.test_split" in message(done, 2)
    slow = tmp_path / "8k"
    run("s2i-preprocess", "--corpus", corpus, "--split", "train,test", "--out", slow, "--sample-rate", 8000)
    _, done = train("x", f"data.dir={slow}", check=False)
    assert "8000 Hz and the model needs 16000 Hz" in message(done, 2)
    cut = tmp_path / "cut"
    shutil.copytree(shards, cut)
    shard = next((cut / "train").glob("*.h5"))
    os.truncate(shard, shard.stat().st_size // 2)
    _, done = train("x", f"data.dir={cut}", check=False)
    assert shard.name in message(done, 2)


def test_a_shard_that_changed_on_disk_is_named(train, shards, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(shards, changed)
    shard = next((changed / "train").glob("*.h5"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    _, done = train("x", f"data.dir={changed}", check=False)
    assert done.returncode == 1
    assert shard.name in done.stderr


def test_models_that_cannot_be_loaded(train, model, tmp_path):
    _, done = train("x", f"model.init={tmp_path / 'nowhere'}", check=False)
    message(done, 2)
    _, done = train("x", "model.init=microsoft/wavlm-base-plus", check=False,
                    environment={"HF_HUB_CACHE": str(tmp_path / "cache")})
    assert "download microsoft/wavlm-base-plus" in message(done, 2)
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(model / "config.json", bare)
    _, done = train("x", f"model.init={bare}", check=False)
    assert "bare" in message(done, 2)
    cut = tmp_path / "cut"
    shutil.copytree(model, cut)
    os.truncate(cut / "model.safetensors", 10000)
    _, done = train("x", f"model.init={cut}", check=False)
    assert "model.safetensors" in message(done, 2)


def test_another_number_of_intents(train, trained, shards, tmp_path):
    """A head for four intents, shards of three: refused, and replaced on request."""
    other = tmp_path / "other"
    shutil.copytree(trained / "best/model", other, symlinks=False)
    config = json.loads((other / "config.json").read_text())
    config["id2label"] = {"0": "a", "1": "b", "2": "c"}
    config["label2id"] = {"a": 0, "b": 1, "c": 2}
    (other / "config.json").write_text(json.dumps(config))
    done = run("s2i-evaluate", "--model", other, "--data", shards, check=False)
    assert "3" in message(done, 2) and "4" in message(done, 2)


def test_evaluating_a_model_without_a_head(model, shards, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    bare = shutil.copytree(model, tmp_path / "bare")
    weights = safetensors.load_file(bare / "model.safetensors")
    safetensors.save_file({name: value for name, value in weights.items() if name.startswith("wavlm.")}, bare / "model.safetensors")
    done = run("s2i-evaluate", "--model", bare, "--data", shards, check=False)
    text = message(done, 2)
    assert "not a trained classifier" in text and "classifier.weight" in text


def test_an_output_folder_that_cannot_be_written(train):
    _, done = train("x", "run.dir=/proc/nowhere", check=False)
    assert "output folder" in message(done, 2)


def test_an_output_folder_below_a_file(train, tmp_path):
    (tmp_path / "file").write_text("")
    _, done = train("x", f"run.dir={tmp_path / 'file' / 'run'}", check=False)
    assert "output folder" in message(done, 2)


def test_files_that_cannot_be_predicted_do_not_stop_the_others(trained, corpus, tmp_path):
    text = tmp_path / "text.wav"
    text.write_text("not audio")
    good = next((corpus / "wav_audios").glob("*.wav"))
    done = run("s2i-predict", "--model", trained / "best/model", text, tmp_path / "none.wav", good, check=False)
    assert done.returncode == 1
    assert "text.wav" in done.stderr and "none.wav" in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_a_full_disk_ends_the_run_and_keeps_the_checkpoint_before(settings, shards, model, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        arguments = [settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={disk / 'run'}",
                     "checkpoint.every_steps=1", "checkpoint.keep=100"]
        done = run("s2i-train", *arguments, check=False)
        text = message(done, 1)
        assert "cannot write the checkpoint" in text and "No space left" in text
        subprocess.run(["mount", "-o", "remount,size=600m", disk], check=True)
        done = run("s2i-train", *arguments)
        assert "resuming from" in done.stderr
    finally:
        subprocess.run(["umount", disk], check=False)

"""The conversion of audio in training, evaluation and prediction: sample type, channel, clipping, damage."""

import csv
import json
import shutil

import pytest
from conftest import run

np = pytest.importorskip("numpy")
sf = pytest.importorskip("soundfile")


def config_of(model):
    return json.loads((model / "config.json").read_text())


def predict(model, path, *options, **keywords):
    """The logits of one file, as a list, and the log."""
    done = run("s2i-predict", "--model", model, "--json", path, *options, **keywords)
    return list(json.loads(done.stdout)["logits"].values()), done.stderr


def copy_with(model, folder, **block):
    """A copy of a model whose config.json has other values in its s2i object; none removes the object."""
    shutil.copytree(model, folder)
    config = config_of(folder)
    if block:
        config["s2i"] = {**config["s2i"], **block}
    else:
        del config["s2i"]
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def noise(seconds=0.8, seed=0):
    return 0.2 * np.random.default_rng(seed).standard_normal(int(seconds * 16000))


@pytest.fixture(scope="module")
def stereo_shards(corpus, tmp_path_factory):
    """Shards of the right channel of a stereo corpus, as float32."""
    folder = tmp_path_factory.mktemp("stereo")
    shutil.copytree(corpus, folder / "corpus")
    for path in (folder / "corpus/wav_audios").iterdir():
        audio, rate = sf.read(path)
        sf.write(path, np.stack([0.2 * np.random.default_rng(0).standard_normal(len(audio)), audio], 1), rate, subtype="FLOAT")
    run("s2i-preprocess", "--corpus", folder / "corpus", "--split", "train,test", "--out", folder / "shards",
        "--channel", "right", "--dtype", "float32")
    return folder


@pytest.fixture(scope="module")
def stereo_run(stereo_shards, settings, model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stereo_run") / "run"
    run("s2i-train", settings, f"data.dir={stereo_shards / 'shards'}", f"model.init={model}", f"run.dir={folder}")
    return folder


def test_the_model_has_the_sample_type_and_the_channel_of_its_training(trained, stereo_run):
    usage = config_of(trained / "best/model")["s2i"]
    assert set(usage.pop("calibration")) == {"temperature", "utterances", "rejection"}
    assert usage == {
        "sample_type": "int16", "channel": "mean", "padding": "masked", "precision": "fp32", "evaluation_batch": 16,
        "length_multiple": 1}
    block = config_of(stereo_run / "best/model")["s2i"]
    assert (block["sample_type"], block["channel"]) == ("float32", "2")


def test_predict_uses_the_channel_of_the_training(stereo_shards, stereo_run, tmp_path):
    with (stereo_run / "predictions.csv").open(newline="") as file:
        expected = {row["id"]: row for row in csv.DictReader(file)}
    with (stereo_shards / "corpus/test.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    path = stereo_shards / "corpus" / row["audio_path"]
    done = run("s2i-predict", "--model", stereo_run / "best/model", "--json", path)
    prediction = json.loads(done.stdout)
    assert prediction["intent"] == expected[row["id"]]["predicted"]
    assert prediction["probability"] == pytest.approx(float(expected[row["id"]]["probability"]), abs=2e-5)
    model = stereo_run / "best/model"
    right, left = predict(model, path, "--channel", "right")[0], predict(model, path, "--channel", "left")[0]
    assert list(prediction["logits"].values()) == right and left != right
    audio, rate = sf.read(path)
    sf.write(tmp_path / "left.wav", audio[:, 0], rate, subtype="FLOAT")
    assert predict(model, tmp_path / "left.wav", "--channel", "1")[0] == left
    done = run("s2i-predict", "--model", model, tmp_path / "left.wav", check=False)
    assert done.returncode == 1 and "has 1 channel, channel 2 was requested" in done.stderr
    done = run("s2i-predict", "--model", model, path, "--channel", "both", check=False)
    assert done.returncode == 2 and "mean, left, right" in done.stderr


def test_predict_rounds_to_int16_only_for_a_model_of_int16_shards(trained, tmp_path):
    audio = noise().astype(np.float32)
    sf.write(tmp_path / "float.wav", audio, 16000, subtype="FLOAT")
    rounded = np.round(audio * 32768) / 32768
    sf.write(tmp_path / "rounded.wav", rounded, 16000, subtype="FLOAT")
    model = trained / "best/model"
    exact = copy_with(model, tmp_path / "float32", sample_type="float32")
    other = copy_with(model, tmp_path / "other")
    assert predict(model, tmp_path / "float.wav")[0] == predict(model, tmp_path / "rounded.wav")[0]
    assert predict(exact, tmp_path / "float.wav")[0] != predict(exact, tmp_path / "rounded.wav")[0]
    assert predict(other, tmp_path / "float.wav")[0] == predict(exact, tmp_path / "float.wav")[0]
    assert predict(exact, tmp_path / "rounded.wav")[0] == predict(model, tmp_path / "rounded.wav")[0]


def test_predict_does_not_clip(trained, tmp_path):
    audio = np.round(noise() * 32768) / 32768
    sf.write(tmp_path / "a.wav", audio, 16000, subtype="FLOAT")
    sf.write(tmp_path / "loud.wav", 16 * audio, 16000, subtype="FLOAT")
    sf.write(tmp_path / "clipped.wav", np.clip(16 * audio, -1, 32767 / 32768), 16000, subtype="FLOAT")
    # The model normalizes its input, so the loudness has almost no effect.
    model = trained / "best/model"
    quiet, loud, clipped = (np.array(predict(model, tmp_path / f"{name}.wav")[0]) for name in ("a", "loud", "clipped"))
    assert np.abs(loud - quiet).max() < 1e-4
    assert np.abs(clipped - quiet).max() > 1e-3


def test_predict_warns_about_silent_audio(trained, tmp_path):
    audio = noise()
    sf.write(tmp_path / "cancel.wav", np.stack([audio, -audio], 1), 16000)
    sf.write(tmp_path / "zeros.wav", np.zeros(16000), 16000)
    model = trained / "best/model"
    _, log = predict(model, tmp_path / "cancel.wav")
    assert "cancel.wav: silent: the mean of 2 channels; --channel selects one" in log
    _, log = predict(model, tmp_path / "zeros.wav")
    assert "zeros.wav: silent" in log and "--channel" not in log
    assert predict(model, tmp_path / "cancel.wav", "--channel", "left")[1] == ""


def test_predict_reads_damaged_audio_on_request(trained, tmp_path):
    sf.write(tmp_path / "a.wav", noise(), 16000)
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(content[:-1])
    model = trained / "best/model"
    done = run("s2i-predict", "--model", model, tmp_path / "a.wav", check=False)
    assert done.returncode == 1 and "truncated or corrupt" in done.stderr
    _, log = predict(model, tmp_path / "a.wav", "--accept-damaged")
    assert "the file has 25599; read 12799 frames" in log


def test_another_conversion_than_in_training_is_reported(stereo_shards, stereo_run, shards, settings, model, tmp_path):
    done = run("s2i-evaluate", "--model", stereo_run / "best/model", "--data", shards)
    assert "channel mean, int16 samples; the model was trained on channel 2, float32 samples" in done.stderr
    done = run("s2i-evaluate", "--model", stereo_run / "best/model", "--data", stereo_shards / "shards")
    assert "the model was trained on" not in done.stderr
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed/train").symlink_to(shards / "train")
    (tmp_path / "mixed/test").symlink_to(stereo_shards / "shards/test")
    done = run("s2i-train", settings, f"data.dir={tmp_path / 'mixed'}", f"model.init={model}",
               f"run.dir={tmp_path / 'run'}", "--dry-run")
    assert "split test has channel 2, float32 samples, split train has channel mean, int16 samples" in done.stderr


def test_an_invalid_s2i_object_is_rejected(trained, tmp_path):
    model = copy_with(trained / "best/model", tmp_path / "model", channel="both")
    sf.write(tmp_path / "a.wav", noise(), 16000)
    done = run("s2i-predict", "--model", model, tmp_path / "a.wav", check=False)
    assert done.returncode == 2 and 'config.json: "s2i": channel \'both\'' in done.stderr
    for name, value, message in (("padding", "none", "padding is 'none' but must be one of masked, huggingface"),
                                 ("evaluation_batch", 0, "evaluation_batch is 0 but must be at least 1"),
                                 ("precision", 16, "precision")):
        model = copy_with(trained / "best/model", tmp_path / name, **{name: value})
        done = run("s2i-predict", "--model", model, tmp_path / "a.wav", check=False)
        assert done.returncode == 2 and 'config.json: "s2i": ' in done.stderr and message in done.stderr

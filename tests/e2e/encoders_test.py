"""Every encoder type trains, resumes and evaluates alike, and transformers loads what comes out."""

import csv
import json
import shutil

import pytest
from conftest import INTENTS, np, read_lines, run

OWN_SETTINGS = {
    "wavlm": ("wavlm", {}),
    "hubert": ("hubert", {}),
    "hubert with BatchNorm": ("hubert", {"conv_pos_batch_norm": True}),
    "wav2vec2": ("wav2vec2", {}),
}
RANDOM = ["model.dropout=0.1", "model.spec_augment=true", "batch.micro=4", "train.epochs=2"]


def make_model(folder, type_name, own):
    """Random weights. What s2i-make-random-model has no option for, transformers makes."""
    run("s2i-make-random-model", "--type", type_name, "--shape", "tiny", "--out", folder, "--seed", "3",
        "--labels", len(INTENTS))
    if not own:
        return folder
    torch = pytest.importorskip("torch", reason="torch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    config = transformers.AutoConfig.from_pretrained(folder, **own)
    torch.manual_seed(3)
    model = transformers.AutoModelForAudioClassification.from_config(config)
    for name, statistics in model.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            statistics.add_(torch.rand_like(statistics) * 0.5)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(params=OWN_SETTINGS)
def encoder(request, tmp_path):
    """(Hugging Face directory, name of the case)."""
    type_name, own = OWN_SETTINGS[request.param]
    return make_model(tmp_path / "encoder", type_name, own), request.param


def weights(folder):
    return (folder / "last/model/model.safetensors").read_bytes()


def test_resume_is_bit_identical(train, encoder):
    init = f"model.init={encoder[0]}"
    whole, _ = train("whole", init, *RANDOM, "checkpoint.every_steps=1", "checkpoint.keep=100", ranks=2)
    copy = whole.parent / "copy"
    shutil.copytree(whole, copy, symlinks=True)
    for path in (copy / "checkpoints").glob("step-*"):
        if int(path.name.removeprefix("step-")) > 3:
            shutil.rmtree(path)
    again, done = train("copy", init, *RANDOM, ranks=2)
    assert "step 3 of 10" in done.stderr
    assert weights(again) == weights(whole)
    assert (again / "evaluation.json").read_bytes() == (whole / "evaluation.json").read_bytes()


def test_losses_do_not_depend_on_the_number_of_ranks(train, encoder):
    # Dropout, masks and LayerDrop are drawn by utterance and step: also they are the same on any ranks.
    overrides = [f"model.init={encoder[0]}", *RANDOM, "data.test_split="]
    alone, _ = train("alone", *overrides)
    together, _ = train("together", *overrides, ranks=3)
    for a, b in zip(read_lines(alone / "metrics.jsonl"), read_lines(together / "metrics.jsonl"), strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4)


def test_reproducible_runs_are_bit_identical_on_any_number_of_ranks(train, encoder):
    overrides = [f"model.init={encoder[0]}", *RANDOM, "data.test_split=", "cluster.reproducible=true",
                 "train.max_steps=4"]
    runs = [train(f"ranks-{ranks}", *overrides, ranks=ranks)[0] for ranks in (1, 3)]
    assert weights(runs[0]) == weights(runs[1])


def test_transformers_loads_the_model_and_predicts_the_same(train, encoder, corpus):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
    soxr = pytest.importorskip("soxr", reason="soxr is not installed")
    init, name = encoder
    trained, done = train("run", f"model.init={init}", *RANDOM)
    assert ("keeps its saved mean and variance" in done.stderr) == ("BatchNorm" in name)
    folder = trained / "best/model"
    model, report = transformers.AutoModelForAudioClassification.from_pretrained(
        folder, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert type(model).__name__ == json.loads((init / "config.json").read_text())["architectures"][0]
    before = transformers.AutoModelForAudioClassification.from_pretrained(init)
    for buffer, saved in zip(model.buffers(), before.buffers(), strict=True):
        assert torch.equal(buffer, saved)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    model.eval()
    with open(corpus / "test.csv", newline="") as file:
        rows = list(csv.DictReader(file))[::6]
    paths = [corpus / row["audio_path"] for row in rows]
    lines = run("s2i-predict", "--model", folder, "--json", *paths).stdout.splitlines()
    for path, line in zip(paths, lines, strict=True):
        audio, rate = soundfile.read(path, dtype="float32")
        audio = soxr.resample(audio, rate, 16000, quality="VHQ")
        inputs = extractor(audio, sampling_rate=16000, return_tensors="pt")
        with torch.no_grad():
            logits = model(input_values=inputs["input_values"]).logits[0].numpy()
        # Resampled to 16 bits on our side, to floats on theirs.
        assert np.abs(logits - np.array(list(json.loads(line)["logits"].values()))).max() < 2e-3

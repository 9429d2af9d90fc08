"""What a run leaves behind: figures, predictions, a model that transformers loads."""

import csv
import json
from pathlib import Path

import pytest
from conftest import INTENTS, read_lines, run

np = pytest.importorskip("numpy")

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_what_the_design_promises(trained):
    for name in ("config.yaml", "metrics.jsonl", "validation.jsonl", "evaluation.json", "predictions.csv"):
        assert (trained / name).is_file(), name
    for link in ("best", "last"):
        assert (trained / link).is_symlink()
        assert (trained / link / "model/model.safetensors").is_file()
    lines = read_lines(trained / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    for line in lines:
        assert {"epoch", "loss", "learning_rate", "grad_norm", "utterances_per_second", "padding"} <= set(line)
        parts = dict(line["seconds"])
        assert parts.pop("checkpoint") >= 0  # between the steps, not in them
        assert set(parts) == {"data", "forward", "backward", "reduction", "optimizer", "total"}
        assert sum(parts.values()) - parts["total"] <= parts["total"] * 1.001


def test_the_effective_configuration_starts_the_same_run(trained, tmp_path):
    folder = tmp_path / "again"
    run("s2i-train", trained / "config.yaml", f"run.dir={folder}")
    a = [line["loss"] for line in read_lines(trained / "metrics.jsonl")]
    b = [line["loss"] for line in read_lines(folder / "metrics.jsonl")]
    assert a == b


def test_figures_agree_with_scikit_learn(trained):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    report = json.loads((trained / "evaluation.json").read_text())
    rows = read_csv(trained / "predictions.csv")
    truth, said = [row["label"] for row in rows], [row["predicted"] for row in rows]
    assert report["count"] == len(rows) == 20
    assert report["accuracy"] == pytest.approx(metrics.accuracy_score(truth, said))
    assert report["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, said))
    for average in ("weighted", "macro"):
        expected = metrics.f1_score(truth, said, average=average, zero_division=0)
        assert report[f"f1_{average}"] == pytest.approx(expected)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, said, labels=INTENTS, zero_division=0)
    for i, intent in enumerate(INTENTS):
        figures = report["per_intent"][intent]
        assert figures["precision"] == pytest.approx(precision[i])
        assert figures["recall"] == pytest.approx(recall[i])
        assert figures["f1"] == pytest.approx(f1[i])
        assert figures["count"] == support[i]
    assert report["confusion"] == metrics.confusion_matrix(truth, said, labels=INTENTS).tolist()
    for speaker, figures in report["per_speaker"].items():
        own = [row for row in rows if row["speaker"] == speaker]
        assert figures["count"] == len(own)
        assert figures["accuracy"] == pytest.approx(np.mean([r["label"] == r["predicted"] for r in own]))


def test_predict_says_what_evaluate_says(trained, corpus, tmp_path):
    rows = {row["id"]: row for row in read_csv(trained / "predictions.csv")}
    files = {corpus / row["audio_path"]: rows[row["id"]] for row in read_csv(corpus / "test.csv")}
    listing = "\n".join(map(str, files)) + "\n"
    done = run("s2i-predict", "--model", trained / "best/model", "--json", "-", stdin=listing)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["path"] for line in lines] == list(map(str, files))
    for line, row in zip(lines, files.values()):
        assert line["intent"] == row["predicted"]
        assert line["probability"] == pytest.approx(float(row["probability"]), abs=2e-5)
        assert set(line["logits"]) == set(INTENTS)
    plain = run("s2i-predict", "--model", trained / "best/model", *list(files)[:2]).stdout.splitlines()
    assert plain[0].split("\t")[:2] == [lines[0]["path"], lines[0]["intent"]]


def test_transformers_loads_a_checkpoint_and_predicts_the_same(trained, corpus):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    soxr = pytest.importorskip("soxr", reason="soxr is not installed")
    soundfile = pytest.importorskip("soundfile")
    folder = trained / "best/model"
    model, report = transformers.WavLMForSequenceClassification.from_pretrained(
        folder, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert [model.config.id2label[i] for i in range(len(INTENTS))] == INTENTS
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    model.eval()
    for row in read_csv(corpus / "test.csv")[::4]:
        path = corpus / row["audio_path"]
        ours = json.loads(run("s2i-predict", "--model", folder, "--json", path).stdout)
        audio, rate = soundfile.read(path, dtype="float32")
        audio = soxr.resample(audio, rate, 16000, quality="VHQ")
        inputs = extractor(audio, sampling_rate=16000, return_tensors="pt")
        with torch.no_grad():
            logits = model(input_values=inputs["input_values"]).logits[0].numpy()
        # Resampled to 16 bits on our side, to floats on theirs.
        assert np.abs(logits - np.array(list(ours["logits"].values()))).max() < 2e-3
        assert model.config.id2label[int(logits.argmax())] == ours["intent"]


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_every_configuration_that_comes_with_the_project_is_valid(config, shards, model, tmp_path):
    run("s2i-train", config, f"data.dir={shards}", f"model.init={model}", f"run.dir={tmp_path}/run",
        "run.device=cpu", "--dry-run")


def test_dry_run_checks_and_saves_nothing(train):
    folder, done = train("dry", "--dry-run")
    assert "dry run: a step over the 12 longest utterances takes" in done.stderr
    assert not list(folder.glob("checkpoints/*"))
    assert not (folder / "metrics.jsonl").exists()

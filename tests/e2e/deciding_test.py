"""Figures to decide by: calibration, rejection, intervals by speaker, s2i-compare. Compared with scikit-learn, scipy
and second computations."""

import csv
import json
import random
import shutil

import pytest
from conftest import INTENTS, message, run

np = pytest.importorskip("numpy")
metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
optimize = pytest.importorskip("scipy.optimize", reason="scipy is not installed")
special = pytest.importorskip("scipy.special", reason="scipy is not installed")


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def read_json(path):
    return json.loads(path.read_text())


def calibration_of(checkpoint):
    return read_json(checkpoint / "model/config.json")["s2i"].get("calibration")


@pytest.fixture(scope="module")
def unsure(settings, shards, model, tmp_path_factory):
    """A run that makes mistakes, with a validation split of 20 and an out-of-scope split of 56 utterances."""
    folder = tmp_path_factory.mktemp("unsure") / "run"
    run("s2i-train", settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={folder}",
        "data.validation_split=test", "data.out_of_scope_split=train", "train.epochs=3")
    return folder


def logits_of(folder, corpus, split):
    """(logits, labels) of a split from s2i-predict, in the order of the CSV file."""
    rows = read_csv(corpus / f"{split}.csv")
    listing = "".join(f"{corpus / row['audio_path']}\n" for row in rows)
    done = run("s2i-predict", "--model", folder / "best/model", "--json", "-", stdin=listing)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return np.array([list(line["logits"].values()) for line in lines]), np.array([int(r["intent_class"]) for r in rows])


def test_figures_agree_with_a_second_computation(unsure, corpus):
    logits, labels = logits_of(unsure, corpus, "test")
    report = read_json(unsure / "evaluation.json")
    saved = calibration_of(unsure / "best")
    # The validation data of this run is the test split, so that its logits are known.
    assert saved["utterances"] == len(labels) == 20
    assert 0 < (logits.argmax(1) != labels).sum() < 20

    def nll(temperature):
        return -special.log_softmax(logits / temperature, axis=1)[np.arange(20), labels].mean()

    best = optimize.minimize_scalar(nll, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-10}).x
    assert saved["temperature"] == pytest.approx(best, rel=1e-3)
    for name, temperature in (("calibration", saved["temperature"]), ("uncalibrated", 1.0)):
        figures = report[name]
        assert figures["temperature"] == temperature
        p = special.softmax(logits / temperature, axis=1)
        assert figures["nll"] == pytest.approx(metrics.log_loss(labels, p), rel=1e-4)
        assert figures["brier"] == pytest.approx(metrics.brier_score_loss(labels, p), rel=1e-4)
        top, right = p.max(1), p.argmax(1) == labels
        bins = np.minimum((top * 15).astype(int), 14)
        ece = sum(abs(right[bins == b].mean() - top[bins == b].mean()) * (bins == b).mean() for b in set(bins))
        assert figures["ece"] == pytest.approx(ece, abs=1e-4)
        assert [bin["count"] for bin in figures["reliability"]] == np.bincount(bins, minlength=15).tolist()
    top = special.softmax(logits / saved["temperature"], axis=1).max(1)
    right = logits.argmax(1) == labels
    risks = np.cumsum(~right[np.argsort(-top)]) / np.arange(1, 21)
    assert report["aurc"] == pytest.approx(risks.mean(), abs=1e-6)
    for threshold, precision, coverage in saved["rejection"]:
        accepted = top >= threshold - 1e-5
        assert precision == pytest.approx(right[accepted].mean())
        assert coverage == pytest.approx(accepted.mean())


def test_out_of_scope_agrees_with_scikit_learn(unsure, corpus):
    temperature = calibration_of(unsure / "best")["temperature"]
    inside, outside = (special.softmax(logits_of(unsure, corpus, split)[0] / temperature, axis=1).max(1)
                       for split in ("test", "train"))
    found = read_json(unsure / "evaluation.json")["out_of_scope"]
    truth = [1] * len(inside) + [0] * len(outside)
    assert found["count"] == 56
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(truth, [*inside, *outside]), abs=2e-3)
    for row in found["false_accepts"]:
        assert row["count"] == (outside >= row["threshold"] - 1e-6).sum()


def test_figures_and_temperature_do_not_depend_on_ranks(train, shards, tmp_path):
    folder, _ = train("run", "data.out_of_scope_split=train")
    reports = []
    for ranks in (1, 2, 3):
        run("s2i-evaluate", "--model", folder / "best/model", "--data", shards, "--out", tmp_path / str(ranks),
            ranks=ranks)
        reports.append((tmp_path / str(ranks) / "evaluation.json").read_bytes())
    assert reports[0] == reports[1] == reports[2]


def test_a_resumed_run_has_the_same_calibration(train, settings, shards, model, tmp_path):
    folder, _ = train("whole", "checkpoint.every_steps=3")
    checkpoints = sorted((folder / "checkpoints").glob("step-*"))
    last = calibration_of(checkpoints[-1])
    assert last is not None and last["temperature"] > 0
    # Of other weights than those that were validated: none.
    assert [calibration_of(path) is not None for path in checkpoints].count(False) >= 1
    shutil.rmtree(checkpoints[-1])
    for link in ("last", "best"):
        if not (folder / link).exists():
            (folder / link).unlink()
    run("s2i-train", settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={folder}",
        "checkpoint.every_steps=3")
    assert calibration_of(checkpoints[-1]) == last


def test_predict_rejects(unsure, corpus):
    files = [corpus / row["audio_path"] for row in read_csv(corpus / "test.csv")]
    plain = run("s2i-predict", "--model", unsure / "best/model", *files).stdout.splitlines()
    middle = float(np.median([float(line.split("\t")[2]) for line in plain]))
    some = run("s2i-predict", "--model", unsure / "best/model", "--reject-below", middle, *files).stdout.splitlines()
    rejected = [line.split("\t")[1] == "reject" for line in some]
    assert 0 < sum(rejected) < len(files)
    for before, after, no in zip(plain, some, rejected):
        probability = float(before.split("\t")[2])
        assert no == (probability < middle) or abs(probability - middle) < 1e-4
        assert no or before == after
    threshold, precision, coverage = calibration_of(unsure / "best")["rejection"][-1]
    chosen = run("s2i-predict", "--model", unsure / "best/model", "--target-precision", precision - 1e-9, *files)
    accepted = sum(line.split("\t")[1] != "reject" for line in chosen.stdout.splitlines())
    assert accepted == pytest.approx(coverage * len(files), abs=1)  # an utterance on the threshold


def test_a_precision_that_validation_did_not_reach(unsure, corpus, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(unsure / "best/model", folder)
    config = read_json(folder / "config.json")
    config["s2i"]["calibration"]["rejection"] = [[0.3, 0.7, 1.0], [0.5, 0.9, 0.4]]
    (folder / "config.json").write_text(json.dumps(config))
    file = next((corpus / "wav_audios").glob("*.wav"))
    done = run("s2i-predict", "--model", folder, "--target-precision", 0.95, file, check=False)
    assert "the highest precision was 0.9000, with 40.0% of the utterances accepted" in message(done, 2)
    del config["s2i"]["calibration"]  # as earlier versions wrote it
    (folder / "config.json").write_text(json.dumps(config))
    done = run("s2i-predict", "--model", folder, file, file)
    assert done.stderr.count("has no calibration") == 1 and len(done.stdout.splitlines()) == 2
    assert "has no thresholds" in message(
        run("s2i-predict", "--model", folder, "--target-precision", 0.95, file, check=False), 2)


def write_predictions(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "speaker", "label", "predicted", "probability", "loss"])
        writer.writerows([*row, 0.5, 0.5] for row in rows)
    return path


def predictions(seed, accuracy, speakers=12):
    """300 utterances; `accuracy` of the predictions are right."""
    draw, labels = random.Random(seed), random.Random(0)
    rows = []
    for i in range(300):
        label = labels.choice(INTENTS)
        wrong = next(name for name in INTENTS if name != label)
        rows.append([f"u{i}", f"s{i % speakers}", label, label if draw.random() < accuracy else wrong])
    return rows


def compare(tmp_path, a, b, *arguments):
    files = [write_predictions(tmp_path / "a.csv", a), write_predictions(tmp_path / "b.csv", b)]
    done = run("s2i-compare", *files, "--json", tmp_path / "out.json", *arguments)
    return done, read_json(tmp_path / "out.json")


@pytest.mark.parametrize("accuracies,can_tell", [((0.7, 0.9), True), ((0.8, 0.8), False)])
def test_compare_agrees_with_scipy(tmp_path, accuracies, can_tell):
    a, b = predictions(1, accuracies[0]), predictions(2, accuracies[1])
    done, found = compare(tmp_path, a, b, "--out", tmp_path / "changed.csv")
    right_a, right_b = (np.array([row[2] == row[3] for row in rows]) for rows in (a, b))
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    assert (found["only_a_right"], found["only_b_right"]) == (only_a, only_b)
    assert found["difference"] == pytest.approx(right_b.mean() - right_a.mean())
    assert found["mcnemar_p"] == pytest.approx(stats.binomtest(only_a, only_a + only_b).pvalue, rel=1e-9)
    speakers = np.array([int(row[1][1:]) for row in a])
    by_speaker = np.array([(right_b[speakers == s].sum() - int(right_a[speakers == s].sum()),
                            (speakers == s).sum()) for s in range(12)])
    drawn = by_speaker[np.random.default_rng(0).integers(12, size=(20000, 12))].sum(1)
    expected = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    assert found["interval_by_speaker"] == pytest.approx(expected, abs=0.012)  # 2000 resamples and 20000
    assert found["can_tell"] is can_tell and found["verdict"] in done.stdout
    assert len(read_csv(tmp_path / "changed.csv")) == only_a + only_b
    assert sum(one["count"] for one in found["per_intent"].values()) == 300
    assert compare(tmp_path, a, b)[1] == found  # seeded


def test_compare_with_one_speaker(tmp_path):
    done, found = compare(tmp_path, predictions(1, 0.7, 1), predictions(2, 0.9, 1))
    assert found["interval_by_speaker"] is None and found["can_tell"] is True
    assert "only one speaker, so a bootstrap by speaker is impossible" in done.stdout


def test_compare_refuses_what_cannot_be_compared(trained, tmp_path):
    rows = predictions(1, 0.8)
    a = write_predictions(tmp_path / "a.csv", rows)
    less = write_predictions(tmp_path / "less.csv", rows[2:])
    assert "ids only in" in message(run("s2i-compare", a, less, check=False), 2)
    assert "2 (u0, u1)" in message(run("s2i-compare", a, less, check=False), 2)
    rows[5][2] = "other"
    other = write_predictions(tmp_path / "other.csv", rows)
    assert "not predictions of the same split" in message(run("s2i-compare", a, other, check=False), 2)
    (tmp_path / "empty").mkdir()
    assert "no predictions in" in message(run("s2i-compare", trained, tmp_path / "empty", check=False), 2)
    assert "cannot tell" in run("s2i-compare", trained, trained).stdout


def test_the_interval_by_speaker_is_reported(unsure):
    report = read_json(unsure / "evaluation.json")
    rows = read_csv(unsure / "predictions.csv")
    speakers = sorted({row["speaker"] for row in rows})
    tallies = np.array([[sum(r["label"] == r["predicted"] for r in rows if r["speaker"] == s),
                         sum(r["speaker"] == s for r in rows)] for s in speakers])
    drawn = tallies[np.random.default_rng(0).integers(len(speakers), size=(20000, len(speakers)))].sum(1)
    expected = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    assert report["accuracy_interval_by_speaker"] == pytest.approx(expected, abs=0.06)

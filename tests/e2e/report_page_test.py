"""The report of a run, in headless Chromium: what is drawn, what is said, and that names stay text."""

import base64
import csv
import html
import io
import json
import math
import re
import shutil
import signal
import subprocess

import pytest
from conftest import message, np, read_lines, run, sf
from signal_test import ENDLESS

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is installed")

CHARTS_OF_TRAINING = ["loss", "validation", "learning_rate", "grad_norm", "utterances_per_second", "padding", "time"]
CHARTS_OF_TEST = ["per_intent", "per_speaker", "risk"]

# Runs in a copy of the page, when it is complete: what a person would see, as JSON.
PROBE = """
<script>
addEventListener("load", () => {
  const drawn = {};
  for (const figure of document.querySelectorAll("figure")) {
    const canvas = figure.querySelector("canvas");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const colors = new Set();
    for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3]) colors.add(pixels.slice(i, i + 4).join());
    drawn[figure.dataset.chart] = colors.size;
  }
  const cells = [...document.querySelectorAll("table.confusion td[tabindex]")].map((cell) => {
    cell.dispatchEvent(new PointerEvent("pointerenter"));
    return cell.closest("section").querySelector(".cell").textContent;
  });
  const rows = (node) => [...node.querySelectorAll("tr")].map((row) => [...row.cells].map((c) => c.textContent));
  const sections = {};
  for (const section of document.querySelectorAll("section")) {
    sections[section.querySelector("h2").textContent] = rows(section);
  }
  const seen = {
    drawn, cells, sections, title: document.title, summary: rows(document.querySelector("main > .scroll")),
    notes: [...document.querySelectorAll(".notes li")].map((note) => note.textContent),
    players: [...document.querySelectorAll("audio")].map((player) => player.src),
    failure: document.querySelector(".failure") && document.querySelector(".failure").textContent,
    elements: [...new Set([...document.querySelectorAll("main *")].map((node) => node.localName))],
    width: document.scrollingElement.scrollWidth, screen: innerWidth,
    paper: getComputedStyle(document.body).backgroundColor,
    links: [...document.querySelectorAll("[src],[href]")].map((n) => n.src || n.href).filter((u) => !/^data:/.test(u)),
  };
  const output = document.createElement("output");
  output.id = "seen";
  output.textContent = JSON.stringify(seen);
  document.body.append(output);
});
</script>
"""


def chromium(*arguments):
    return subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=5000", "--enable-logging=stderr",
         *map(str, arguments)], capture_output=True, text=True, timeout=240, check=True)


def look(page, *arguments):
    """What is on the page; fails if the console has a message."""
    probed = page.with_suffix(".probe.html")
    probed.write_text(page.read_text().replace("</body>", PROBE + "</body>"))
    done = chromium("--dump-dom", *arguments, probed.as_uri())
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not console, console
    found = re.search(r'<output id="seen">(.*?)</output>', done.stdout, re.DOTALL)
    assert found, done.stdout[-2000:]
    seen = json.loads(html.unescape(found[1]))
    assert seen["failure"] is None
    assert seen["links"] == []
    assert all(colors > 3 for colors in seen["drawn"].values()), seen["drawn"]
    return seen


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def wilson(correct, count):
    z = 1.959963984540054
    p, n = correct / count, count
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [(p + z * z / (2 * n) - half) / (1 + z * z / n), (p + z * z / (2 * n) + half) / (1 + z * z / n)]


@needs_browser
def test_a_run_leaves_a_page_with_every_chart(trained):
    seen = look(trained / "report.html")
    assert list(seen["drawn"]) == CHARTS_OF_TRAINING + CHARTS_OF_TEST
    assert seen["title"] == "run – report"
    assert seen["notes"] == []
    summary = {row[0]: row[1] for row in seen["summary"]}
    assert summary["Status"] == "complete"
    assert summary["Ranks (world size)"] == "1"
    evaluation = json.loads((trained / "evaluation.json").read_text())
    low, high = evaluation["accuracy_interval"]
    by_speaker = "{:.3f} to {:.3f}".format(*evaluation["accuracy_interval_by_speaker"])
    assert summary["Test accuracy"] == \
        f"{evaluation['accuracy']:.4g} (95% {low:.3f} to {high:.3f}; by speaker {by_speaker})"
    assert "Hardware and versions" in seen["sections"]
    settings = {row[0]: row[1] for row in seen["sections"]["Configuration"]}
    assert settings["optimizer.learning_rate"] == "0.001"
    assert seen["players"] == []


@needs_browser
def test_the_confusion_matrix_names_the_utterances_of_a_cell(trained):
    cells = look(trained / "report.html")["cells"]
    expected = {}
    for row in rows_of(trained / "predictions.csv"):
        expected.setdefault((row["label"], row["predicted"]), []).append(row["id"])
    assert len(cells) == len(expected)
    for (label, predicted), ids in expected.items():
        count = sum(row["label"] == label for row in rows_of(trained / "predictions.csv"))
        said = "recognized" if label == predicted else f"taken for {predicted}"
        assert f"{label} {said}: {len(ids)} of {count}\n{', '.join(ids)}" in cells


def test_the_figures_agree_with_a_second_computation(trained):
    shown = data_of(trained / "report.html")["runs"][0]
    rows = rows_of(trained / "predictions.csv")
    for key, column in (("per_intent", "label"), ("per_speaker", "speaker")):
        assert len(shown["evaluation"][key]) == len({row[column] for row in rows})
        for entry in shown["evaluation"][key]:
            own = [row for row in rows if row[column] == entry["name"]]
            correct = sum(row["label"] == row["predicted"] for row in own)
            assert (entry["correct"], entry["count"]) == (correct, len(own))
            assert [entry["low"], entry["high"]] == pytest.approx(wilson(correct, len(own)))
    ranked = sorted(rows, key=lambda row: -float(row["probability"]))
    wrong = np.cumsum([row["label"] != row["predicted"] for row in ranked])
    if len({row["probability"] for row in rows}) == len(rows):
        assert shown["risk"]["risk"] == pytest.approx(list(wrong / np.arange(1, len(rows) + 1)), rel=1e-5)
    worst = sorted(rows, key=lambda row: -float(row["loss"]))[:20]
    assert [entry["id"] for entry in shown["worst"]] == [row["id"] for row in worst]
    losses = [line["loss"] for line in read_lines(trained / "metrics.jsonl")]
    assert shown["steps"]["curves"]["loss"] == pytest.approx(losses, rel=1e-5)
    seconds = sum(line["seconds"]["forward"] for line in read_lines(trained / "metrics.jsonl"))
    assert shown["steps"]["seconds"]["forward"] == pytest.approx(seconds)


@needs_browser
def test_several_runs_are_side_by_side_with_what_differs(train, tmp_path):
    slow, _ = train("slow", "optimizer.learning_rate=1.0e-5", "train.max_steps=4")
    fast, _ = train("fast", "train.max_steps=4")
    untested, _ = train("untested", "train.max_steps=4", "data.test_split=")
    run("s2i-report", slow, fast, untested, "--out", tmp_path / "new/both.html")
    seen = look(tmp_path / "new/both.html")
    assert set(seen["drawn"]) == set(CHARTS_OF_TRAINING + CHARTS_OF_TEST)
    assert seen["summary"][0] == ["", "slow", "fast", "untested"]
    assert seen["notes"] == ["No test figures, confusion matrix or utterances: data.test_split is not set."]
    differing = seen["sections"]["Configuration"]
    assert ["optimizer.learning_rate", "1e-05", "0.001", "0.001"] in differing[:5]
    keys = [row[0] for row in differing]
    assert set(keys[1:keys.index("Setting", 1)]) == {"optimizer.learning_rate", "run.dir", "data.test_split"}
    assert len(seen["cells"]) >= 2


def hostile_run(folder):
    names = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>", "नमस्ते & \"quotes\"", "<!--"]
    folder.mkdir()
    (folder / "config.yaml").write_text("data: {test_split: '<b>test</b>'}\nrun: {dir: '<script>alert(3)</script>'}\n")
    (folder / "evaluation.json").write_text(json.dumps({
        "accuracy": 0.5, "accuracy_interval": [0.15, 0.85], "accuracy_interval_by_speaker": [0.1, 0.9], "count": 4,
        "per_intent": {name: {"count": 1, "precision": 0.5, "recall": 1.0 - i % 2, "f1": 0.5}
                       for i, name in enumerate(names)},
        "per_speaker": {"<i>5</i>": {"count": 4, "accuracy": 0.5}}, "intents": names,
        "confusion": [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]]}))
    with open(folder / "predictions.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "speaker", "label", "predicted", "probability", "loss"])
        for i, name in enumerate(names):
            writer.writerow([f"<u>{i}</u>", "<i>5</i>", name, names[i - i % 2], 0.5 + i / 10, 1 + i])
    return names


@needs_browser
def test_names_that_look_like_html_are_text(tmp_path):
    names = hostile_run(tmp_path / "<b>run")
    run("s2i-report", tmp_path / "<b>run", "--out", tmp_path / "page.html")
    seen = look(tmp_path / "page.html")  # alert() would be a message or block the page
    assert not {"script", "img", "u", "i", "b"} & set(seen["elements"])
    worst = seen["sections"]["The worst utterances"]
    assert worst[1][:4] == ["<u>3</u>", "<i>5</i>", names[3], names[2]]
    assert f"{names[1]} taken for {names[0]}: 1 of 1\n<u>1</u>" in seen["cells"]
    summary = {row[0]: row[1] for row in seen["summary"]}
    assert summary["Test accuracy"] == "0.5 (95% 0.150 to 0.850; by speaker 0.100 to 0.900)"
    settings = {row[0]: row[1] for row in seen["sections"]["Configuration"]}
    assert settings["run.dir"] == "<script>alert(3)</script>"


@needs_browser
def test_a_run_stopped_by_a_signal_has_a_page_that_says_what_is_missing(job):
    process, folder = job(None, *ENDLESS)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    seen = look(folder / "report.html")
    assert list(seen["drawn"]) == [name for name in CHARTS_OF_TRAINING if name != "validation"]
    assert seen["summary"][1][1].startswith("not complete: stopped or running, at step ")
    assert seen["notes"] == [
        "No validation figures: there has been no validation yet.",
        "No test figures, confusion matrix or utterances: the run has not reached its end, where the best checkpoint "
        "is evaluated."]


@needs_browser
def test_the_output_of_an_evaluation_has_a_page_too(trained, shards, tmp_path):
    run("s2i-evaluate", "--model", trained / "best/model", "--data", shards, "--split", "test", "--out",
        tmp_path / "report")
    run("s2i-report", tmp_path / "report", "--out", tmp_path / "page.html")
    seen = look(tmp_path / "page.html")
    assert list(seen["drawn"]) == CHARTS_OF_TEST
    assert seen["summary"][1] == ["Status", "evaluation"]


@needs_browser
def test_it_follows_the_color_scheme_and_fits_a_phone(trained):
    light = look(trained / "report.html", "--window-size=390,844")
    assert light["screen"] == 390 and light["width"] <= 390
    dark = look(trained / "report.html", "--window-size=390,844", "--blink-settings=preferredColorScheme=0")
    brightness = [sum(map(int, re.findall(r"\d+", seen["paper"])[:3])) for seen in (light, dark)]
    assert brightness[0] > 700 and brightness[1] < 150


@needs_browser
def test_audio_is_in_the_page_only_when_asked_for(trained, shards, tmp_path):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    assert "data:audio" not in (trained / "report.html").read_text()
    run("s2i-report", trained, "--audio", "--out", tmp_path / "page.html")
    seen = look(tmp_path / "page.html")
    samples = {}
    for path in (shards / "test").glob("*.h5"):
        with h5py.File(path) as shard:
            offsets = shard["offset"][:]
            for i, name in enumerate(shard["id"].asstr()[:]):
                samples[name] = shard["audio"][offsets[i]:offsets[i + 1]]
    worst = [row[0] for row in seen["sections"]["The worst utterances"][1:]]
    assert len(seen["players"]) == len(worst) == 20
    for name, uri in zip(worst, seen["players"]):
        audio, rate = sf.read(io.BytesIO(base64.b64decode(uri.removeprefix("data:audio/wav;base64,"))), dtype="int16")
        assert rate == 16000
        assert np.array_equal(audio, samples[name]), name


def test_bad_input_is_named(trained, shards, tmp_path):
    out = tmp_path / "page.html"

    def refused(*arguments):
        return message(run("s2i-report", *arguments, "--out", out, check=False), 2)

    assert "nowhere: there is no such folder" in refused(tmp_path / "nowhere")
    assert "is a file; name the folder of a run" in refused(trained / "config.yaml")
    assert "is a checkpoint; name the folder of its run" in refused(trained / "last")
    assert "is not the folder of a run" in refused(tmp_path)
    assert "--data is for --audio" in refused(trained, "--data", shards)
    assert "is a folder; name a file" in message(run("s2i-report", trained, "--out", tmp_path, check=False), 2)
    assert "no shards in" in refused(trained, "--audio", "--data", tmp_path)
    for name, content, said in (
            ("evaluation.json", "{", "evaluation.json: invalid JSON"),
            ("evaluation.json", "[]", "evaluation.json: is not a JSON object"),
            ("evaluation.json", '{"count": 1}', "evaluation.json: 'intents' is missing"),
            ("evaluation.json", '{"count": 1, "intents": ["a"], "confusion": []}', "'confusion' must have a row"),
            ("metrics.jsonl", '{"step": 1}\n{}\n', "metrics.jsonl: line 2: 'step' is missing"),
            ("validation.jsonl", "{}\n", "validation.jsonl: line 1: 'step' is missing"),
            ("predictions.csv", "id,label\n1,a\n", "predictions.csv"),
            ("config.yaml", "a: [", "config.yaml")):
        broken = tmp_path / "broken"
        shutil.copytree(trained, broken, symlinks=True, ignore=shutil.ignore_patterns("checkpoints"))
        (broken / name).write_text(content)
        assert said in refused(broken)
        shutil.rmtree(broken)
    assert not out.exists()


def test_shards_of_other_data_are_refused_for_audio(trained, shards, tmp_path):
    (tmp_path / "other").mkdir()
    shutil.copytree(shards / "train", tmp_path / "other/test")
    done = run("s2i-report", trained, "--audio", "--data", tmp_path / "other", "--out", tmp_path / "page.html",
               check=False)
    assert "these are not the shards that" in message(done, 2)

"""File names as other systems write them, or with characters that break lines; audio that is too short."""

import csv
import json
import os
import unicodedata

import numpy as np
import pytest
import soundfile
from conftest import read_shards

COMPOSED = "caf\u00e9.wav"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def rows_of(corpus, *paths):
    corpus.add_audio("wav/good.wav")
    corpus.write_csv([["good", 0, "", "wav/good.wav", 0], *([i, 0, "", path, 0] for i, path in enumerate(paths))])


def test_backslashes_are_named(corpus, out):
    rows_of(corpus, "wav\\good.wav", "wav\\gone.wav")
    log = [line for line in corpus.run(out, status=1).splitlines() if "no such file" in line]
    assert f"{corpus.folder}/wav\\good.wav: no such file; {corpus.folder}/wav/good.wav exists: " \
           "write '/' instead of '\\'" in log[0]
    assert log[1].endswith("wav\\gone.wav: no such file")


@pytest.mark.parametrize("on_disk, in_csv, form", [(COMPOSED, DECOMPOSED, "NFC"), (DECOMPOSED, COMPOSED, "NFD")])
def test_another_normalization_form_is_named(corpus, out, on_disk, in_csv, form):
    corpus.add_audio(f"wav/{on_disk}")
    rows_of(corpus, f"wav/{in_csv}")
    assert f"no such file; {corpus.folder}/wav/{on_disk} exists: write the name in the Unicode normalization " \
           f"form that it has on disk ({form})" in corpus.run(out, status=1)
    rows_of(corpus, f"wav/{on_disk}")
    corpus.run(out)


HOSTILE = ["wav/a\tb.wav", "wav/a\nb.wav", "wav/a\r\nb.wav", "wav/\x1b[31m.wav", "wav/\u2028.wav", 'wav/"a".wav']


def test_names_with_control_characters_break_no_line_and_no_table(corpus, out):
    rows_of(corpus, *HOSTILE)
    log = corpus.run(out, "--skip-bad", "--summary", out / "summary.json")
    bad = [line for line in log.split("\n") if "no such file" in line]
    assert len(bad) == len(HOSTILE)
    assert all(":".join(line.split(":")[:3]).endswith("train.csv") for line in bad)
    assert "a\\tb.wav: no such file" in bad[0] and "a\\nb.wav: no such file" in bad[1]
    with (out / "train/rejected.csv").open(newline="", encoding="utf-8") as stream:
        rejected = list(csv.DictReader(stream))
    assert [row["audio_path"] for row in rejected] == HOSTILE
    assert all(len(row["reason"].splitlines()) == 1 and "\t" not in row["reason"] for row in rejected)
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))["splits"][0]
    assert [row["reason"] for row in summary["rejected_rows"]] == [row["reason"] for row in rejected]


def test_files_of_such_names_are_read(corpus, out):
    for name in HOSTILE:
        corpus.add_audio(name)
    rows_of(corpus, *HOSTILE)
    corpus.run(out)
    assert len(read_shards(out / "train")) == 1 + len(HOSTILE)


def test_names_that_are_not_utf8_are_read_or_escaped(corpus, out):
    good = corpus.add_audio("wav/good.wav")
    (corpus.folder / good).rename(os.fsdecode(os.fsencode(corpus.folder) + b"/wav/\xe9.wav"))
    (corpus.folder / "train.csv").write_bytes(
        b"id,intent_class,template,audio_path\na,0,,wav/\xe9.wav\nb,0,\xe9t\xe9,wav/\xe8.wav\n\xe7,0,,wav/good.wav\n")
    log = corpus.run(out, "--skip-bad", "--summary", out / "summary.json")
    assert "wav/\\xe8.wav: no such file; the name is not UTF-8: save the CSV file as UTF-8" in log
    assert [row[0] for row in read_shards(out / "train")] == ["a"]
    text = (out / "train/rejected.csv").read_bytes().decode()  # all of it is UTF-8
    rejected = list(csv.DictReader(text.splitlines()))
    assert [row["audio_path"] for row in rejected] == ["wav/\\xe8.wav", "wav/good.wav"]
    assert (rejected[0]["template"], rejected[1]["id"]) == ("\\xe9t\\xe9", "\\xe7")
    summary = json.loads((out / "summary.json").read_bytes().decode())["splits"][0]
    assert [row["id"] for row in summary["rejected_rows"]] == ["b", "\\xe7"]
    assert summary["rejected_rows"][0]["reason"] == rejected[0]["reason"]
    # The records of finished shards are UTF-8 too, and recognized.
    assert "reusing 1 of 1 shard from an earlier run" in corpus.run(out, "--skip-bad")


def test_an_output_folder_that_is_not_utf8_is_escaped(corpus, tmp_path):
    corpus.fill(1)
    out = os.fsdecode(os.fsencode(tmp_path) + b"/out\xe9\t")
    corpus.run(out, "--summary", tmp_path / "summary.json")
    summary = json.loads((tmp_path / "summary.json").read_bytes().decode())["splits"][0]
    assert summary["folder"] == f"{tmp_path}/out\\xe9\t/train"


@pytest.fixture
def short_corpus(corpus):
    """399 and 400 samples at 16 kHz, and 199 and 200 at 8 kHz."""
    rows = []
    for rate, counts in ((16000, (399, 400)), (8000, (199, 200))):
        for count in counts:
            soundfile.write(corpus.folder / f"wav/{count}.wav", np.full(count, 0.1), rate)
            rows.append([count, 0, "", f"wav/{count}.wav", 0])
    corpus.write_csv(rows)
    return corpus


def test_audio_that_the_published_models_cannot_take_is_a_bad_row(short_corpus, out):
    log = short_corpus.run(out, status=1)
    assert "train.csv:2: " in log and "399.wav: 0.0249375 s long, the minimum is 0.025 s" in log
    assert "train.csv:4: " in log and "2 of 4 rows are bad" in log
    short_corpus.run(out, "--skip-bad")
    assert [len(row[3]) for row in read_shards(out / "train")] == [400, 400]
    with (out / "train/rejected.csv").open(newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == ["399", "199"]


def test_the_shortest_audio_can_be_chosen(short_corpus, out):
    short_corpus.run(out, "--min-seconds", 0)
    assert [len(row[3]) for row in read_shards(out / "train")] == [399, 400, 398, 400]
    assert "4 of 4 rows are bad" in short_corpus.run(out, "--min-seconds", 0.03, status=1)
    assert "--min-seconds 2 is greater than --max-seconds 1" in \
        short_corpus.run(out, "--min-seconds", 2, "--max-seconds", 1, status=2)

"""Reading corpora, and the error messages for invalid ones."""

import csv
import json

import numpy as np
import pytest
import soundfile
from conftest import preprocess, read_manifest, read_shards


def test_quoted_fields_line_breaks_crlf_and_byte_order_mark(corpus, out):
    for name in "abc":
        corpus.add_audio(f"wav/{name}.wav")
    text = ('id,template,intent_class,audio_path,speaker_id\r\n'
            '"a","he said ""pay"", then\r\nleft",1,wav/a.wav,x\r\n'
            'b,plain,0,"wav/b.wav",y\r\n'
            '\r\n'
            'c,"",1,wav/c.wav,x\r\n')
    (corpus.folder / "train.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    corpus.run(out)
    assert [row[:3] for row in read_shards(out / "train")] == [("a", 1, 0), ("b", 0, 1), ("c", 1, 0)]


def test_any_format_rate_and_channel_count(corpus, out):
    corpus.add_audio("wav/a.flac", rate=16000)
    corpus.add_audio("wav/b.wav", rate=44100, channels=2, subtype="PCM_24")
    corpus.add_audio("wav/c.ogg", rate=48000)
    corpus.add_audio("wav/d.wav", rate=22050, subtype="FLOAT")
    absolute = corpus.folder / corpus.add_audio("wav/e.aiff", rate=8000)
    rows = [[i, 0, "", f"wav/{n}", 0] for i, n in enumerate(["a.flac", "b.wav", "c.ogg", "d.wav"])]
    corpus.write_csv([*rows, [9, 0, "", absolute, 0]])
    corpus.run(out)
    assert [len(row[3]) for row in read_shards(out / "train")] == [1600] * 5


def test_intent_names_come_from_intent_info(corpus, out):
    corpus.fill(6)
    (corpus.folder / "intent_info.csv").write_text(
        "description,intent_name,intent_class\nx,pay,2\ny,ask,0\nz,lock,1\n")
    corpus.run(out)
    assert read_manifest(out / "train")["intents"] == ["ask", "lock", "pay"]


def test_labels_without_intent_info_are_the_same_in_every_split(corpus, out):
    corpus.fill(6)
    rows = [[i, 2, "", f"wav/train-{i}.wav", 0] for i in range(2)]
    corpus.write_csv(rows, "test.csv")
    corpus.run(out, split="test")
    assert read_manifest(out / "test")["intents"] == ["0", "1", "2"]
    assert [row[1] for row in read_shards(out / "test")] == [2, 2]


def test_warns_about_a_split_with_different_intents(corpus, out):
    corpus.fill(6)
    corpus.run(out)
    corpus.write_csv([[0, "new", "", "wav/train-0.wav", 0]], "other.csv")
    assert "has a different list of intents" in corpus.run(out, "--intents-from", "other", split="other")


@pytest.fixture
def bad_corpus(corpus):
    """Two valid rows and one of every kind of bad row."""
    (corpus.folder / "intent_info.csv").write_text("intent_class,intent_name\n0,pay\n")
    corpus.add_audio("wav/good.wav")
    (corpus.folder / "wav/text.wav").write_text("text in a file named .wav")
    (corpus.folder / "wav/nothing.wav").write_bytes(b"")
    soundfile.write(corpus.folder / "wav/empty.wav", np.zeros(0), 8000)
    complete = (corpus.folder / "wav/good.wav").read_bytes()
    (corpus.folder / "wav/cut.wav").write_bytes(complete[: len(complete) // 2])
    soundfile.write(corpus.folder / "wav/nan.wav", np.full(100, np.nan), 8000, subtype="FLOAT")
    corpus.add_audio("wav/long.wav", seconds=2.5)
    corpus.write_csv([
        ["u1", 0, "two\nlines", "wav/good.wav", "s"],     # lines 2 and 3
        ["u2", 0, "", "wav/gone.wav", "s"],               # line 4
        ["u3", 0, "", "wav/text.wav", "s"],
        ["u4", 0, "", "wav/nothing.wav", "s"],
        ["u5", 0, "", "wav/empty.wav", "s"],
        ["u6", 0, "", "wav/cut.wav", "s"],
        ["u7", 7, "", "wav/good.wav", "s"],
        ["u1", 0, "", "wav/good.wav", "s"],
        ["u9", 0, "", "wav/nan.wav", "s"],
        ["u10", 0, "", "wav/long.wav", "s"],
        ["u11", 0, "", "wav", "s"],
        ["u12", 0, "", "wav/good.wav"],
        ["u13", 0, "", "wav/good.wav", "s"],              # line 15
    ])
    return corpus


REASONS = {4: "no such file", 5: "not audio", 6: "empty", 7: "empty", 8: "truncated",
           9: "unknown intent '7'", 10: "duplicate id 'u1', first on line 2", 11: "not finite",
           12: "over the limit of 2 s", 13: "not a regular file", 14: "4 fields, the header has 5"}


def test_every_bad_row_is_listed_with_its_line_and_the_run_fails(bad_corpus, out):
    log = bad_corpus.run(out, "--max-seconds", 2, status=1)
    for line, reason in REASONS.items():
        assert any(f"train.csv:{line}:" in entry and reason in entry for entry in log.splitlines()), \
            f"line {line}: {reason}\n{log}"
    assert "train.csv:2:" not in log and "train.csv:15:" not in log
    assert "11 of 13 rows are bad" in log
    assert not (out / "train/manifest.json").exists()
    assert not list((out / "train").glob("*.h5"))


@pytest.mark.parametrize("options, status, where", [((), 1, "for all of them use --summary"),
                                                    (("--skip-bad",), 0, "for all of them see rejected.csv")])
def test_logs_the_first_bad_rows_and_counts_the_rest(corpus, out, options, status, where):
    rows = corpus.fill(2)
    corpus.write_csv([*rows, *([f"gone-{i}", 0, "", f"wav/gone-{i}.wav", 0] for i in range(50))])
    log = corpus.run(out, *options, "--summary", out / "summary.json", status=status)
    assert [f"train.csv:{line}:" in log for line in (4, 23, 24, 53)] == [True, True, False, False]
    assert f"30 more bad rows not shown; {where}" in log
    summary = json.loads((out / "summary.json").read_text())["splits"][0]
    assert [row["line"] for row in summary["rejected_rows"]] == list(range(4, 54))


def test_audio_in_a_linked_folder_is_one_usage_error(corpus, out, tmp_path):
    corpus.fill(30)
    (corpus.folder / "wav").rename(tmp_path / "scratch")
    (corpus.folder / "wav").symlink_to(tmp_path / "scratch")
    log = corpus.run(out, status=2)
    assert len(log.splitlines()) == 1
    assert "all 30 valid rows is outside the corpus folder" in log
    assert f"{corpus.folder}/wav is a link to {tmp_path}/scratch; use --allow-outside" in log
    corpus.run(out, "--allow-outside")
    assert len(read_shards(out / "train")) == 30


def test_skips_bad_rows_with_skip_bad(bad_corpus, out):
    bad_corpus.run(out, "--max-seconds", 2, "--skip-bad", "--summary", out / "summary.json")
    assert [row[0] for row in read_shards(out / "train")] == ["u1", "u13"]
    with (out / "train/rejected.csv").open(newline="") as stream:
        rejected = list(csv.DictReader(stream))
    assert [int(row["line"]) for row in rejected] == list(REASONS)
    for row in rejected:
        assert REASONS[int(row["line"])] in row["reason"]
    assert rejected[0]["audio_path"] == "wav/gone.wav" and rejected[0]["id"] == "u2"
    summary = json.loads((out / "summary.json").read_text())["splits"][0]
    assert (summary["rows"], summary["utterances"], summary["rejected"]) == (13, 2, 11)
    assert [row["line"] for row in summary["rejected_rows"]] == list(REASONS)


def test_removes_rejected_csv_when_all_rows_are_fixed(bad_corpus, out):
    bad_corpus.run(out, "--skip-bad")
    bad_corpus.write_csv([["u1", 0, "", "wav/good.wav", "s"]])
    bad_corpus.run(out, "--skip-bad")
    assert not (out / "train/rejected.csv").exists()


def test_a_corpus_without_a_valid_row_fails(corpus, out):
    corpus.write_csv([[0, 0, "", "wav/gone.wav", 0]])
    assert "no valid row among 1 row" in corpus.run(out, "--skip-bad", status=1)


@pytest.mark.parametrize("text, message", [
    (None, "train.csv not found"),
    ("", "empty"),
    ("id,intent_class,audio_path\n", "no rows"),
    ("id,intent,audio_path\n1,0,a.wav\n", "no column 'intent_class'; its columns are 'id', 'intent', "
                                          "'audio_path'"),
    ("id;intent_class;audio_path\n1;0;a.wav\n", "--delimiter"),
    ('id,intent_class,audio_path\n1,0,"a.wav\n', "line 2"),
])
def test_an_invalid_csv_is_a_usage_error(corpus, out, text, message):
    if text is not None:
        (corpus.folder / "train.csv").write_text(text)
    assert message in corpus.run(out, status=2)


@pytest.mark.parametrize("arguments, message", [
    ([], "--corpus is missing"),
    (["--corpus", "/gone", "--split", "train", "--out", "x"], "corpus folder /gone not found"),
    (["--corpus", "/", "--split", "../train", "--out", "x"], "--split '../train'"),
    (["--corpus", "/", "--split", "a,a", "--out", "x"], "duplicate split 'a'"),
    (["--corpus", "/", "--split", "a", "--out", "x", "--dtype", "int8"], "--dtype"),
    (["--corpus", "/", "--split", "a", "--out", "x", "--jobs", "0"], "--jobs"),
    (["--what"], "--what"),
    (["--verify", "/gone"], "folder /gone not found"),
])
def test_an_invalid_command_line_is_a_usage_error(arguments, message, tmp_path):
    assert message in preprocess(*arguments, status=2, cwd=tmp_path)


def test_an_output_folder_that_cannot_be_created_is_a_usage_error(corpus, tmp_path):
    corpus.fill(2)
    (tmp_path / "file").write_text("")
    assert "output folder" in corpus.run(tmp_path / "file/shards", status=2)


def test_help_and_version_succeed():
    preprocess("--help")
    preprocess("--version")

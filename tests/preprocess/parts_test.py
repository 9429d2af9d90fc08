"""Preprocessing in parts, then merging: the same bytes as one process, or an error with the reason."""

import json
import os
import signal
import subprocess

import pytest
from conftest import PROGRAM, files_of, preprocess, read_manifest

SMALL = ["--shard-utterances", 4, "--jobs", 1]


def run_part(corpus, out, number, count, *options, status=0, **keywords):
    return corpus.run(out, *SMALL, "--part", f"{number}/{count}", *options, status=status, **keywords)


def merge(corpus, out, count, *options, status=0, **keywords):
    return corpus.run(out, *SMALL, "--merge", count, *options, status=status, **keywords)


def start(corpus, out, *options):
    command = [PROGRAM, "--corpus", corpus.folder, "--split", "train", "--out", out, *options]
    return subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)


def everything(folder):
    """Relative path -> content of all files, including resume records but not locks."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*"))
            if p.is_file() and p.name != ".lock"}


@pytest.fixture
def reference(corpus, tmp_path):
    """50 rows in two splits, preprocessed by one process to 10 and 3 shards."""
    corpus.fill(38)
    corpus.fill(12, "test")
    corpus.run(tmp_path / "reference", *SMALL, split="train,test")
    return tmp_path / "reference"


@pytest.mark.parametrize("count", [1, 3, 15])
def test_parts_and_a_merge_give_the_same_bytes_as_one_process(corpus, out, reference, count):
    for number in reversed(range(1, count + 1)):
        log = run_part(corpus, out, number, count, split="train,test")
        assert f"train, part {number}/{count}:" in log
        assert not (out / "train/manifest.json").exists()
    assert f"merged from {count} part" in merge(corpus, out, count, split="train,test")
    assert everything(out) == everything(reference)
    preprocess("--verify", out)


def test_a_merge_lists_missing_parts_and_changes_nothing(corpus, out, reference):
    run_part(corpus, out, 1, 5)
    run_part(corpus, out, 4, 5)
    before = everything(out)
    log = merge(corpus, out, 5, status=2)
    for part, shards in ((2, "1, 6"), (3, "2, 7"), (5, "4, 9")):
        assert f"part {part}/5: shards {shards}: missing" in log
    assert "part 1/5" not in log and "part 4/5" not in log
    assert "3 of 5 parts are incomplete" in log and "for I = 2-3,5, then --merge 5" in log
    assert everything(out) == before
    for number in (2, 3, 5):
        run_part(corpus, out, number, 5)
    merge(corpus, out, 5)
    assert files_of(out / "train") == files_of(reference / "train")


def test_a_merge_can_be_repeated_and_a_run_without_parts_completes_the_shards(corpus, out, reference):
    run_part(corpus, out, 2, 3)
    assert "reusing 3 of 10 shards" in corpus.run(out, *SMALL)
    for _ in range(2):
        merge(corpus, out, 3)
        assert everything(out / "train") == everything(reference / "train")
    assert "nothing to do" in run_part(corpus, out, 1, 3)
    assert everything(out / "train") == everything(reference / "train")


@pytest.fixture
def large_corpus(corpus):
    """Enough rows to kill a run before it ends: 1,200 rows of 40 files, 60 shards of 20 rows."""
    rows = corpus.fill(40)
    corpus.write_csv([[i, *rows[i % 40][1:]] for i in range(1200)])
    return corpus


LARGE = ["--shard-utterances", 20, "--jobs", 1]


def wait_for_records(process, out, count):
    while len(list(out.glob("train/.resume/shard-*.json"))) < count:
        if process.poll() is not None:
            pytest.fail("the program exited before it was interrupted:\n" + process.stderr.read())


def test_concurrent_parts_and_several_processes_of_one_part(large_corpus, out, tmp_path):
    """A node that Slurm considers down may still be writing when its part is restarted elsewhere."""
    running = [start(large_corpus, out, *LARGE, "--part", f"{number}/3")
               for number in (1, 2, 3, 1, 1, 1)]
    for process in running:
        log = process.communicate(timeout=60)[1]
        assert process.returncode == 0, log
    large_corpus.run(out, *LARGE, "--merge", 3)
    large_corpus.run(tmp_path / "reference", *LARGE)
    assert everything(out) == everything(tmp_path / "reference")


@pytest.mark.parametrize("sent, status", [(signal.SIGKILL, -9), (signal.SIGUSR1, 128 + 10)])
def test_a_killed_part_resumes_with_the_same_result(large_corpus, tmp_path, sent, status):
    out = tmp_path / "out"
    large_corpus.run(out, *LARGE, "--part", "1/2")
    process = start(large_corpus, out, *LARGE, "--part", "2/2")
    wait_for_records(process, out, 33)
    process.send_signal(sent)
    log = process.communicate(timeout=60)[1]
    assert process.returncode == status, log
    done = len(list(out.glob("train/.resume/shard-*.json"))) - 30
    assert 3 <= done < 30
    # Temporary files as left by a kill during a write, in addition to those of this kill, if any.
    (out / "train/shard-00001.h5.0123abcd.tmp").write_bytes(b"partial shard")
    (out / "train/.resume/shard-00001.json.0123abcd.tmp").write_bytes(b"partial record")
    log = large_corpus.run(out, *LARGE, "--merge", 2, status=2)
    assert "part 2/2: " in log and "shards from " in log and "part 1/2" not in log

    assert "part 2/2" in large_corpus.run(out, *LARGE, "--part", "2/2")
    large_corpus.run(out, *LARGE, "--merge", 2)
    large_corpus.run(tmp_path / "reference", *LARGE)
    assert everything(out) == everything(tmp_path / "reference")


def test_a_running_part_locks_out_merges_and_runs_without_parts(large_corpus, out):
    process = start(large_corpus, out, *LARGE, "--part", "1/2")
    wait_for_records(process, out, 1)
    process.send_signal(signal.SIGSTOP)
    try:
        for options in (["--merge", 2], []):
            assert "in use by process" in large_corpus.run(out, *LARGE, *options, status=2)
        large_corpus.run(out, *LARGE, "--part", "2/2")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("options, message", [
    (["--sample-rate", 8000], "sample_rate 8000 instead of 16000"),
    (["--dtype", "float32"], "dtype float32 instead of int16"),
    (["--max-seconds", 9], "max_seconds 9 instead of 30"),
    (["--min-seconds", 0.05], "min_seconds 0.05 instead of 0.025"),
])
def test_a_merge_rejects_and_names_parts_with_different_settings(corpus, out, options, message):
    corpus.fill(12)
    run_part(corpus, out, 1, 2)
    run_part(corpus, out, 2, 2, *options)
    log = merge(corpus, out, 2, status=2)
    assert f"part 2/2: shard 1: different inputs: {message}" in log and "part 1/2" not in log
    assert not (out / "train/manifest.json").exists()


def test_a_merge_rejects_and_names_parts_with_a_different_csv_or_audio(corpus, out):
    rows = corpus.fill(12)
    for number in (1, 2, 3):
        run_part(corpus, out, number, 3)
    rows[5][1] = (rows[5][1] + 1) % 3  # another intent, in the second shard
    corpus.write_csv(rows)
    os.utime(corpus.folder / rows[9][3])
    log = merge(corpus, out, 3, status=2)
    assert "part 2/3: shard 1: different inputs: CSV rows" in log
    assert "part 3/3: shard 2: different inputs: size or modification time of audio files" in log
    assert "part 1/3" not in log
    for number in (2, 3):
        run_part(corpus, out, number, 3)
    merge(corpus, out, 3)
    preprocess("--verify", out)


def test_a_merge_names_corrupt_and_missing_shards_and_their_parts_write_them_again(corpus, out, reference):
    for number in (1, 2):
        run_part(corpus, out, number, 2)
    shards = sorted((out / "train").glob("*.h5"))
    content = bytearray(shards[3].read_bytes())
    content[-300] ^= 1
    shards[3].write_bytes(content)
    shards[4].unlink()
    (out / "train/.resume/shard-00007.json").write_text("{")
    record = out / "train/.resume/shard-00008.json"
    record.write_text(record.read_text().replace('"rejected": []', '"rejected": [{"row": 999999, "reason": ""}]'))
    log = merge(corpus, out, 2, status=2)
    assert f"part 2/2: shard 3: {shards[3].name} is corrupt" in log
    assert f"part 1/2: shard 4: {shards[4].name} is missing" in log
    assert "part 2/2: shard 7: " in log and "shard-00007.json" in log
    assert "part 1/2: shard 8: the resume record is corrupt" in log
    for number in (1, 2):
        run_part(corpus, out, number, 2)
    merge(corpus, out, 2)
    assert everything(out / "train") == everything(reference / "train")


@pytest.fixture
def bad_corpus(corpus):
    """20 rows in five shards: two bad rows in the second shard and one in the last."""
    rows = corpus.fill(20)
    for i in (4, 6, 17):
        rows[i][3] = f"wav/gone-{i}.wav"
    corpus.write_csv(rows)
    return corpus


def row_errors(log):
    """The log lines about single rows, without the timestamp."""
    return [line.split(" ", 1)[1] for line in log.splitlines() if "train.csv:" in line]


def counts(summary):
    """The fields of a summary that do not depend on the machine or on earlier runs."""
    split = json.loads(summary.read_text())["splits"][0]
    return {k: v for k, v in split.items()
            if k not in ("folder", "seconds", "jobs", "real_time_factor", "shards_kept")}


def test_bad_rows_fail_the_merge_as_in_one_process(bad_corpus, out, tmp_path):
    expected = bad_corpus.run(tmp_path / "reference", *SMALL, "--summary", tmp_path / "a.json", status=1)
    summary = ["--summary", tmp_path / "b.json"]
    logs = [run_part(bad_corpus, out, number, 2, *summary, status=status)
            for number, status in ((1, 1), (2, 1))]
    assert "part 1/2: 1 of 12 rows are bad" in logs[0] and "part 2/2: 2 of 8 rows are bad" in logs[1]
    assert not (tmp_path / "b.json").exists()
    log = merge(bad_corpus, out, 2, *summary, status=1)
    assert row_errors(log) == row_errors(expected) and len(row_errors(log)) == 3
    assert "3 of 20 rows are bad, no manifest was written" in log
    assert counts(tmp_path / "b.json") == counts(tmp_path / "a.json")
    assert not (out / "train/manifest.json").exists()

    bad_corpus.fill(20)  # fixes the bad rows; the other files are rewritten
    for number in (1, 2):
        run_part(bad_corpus, out, number, 2)
    merge(bad_corpus, out, 2, *summary)
    bad_corpus.run(tmp_path / "reference", *SMALL, "--summary", tmp_path / "a.json")
    assert files_of(out / "train") == files_of(tmp_path / "reference/train")
    assert counts(tmp_path / "b.json") == counts(tmp_path / "a.json")


def test_bad_rows_are_skipped_as_in_one_process(bad_corpus, out, tmp_path):
    skip = ["--skip-bad", "--summary", tmp_path / "b.json"]
    for number in (1, 2, 3):
        run_part(bad_corpus, out, number, 3, *skip)
    log = merge(bad_corpus, out, 3, *skip)
    expected = bad_corpus.run(tmp_path / "reference", *SMALL, "--skip-bad", "--summary", tmp_path / "a.json")
    assert row_errors(log) == row_errors(expected) and len(row_errors(log)) == 3
    assert everything(out) == everything(tmp_path / "reference")
    assert counts(tmp_path / "b.json") == counts(tmp_path / "a.json")
    assert merge(bad_corpus, out, 3, status=1).count("train.csv:") == 3  # without --skip-bad


def test_a_merge_with_skip_bad_names_a_part_without_it(bad_corpus, out):
    run_part(bad_corpus, out, 1, 2, "--skip-bad")
    run_part(bad_corpus, out, 2, 2, status=1)
    log = merge(bad_corpus, out, 2, "--skip-bad", status=2)
    assert "part 2/2: shard 1: has bad rows and was processed without --skip-bad" in log
    run_part(bad_corpus, out, 2, 2, "--skip-bad")
    merge(bad_corpus, out, 2, "--skip-bad")
    assert read_manifest(out / "train")["utterances"] == 17


def test_an_older_dataset_stays_valid_until_the_merge(corpus, out):
    corpus.fill(12)
    corpus.run(out, *SMALL)
    before = files_of(out / "train")
    other = ["--dtype", "float32"]
    for number in (1, 2):
        run_part(corpus, out, number, 2, *other)
        assert before.items() <= files_of(out / "train").items()
        preprocess("--verify", out)
    merge(corpus, out, 2, *other)
    assert read_manifest(out / "train")["dtype"] == "float32"
    assert not before.keys() & {p.name for p in (out / "train").glob("*.h5")}


@pytest.mark.parametrize("options, message", [
    (["--part", "0/3"], "I from 1 to N"),
    (["--part", "4/3"], "I from 1 to N"),
    (["--part", "2"], "I/N"),
    (["--part", ""], "I/N"),
    (["--merge", "0"], "--merge"),
    (["--part", "1/2", "--merge", "2"], "--merge"),
])
def test_an_invalid_part_is_a_usage_error(corpus, out, options, message):
    corpus.fill(2)
    assert message in corpus.run(out, *options, status=2)
    assert not out.exists()

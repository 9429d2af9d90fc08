"""Interrupted runs, repeated runs and full disks."""

import os
import signal
import subprocess
import time

import pytest
from conftest import PROGRAM, files_of, preprocess, read_manifest


def start(corpus, out, *options):
    command = [PROGRAM, "--corpus", corpus.folder, "--split", "train", "--out", out, *options]
    return subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)


def wait_for_shards(process, out, count):
    deadline = time.monotonic() + 60
    while len(list(out.glob("train/.resume/shard-*.json"))) < count:
        assert time.monotonic() < deadline, "timeout: no shards were written"
        if process.poll() is not None:
            pytest.fail("the program exited before it was interrupted:\n" + process.stderr.read())
        time.sleep(0.001)


@pytest.fixture
def large_corpus(corpus):
    """Enough rows to interrupt a run: 2,000 rows of 40 files, 100 shards of 20 rows."""
    rows = corpus.fill(40)
    corpus.write_csv([[i, *rows[i % 40][1:]] for i in range(2000)])
    return corpus


LARGE = ["--shard-utterances", 20, "--jobs", 1]


@pytest.mark.parametrize("sent, status", [(signal.SIGTERM, 128 + 15), (signal.SIGINT, 128 + 2),
                                          (signal.SIGKILL, -9)])
def test_an_interrupted_run_resumes(large_corpus, tmp_path, sent, status):
    out = tmp_path / "out"
    process = start(large_corpus, out, *LARGE)
    wait_for_shards(process, out, 3)
    process.send_signal(sent)
    log = process.communicate(timeout=60)[1]
    assert process.returncode == status, log
    assert not (out / "train/manifest.json").exists()
    if sent != signal.SIGKILL:
        assert "run the same command again to resume" in log
        assert not list(out.glob("train/*.tmp"))
    finished = {p: p.stat().st_mtime_ns for p in out.glob("train/shard-*.h5")}
    assert 3 <= len(finished) < 100

    log = large_corpus.run(out, *LARGE)
    assert f"reusing {len(finished)} of 100 shards" in log or \
        f"reusing {len(finished) - 1} of 100 shards" in log  # killed between shard and record
    untouched = [p for p, time_ns in finished.items() if p.stat().st_mtime_ns == time_ns]
    assert len(untouched) >= len(finished) - 1
    large_corpus.run(tmp_path / "reference", *LARGE)
    assert files_of(out / "train") == files_of(tmp_path / "reference/train")
    preprocess("--verify", out)


def test_a_second_run_has_nothing_to_do(corpus, out):
    corpus.fill(6)
    corpus.run(out, "--shard-utterances", 4)
    before = files_of(out / "train")
    assert "reusing 2 of 2 shards" in corpus.run(out, "--shard-utterances", 4)
    assert files_of(out / "train") == before


def test_a_corrupt_shard_is_written_again(corpus, out):
    corpus.fill(6)
    corpus.run(out, "--shard-utterances", 3)
    before = files_of(out / "train")
    shard = sorted((out / "train").glob("*.h5"))[1]
    shard.write_bytes(shard.read_bytes()[:-1] + b"!")
    assert "reusing 1 of 2 shards" in corpus.run(out, "--shard-utterances", 3)
    assert files_of(out / "train") == before


def test_only_shards_with_changed_audio_are_written_again(corpus, out):
    corpus.fill(6)
    corpus.run(out, "--shard-utterances", 3)
    first = read_manifest(out / "train")
    corpus.add_audio("wav/train-5.wav", seconds=0.3)
    assert "reusing 1 of 2 shards" in corpus.run(out, "--shard-utterances", 3)
    second = read_manifest(out / "train")
    assert second["shards"][0] == first["shards"][0] and second["shards"][1] != first["shards"][1]
    names = {shard["file"] for shard in second["shards"]}
    assert {p.name for p in (out / "train").glob("*.h5")} == names  # the old shard was removed
    preprocess("--verify", out)


@pytest.mark.parametrize("options", [["--sample-rate", 8000], ["--dtype", "float32"],
                                     ["--max-seconds", 20], ["--min-seconds", 0.02]])
def test_different_settings_do_not_reuse_shards(corpus, out, options):
    corpus.fill(3)
    corpus.run(out)
    assert "from an earlier run" not in corpus.run(out, *options)
    preprocess("--verify", out)


def test_bad_rows_leave_an_older_dataset_unchanged_until_they_are_skipped(corpus, out):
    rows = corpus.fill(6)
    corpus.run(out, "--shard-utterances", 2)
    before = read_manifest(out / "train")
    corpus.write_csv([*rows[:5], [5, 0, "", "wav/gone.wav", 0]])
    assert "train.csv:7:" in corpus.run(out, "--shard-utterances", 2, status=1)
    assert read_manifest(out / "train") == before
    preprocess("--verify", out)
    log = corpus.run(out, "--shard-utterances", 2, "--skip-bad")
    assert "reusing 2 of 3 shards" in log
    assert read_manifest(out / "train")["utterances"] == 5


def test_a_second_run_in_the_same_folder_is_rejected(large_corpus, out):
    process = start(large_corpus, out, *LARGE)
    wait_for_shards(process, out, 1)
    process.send_signal(signal.SIGSTOP)
    try:
        assert "in use by process" in large_corpus.run(out, *LARGE, status=2)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip("cannot mount a tmpfs here: " + mounted.stderr.strip())
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("filled_kib", [0, 200, 230, 244, 248, 252, 256])
def test_a_full_disk_fails_the_run_and_leaves_no_manifest(corpus, small_disk, filled_kib):
    """Filled to different levels, so that samples, tables or folder entries run out of space."""
    (small_disk / "other").write_bytes(bytes(filled_kib * 1024))
    corpus.fill(40)
    log = corpus.run(small_disk / "out", "--shard-utterances", 10, status=1)
    assert "No space left on device" in log
    assert len([line for line in log.splitlines() if "error" in line]) == 1
    assert not (small_disk / "out/train/manifest.json").exists()
    assert not list(small_disk.glob("out/train/*.tmp"))
    (small_disk / "other").unlink()
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    corpus.run(small_disk / "out", "--shard-utterances", 10)
    preprocess("--verify", small_disk / "out")

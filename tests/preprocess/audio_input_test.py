"""Damaged, clipped, silent and multi-channel audio is reported."""

import json
import struct

import numpy as np
import pytest
import soundfile
from conftest import files_of, read_manifest, read_shards


def summary_of(corpus, out, *options, status=0):
    log = corpus.run(out, *options, "--summary", out / "summary.json", status=status)
    return json.loads((out / "summary.json").read_text())["splits"][0], log


def set_wav_length(path, length):
    content = bytearray(path.read_bytes())
    content[40:44] = struct.pack("<I", length)
    path.write_bytes(content)


@pytest.fixture
def damaged_corpus(corpus):
    """A valid file and WAV files with wrong headers, as some recorders write them."""
    names = ["good", "one_more", "header_more", "byte_missing", "zero"]
    for name in names:
        corpus.add_audio(f"wav/{name}.wav", seconds=0.25)
    set_wav_length(corpus.folder / "wav/one_more.wav", 4001)
    set_wav_length(corpus.folder / "wav/header_more.wav", 4044)
    set_wav_length(corpus.folder / "wav/zero.wav", 0)
    path = corpus.folder / "wav/byte_missing.wav"
    path.write_bytes(path.read_bytes()[:-1])
    corpus.write_csv([[name, 0, "", f"wav/{name}.wav", 0] for name in names])
    return corpus


def test_damaged_files_are_bad_rows(damaged_corpus, out):
    summary, _ = summary_of(damaged_corpus, out, status=1)
    assert [row["id"] for row in summary["rejected_rows"]] == ["one_more", "header_more", "byte_missing", "zero"]
    assert all("truncated or corrupt" in row["reason"] for row in summary["rejected_rows"])


def test_accepted_damaged_files_are_read_partially_and_reported(damaged_corpus, out):
    summary, log = summary_of(damaged_corpus, out, "--accept-damaged", "--sample-rate", 8000)
    lengths = {name: len(samples) for name, _, _, samples in read_shards(out / "train")}
    assert lengths == {"good": 2000, "one_more": 2000, "header_more": 2000, "byte_missing": 1999, "zero": 2000}
    assert [row["id"] for row in summary["damaged_rows"]] == ["one_more", "header_more", "byte_missing", "zero"]
    assert "declares 4000 bytes of samples, the file has 3999; read 1999 frames" in log
    assert "train: damaged files, read partially (4)" in log


def test_accepting_damage_rewrites_only_shards_with_damaged_files(damaged_corpus, out):
    options = ["--shard-utterances", 1, "--skip-bad"]
    damaged_corpus.run(out, *options)
    assert [name for name, *_ in read_shards(out / "train")] == ["good"]
    log = damaged_corpus.run(out, *options, "--accept-damaged")
    assert "reusing 1 of 5 shards from an earlier run" in log
    assert len(read_shards(out / "train")) == 5
    log = damaged_corpus.run(out, *options)
    assert "reusing 1 of 5 shards" in log and len(read_shards(out / "train")) == 1


def test_a_resumed_run_and_a_merge_report_damaged_files_too(damaged_corpus, tmp_path):
    options = ["--accept-damaged", "--shard-utterances", 2]
    complete, _ = summary_of(damaged_corpus, tmp_path / "a", *options)
    again, log = summary_of(damaged_corpus, tmp_path / "a", *options)
    assert again["damaged_rows"] == complete["damaged_rows"] and "damaged files, read partially (4)" in log
    for part in (1, 2):
        damaged_corpus.run(tmp_path / "b", *options, "--part", f"{part}/2")
    merged, log = summary_of(damaged_corpus, tmp_path / "b", *options, "--merge", 2)
    assert merged["damaged_rows"] == complete["damaged_rows"] and "damaged files, read partially (4)" in log
    assert files_of(tmp_path / "a/train") == files_of(tmp_path / "b/train")
    log = damaged_corpus.run(tmp_path / "b", "--shard-utterances", 2, "--merge", 2, status=2)
    assert "accept_damaged yes instead of no" in log


def test_clipped_files_are_reported_and_float32_does_not_clip(corpus, out):
    loud = np.full(1000, 0.5)
    loud[:7] = 1.5
    for i in range(12):
        soundfile.write(corpus.folder / f"wav/{i}.wav", loud, 16000, subtype="FLOAT")
    corpus.write_csv([[i, 0, "", f"wav/{i}.wav", 0] for i in range(12)])
    summary, log = summary_of(corpus, out)
    assert "train: utterances clipped to the range of int16 (12)" in log and "wav/9.wav (7 samples) and 2 more" in log
    assert "wav/10.wav" not in log and "--dtype float32" in log
    assert [row["samples"] for row in summary["clipped_rows"]] == [7] * 12
    summary, log = summary_of(corpus, out, "--dtype", "float32")
    assert summary["clipped_rows"] == [] and "utterances clipped" not in log
    assert read_shards(out / "train")[0][3].max() == 1.5


def test_silent_utterances_are_reported(corpus, out):
    tone = 0.3 * np.sin(np.arange(1600) / 5)
    soundfile.write(corpus.folder / "wav/cancel.wav", np.stack([tone, -tone], 1), 16000)
    soundfile.write(corpus.folder / "wav/zeros.wav", np.zeros(1600), 16000)
    corpus.add_audio("wav/good.wav")
    corpus.write_csv([[name, 0, "", f"wav/{name}.wav", 0] for name in ("cancel", "zeros", "good")])
    for dtype in ("int16", "float32"):
        summary, log = summary_of(corpus, out, "--dtype", dtype)
        assert "train: silent utterances (2)" in log
        assert "cancel.wav (the mean of 2 channels; --channel selects one)" in log
        assert [row["id"] for row in summary["silent_rows"]] == ["cancel", "zeros"]
    summary, _ = summary_of(corpus, out, "--channel", "left", status=0)
    assert [row["id"] for row in summary["silent_rows"]] == ["zeros"]


def test_one_channel_of_a_conversation(corpus, out):
    audio = np.stack([np.full(500, 0.25), np.full(500, -0.5), np.full(500, 0.125)], 1)
    soundfile.write(corpus.folder / "wav/a.wav", audio, 16000)
    corpus.write_csv([["a", 0, "", "wav/a.wav", 0]])
    values = {}
    for channel in ("left", "right", "3", "1", "mean"):
        log = corpus.run(out, "--channel", channel)
        assert "reusing" not in log  # a shard of another channel is rewritten
        values[channel] = int(read_shards(out / "train")[0][3][0])
        assert read_manifest(out / "train")["channel"] == {"left": "1", "right": "2"}.get(channel, channel)
    assert values == {"left": 8192, "right": -16384, "3": 4096, "1": 8192, "mean": -1365}
    assert "nothing to do" in corpus.run(out)
    assert "has 3 channels, channel 4 was requested" in corpus.run(out, "--channel", 4, status=1)
    assert "must be mean, left, right" in corpus.run(out, "--channel", "both", status=2)


def test_a_file_without_the_channel_is_a_bad_row(corpus, out):
    corpus.write_csv([["a", 0, "", corpus.add_audio("wav/a.wav"), 0]])
    assert "has 1 channel, channel 2 was requested" in corpus.run(out, "--channel", "right", status=1)


def test_an_ogg_file_without_its_end_flag_is_read_and_reported(corpus, out):
    pages = 0.2 * np.random.default_rng(1).standard_normal(160_000)
    path = corpus.folder / "wav/a.ogg"
    soundfile.write(path, pages, 16000, format="OGG", subtype="OPUS")
    corpus.write_csv([["a", 0, "", "wav/a.ogg", 0]])
    corpus.run(out / "complete")
    content = bytearray(path.read_bytes())
    last = content.rindex(b"OggS")
    content[last + 5] &= ~4
    content[last + 22 : last + 26] = bytes(4)
    content[last + 22 : last + 26] = ogg_checksum(content[last:]).to_bytes(4, "little")
    path.write_bytes(content)
    summary, log = summary_of(corpus, out)
    assert "train: unusual files (1)" in log and "has no end-of-stream flag" in log
    assert [row["id"] for row in summary["unusual_rows"]] == ["a"]
    assert np.array_equal(read_shards(out / "train")[0][3], read_shards(out / "complete/train")[0][3])


def ogg_checksum(page):
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


def test_messages_have_the_remedy(corpus, out):
    (corpus.folder / "wav/lfs.wav").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    corpus.add_audio("wav/long.wav", seconds=2)
    corpus.write_csv([["a", 0, "", "wav/lfs.wav", 0], ["b", 0, "", "wav/long.wav", 0]])
    log = corpus.run(out, "--max-seconds", 1, status=1)
    assert "a Git LFS pointer instead of audio: run `git lfs pull`" in log
    assert "2.000 s long, over the limit of 1 s (--max-seconds)" in log

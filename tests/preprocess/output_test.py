"""The content of the shards, checked with h5py, h5dump and soxr, and its determinism."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile
from conftest import COLUMNS, files_of, preprocess, read_manifest, read_shards


def test_h5py_reads_the_expected_content(corpus, out):
    corpus.fill(5)
    corpus.run(out, "--shard-utterances", 3)
    manifest = read_manifest(out / "train")
    assert [shard["utterances"] for shard in manifest["shards"]] == [3, 2]
    assert (manifest["format"], manifest["version"], manifest["split"]) == ("s2i-dataset", 3, "train")
    assert manifest["speakers"] == ["0", "1"]
    with h5py.File(out / "train" / manifest["shards"][0]["file"]) as file:
        assert set(file) == {"audio", "offset", "label", "speaker", "id", "checksum", "columns"}
        attributes = dict(file.attrs)
        assert (attributes["format"], attributes["version"]) == ("s2i-shard", 2)
        assert (attributes["split"], attributes["sample_rate"]) == ("train", 16000)
        assert list(attributes["source_rates"]) == [8000]
        assert "soxr" in attributes["resampler"]
        assert (attributes["channel"], manifest["channel"]) == ("mean", "mean")
        assert file["audio"].dtype == np.int16 and file["audio"].chunks is None
        assert file["offset"].dtype == np.uint64 and len(file["offset"]) == 4
        assert file["offset"][3] == len(file["audio"])
        assert list(file["id"].asstr()) == ["0", "1", "2"]
        # The file offsets that the trainer uses instead of HDF5.
        entry = manifest["shards"][0]
        offsets = dict(entry["tables"], audio=entry["audio_start"])
        assert offsets.pop("id_bytes") == file["id"].dtype.itemsize
        assert offsets.pop("columns") == [file["columns/template"].id.get_offset()]
        assert offsets == {name: file[name].id.get_offset() for name in set(file) - {"columns"}}
        assert list(file["label"]) == [0, 1, 2] and list(file["speaker"]) == [0, 1, 0]


def kept(folder, name):
    """The texts of a kept column, in the order of the utterances."""
    manifest = read_manifest(folder)
    column = [column["name"] for column in manifest["columns"]].index(name)
    texts = []
    for shard in manifest["shards"]:
        with h5py.File(folder / shard["file"]) as file:
            values = manifest["columns"][column]["values"]
            assert list(file["columns"]) == sorted(column["name"] for column in manifest["columns"])
            texts += [values[i] for i in file["columns"][name]]
    return texts


def test_columns_are_kept(corpus, out):
    rows = corpus.fill(5)
    rows = [[*row[:2], f"say {row[0] % 2}", *row[3:], f"{row[0]}\u00e9", "x"] for row in rows]
    corpus.write_csv(rows, columns=[*COLUMNS, "city", "other"])
    corpus.run(out, "--keep-column", "city", "--shard-utterances", 2)
    assert [column["name"] for column in read_manifest(out / "train")["columns"]] == ["template", "city"]
    assert kept(out / "train", "template") == ["say 0", "say 1", "say 0", "say 1", "say 0"]
    assert kept(out / "train", "city") == ["0\u00e9", "1\u00e9", "2\u00e9", "3\u00e9", "4\u00e9"]
    before = read_manifest(out / "train")["dataset_checksum"]
    rows[3][5] = "elsewhere"
    corpus.write_csv(rows, columns=[*COLUMNS, "city", "other"])
    corpus.run(out, "--keep-column", "city", "--shard-utterances", 2)  # writes the changed shard again
    assert kept(out / "train", "city")[3] == "elsewhere"
    assert read_manifest(out / "train")["dataset_checksum"] != before
    corpus.run(out, "--shard-utterances", 2)
    assert [column["name"] for column in read_manifest(out / "train")["columns"]] == ["template"]


def test_columns_that_cannot_be_kept(corpus, out):
    rows = corpus.fill(2)
    corpus.write_csv([[*row, "x"] for row in rows], columns=[*COLUMNS, "a/b"])
    assert "no column" in corpus.run(out, "--keep-column", "city", status=2)
    assert "without '/'" in corpus.run(out, "--keep-column", "a/b", status=2)


def test_a_wording_that_is_not_utf8_is_kept_escaped(corpus, out):
    corpus.fill(2)
    path = corpus.folder / "train.csv"
    path.write_bytes(path.read_bytes().replace(b"some, words", b"caf\xe9", 1))
    corpus.run(out)
    assert kept(out / "train", "template") == ["caf\\xe9", "some, words"]


def test_h5dump_reads_the_expected_content(corpus, out):
    h5dump = shutil.which("h5dump") or pytest.skip("h5dump is not installed (hdf5-tools)")
    corpus.fill(2)
    corpus.run(out)
    shard = next((out / "train").glob("*.h5"))
    text = subprocess.run([h5dump, "-d", "/id", "-d", "/label", "-a", "/split", shard], check=True,
                          capture_output=True, text=True).stdout
    assert '(0): "0", "1"' in text and "(0): 0, 1" in text and '(0): "train"' in text


def test_checksums_are_xxh3_of_the_samples(corpus, out):
    xxhash = pytest.importorskip("xxhash", reason="xxhash is not installed")
    corpus.fill(3)
    corpus.run(out)
    with h5py.File(next((out / "train").glob("*.h5"))) as file:
        for i, (_, _, _, samples) in enumerate(read_shards(out / "train")):
            assert file["checksum"][i] == xxhash.xxh3_64_intdigest(samples.tobytes())


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_samples_match_soundfile_and_soxr(corpus, out, rate):
    soxr = pytest.importorskip("soxr", reason="soxr is not installed")
    corpus.write_csv([[0, 0, "", corpus.add_audio("wav/a.wav", 3.3, rate, channels=2), 0]])
    corpus.run(out / "int16")
    corpus.run(out / "float32", "--dtype", "float32")
    audio, _ = soundfile.read(corpus.folder / "wav/a.wav", dtype="float32")
    expected = soxr.resample(audio.mean(axis=1), rate, 16000)
    floats = read_shards(out / "float32/train")[0][3]
    assert len(floats) == len(expected)
    assert np.abs(floats - expected).max() < 2e-6
    integers = read_shards(out / "int16/train")[0][3]
    rounded = np.clip(np.rint(expected * 32768), -32768, 32767)
    assert np.abs(integers - rounded).max() <= 1 and (integers == rounded).mean() > 0.99


def test_audio_at_the_target_rate_is_unchanged(corpus, out):
    corpus.write_csv([[0, 0, "", corpus.add_audio("wav/a.flac", 0.5, 16000), 0]])
    corpus.run(out)
    samples, _ = soundfile.read(corpus.folder / "wav/a.flac", dtype="int16")
    assert np.array_equal(read_shards(out / "train")[0][3], samples)
    with h5py.File(next((out / "train").glob("*.h5"))) as file:
        assert file.attrs["resampler"] == ""


def test_the_number_of_jobs_does_not_change_the_bytes(corpus, tmp_path):
    rows = corpus.fill(40)
    rows[11][3] = "wav/gone.wav"
    corpus.write_csv(rows)
    first = None
    for name, jobs in (("a", 1), ("b", 2), ("c", 5)):
        corpus.run(tmp_path / name, "--jobs", jobs, "--shard-utterances", 7, "--skip-bad")
        first = first or files_of(tmp_path / name / "train")
        assert files_of(tmp_path / name / "train") == first


def test_the_content_checksum_does_not_depend_on_the_shard_size(corpus, tmp_path):
    corpus.fill(9)
    corpus.run(tmp_path / "a")
    corpus.run(tmp_path / "b", "--shard-utterances", 2)
    checksums = {read_manifest(tmp_path / name / "train")["dataset_checksum"] for name in "ab"}
    assert len(checksums) == 1


def test_summary_counts_intents_speakers_and_stages(corpus, out):
    corpus.fill(6)
    done = subprocess.run(
        [os.environ["S2I_BIN"] + "/s2i-preprocess", "--corpus", corpus.folder, "--split", "train",
         "--out", out, "--summary", "-"], check=True, capture_output=True, text=True)
    summary = json.loads(done.stdout)["splits"][0]
    seconds = [len(row[3]) / 16000 for row in read_shards(out / "train")]
    assert summary["utterances"] == 6 and summary["source_rates"] == {"8000": 6}
    assert summary["hours"] == pytest.approx(sum(seconds) / 3600)
    assert {k: v["utterances"] for k, v in summary["intents"].items()} == {"0": 2, "1": 2, "2": 2}
    assert summary["speakers"]["0"]["seconds"] == pytest.approx(sum(seconds[::2]))
    assert set(summary["seconds"]) == {"total", "decode", "resample", "convert", "write"}
    assert summary["real_time_factor"] > 0


def test_verify_accepts_valid_shards_and_detects_a_flipped_bit(corpus, out):
    corpus.fill(4)
    corpus.fill(3, "test")
    corpus.run(out, split="train,test")
    log = preprocess("--verify", out)
    assert "train: 4 utterances" in log and "test: 3 utterances" in log
    shard = next((out / "test").glob("*.h5"))
    content = bytearray(shard.read_bytes())
    with h5py.File(shard) as file:
        content[file["audio"].id.get_offset() + 300] ^= 1
    shard.write_bytes(content)
    log = preprocess("--verify", out, status=1)
    assert "utterance '" in log and shard.name in log and "train: 4 utterances" in log
    preprocess("--verify", out / "train")


def test_verify_detects_changed_tables(corpus, out):
    corpus.fill(4)
    corpus.run(out)
    shard = next((out / "train").glob("*.h5"))
    with h5py.File(shard, "r+") as file:
        file["label"][1] = 2
    assert "checksum" in preprocess("--verify", out, status=1)


def test_real_speech(out):
    fsdd = Path(os.environ.get("S2I_FSDD", "/nothing"))
    if not fsdd.is_dir():
        pytest.skip("S2I_FSDD is not set to the folder of the Free Spoken Digit Dataset")
    preprocess("--corpus", fsdd, "--split", "train,test", "--out", out)
    assert len(read_shards(out / "train")) == 2400 and len(read_shards(out / "test")) == 300
    assert read_manifest(out / "train")["intents"][0] == "digit_zero"
    preprocess("--verify", out)

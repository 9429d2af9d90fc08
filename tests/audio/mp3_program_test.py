"""Compares MP3 files of lame and FFmpeg, decoded by s2i-preprocess, with FFmpeg. Skipped if one is not installed."""

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")
soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
h5py = pytest.importorskip("h5py", reason="h5py is not installed")
FFMPEG = shutil.which("ffmpeg") or pytest.skip("ffmpeg is not installed", allow_module_level=True)
LAME = shutil.which("lame") or pytest.skip("lame is not installed", allow_module_level=True)

PROGRAM = Path(os.environ.get("S2I_BIN", "build/release/bin")).resolve() / "s2i-preprocess"


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True).stdout


def speech_like(seconds, rate, channels, seed):
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    audio = 0.3 * np.sin(2 * np.pi * (200 + 300 * time) * time) * (1 + np.sin(2 * np.pi * 2 * time)) / 2
    audio += 0.05 * rng.standard_normal(len(time)) * (np.sin(2 * np.pi * 1.3 * time + seed) > 0)
    return np.stack([audio, 0.5 * np.roll(audio, 50)][:channels], axis=1)


def make_files(folder, rate, channels):
    """Writes every kind of stream. Returns name -> path."""
    source = folder / "source.wav"
    soundfile.write(source, speech_like(2.0, rate, channels, rate + channels), rate)
    encode = [FFMPEG, "-v", "error", "-y", "-i", source]
    # 128 kbit/s, because lame resamples at lower rates. No intensity stereo: FFmpeg 5.1 decodes it in
    # MPEG-2 differently from libmpg123 and libmad, which agree.
    for name, options in (("vbr", ["-V4"]), ("cbr", ["--cbr", "-b128"]), ("abr", ["--abr", "100"])):
        run(LAME, "--quiet", *options, "--resample", rate / 1000, source, folder / f"{name}_tag.mp3")
        run(LAME, "--quiet", *options, "--resample", rate / 1000, "-t", source, folder / f"{name}.mp3")
    (folder / "pipe_vbr.mp3").write_bytes(run(*encode, "-q:a", 4, "-f", "mp3", "-"))
    (folder / "pipe_cbr.mp3").write_bytes(run(*encode, "-b:a", "128k", "-f", "mp3", "-"))
    (folder / "pipe_riff.wav").write_bytes(run(*encode, "-c:a", "libmp3lame", "-q:a", 4, "-f", "wav", "-"))
    run(*encode, "-c:a", "libmp3lame", "-q:a", 4, folder / "riff_vbr.wav")
    run(*encode, "-c:a", "libmp3lame", "-b:a", "128k", folder / "riff_cbr.wav")
    run(*encode, "-metadata", "title=x", "-write_id3v1", 1, "-q:a", 4, folder / "id3.mp3")
    picture = folder / "cover.png"
    run(FFMPEG, "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=64x64", "-frames:v", 1, picture)
    run(*encode, "-i", picture, "-map", 0, "-map", 1, "-c:v", "copy", "-q:a", 4, folder / "cover.mp3")
    picture.unlink()
    plain, tagged = (folder / "vbr.mp3").read_bytes(), (folder / "vbr_tag.mp3").read_bytes()
    (folder / "two.mp3").write_bytes(plain + plain)
    (folder / "two_tag.mp3").write_bytes(tagged + tagged)
    (folder / "start.mp3").write_bytes(plain[1000:])
    (folder / "start_tag.mp3").write_bytes(tagged[1500:])
    source.unlink()
    return {path.name: path for path in sorted(folder.iterdir())}


def preprocess(folder, paths, rate, out, *options):
    with (folder / "train.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["id", "intent_class", "audio_path"], *([p.name, 0, p.name] for p in paths)])
    done = subprocess.run([PROGRAM, "--corpus", folder, "--split", "train", "--out", out, "--dtype", "float32",
                           "--sample-rate", str(rate), *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    with h5py.File(next((out / "train").glob("*.h5"))) as file:
        offset = file["offset"][:].astype(int)
        audio = {name: file["audio"][offset[i]:offset[i + 1]] for i, name in enumerate(file["id"].asstr())}
    return audio, done.stderr


@pytest.mark.parametrize("rate, channels", [(16000, 1), (44100, 1), (44100, 2), (8000, 1), (48000, 2)])
def test_lengths_and_samples_match_ffmpeg(tmp_path, rate, channels):
    folder = tmp_path / "corpus"
    folder.mkdir()
    files = make_files(folder, rate, channels)
    audio, log = preprocess(folder, files.values(), rate, tmp_path / "out")
    for name, path in files.items():
        decoded = np.frombuffer(run(FFMPEG, "-v", "error", "-i", path, "-map", "0:a", "-f", "f32le", "-"), np.float32)
        expected = decoded.reshape(-1, channels).mean(axis=1)
        assert len(audio[name]) == len(expected), name
        # The first frames of a stream without its start lack data, which FFmpeg conceals differently.
        first = 4 * 1152 if name.startswith("start") else 0
        assert np.abs(audio[name] - expected)[first:].max() < 1e-4, name
    # libmpg123 must not print messages.
    assert all(re.match(r"\S+T\d\d:\d\d:\d\dZ (info|warning) ", line) for line in log.splitlines()), log


def test_eighty_piped_recordings_keep_their_length(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    expected = {}
    for i in range(80):
        source = folder / "source.wav"
        soundfile.write(source, speech_like(0.5 + i / 80, 16000, 1, i), 16000)
        options = ["-q:a", 4] if i % 2 == 0 else ["-b:a", "48k"]
        path = folder / f"{i}.mp3"
        path.write_bytes(run(FFMPEG, "-v", "error", "-i", source, *options, "-f", "mp3", "-"))
        expected[path.name] = int((0.5 + i / 80) * 16000)
    audio, _ = preprocess(folder, [folder / name for name in expected], 16000, tmp_path / "out")
    for name, samples in expected.items():
        # The encoder adds at most four frames of 576 samples.
        assert samples <= len(audio[name]) <= samples + 4 * 576, name

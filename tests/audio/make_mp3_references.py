#!/usr/bin/env python3
"""Writes the MP3 files of tests/audio/references and the samples that FFmpeg decodes from them.

    tests/audio/make_mp3_references.py       (needs lame, ffmpeg, numpy and soundfile)

The files are small (0.3 s of a chirp with noise). references.json has, for each, the number of samples, the sample
rate and every 97th sample of FFmpeg's output, as float32, channels averaged, and the versions that made them.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

FOLDER = Path(__file__).parent / "references"
STRIDE = 97
RATE = 16000


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True).stdout


def chirp(channels):
    rng = np.random.default_rng(1)
    time = np.arange(int(0.3 * RATE) + 123) / RATE
    audio = 0.3 * np.sin(2 * np.pi * (200 + 2000 * time) * time) + 0.02 * rng.standard_normal(len(time))
    return np.stack([audio, 0.5 * np.roll(audio, 40)][:channels], axis=1)


def id3v2(content):
    """An ID3v2.4 tag. Its size has seven bits per byte."""
    size = bytes(len(content) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\4\0\0" + size + content


def make_files(scratch):
    for channels, name in ((1, "mono"), (2, "stereo")):
        soundfile.write(scratch / f"{name}.wav", chirp(channels), RATE if channels == 1 else 32000)
    lame = ["lame", "--quiet"]
    run(*lame, "-V4", scratch / "mono.wav", FOLDER / "vbr_xing.mp3")
    run(*lame, "-V4", "-t", scratch / "mono.wav", FOLDER / "vbr.mp3")
    run(*lame, "--cbr", "-b", 48, scratch / "mono.wav", FOLDER / "cbr_info.mp3")
    run(*lame, "--cbr", "-b", 48, "-t", scratch / "mono.wav", FOLDER / "cbr.mp3")
    run(*lame, "-V6", scratch / "stereo.wav", FOLDER / "stereo_xing.mp3")
    wav = ["ffmpeg", "-v", "error", "-y", "-i", scratch / "mono.wav", "-c:a", "libmp3lame"]
    run(*wav, "-q:a", 4, FOLDER / "vbr_in_riff.wav")
    whole, tagged = (FOLDER / "vbr.mp3").read_bytes(), (FOLDER / "vbr_xing.mp3").read_bytes()
    # The picture has bytes that look like a frame header.
    picture = b"APIC" + bytes([0, 0, 0x10, 0]) + b"\0\0" + b"\0image/jpeg\0\3\0" + b"\xff\xd8" + b"\xff\xfb\x50\xc4" * 500
    (FOLDER / "tags.mp3").write_bytes(id3v2(picture) + tagged + b"TAG" + b"title".ljust(125, b"\0"))
    (FOLDER / "two_xing.mp3").write_bytes(tagged + tagged)
    (FOLDER / "two.mp3").write_bytes(whole + whole)
    (FOLDER / "cut_at_start.mp3").write_bytes(whole[200:])


def main():
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        make_files(Path(scratch))
    files = {}
    for path in sorted(FOLDER.glob("*.mp3")) + sorted(FOLDER.glob("*.wav")):
        probe = run("ffprobe", "-v", "error", "-show_entries", "stream=sample_rate,channels", "-of", "csv=p=0", path)
        rate, channels = map(int, probe.decode().strip().split(",")[:2])
        decoded = np.frombuffer(run("ffmpeg", "-v", "error", "-i", path, "-f", "f32le", "-"), np.float32)
        audio = decoded.reshape(-1, channels).mean(axis=1)
        files[path.name] = {"samples": len(audio), "sample_rate": rate,
                            "values": [round(float(value), 6) for value in audio[::STRIDE]]}
    made_by = [run("ffmpeg", "-version").decode().splitlines()[0].split(" Copyright")[0],
               run("lame", "--version").decode().splitlines()[0]]
    reference = {"made_by": made_by, "stride": STRIDE, "files": files}
    (FOLDER / "references.json").write_text(json.dumps(reference, indent=1) + "\n")


if __name__ == "__main__":
    main()

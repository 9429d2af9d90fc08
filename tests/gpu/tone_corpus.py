"""Writes a small corpus of tones in the layout of Skit-S2I, with Python's standard library only:

    python3 tone_corpus.py FOLDER [--utterances N] [--shortest S] [--longest S] [--intents N]

Intents are rhythms of tones; lengths are spread evenly between the two, in seconds. The same arguments
write the same bytes.
"""

import argparse
import array
import csv
import math
import pathlib
import random
import wave

RATE = 8000


def write_wave(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(array.array("h", samples).tobytes())


def tones(draw, intent, seconds):
    pitch = 300 + 90 * intent + draw.uniform(-20, 20)
    rhythm = 2 + intent % 5
    samples = []
    for t in range(int(RATE * seconds)):
        on = math.sin(2 * math.pi * rhythm * t / RATE) > 0
        value = 0.3 * math.sin(2 * math.pi * pitch * t / RATE) * on + draw.uniform(-0.01, 0.01)
        samples.append(int(32767 * value))
    return samples


def write_corpus(folder, utterances, shortest, longest, intents):
    draw = random.Random(7)
    (folder / "wav_audios").mkdir(parents=True, exist_ok=True)
    with open(folder / "train.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "intent_class", "template", "audio_path", "speaker_id"])
        for number in range(utterances):
            seconds = shortest + (longest - shortest) * draw.random()
            path = f"wav_audios/{number}.wav"
            write_wave(folder / path, tones(draw, number % intents, seconds))
            writer.writerow([number, number % intents, "tones", path, number % 3])
    with open(folder / "intent_info.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["intent_class", "intent_name", "description"])
        writer.writerows([i, f"intent_{i}", ""] for i in range(intents))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--utterances", type=int, default=64)
    parser.add_argument("--shortest", type=float, default=0.4)
    parser.add_argument("--longest", type=float, default=1.2)
    parser.add_argument("--intents", type=int, default=4)
    options = parser.parse_args()
    write_corpus(options.folder, options.utterances, options.shortest, options.longest, options.intents)

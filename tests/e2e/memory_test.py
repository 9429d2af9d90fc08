"""Utterances of very different lengths need no more memory than equally many of the longest, and memory does not grow."""

import csv
import time

from conftest import INTENTS, np, run, sf, start_train, steps_logged

EPOCHS, UTTERANCES, BATCH, LONGEST = 5, 96, 16, 9.0


def preprocess(folder, lengths):
    """Writes a corpus of noise with these lengths in seconds; returns its shards."""
    rng = np.random.default_rng(7)
    (folder / "audio").mkdir(parents=True)
    rows = []
    for i, seconds in enumerate(lengths):
        sf.write(folder / f"audio/{i}.wav", 0.1 * rng.standard_normal(int(8000 * seconds)), 8000)
        rows.append([i, INTENTS[i % len(INTENTS)], f"audio/{i}.wav"])
    with open(folder / "train.csv", "w", newline="") as file:
        csv.writer(file).writerows([["id", "intent_class", "audio_path"], *rows])
    run("s2i-preprocess", "--corpus", folder, "--split", "train", "--out", folder / "shards")
    return folder / "shards"


def peak_mib(process):
    """The largest resident memory so far, as the kernel counts it."""
    try:
        with open(f"/proc/{process.pid}/status") as status:
            return next((int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")), 0)
    except OSError:  # the process has ended
        return 0


def peak_by_epoch(settings, model, shards, folder, epochs):
    """The largest resident memory of a run up to each of its epochs, in MiB."""
    process = start_train(settings, f"data.dir={shards}", f"model.init={model}", f"run.dir={folder}",
                          f"train.epochs={epochs}", f"batch.global={BATCH}", "data.validation_fraction=0",
                          "data.test_split=", "run.threads=2", environment={"OMP_NUM_THREADS": "2"})
    peaks = [0.0] * (epochs + 1)
    while process.poll() is None:
        epoch = steps_logged(folder) * BATCH // UTTERANCES
        peaks[epoch] = max(peaks[epoch], peak_mib(process))
        time.sleep(0.02)
    _, log = process.communicate()
    assert process.returncode == 0, log
    return peaks[:epochs]


def test_memory_with_different_lengths(settings, model, tmp_path):
    rng = np.random.default_rng(1)
    equal = preprocess(tmp_path / "equal", [LONGEST] * UTTERANCES)
    needed = max(peak_by_epoch(settings, model, equal, tmp_path / "equal-run", 1))
    different = preprocess(tmp_path / "different", [LONGEST, *rng.uniform(0.3, LONGEST, UTTERANCES - 1)])
    peaks = peak_by_epoch(settings, model, different, tmp_path / "run", EPOCHS)
    print(needed, peaks)
    assert max(peaks) <= 1.12 * needed, (needed, peaks)
    assert max(peaks[2:]) <= 1.1 * max(peaks[:2]), peaks

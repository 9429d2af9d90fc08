"""The input and output of s2i-predict: lists of files, and names that could break a line or JSON."""

import json
import os
import shutil
import subprocess
import threading

import pytest
from conftest import BIN, MPI_ENVIRONMENT, run

HOSTILE = [b"a\tb.wav", b"a\nb.wav", b"a\r\nb.wav", b"\x1b[31m.wav", "\u2028.wav".encode(), b"\xe9.wav", b'"a" \\.wav']
ESCAPED = ["a\\tb.wav", "a\\nb.wav", "a\\r\\nb.wav", "\\x1b[31m.wav", "\\u2028.wav", "\\xe9.wav", '"a" \\.wav']


@pytest.fixture(scope="module")
def recording(corpus):
    return next((corpus / "wav_audios").glob("*.wav"))


def predict(model, *arguments, stdin=b"", status=0):
    """Standard output and error as text; both have to be UTF-8."""
    done = subprocess.run([BIN / "s2i-predict", "--model", model, *arguments], input=stdin, capture_output=True,
                          env={**os.environ, **MPI_ENVIRONMENT}, timeout=300)
    assert done.returncode == status, done.stderr
    return done.stdout.decode(), done.stderr.decode()


def test_names_that_could_break_a_line(trained, recording, tmp_path):
    for name in HOSTILE:
        shutil.copy(recording, os.fsencode(tmp_path) + b"/" + name)
    paths = [os.fsencode(tmp_path) + b"/" + name for name in HOSTILE]
    model = trained / "best/model"
    table, _ = predict(model, *paths)
    rows = [line.split("\t") for line in table.split("\n")[:-1]]
    assert [row[0] for row in rows] == [f"{tmp_path}/{name}" for name in ESCAPED]
    assert all(len(row) == 3 for row in rows) and len({tuple(row[1:]) for row in rows}) == 1
    text, _ = predict(model, "--json", *paths)
    # JSON escapes what it has to; only bytes that are not UTF-8 are replaced.
    expected = [name.decode() if b"\xe9" not in name else "\\xe9.wav" for name in HOSTILE]
    assert [json.loads(line)["path"] for line in text.split("\n")[:-1]] == [f"{tmp_path}/{name}" for name in expected]


def test_errors_about_such_names_are_one_line(trained, tmp_path):
    paths = [os.fsencode(tmp_path) + b"/" + name for name in HOSTILE]
    _, log = predict(trained / "best/model", *paths, status=1)
    lines = log.split("\n")[:-1]
    assert len(lines) == len(HOSTILE)
    for line, name in zip(lines, ESCAPED):
        assert line.endswith(f" error {tmp_path}/{name}: no such file")


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "BOM"])
def test_lists_of_other_systems(trained, recording, tmp_path, line_end, mark):
    paths = []
    for name in ("a.wav", "b c.wav"):
        shutil.copy(recording, tmp_path / name)
        paths.append(str(tmp_path / name))
    text = mark + line_end.join(path.encode() for path in [*paths, ""]) + line_end
    table, log = predict(trained / "best/model", "-", stdin=text)
    assert [line.split("\t")[0] for line in table.splitlines()] == paths and log == ""


def test_answers_come_while_the_list_is_written(trained, recording):
    process = subprocess.Popen([BIN / "s2i-predict", "--model", trained / "best/model", "-"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, env={**os.environ, **MPI_ENVIRONMENT})
    timeout = threading.Timer(60, process.kill)  # ends readline() if no answer comes
    timeout.start()
    for _ in range(2):
        process.stdin.write(f"{recording}\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith(f"{recording}\t")
    process.stdin.close()
    assert process.wait() == 0
    timeout.cancel()


def test_too_short_audio_is_an_error_of_its_file(trained, recording, tmp_path):
    import numpy as np
    import soundfile as sf
    sf.write(tmp_path / "short.wav", np.full(399, 0.1), 16000)
    done = run("s2i-predict", "--model", trained / "best/model", tmp_path / "short.wav", recording, check=False)
    assert done.returncode == 1 and "short.wav: " in done.stderr and "399 samples" in done.stderr
    assert len(done.stdout.splitlines()) == 1

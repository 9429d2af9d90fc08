"""The CSV parser against Python's csv module on random tables: the same rows, or both reject them."""

import csv
import io
import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

PROBE = Path(os.environ.get("S2I_BIN", "build/release/bin")).resolve() / "csv_probe"
CASES = 20_000  # for each combination of delimiter and quoting
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
# Everything the two could disagree on. Also the characters that str.splitlines, but not the csv module, takes as
# line ends (vertical tab to U+2028), other control characters, and letters of two to four bytes.
PIECES = ['"', '""', '"', " ", "\n", "\r\n", "\r", "\n\n", "a", "b", "0", "yes", "'", "\\", ",", ";", "\t", "|",
          "\v", "\f", "\x1c", "\x85", "\u2028", "\x01", "\x7f", "\ufeff", "é", "한", "😀", "\xa0"]


def random_text(rng, delimiter):
    """Half of the texts from pieces in any order, half of rows that are nearly well-formed."""
    if rng.random() < 0.5:
        pieces = [*PIECES, *[delimiter] * 6, *['"'] * 4]
        return "".join(rng.choices(pieces, k=rng.randrange(30)))
    line_end = rng.choice(["\n", "\r\n", "\r"])
    rows = []
    for _ in range(rng.randrange(1, 6)):
        fields = []
        for _ in range(rng.randrange(1, 5)):
            content = "".join(rng.choices(PIECES, k=rng.randrange(4)))
            if rng.random() < 0.6:
                content = '"' + content.replace('"', '""') + '"'
            fields.append(content)
        rows.append(delimiter.join(fields))
    text = line_end.join(rows) + rng.choice(["", line_end])
    if rng.random() < 0.3:  # one character lost, as by hand editing
        place = rng.randrange(len(text) + 1)
        text = text[:place] + text[place + 1:]
    return text


def python_rows(text, delimiter, quoting):
    """[[first line, fields], ...] without blank lines, or the line on which csv.reader raised."""
    stream = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline="")
    options = {"strict": True} if quoting == "standard" else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(stream, delimiter=delimiter, **options)
    rows, line = [], 1
    try:
        for row in reader:
            if row:
                rows.append([line, row])
            line = reader.line_num + 1
    except csv.Error as error:
        return {"error": str(error), "line": reader.line_num}
    return {"rows": rows}


def probe(texts, delimiter, quoting):
    stream = bytearray()
    for text in texts:
        data = text.encode()
        stream += f"{ord(delimiter)} {quoting} {len(data)}\n".encode() + data
    done = subprocess.run([PROBE], input=bytes(stream), capture_output=True, check=True, timeout=240)
    return [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]


def shown(value):
    text = repr(value)
    return text if len(text) < 500 else text[:500] + "..."


def compare(texts, delimiter, quoting):
    """Returns how many were read, rejected, and read with a line break in a field."""
    counts = {"read": 0, "rejected": 0, "multiline": 0}
    results = probe(texts, delimiter, quoting)
    assert len(results) == len(texts)
    for text, ours in zip(texts, results):
        python = python_rows(text, delimiter, quoting)
        if "error" in python:
            if "error" not in ours:
                pytest.fail(f"csv.reader rejects {shown(text)} ({python['error']}); read as {shown(ours)}")
            # The line of text after a closing quote; for an unterminated quote ours is the line where it opens.
            if "expected after" in python["error"] and not ours["error"].startswith(f"line {python['line']}: "):
                pytest.fail(f"{shown(text)}: {python} but {ours}")
            counts["rejected"] += 1
            continue
        multiline = sum(bool(re.search("[\r\n]", field)) for _, row in python["rows"] for field in row)
        if ours != {"rows": python["rows"], "multiline": multiline}:
            pytest.fail(f"{shown(text)}: {shown(python)}, {multiline} over several lines, but {shown(ours)}")
        counts["read"] += 1
        counts["multiline"] += multiline > 0
    return counts


@pytest.mark.parametrize("quoting", ["standard", "none"])
@pytest.mark.parametrize("delimiter", DELIMITERS.values(), ids=DELIMITERS)
def test_random_tables_give_the_rows_or_the_error_of_python(delimiter, quoting):
    rng = random.Random(f"{delimiter} {quoting}")
    counts = compare([random_text(rng, delimiter) for _ in range(CASES)], delimiter, quoting)
    print(counts)
    assert counts["read"] > CASES / 5
    # Each outcome is frequent enough to be tested; without quoting nothing is malformed.
    assert (counts["rejected"] > CASES / 5) == (quoting == "standard")
    assert (counts["multiline"] > CASES / 20) == (quoting == "standard")


def test_the_field_limit_is_that_of_python():
    limit = csv.field_size_limit()
    texts = [text for size in (limit, limit + 1)
             for text in ("x" * size, '"' + "y\n" * (size // 2) + "z" * (size % 2) + '"', "한" * size)]
    counts = compare(texts, ",", "standard")
    assert counts["read"] == counts["rejected"] == 3


def test_what_the_csv_module_writes_is_read_back():
    rng = random.Random(1)
    for delimiter in DELIMITERS.values():
        tables = [[["".join(rng.choices(PIECES, k=rng.randrange(5))) for _ in range(rng.randrange(1, 5))]
                   for _ in range(rng.randrange(1, 5))] for _ in range(200)]
        texts = []
        for table in tables:
            stream = io.StringIO(newline="")
            csv.writer(stream, delimiter=delimiter).writerows(table)
            texts.append(stream.getvalue())
        for table, ours in zip(tables, probe(texts, delimiter, "standard")):
            assert [row for _, row in ours["rows"]] == table

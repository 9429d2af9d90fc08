#!/usr/bin/env python3
"""The figures of several training runs, a line a setting: mean, deviation, minimum, maximum.

Reads evaluation.json and last/run_state.json of each run folder. Runs whose configurations differ in
nothing but run.seed and run.dir are one setting. A run that is missing, unfinished or has no finite
figures is named and left out, and the exit status is then 1.

    tools/collect_runs.py runs/sweep/* --json runs/sweep/summary.json --csv runs/sweep/summary.csv
"""

import argparse
import csv
import io
import json
import math
import os
import statistics
import sys
from pathlib import Path

FIGURES = ["accuracy", "f1_weighted", "f1_macro", "loss"]
STATISTICS = ["mean", "deviation", "minimum", "maximum"]
# What makes two runs of one setting different.
RUN_KEYS = {"run.dir", "run.seed"}


class NoResult(Exception):
    """Why a run has no figures."""


def read_object(path):
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoResult(f"{path.name} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise NoResult(f"{path.name} is not a JSON object")
    return value


def read_run(folder):
    """{"folder", "config", "figures"} of a finished run. Raises NoResult."""
    if not folder.is_dir():
        raise NoResult("no such folder: it did not start")
    if not (folder / "last/run_state.json").exists():
        raise NoResult("no checkpoint: it failed, or has not come to one")
    trainer = read_object(folder / "last/run_state.json")
    config = trainer.get("config")
    if not isinstance(config, dict):
        raise NoResult("run_state.json has no configuration")
    if not trainer.get("finished"):
        raise NoResult(f"not finished: the last checkpoint is of step {trainer.get('step')}")
    if not (folder / "evaluation.json").exists():
        raise NoResult("no evaluation.json: not evaluated yet, or without a test split")
    evaluation = read_object(folder / "evaluation.json")
    figures = {name: evaluation.get(name) for name in FIGURES}
    for name, value in figures.items():
        # A loss that is not finite is null in JSON.
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
            raise NoResult(f"{name} in evaluation.json is {value}")
    return {"folder": str(folder), "config": config, "data_checksum": trainer.get("data_checksum"),
            "count": evaluation.get("count"), "figures": figures}


def describe(values):
    return {"mean": statistics.fmean(values),
            # Of a sample; one run says nothing about it.
            "deviation": statistics.stdev(values) if len(values) > 1 else None,
            "minimum": min(values),
            "maximum": max(values)}


def settings_of(run):
    """What a setting is told by: the configuration, and what it was trained and evaluated on."""
    settings = {key: str(value) for key, value in run["config"].items() if key not in RUN_KEYS}
    settings["data (checksum)"] = str(run["data_checksum"])
    settings["test utterances"] = str(run["count"])
    return settings


def sort_key(values):
    """Numbers by size and before texts, so that 1e-05 comes before 0.0001 and 8 before 16."""
    def one(text):
        try:
            return (0, float(text), "")
        except ValueError:
            return (1, 0.0, text)
    return [one(text) for text in values]


def collect(folders):
    """{"settings": [...], "missing": [...]}, settings told apart by the keys that differ."""
    runs, missing = [], []
    for folder in folders:
        try:
            runs.append(read_run(folder))
        except NoResult as reason:
            missing.append({"run": str(folder), "reason": str(reason)})
    all_settings = [settings_of(run) for run in runs]
    keys = list(dict.fromkeys(key for settings in all_settings for key in settings))
    varied = [key for key in keys if len({settings.get(key) for settings in all_settings}) > 1]
    groups = {}
    for run, settings in zip(runs, all_settings):
        groups.setdefault(tuple(settings.get(key, "") for key in varied), []).append(run)
    settings = []
    for values in sorted(groups, key=sort_key):
        members = groups[values]
        settings.append({
            "setting": dict(zip(varied, values)),
            "runs": [{"run": run["folder"], "seed": run["config"].get("run.seed"), **run["figures"]}
                     for run in members],
            **{name: describe([run["figures"][name] for run in members]) for name in FIGURES}})
    return {"settings": settings, "missing": missing}


def setting_name(setting):
    return " ".join(f"{key}={value}" for key, value in setting["setting"].items()) or "all"


def lines_of(collected):
    """The rows of the table and of the CSV, without their rounding."""
    for setting in collected["settings"]:
        for name in FIGURES:
            yield [setting_name(setting), name, len(setting["runs"]),
                   *(setting[name][statistic] for statistic in STATISTICS)]


def table(collected):
    rows = [["setting", "figure", "runs", *STATISTICS]]
    before = None
    for name, figure, runs, *values in lines_of(collected):
        shown = ["-" if value is None else f"{value:.4f}" for value in values]
        rows.append([name if name != before else "", figure, str(runs), *shown])
        before = name
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    text = ""
    for row in rows:
        cells = [cell.ljust(width) if column < 2 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        text += "  ".join(cells).rstrip() + "\n"
    return text


def csv_text(collected):
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["setting", "figure", "runs", *STATISTICS])
    writer.writerows(lines_of(collected))  # None is an empty field
    return stream.getvalue()


def write_whole(path, text):
    """Under another name first: a reader never sees half of it."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders")
    parser.add_argument("--json", type=Path, metavar="FILE", help="everything, each run's figures too")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="the table, unrounded")
    arguments = parser.parse_args()
    collected = collect(list(dict.fromkeys(arguments.runs)))
    try:
        if arguments.json:
            write_whole(arguments.json, json.dumps(collected, indent=2) + "\n")
        if arguments.csv:
            write_whole(arguments.csv, csv_text(collected))
    except OSError as error:
        sys.exit(f"collect_runs: cannot write {error.filename}: {error.strerror}")
    if collected["settings"]:
        print(table(collected), end="")
    for run in collected["missing"]:
        print(f"missing: {run['run']}: {run['reason']}", file=sys.stderr)
    if collected["missing"]:
        print(f"{len(collected['missing'])} of {len(set(arguments.runs))} runs are missing", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

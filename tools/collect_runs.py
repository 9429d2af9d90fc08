#!/usr/bin/env python3
"""Summarizes the metrics of several training runs: mean, deviation, minimum and maximum per setting.

Reads evaluation.json and last/run_state.json of each run folder. Runs whose configurations differ only
in run.seed and run.dir have the same setting. Runs that are missing, unfinished or have metrics that
are not finite are reported and skipped; the exit status is then 1.

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

METRICS = ["accuracy", "f1_weighted", "f1_macro", "loss"]
STATISTICS = ["mean", "deviation", "minimum", "maximum"]
# Keys that may differ between runs of one setting.
RUN_KEYS = {"run.dir", "run.seed"}


class NoResult(Exception):
    """The reason why a run has no valid metrics."""


def read_object(path):
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoResult(f"{path.name} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise NoResult(f"{path.name} is not a JSON object")
    return value


def read_run(folder):
    """Returns the configuration and metrics of a finished run. Raises NoResult."""
    if not folder.is_dir():
        raise NoResult("folder not found: the run did not start")
    if not (folder / "last/run_state.json").exists():
        raise NoResult("no checkpoint: the run failed or has not saved one yet")
    state = read_object(folder / "last/run_state.json")
    config = state.get("config")
    if not isinstance(config, dict):
        raise NoResult("run_state.json has no configuration")
    if not state.get("finished"):
        raise NoResult(f"not finished: the last checkpoint is at step {state.get('step')}")
    if not (folder / "evaluation.json").exists():
        raise NoResult("no evaluation.json: not evaluated yet, or no test split")
    evaluation = read_object(folder / "evaluation.json")
    metrics = {name: evaluation.get(name) for name in METRICS}
    for name, value in metrics.items():
        # A loss that is not finite is null in JSON.
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
            raise NoResult(f"{name} in evaluation.json is {value}")
    return {"folder": str(folder), "config": config, "data_checksum": state.get("data_checksum"),
            "count": evaluation.get("count"), "metrics": metrics}


def describe(values):
    return {"mean": statistics.fmean(values),
            # The sample standard deviation, which needs at least two runs.
            "deviation": statistics.stdev(values) if len(values) > 1 else None,
            "minimum": min(values),
            "maximum": max(values)}


def settings_of(run):
    """The values that identify a setting: the configuration, the training data and the test data."""
    settings = {key: str(value) for key, value in run["config"].items() if key not in RUN_KEYS}
    settings["data (checksum)"] = str(run["data_checksum"])
    settings["test utterances"] = str(run["count"])
    return settings


def sort_key(values):
    """Sorts numbers numerically and before text: 1e-05 before 0.0001, 8 before 16."""
    def one(text):
        try:
            return (0, float(text), "")
        except ValueError:
            return (1, 0.0, text)
    return [one(text) for text in values]


def collect(folders):
    """Returns {"settings": [...], "skipped": [...]}; settings are identified by the keys that differ."""
    runs, skipped = [], []
    for folder in folders:
        try:
            runs.append(read_run(folder))
        except NoResult as reason:
            skipped.append({"run": str(folder), "reason": str(reason)})
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
            "runs": [{"run": run["folder"], "seed": run["config"].get("run.seed"), **run["metrics"]}
                     for run in members],
            **{name: describe([run["metrics"][name] for run in members]) for name in METRICS}})
    return {"settings": settings, "skipped": skipped}


def setting_name(setting):
    return " ".join(f"{key}={value}" for key, value in setting["setting"].items()) or "all"


def lines_of(collected):
    """The rows of the table and of the CSV, unrounded."""
    for setting in collected["settings"]:
        for name in METRICS:
            yield [setting_name(setting), name, len(setting["runs"]),
                   *(setting[name][statistic] for statistic in STATISTICS)]


def table(collected):
    rows = [["setting", "metric", "runs", *STATISTICS]]
    previous = None
    for name, metric, runs, *values in lines_of(collected):
        formatted = ["-" if value is None else f"{value:.4f}" for value in values]
        rows.append([name if name != previous else "", metric, str(runs), *formatted])
        previous = name
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
    writer.writerow(["setting", "metric", "runs", *STATISTICS])
    writer.writerows(lines_of(collected))  # None is an empty field
    return stream.getvalue()


def write_atomically(path, text):
    """Writes a temporary file and renames it."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results, including the metrics of each run")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table, unrounded")
    arguments = parser.parse_args()
    collected = collect(list(dict.fromkeys(arguments.runs)))
    try:
        if arguments.json:
            write_atomically(arguments.json, json.dumps(collected, indent=2) + "\n")
        if arguments.csv:
            write_atomically(arguments.csv, csv_text(collected))
    except OSError as error:
        sys.exit(f"collect_runs: cannot write {error.filename}: {error.strerror}")
    if collected["settings"]:
        print(table(collected), end="")
    for run in collected["skipped"]:
        print(f"skipped {run['run']}: {run['reason']}", file=sys.stderr)
    if collected["skipped"]:
        print(f"skipped {len(collected['skipped'])} of {len(set(arguments.runs))} runs", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

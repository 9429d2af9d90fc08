"""Helpers of tools/gpu_check.sh, with Python's standard library only.

    gpu_check_report.py losses RUN RUN LIMIT     compares the losses of two runs, step by step
    gpu_check_report.py table OUT                OUT/checks.tsv and OUT/*.json -> gpu_check.{md,json}
"""

import datetime
import json
import pathlib
import sys


def losses(one, other, limit):
    runs = []
    for run in (one, other):
        lines = (pathlib.Path(run) / "metrics.jsonl").read_text().splitlines()
        runs.append([json.loads(line)["loss"] for line in lines])
    if len(runs[0]) != len(runs[1]) or not runs[0]:
        sys.exit(f"{len(runs[0])} and {len(runs[1])} steps")
    worst = max(abs(a - b) / abs(b) for a, b in zip(*runs))
    verdict = "agree" if worst <= limit else "differ"
    print(f"losses of {len(runs[0])} steps {verdict} to {worst:.1e} (limit {limit:.0e})")
    return 0 if worst <= limit else 1


def worst_of(path):
    """The worst share of its limit that any quantity of a comparison used, by kind."""
    rows = {}
    for check in json.loads(path.read_text())["checks"]:
        key = (check["form"], check["type"], check["quantity"])
        rows[key] = (check["error"], check["limit"], check["passed"], check["device"])
    return rows


def table(out):
    out = pathlib.Path(out)
    checks = []
    for line in (out / "checks.tsv").read_text().splitlines():
        name, status, seconds, detail = line.split("\t")
        checks.append(dict(name=name, status=status, seconds=float(seconds), detail=detail))
    versions = json.loads((out / "versions.json").read_text())
    date = datetime.date.today().isoformat()
    host = "; ".join(f"{key} {value}" for key, value in versions.items() if value)
    lines = [f"`tools/gpu_check.sh`, {date}. {host}.", "", "| check | result | seconds | |", "|---|---|---|---|"]
    lines += [f"| {c['name']} | {c['status']} | {c['seconds']:.0f} | {c['detail']} |" for c in checks]
    comparisons = {}
    for path in sorted(out.glob("compare_*.json")):
        rows = worst_of(path)
        comparisons[path.stem] = json.loads(path.read_text())
        device = comparisons[path.stem]["device"]
        shape = comparisons[path.stem]["shape"]
        lines += ["", f"{device} against the CPU in fp32, {shape} shapes: error (limit)", "",
                  "| | base fp32 | base bf16 | large fp32 | large bf16 |", "|---|---|---|---|---|"]
        for quantity in dict.fromkeys(key[2] for key in rows if key[0] != "-"):
            cells = []
            for form in ("base", "large"):
                for kind in ("fp32", "bf16"):
                    error, limit, passed, _ = rows.get((form, kind, quantity), (None,) * 4)
                    cells.append("" if error is None else
                                 f"{error:.1e} ({limit:.0e}){'' if passed else ' FAILED'}")
            lines.append(f"| {quantity} | " + " | ".join(cells) + " |")
        different = sum(error for key, (error, *_) in rows.items() if key[0] == "-")
        lines.append(f"\nDropout: {different:.0f} elements differ from the definition.")
    failed = [c["name"] for c in checks if c["status"] == "failed"]
    (out / "gpu_check.md").write_text("\n".join(lines) + "\n")
    (out / "gpu_check.json").write_text(json.dumps(
        dict(date=date, versions=versions, passed=not failed, checks=checks, comparisons=comparisons),
        indent=2) + "\n")
    print("\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1] == "losses":
        sys.exit(losses(sys.argv[2], sys.argv[3], float(sys.argv[4])))
    sys.exit(table(sys.argv[2]))

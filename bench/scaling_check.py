#!/usr/bin/env python3
"""Compare the predictions of s2i-bench model for two ranks with measurements.

    .deps/python/bin/python bench/scaling_check.py [--rounds 5] [--json FILE]

Measures a run with one rank (two such runs at the same time, so that the machine has the same load as with two
ranks), then two ranks with one thread each: with shared memory, and as two hosts in network namespaces with
different link rates and delays (requires root; skipped otherwise). For each link it also measures the
all-reduce, from which the model takes latency and bandwidth. The training steps with two ranks are only used
for the comparison. Measurements alternate; the medians over the rounds are compared.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/network"))
import namespaces  # noqa: E402

LINKS = {  # name -> arguments of namespaces.Network.slow(), or None for shared memory
    "shared memory": None,
    "veth": {},
    "1 Gbit/s": {"rate": "1gbit"},
    "1 Gbit/s, 1 ms": {"rate": "1gbit", "delay_ms": 1},
    "100 Mbit/s": {"rate": "100mbit"},
    "100 Mbit/s, 1 ms": {"rate": "100mbit", "delay_ms": 1},
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--model", default=str(ROOT / "models/wavlm-tiny"))
    parser.add_argument("--rank-batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--bucket-mib", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--links", nargs="+", default=list(LINKS), choices=list(LINKS))
    parser.add_argument("--contention", type=float, default=0)
    parser.add_argument("--json", type=pathlib.Path)
    return parser.parse_args()


class Check:
    def __init__(self, args, folder):
        self.args = args
        self.bench = args.build / "bin/s2i-bench"
        self.folder = folder

    def run(self, arguments, network=None, ranks=1, out="out.json"):
        """Runs s2i-bench on one rank, several ranks of this host, or two hosts; returns its JSON report."""
        out = self.folder / out
        command = [str(self.bench), *map(str, arguments), "--json", str(out)]
        if network is not None:
            job = network.mpirun(command)
            _, errors = job.communicate(timeout=600)
            if job.returncode != 0:
                raise RuntimeError(errors)
        else:
            environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                           "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
                           "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "OMP_NUM_THREADS": "1"}
            if ranks > 1:
                command = ["mpirun", "-np", str(ranks), *command]
            subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=600)
        return json.loads(out.read_text())

    def one_rank(self, kind):
        """Runs two independent one-rank runs at the same time, which share the machine as two ranks do. Returns
        the report of the slower one."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs = [pool.submit(self.train, kind, out=f"one-rank-{i}.json") for i in range(2)]
        return max((run.result() for run in runs), key=lambda report: report["step_seconds"]["median"])

    def train(self, kind, network=None, ranks=1, out="out.json"):
        args = self.args
        batch = args.rank_batch * ranks
        return self.run(["train", f"model.init={args.model}", f"batch.global={batch}",
                         f"cluster.bucket_mib={args.bucket_mib}", f"cluster.reduce_type={kind}", "run.threads=1",
                         "run.device=cpu", "--warmup", 1, "--steps", args.steps,
                         "--utterances", batch * (args.steps + 1)], network, ranks, out)

    def all_reduce(self, kind, network=None):
        return self.run(["allreduce", "--device", "cpu", "--min", "16K", "--max", "4M", "--factor", 4,
                         "--iterations", 5, "--warmup", 1, "--type", kind], network, ranks=2)

    def predict(self, kind, one_rank, link):
        path, link_path = self.folder / "one-rank.json", self.folder / "link.json"
        path.write_text(json.dumps(one_rank))
        link_path.write_text(json.dumps(link))
        return self.run(["model", path, "--inter", link_path, "--intra", link_path, "--ranks-per-node", 1,
                         "--ranks", 2, "--rank-batch", self.args.rank_batch, "--reduce-type", kind,
                         "--bucket-mib", self.args.bucket_mib, "--contention", self.args.contention,
                         "--utterances", self.args.rank_batch * 2 * (self.args.steps + 1)])["predictions"][0]


def main():
    args = arguments()
    results = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        check = Check(args, pathlib.Path(folder))
        links = {name: LINKS[name] for name in args.links}
        network = None
        try:
            network = stack.enter_context(namespaces.hosts())
        except namespaces.Unavailable as reason:
            print(f"only shared memory: {reason}", file=sys.stderr)
            links = {name: link for name, link in links.items() if link is None}
        for number in range(args.rounds):
            one_rank = {kind: check.one_rank(kind) for kind in ("fp32", "bf16")}
            for name, link in links.items():
                hosts = None
                if link is not None:
                    network.slow(**link)
                    hosts = network
                for kind in ("fp32", "bf16"):
                    fit = check.all_reduce(kind, hosts)
                    two_ranks = check.train(kind, hosts, ranks=2)
                    predicted = check.predict(kind, one_rank[kind], fit)
                    results.setdefault((name, kind), []).append({
                        "one_rank": one_rank[kind]["step_seconds"]["median"],
                        "measured": two_ranks["step_seconds"]["median"],
                        "predicted": predicted["step_seconds"],
                        "measured_hidden": two_ranks["reduction_hidden"],
                        "predicted_hidden": predicted["hidden"],
                        "latency_us": fit["results"][0]["fit"]["latency_us"],
                        "busbw_gbs": fit["results"][0]["fit"]["busbw_gbs"]})
                    print(number, name, kind, results[name, kind][-1], file=sys.stderr, flush=True)

    report = []
    print(f"{pathlib.Path(args.model).name}, {args.rank_batch} utterances per rank, one thread per rank, buckets of "
          f"{args.bucket_mib} MiB, median of {args.rounds} rounds (minimum ... maximum)\n")
    print("| link | reduction | latency, us | MB/s | one rank, ms | two ranks, predicted | measured | error |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, kind), rounds in results.items():
        median = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        error = median["predicted"] / median["measured"] - 1
        measured = [one["measured"] * 1e3 for one in rounds]
        report.append({"link": name, "reduce_type": kind, **median, "error": error, "rounds": rounds})
        print(f"| {name} | {kind} | {median['latency_us']:.0f} | {median['busbw_gbs'] * 1e3:.0f} "
              f"| {median['one_rank'] * 1e3:.0f} | {median['predicted'] * 1e3:.0f} "
              f"| {median['measured'] * 1e3:.0f} ({min(measured):.0f} ... {max(measured):.0f}) | {error:+.0%} |")
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""report.py RESULTS: the lines of jobs/control.sh as a table, mean and deviation over seeds."""
import collections
import glob
import os
import re
import statistics
import sys


def numbers(line):
    return {key: float(value) for key, value in re.findall(r"(\w+)=([-+.\deE]+)(?= |$)", line)}


def spread(values, digits=3):
    if not values:
        return ""
    text = f"{statistics.mean(values):.{digits}g}"
    return text + (f" ± {statistics.stdev(values):.1g}" if len(values) > 1 else "")


rows = collections.defaultdict(list)
for file in sorted(glob.glob(os.path.join(sys.argv[1], "*-[0-9]*.txt"))):
    with open(file) as f:
        result = numbers(f.read())
    log = file.replace(".txt", ".log")
    if os.path.exists(log):
        with open(log) as f:
            lines = [line for line in f if line.startswith("RESULT")]
        result["train"] = numbers(lines[-1])["seconds"] if lines else float("nan")
    rows[re.sub(r"-\d+\.txt$", "", os.path.basename(file))].append(result)

print("# Control problems\n\n`bash jobs/control.sh` (jobs/control.sh has the options of every row). Means ± deviation over seeds. Cost of the closed loop of the network; of the baseline")
print("(`exact`: the Riccati solution, `lqr`: the regulator at the target) on the same paths; excess: the first less the second, by the second; V: error of V(x0,0) where it")
print("is known, otherwise cost - V(x0,0), the certificate, by V; collide: paths that collide, network and baseline.\n")
print("| row | seeds | cost | baseline | excess % | V % | collide % | seconds of training |\n|---|---|---|---|---|---|---|---|")
for name, results in rows.items():
    base = "exact" if "exact_cost" in results[0] else "lqr"
    cost, other = [r["cost"] for r in results], [r[f"{base}_cost"] for r in results]
    excess = [-100 * r[f"{base}_excess"] / r[f"{base}_cost"] for r in results]
    value = [100 * abs(r["value"] / r["exact"] - 1) if "exact" in r else 100 * r["gap"] / r["value"] for r in results]
    collide = "".join(f"{100 * statistics.mean(r[k] for r in results):.3g} / " for k in ("violated", f"{base}_violated") if k in results[0]).rstrip("/ ")
    train = [r["train"] for r in results if "train" in r]
    kind = "error" if "exact" in results[0] else "certificate"
    print(f"| {name} | {len(results)} | {spread(cost, 5)} | {base} {spread(other, 5)} | {spread(excess)} | {kind} {spread(value)} | {collide} | {spread(train)} |")

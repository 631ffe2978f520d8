#!/usr/bin/env python3
"""report.py RESULTS: the lines of jobs/control.sh as a table, mean and deviation over seeds; notes.md beside this file follows it."""
import collections
import glob
import os
import re
import statistics
import sys

POLICIES = ("exact", "lqr", "direct")


def numbers(line):
    return {key: float(value) for key, value in re.findall(r"(\w+)=([-+.\deE]+)(?= |$)", line)}


def spread(values, digits=3):
    if not values:
        return ""
    text = f"{statistics.mean(values):.{digits}g}"
    return text + (f" ± {statistics.stdev(values):.1g}" if len(values) > 1 else "")


def training(file):
    """Steps, and seconds of its processors, of a training's stages"""
    with open(file) as f:
        text = f.read()
    steps = [numbers(line).get("steps", 0) for line in text.splitlines() if line.startswith("RESULT")]
    return {"steps": sum(steps), "train": seconds(text)}


def seconds(text):
    return sum(float(found) for found in re.findall(r"^processor ([\d.]+)", text, re.M))


rows = collections.defaultdict(list)
for file in sorted(glob.glob(os.path.join(sys.argv[1], "*-[0-9]*.txt"))):
    with open(file) as f:
        result = numbers(f.read())
    log = file.replace(".txt", ".log")
    if os.path.exists(log):
        result.update(training(log))
    data = file.replace(".txt", ".data")
    if os.path.exists(data):
        with open(data) as f:
            result["data"] = seconds(f.read())
    rows[re.sub(r"-\d+\.txt$", "", os.path.basename(file))].append(result)

print("# Control problems\n\n`bash jobs/control.sh` (jobs/control.sh has the options of every row). Means ± deviation over seeds. Cost of the closed loop of the network; of baselines")
print("(`exact`: the Riccati solution, `lqr`: the regulator at the target, `direct`: the open-loop optimum without noise) on the same paths; excess: the first less the")
print("second, by the second; V: error of V(x0,0) where it is known, otherwise cost - V(x0,0), the certificate, by V; collide: paths that collide, network and regulator.")
print("Seconds of one processor: of the direct optima that are learnt from, where there are, + of the training.\n")
print("| row | seeds | cost | baseline | excess % | V % | collide % | steps | processor seconds |\n|---|---|---|---|---|---|---|---|---|")
for name, results in rows.items():
    base = [p for p in POLICIES if f"{p}_cost" in results[0]]
    cost = spread([r["cost"] for r in results], 5)
    other = ", ".join(f"{p} {spread([r[f'{p}_cost'] for r in results], 5)}" for p in base)
    excess = ", ".join(spread([-100 * r[f"{p}_excess"] / r[f"{p}_cost"] for r in results]) for p in base)
    value = [100 * abs(r["value"] / r["exact"] - 1) if "exact" in r else 100 * r["gap"] / r["value"] for r in results]
    kind = "error" if "exact" in results[0] else "certificate"
    collide = " / ".join(f"{100 * statistics.mean(r[k] for r in results):.3g}" for k in ("violated", "lqr_violated") if k in results[0])
    steps, train, data = ([r[k] for r in results if k in r] for k in ("steps", "train", "data"))
    print(f"| {name} | {len(results)} | {cost} | {other} | {excess} | {kind} {spread(value)} | {collide} | {spread(steps)} | {spread(data) + ' + ' if data else ''}{spread(train)} |")
notes = os.path.join(os.path.dirname(__file__), "notes.md")
if os.path.exists(notes):
    with open(notes) as f:
        print("\n" + f.read(), end="")

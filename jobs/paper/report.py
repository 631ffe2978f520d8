#!/usr/bin/env python3
"""report.py: from results/TABLE/ROW.sSEED.txt, written by the table scripts, results.csv and RESULTS.md (mean and deviation over seeds)."""
import csv
import glob
import math
import os
import re

here = os.path.dirname(os.path.abspath(__file__))
titles = {
    "table4": "Table 4: first-order training, four ways of computing the derivatives (validation MSE)",
    "table5": "Table 5: zeroth-order training (validation MSE)",
    "table6": "Table 6: compression at an equal number of trainable parameters (validation MSE)",
    "lqg": "HJB-LQG: relative L2 error; u(0,0) in the last column but one",
    "ablation": "Ablation of ZO-signRGE + sparse grid",
}


def read(file):
    run = {"seed": int(re.search(r"\.s(\d+)\.txt$", file).group(1))}
    for line in open(file):
        key, _, value = line.strip().partition(" ")
        if key == "RESULT":
            run.update(item.split("=", 1) for item in value.split())
        elif key == "row":
            run["table"], run["row"] = value.split()
        else:
            run[key] = value
    return run


def statistics(values):
    """mean and sample deviation of the finite values"""
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)) if len(values) > 1 else None


def figure(values):
    mean, deviation = statistics(values)
    return f"{mean:.2e}" + (f" ± {deviation:.1e}" if deviation is not None else "")


def line(row, runs, headline):
    done = [r for r in runs if headline in r]
    paper = runs[0].get("paper", "-")
    if not done:
        return f"| {row} | {paper} | no result: {runs[0].get('status', '')} | | | | | | | |"

    def mean(key):
        values = [float(r[key]) for r in done if key in r]
        return statistics(values)[0] if values else float("nan")

    stopped = [r for r in done if r["status"] != "done"]
    note = f"{len(stopped)} of {len(done)} stopped by the budget of {stopped[0]['budget']} s" if stopped else ""
    origin = ", ".join(f"{float(r['origin']):.4f}" for r in done if "origin" in r)
    seeds = ",".join(str(r["seed"]) for r in sorted(done, key=lambda r: r["seed"]))
    return (f"| {row} | {paper} | {figure([float(r[headline]) for r in done])} | {seeds} | {mean('steps'):.0f} | {mean('queries'):.0f} | {mean('forwards'):.3g} "
            f"| {mean('seconds'):.0f} | {mean('rss_mib'):.0f} | {origin} | {note} |")


def main():
    runs = [read(f) for f in sorted(glob.glob(os.path.join(here, "results", "*", "*.txt")))]
    keys = ["table", "row", "seed", "paper", "status", "budget", "ranks", "mse", "rel_l2", "max", "loss", "steps", "queries", "forwards", "seconds", "rss_mib", "origin", "theta", "command"]
    with open(os.path.join(here, "results.csv"), "w", newline="") as f:
        writer = csv.DictWriter(f, keys, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(runs)
    notes = os.path.join(here, "NOTES.md")
    with open(os.path.join(here, "RESULTS.md"), "w") as f:
        f.write("# Results: the PINN experiments\n\nWritten by report.py from the runs of table4.sh, table5.sh, table6.sh, lqg.sh and ablation.sh; the command of each run, with its seed,\n"
                "is in results.csv. Mean ± sample deviation over the seeds given; steps, queries, network evaluations, seconds and memory (MiB) are means.\n"
                "One core of a shared machine, so that seconds are upper bounds.\n\n")
        if os.path.exists(notes):
            f.write(open(notes).read() + "\n")
        for table in [t for t in titles if any(r["table"] == t for r in runs)]:
            headline = "rel_l2" if table == "lqg" else "mse"
            f.write(f"## {titles[table]}\n\n| row | paper | ours | seeds | steps | queries | evaluations | s | MiB | u(0,0) | note |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
            rows = list(dict.fromkeys(r["row"] for r in runs if r["table"] == table))
            for row in rows:
                f.write(line(row, [r for r in runs if r["table"] == table and r["row"] == row], headline) + "\n")
            f.write("\n")


if __name__ == "__main__":
    main()

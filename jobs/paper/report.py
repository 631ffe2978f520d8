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
    "dimension": "1,000 to 1,000,000 dimensions by forward evaluations alone (dimension.sh; relative L2 error)",
    "device": "Models of hardware: HJB, tt rank 4, signRGE, at 12,600 queries unless said otherwise (jobs/device.sh; validation MSE as the hardware has it)",
    "equations": "Equations of the table (../equations.sh): relative L2 error along the sampled region",
    "ablation": "Ablation of ZO-signRGE + sparse grid at 6,600 queries (rows hjb: validation MSE; rows lqg: relative L2 error)",
}

# rows of Table 6 that are runs of other tables
same = {"fc3-768-fo-ad": ("table4", "mlp-fo-ad"), "fc3-768-zo-sg": ("table5", "mlp-zo-sg"), "tt3-zo-sg": ("table5", "tt10-zo-sg")}

# the MNIST tables share rows, which are run once: (row, label)
mnist = {
    "Table 1: MNIST, test accuracy in percent": [
        ("mlp-fo", "MLP 1024, FO"), ("mlp-sign", "MLP 1024, ZO-signRGE"), ("mlp-hybrid", "MLP 1024, hybrid ZO"),
        ("mlp10-fo", "MLP 10, FO"), ("mlp10-sign", "MLP 10, ZO-signRGE"), ("mlp10-hybrid", "MLP 10, hybrid ZO"),
        ("tt6-fo", "TT-MLP, FO"), ("tt6-sign", "TT-MLP, ZO-signRGE"), ("tt6-hybrid", "TT-MLP, hybrid ZO"),
        ("sp-fo", "SP-MLP, FO"), ("sp-sign", "SP-MLP, ZO-signRGE"), ("sp-hybrid", "SP-MLP, hybrid ZO")],
    "Table 2: MNIST, compression (test accuracy in percent)": [
        ("mlp-fo", "MLP 1024, FO"), ("mlp-rge", "MLP 1024, ZO-RGE"), ("mlp-sign", "MLP 1024, ZO-signRGE"), ("mlp-hybrid", "MLP 1024, hybrid ZO"),
        ("tt10-fo", "rank 10, FO"), ("tt10-rge", "rank 10, ZO-RGE"), ("tt10-sign", "rank 10, ZO-signRGE"), ("tt10-hybrid", "rank 10, hybrid ZO"),
        ("tt6-fo", "rank 6, FO"), ("tt6-rge", "rank 6, ZO-RGE"), ("tt6-sign", "rank 6, ZO-signRGE"), ("tt6-hybrid", "rank 6, hybrid ZO"),
        ("tt53-fo", "ranks 5,3, FO"), ("tt53-rge", "ranks 5,3, ZO-RGE"), ("tt53-sign", "ranks 5,3, ZO-signRGE"), ("tt53-hybrid", "ranks 5,3, hybrid ZO")],
    "Table 3: MNIST, training without back-propagation (test accuracy in percent)": [
        ("mlp-hybrid", "HZO"), ("tt6-hybrid", "TT-HZO"), ("sp-hybrid", "SP-HZO"), ("flops", "FLOPS"), ("stp", "STP"), ("szoscd", "SZO-SCD"),
        ("fgw-272k", "FG-W, 272K"), ("lgfga-272k", "LG-FG-A, 272K"), ("fgw-429k", "FG-W, 429K"), ("lgfga-429k", "LG-FG-A, 429K"), ("fa", "FA"), ("dfa", "DFA")],
}

# beyond the paper's tables: title: (table, steps of an epoch, rows)
beyond = {
    "Embedding tables: the language of a word, 20,000 x 64 (words.sh; test accuracy in percent)": ("words", 1503, [
        ("dense-fo", "dense, FO"), ("ttm-fo", "ttm rank 14, FO"), ("dense-hybrid", "dense, hybrid ZO"), ("ttm-hybrid", "ttm rank 14, hybrid ZO")]),
    "Convolutions: MNIST, 8 and 16 filters, 32 units (conv.sh; test accuracy in percent)": ("conv", 937, [
        ("dense-fo", "dense, FO"), ("tt-fo", "trains, FO"), ("dense-hybrid", "dense, hybrid ZO"), ("tt-hybrid", "trains, hybrid ZO")]),
    "Weights of few bits: MNIST, tt rank 6 (jobs/device.sh; test accuracy in percent)": ("device", 937, [
        ("mnist-w8", "8 bits, hybrid ZO"), ("mnist-w6", "6 bits, hybrid ZO")]),
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
    if "processor" in run:
        run["seconds"] = run["processor"]
    return run


def statistics(values):
    """mean and sample deviation of the finite values"""
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)) if len(values) > 1 else None


def whole(value):
    """rounded; nothing where a run that stopped did not say"""
    return "" if math.isnan(value) else f"{value:.0f}"


def budget(done):
    """what a row says of its runs that did not end"""
    stopped = [r for r in done if r["status"] != "done"]
    return f"{len(stopped)} of {len(done)} stopped by the budget of {stopped[0]['budget']} s" if stopped else ""


def figure(values, form=".2e", formdeviation=".1e"):
    mean, deviation = statistics(values)
    return f"{mean:{form}}" + (f" ± {deviation:{formdeviation}}" if deviation is not None else "")


def line(row, runs, headline, more=()):
    """a row; more: keys of other figures behind the headline"""
    done = [r for r in runs if headline in r]
    paper = runs[0].get("paper", "-")
    if not done:
        return f"| {row} | {paper} | no result: {runs[0].get('status', '')} |" + " |" * (8 + len(more))

    def mean(key):
        values = [float(r[key]) for r in done if key in r]
        return statistics(values)[0] if values else float("nan")

    origins = [float(r["origin"]) for r in done if "origin" in r]
    origin = figure(origins, ".4f", ".4f") if origins else ""
    seeds = ",".join(str(r["seed"]) for r in sorted(done, key=lambda r: r["seed"]))
    figures = " | ".join(figure([float(r[key]) for r in done]) if all(key in r for r in done) else "" for key in (headline, *more))
    return (f"| {row} | {paper} | {figures} | {seeds} | {mean('steps'):.0f} | {mean('queries'):.0f} | {mean('forwards'):.3g} "
            f"| {mean('seconds'):.0f} | {whole(mean('rss_mib'))} | {origin} | {budget(done)} |")


def classifier(label, runs, epoch=937):
    """a row of the classifiers' tables; epoch: its steps"""
    done = [r for r in runs if "accuracy" in r]
    if not done:
        return f"| {label} | {runs[0]['paper'] if runs else '-'} | no result{': ' + runs[0]['status'] if runs else ''} |" + " |" * 9
    mean, deviation = statistics([100 * float(r["accuracy"]) for r in done])
    means = {key: statistics([float(r[key]) for r in done])[0] for key in ("steps", "queries", "forwards", "seconds", "rss_mib") if key in done[0]}
    ours = f"{mean:.2f}" + (f" ± {deviation:.2f}" if deviation is not None else "")
    return (f"| {label} | {done[0]['paper']} | {ours} | {done[0]['parameters']} | {','.join(str(r['seed']) for r in done)} | {means['steps']:.0f} | {means['steps'] / epoch:.2g} "
            f"| {means['queries']:.0f} | {means['forwards']:.3g} | {means['seconds']:.0f} | {whole(means.get('rss_mib', float('nan')))} | {budget(done)} |")


def classifiers(runs, f):
    """the classifiers' section"""
    for name in ("NOTES-mnist.md", "results/figure1.md"):
        if os.path.exists(os.path.join(here, name)):
            f.write(open(os.path.join(here, name)).read() + "\n")
    for title, (table, epoch, rows) in [*((title, ("mnist", 937, rows)) for title, rows in mnist.items()), *beyond.items()]:
        f.write(f"## {title}\n\n| row | paper | ours | parameters | seeds | steps | epochs | loss evaluations | forward evaluations | s | MiB | note |\n" + "|---" * 12 + "|\n")
        for row, label in rows:
            f.write(classifier(label, [r for r in runs if r["table"] == table and r["row"] == row], epoch) + "\n")
        f.write("\n")


def main():
    runs = [read(f) for f in sorted(glob.glob(os.path.join(here, "results", "*", "*.txt")))]
    keys = ["table", "row", "seed", "paper", "status", "budget", "ranks", "mse", "rel_l2", "max", "accuracy", "test_loss", "parameters", "loss", "steps", "queries", "forwards", "seconds", "rss_mib", "origin", "theta", "command"]
    with open(os.path.join(here, "results.csv"), "w", newline="") as f:
        writer = csv.DictWriter(f, keys, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(runs)
    runs += [dict(r, table="table6", row=row) for row, other in same.items() for r in runs if (r.get("table"), r.get("row")) == other]
    runs.sort(key=lambda r: (r["table"], r["row"], r["seed"]))
    notes = os.path.join(here, "NOTES.md")
    with open(os.path.join(here, "RESULTS.md"), "w") as f:
        f.write("# Results\n\nWritten by report.py from the runs of table1.sh to table6.sh, figure1.sh, lqg.sh, dimension.sh, ablation.sh, words.sh, conv.sh, ../device.sh and ../equations.sh; the command of each run, with its seed,\n"
                "is in results.csv. Mean ± sample deviation over the seeds given; steps, queries, network evaluations, seconds and memory (MiB) are means.\n"
                "One core; seconds are those of the processor where a run has measured them, otherwise of the clock beside other programs, an upper bound.\n\n")
        if os.path.exists(notes):
            f.write(open(notes).read() + "\n")
        for table in [t for t in titles if any(r["table"] == t for r in runs)]:
            heads, more = ("aim | ours | gradient", ("grad_rel_l2",)) if table == "equations" else ("paper | ours", ())
            f.write(f"## {titles[table]}\n\n| row | {heads} | seeds | steps | queries | evaluations | s | MiB | u(0,0) | note |\n" + "|---" * (11 + len(more)) + "|\n")
            rows = list(dict.fromkeys(r["row"] for r in runs if r["table"] == table and not r["row"].startswith("mnist-")))
            for row in rows:
                headline = "rel_l2" if table in ("equations", "dimension", "lqg") or row[:3] == "lqg" else "mse"
                f.write(line(row, [r for r in runs if r["table"] == table and r["row"] == row], headline, more) + "\n")
            f.write("\n")
        classifiers(runs, f)


if __name__ == "__main__":
    main()

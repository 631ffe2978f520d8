#!/usr/bin/env python3
"""
plot.py: pictures of runs, straight from their HDF5 files, as PNG and PDF.

  plot.py convergence OUT FILE...   error of the validation (without a known solution the residual) against steps, queries and seconds; label: the file's name
  plot.py accuracy OUT FILE...      a classifier's accuracy against epochs (EPOCH steps, default 937) and against forward evaluations; prints what 85 % took
  plot.py slices OUT EVAL           u and its error on a plane: EVAL is the output of `tenzo eval` on the points of `plot.py plane`
  plot.py plane OUT MODEL [N]       an N x N grid in (x_1, t) where MODEL was trained, other coordinates in the middle (h5 with /points), for tenzo eval -tz_points
  plot.py ranks OUT LOG...          parameters and ranks over the training with -net_tt_rank auto, from what `tenzo solve` printed; label: the error it ended with
  plot.py device OUT CSV            error against bits and against noise, from jobs/paper/results.csv
  plot.py bars OUT CSV TABLE [PREFIX...]  a table's rows as bars, ours beside the paper's, from jobs/paper/results.csv; a panel for each PREFIX of rows
  plot.py loop OUT SIMULATION       closed loop: states and controls of each policy, median and the band of 90 % of the paths kept, from `tenzo simulate`
  plot.py agents OUT SIMULATION     paths of `-pde_type agents` in the plane, one axis a policy; a dot where an agent starts
  plot.py feedback OUT EVAL         value and control of a problem in two dimensions at t = 0: EVAL is the output of `tenzo eval` on the points of
  plot.py states OUT LO HI [N]      an N x N grid of states x in [LO, HI]^2 at t = 0 (h5 with /points)
"""
import csv
import os
import re
import sys

import h5py
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def save(figure, out):
    base = os.path.splitext(out)[0]
    for suffix in (".png", ".pdf"):
        figure.savefig(base + suffix, dpi=100, bbox_inches="tight")


def convergence(out, *files):
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), sharey=True)
    left, kinds = {key: np.inf for key in ("step", "queries", "seconds")}, set()
    for file in files:
        with h5py.File(file) as f:
            name = "mse" if "mse" in f["validation"] else "residual"
            step, error = f["validation/step"][:], f[f"validation/{name}"][:]
            # history has one entry a step, the validation that after `step` steps: what was spent by then
            spent = {"step": step} | {key: np.concatenate([[0], f[f"history/{key}"][:]])[step.astype(int)] for key in ("queries", "seconds")}
        kinds.add({"mse": "error of u, validation MSE", "residual": "residual, mean square"}[name])
        label = os.path.basename(file).replace(".h5", "") + (": residual" if name == "residual" else "")
        for axis, key in zip(axes, left):
            # the error before the first step has no place on a logarithmic axis: a level on the left
            line, = axis.loglog(spent[key][step > 0], error[step > 0], marker=".", label=label)
            if step[0] == 0:
                axis.axhline(error[0], xmax=0.03, color=line.get_color(), linewidth=3)
            left[key] = min([left[key], *spent[key][step > 0]])
    for axis, key in zip(axes, left):
        if np.isfinite(left[key]):
            axis.set_xlim(left=left[key] / 1.5)
        axis.set_xlabel(key.replace("step", "steps"))
        axis.grid(True, which="both", alpha=0.3)
    axes[0].set_ylabel("\n".join(sorted(kinds)))
    axes[2].legend(fontsize="small", bbox_to_anchor=(1.02, 1), loc="upper left")
    save(figure, out)


def accuracy(out, *files):
    epoch = int(os.environ.get("EPOCH", 937))
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=True)
    print("| run | steps to 85 % | loss evaluations | forward evaluations |\n|---|---|---|---|")
    for file in files:
        name = os.path.basename(file).replace(".h5", "")
        with h5py.File(file) as f:
            step, right = f["validation/step"][:].astype(int), 100 * f["validation/accuracy"][:]
            queries, forwards = (np.concatenate([[0], f[f"history/{key}"][:]])[step] for key in ("queries", "forwards"))
        axes[0].plot(step / epoch, right, label=name)
        axes[1].semilogx(np.maximum(forwards, 1e3), right, label=name)
        first = np.argmax(right >= 85)
        print(f"| {name} | {step[first]} | {queries[first]:.0f} | {forwards[first]:.3g} |" if right[first] >= 85 else f"| {name} | not reached | | |")
    for axis, name in zip(axes, ("epochs", "forward evaluations (images through the network)")):
        axis.set_xlabel(name)
        axis.grid(True, alpha=0.3)
    axes[0].set_ylabel("test accuracy, %")
    axes[1].legend(fontsize="small", bbox_to_anchor=(1.02, 1), loc="upper left")
    save(figure, out)


def plane(out, model, n="41"):
    n = int(n)
    with h5py.File(model) as f:
        t, lo, hi, radius = (f[f"region/{key}"][:] for key in ("t", "lo", "hi", "radius"))
        inputs, d = int(f["network/layer1/shape"][1]), lo.shape[1]
    part = np.linspace(0, 1, n)
    if inputs == d:  # no time: (x_1, x_2), of a ball or shell what fits into it
        (inner, outer), low, high = radius[0], lo[0], hi[0]
        if outer > 0:
            low[1], high[1] = np.array([-1, 1]) * np.sqrt((outer**2 - inner**2) / 2)
            low[0], high[0] = inner or low[1], np.sqrt(outer**2 - high[1] ** 2)
        points = np.tile((low + high) / 2, (n, n, 1))
        if outer > 0:
            points[..., 2:] = 0
        points[..., 0], points[..., 1] = low[0] + part[:, None] * (high[0] - low[0]), low[1] + part * (high[1] - low[1])
    else:  # (x_1, t): at every t from one end of the region to the other
        points, at = np.empty((n, n, d + 1)), t[0] + part * (t[-1] - t[0])
        low, high = (np.stack([np.interp(at, t, x[:, i]) for i in range(d)], 1) for x in (lo, hi))  # [n times][d]
        points[..., :d], points[..., d] = (low + high) / 2, at
        start = np.interp(at, t, radius[:, 0])
        low[:, 0] = np.where(start > 0, start, low[:, 0])
        points[..., 0] = low[:, 0] + part[:, None] * (high[:, 0] - low[:, 0])
    with h5py.File(out, "w") as f:
        f["points"] = points.reshape(n * n, inputs)


def slices(out, file):
    with h5py.File(file) as f:
        points, u = f["points"][:], f["u"][:]
        error = f["error"][:] if "error" in f else None
        time = "u_t" in f
    n, second = int(round(len(u) ** 0.5)), -1 if time else 1
    x, t = points[:, 0].reshape(n, n), points[:, second].reshape(n, n)
    panels = [("u", u)] + ([("error", error)] if error is not None else [])
    figure, axes = plt.subplots(1, len(panels), figsize=(5.5 * len(panels), 4), squeeze=False)
    for axis, (name, value) in zip(axes[0], panels):
        colours = {"cmap": "viridis"} if name == "u" else {"cmap": "RdBu_r", "vmin": -np.abs(value).max(), "vmax": np.abs(value).max()}
        picture = axis.pcolormesh(x, t, value.reshape(n, n), shading="gouraud", **colours)
        axis.set(xlabel="$x_1$", ylabel="$t$" if time else "$x_2$", title=name)
        figure.colorbar(picture, ax=axis)
    save(figure, out)


def ranks(out, *logs):
    figure, axes = plt.subplots(1, 2, figsize=(11, 4))
    for k, log in enumerate(logs):
        text = open(log).read()
        cuts = [(int(s), int(p), [int(r) for r in re.findall(r"\d+", bonds)]) for s, p, bonds in re.findall(r'^step (\d+): (\d+) parameters, -net_tt_bonds "(.*)"$', text, re.M)]
        result = dict(w.split("=", 1) for w in re.findall(r"^RESULT (.*)$", text, re.M)[-1].split() if "=" in w)
        steps = [s for s, _, _ in cuts] + [int(result["steps"])]
        axes[0].step(steps, [p for _, p, _ in cuts] + [cuts[-1][1]], where="post", color=f"C{k}", label=f"{os.path.basename(log)}: error {result.get('rel_l2', '')[:7]}")
        bonds = np.array([r for _, _, r in cuts] + [cuts[-1][2]])
        axes[1].step(steps, bonds + 0.05 * np.arange(bonds.shape[1]) + 0.02 * k, where="post", color=f"C{k}", alpha=0.6)
    for axis, label in zip(axes, ("parameters", "rank of each bond")):
        axis.set(xlabel="step", ylabel=label, ylim=(0, None))
        axis.grid(True, alpha=0.3)
    axes[0].legend(fontsize="small")
    save(figure, out)


def bars(out, file, table, *prefixes):
    runs = [r for r in csv.DictReader(open(file)) if r["table"] == table and r["mse"]]
    prefixes = prefixes or [""]
    widths = [max(3, len({r["row"] for r in runs if r["row"].startswith(p)})) for p in prefixes]
    figure, axes = plt.subplots(1, len(prefixes), figsize=(max(6, 1 + 0.4 * sum(widths)), 4), squeeze=False, width_ratios=widths)
    for axis, prefix in zip(axes[0], prefixes):
        relative = "lqg" in (table, prefix[:3])
        panel(axis, [r for r in runs if r["row"].startswith(prefix)], prefix, "rel_l2" if relative else "mse")
        axis.set_ylabel("relative L2 error" if relative else "validation MSE")
    figure.tight_layout()
    save(figure, out)


def panel(axis, runs, prefix, key):
    """bars of the means over seeds, dots for the seeds, the paper's figure beside; rows in ascending order where there is none"""
    rows = {}
    for run in runs:
        rows.setdefault(run["row"], ([], run["paper"]))[0].append(float(run[key]))
    paper = {n: float(p) for n, (_, p) in rows.items() if p not in ("", "-")}
    names = list(rows) if paper else sorted(rows, key=lambda n: np.mean(rows[n][0]))
    shift = 0.2 if paper else 0
    for place, name in enumerate(names):
        values = rows[name][0]
        axis.bar(place - shift, np.mean(values), 0.4 if paper else 0.7, color="C3" if name == prefix + "base" else "C0", label="ours" if not place else None)
        axis.plot(np.full(len(values), place - shift), values, "k.", markersize=4)
    where = [names.index(n) for n in paper]
    if paper:
        axis.bar([w + shift for w in where], list(paper.values()), 0.4, color="C1", label="paper")
        axis.legend()
    axis.set_yscale("log")
    axis.set_xticks(range(len(names)), [n[len(prefix):] for n in names], rotation=60, ha="right", fontsize="small")
    axis.set_title(prefix.rstrip("-"))
    axis.margins(x=0.01)
    axis.grid(True, axis="y", alpha=0.3)


def policies(f):
    return [name for name in ("network", "exact", "lqr", "none", "plugin") if name in f]


def paths(f, policy, what):
    """[paths][steps + 1][d]"""
    x = f[f"{policy}/{what}"][:]
    return x.reshape(-1, len(f["time"]), x.shape[1])


def loop(out, file):
    with h5py.File(file) as f:
        names, t = policies(f), f["time"][:]
        figure, axes = plt.subplots(2, len(names), figsize=(5 * len(names), 6), sharex=True, sharey="row", squeeze=False)
        for column, name in zip(axes.T, names):
            for axis, what in zip(column, ("states", "controls")):
                x = paths(f, name, what)
                for i in range(min(x.shape[2], 10)):
                    low, middle, high = np.percentile(x[:, :, i], (5, 50, 95), axis=0)
                    axis.plot(t, middle, color=f"C{i}", label=f"{i + 1}")
                    axis.fill_between(t, low, high, color=f"C{i}", alpha=0.25, linewidth=0)
                axis.set_ylabel(what)
                axis.grid(True, alpha=0.3)
            column[0].set_title(f"{name}: cost {f[name]['cost'][:].mean():.4g}")
            column[1].set_xlabel("t")
        axes[0][-1].legend(fontsize="x-small")
    save(figure, out)


def agents(out, file):
    with h5py.File(file) as f:
        names = policies(f)
        figure, axes = plt.subplots(1, len(names), figsize=(5 * len(names), 5), sharex=True, sharey=True, squeeze=False)
        for axis, name in zip(axes[0], names):
            x = paths(f, name, "states")
            for i in range(0, x.shape[2], 4):
                for path in x[:20]:
                    axis.plot(path[:, i], path[:, i + 1], color=f"C{i // 4}", alpha=0.4, linewidth=0.8)
                axis.plot(x[:20, 0, i], x[:20, 0, i + 1], ".", color=f"C{i // 4}")
            hit = 100 * np.mean(f[name]["clearance"][:] < 0)
            axis.set_title(f"{name}: cost {f[name]['cost'][:].mean():.4g}, {hit:.3g} % collide")
            axis.set_aspect("equal")
            axis.grid(True, alpha=0.3)
    save(figure, out)


def states(out, lo, hi, n="81"):
    x = np.linspace(float(lo), float(hi), int(n))
    a, b = np.meshgrid(x, x)
    with h5py.File(out, "w") as f:
        f["points"] = np.stack([a.ravel(), b.ravel(), np.zeros(a.size)], axis=1)


def feedback(out, file):
    with h5py.File(file) as f:
        x, u, a = f["points"][:], f["u"][:], f["control"][:, 0]
    n = int(np.sqrt(len(x)))
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5))
    for axis, z, title in zip(axes, (u, a), ("V(x, 0)", "a*(x, 0)")):
        image = axis.pcolormesh(x[:, 0].reshape(n, n), x[:, 1].reshape(n, n), z.reshape(n, n), shading="gouraud", cmap="viridis" if title[0] == "V" else "RdBu")
        figure.colorbar(image, ax=axis)
        axis.set_title(title)
        axis.set_xlabel("$x_1$")
        axis.set_ylabel("$x_2$")
    save(figure, out)


def device(out, file):
    runs = [r for r in csv.DictReader(open(file)) if r["table"] == "device" and r["mse"]]
    series = (  # axis, rows whose name ends with the abscissa, label
        (0, r"w(\d+)", "weights, differences"), (0, r"w(\d+)-1500", "the same, 1,500 steps"), (0, r"sg-w(\d+)", "weights, sparse grid"), (0, r"mzi-w(\d+)", "phases of meshes, differences"),
        (0, r"a(\d+)", "activations, differences of 0.1, 200 steps"),
        (1, r"n(1e-\d)", "weights, differences"), (1, r"sg-n(1e-\d)", "weights, sparse grid"), (1, r"c(1e-\d)", "weights, one of a step for all"),
        (1, r"mzi-n(1e-\d)", "phases of meshes, differences"))
    full = np.mean([float(r["mse"]) for r in runs if r["row"] == "full"])
    figure, axes = plt.subplots(1, 2, figsize=(10, 5), sharey=True)
    for mark, (axis, rows, label) in zip("oPs^vos^D", series):
        found = [(re.fullmatch(rows, r["row"]), float(r["mse"])) for r in runs]
        points = [(float(m.group(1)), mse) for m, mse in found if m]
        if points:
            axes[axis].plot(*zip(*points), mark, label=label, alpha=0.6)
    for axis, label in zip(axes, ("bits", "noise, relative; of each query its own")):
        axis.axhline(full, color="grey", linewidth=1, label="full precision, differences (mean)")
        axis.axhline(1e-3, color="grey", linewidth=1, linestyle=":", label="aim with 8 bits, and of the meshes")
        axis.set_xlabel(label)
        axis.set_yscale("log")
        axis.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.14))
    axes[0].invert_xaxis()
    axes[1].set_xscale("log")
    axes[0].set_ylabel("validation MSE")
    save(figure, out)


if __name__ == "__main__":
    verbs = {f.__name__: f for f in (convergence, accuracy, slices, plane, ranks, bars, device, loop, agents, states, feedback)}
    if len(sys.argv) == 1:
        print(__doc__)
        sys.exit()
    if len(sys.argv) < 4 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    verbs[sys.argv[1]](*sys.argv[2:])

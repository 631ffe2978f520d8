#!/usr/bin/env python3
"""accuracy.py: seconds to relative L2 1e-2, 1e-3, 1e-4 for Tenzo and for the peers in JAX, on one core, in one run (make bench-accuracy).

Programs take turns seed by seed. Seconds are those of training: compilation (JAX) and validation do not count; of Tenzo the gaps in /history/seconds
that hold a validation are replaced by the median gap. Both validate on points of the training's own distribution that training never sees. Options:
--seeds 3, --seconds 30 (a run), --equations, --methods, --core 0, --tenzo build/tenzo, --json FILE. Needs jax, scipy, h5dump.
"""
import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile

TARGETS = (1e-2, 1e-3, 1e-4)
PEERS = ("stde", "engdw", "sdze", "bsde")
STEPS = {}  # (equation, method): steps of Tenzo in the budget

# Tenzo's command lines, one row an equation: the equation, then its solvers. Schedules end with the budget, as those of the peers: -tao_max_it comes from a
# trial of a few steps.
SMALL = "-net_format dense -net_layers 64,64 -deriv_type forward -net_output_scale 0.1"
ADAM = f"{SMALL} -tao_type tzadam -zo_lr 5e-3 -zo_beta2 0.99 -zo_lr_schedule cosine -loss_points 50 -tz_validate_every 10"
ZOGN = f"{SMALL} -tao_type zogn -zo_direction coordinate -zo_mu 1e-6 -zo_lr_schedule cosine -loss_points 200 -tz_validate_every 1"
ZOLLS = f"{SMALL} -tao_type zolls -loss_points 300 -tz_validate_every 1"
SIGN = f"{SMALL} -tao_type zosign -zo_queries 10 -zo_mu 1e-4 -zo_momentum 0.5 -zo_lr 1e-3 -zo_lr_schedule cosine -loss_points 50 -tz_validate_every 50"
TZGN = f"{SMALL} -tao_type tzgn -zo_lr_schedule cosine -loss_points 200 -tz_validate_every 1"
SOLVERS = {"tenzo-adam": ADAM, "tenzo-tzgn": TZGN, "tenzo-zogn": ZOGN, "tenzo-zolls": ZOLLS, "tenzo-zosign": SIGN}
TENZO = {
    "lqg": ("-pde_type lqg -pde_dim 100 -lqg_extension heat -loss_sampler paths", SOLVERS),
    "allencahn": ("-pde_type allencahn -pde_dim 100 -allencahn_extension heat -loss_sampler paths", SOLVERS),
    "blackscholes": ("-pde_type blackscholes -pde_dim 100 -loss_sampler paths -loss_x0 " + ",".join(["1,0.5"] * 50), SOLVERS),
    "ball": ("-pde_type allencahnball -pde_dim 100", SOLVERS),
}


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=30)
    p.add_argument("--equations", default=",".join(TENZO))
    p.add_argument("--methods", default=",".join((*SOLVERS, *PEERS)))
    p.add_argument("--core", default="0")
    p.add_argument("--tenzo", default=os.path.join(os.environ.get("BUILD", "build"), "tenzo"))
    p.add_argument("--json")
    return p.parse_args()


def run(command, seconds):
    """Exit code, output; a signal after `seconds` that lets Tenzo write its checkpoint"""
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        out, _ = p.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGTERM)
        try:
            out, _ = p.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            p.kill()
            out, _ = p.communicate()
    return p.returncode, out


def column(file, path):
    out = subprocess.run(["h5dump", "-y", "-m", "%.17g", "-w", "0", "-d", path, file], capture_output=True, text=True, check=True).stdout
    return [float(v) for v in re.search(r"DATA \{(.*?)\}", out, re.S).group(1).replace(",", " ").split()]


def attempt(o, equation, method, seed, file, *more):
    """Runs Tenzo; False, said loudly, where it cannot"""
    problem, solvers = TENZO[equation]
    command = ["taskset", "-c", o.core, o.tenzo, "solve", *problem.split(), *solvers[method].split(), "-tz_seed", str(seed), "-tz_output", file,
               "-tz_checkpoint_every", "0", "-tz_validation_points", "2000", "-tz_quiet", *more]
    code, out = run(command, 3 * o.seconds)
    if code not in (0, 75):
        why = re.findall(r"tenzo: error: .*", out) or [" ".join(re.findall(r"PETSC ERROR: (.*)", out)[1:3]) or "no output"]
        print(f"SKIPPED {method} on {equation}: exit code {code}: {why[0]}", flush=True)
    return code in (0, 75)


def median_step(file, without=()):
    """Steps, seconds each took, the median of those not in `without`"""
    step, seconds = (column(file, f"/history/{c}") for c in ("step", "seconds"))
    gaps = [b - a for a, b in zip([0.0, *seconds], seconds)]
    return step, gaps, statistics.median([g for s, g in zip(step, gaps) if int(s) not in without] or gaps)


def tenzo(o, equation, method, seed):
    """[(seconds, rel_l2)]"""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/model.h5"
        if (equation, method) not in STEPS:
            if not attempt(o, equation, method, seed, file, "-tao_max_it", "12", "-tz_validate_every", "0"):
                return None
            STEPS[equation, method] = max(10, int(o.seconds / median_step(file, {1})[2]))
        os.unlink(file) if os.path.exists(file) else None
        if not attempt(o, equation, method, seed, file, "-tao_max_it", str(STEPS[equation, method])):
            return None
        at, error = (column(file, f"/validation/{c}") for c in ("step", "rel_l2"))
        held = {int(s) + 1 for s in at}  # the step after a validation holds its time
        step, gaps, usual = median_step(file, held)
    clock, t = {0: 0.0}, 0.0
    for s, g in zip(step, gaps):
        t += min(g, usual) if int(s) in held else g
        clock[int(s)] = t
    return [(clock[int(s)], e) for s, e in zip(at, error) if clock[int(s)] <= 1.1 * o.seconds]  # the trial may have promised too many steps


def peer(o, equation, method, seed):
    here = os.path.dirname(os.path.abspath(__file__))
    command = ["taskset", "-c", o.core, sys.executable, f"{here}/peer_{method}.py", "--equation", equation, "--seed", str(seed), "--seconds", str(o.seconds), "--ratio", "1.1"]
    code, out = run(command, 20 * o.seconds + 600)
    if code or "skipped" in out:
        print(f"SKIPPED {method} on {equation}: {out.splitlines()[-1] if out else 'no output'}", flush=True)
        return None
    return [(float(s), float(e)) for s, e in re.findall(r"seconds=(\S+) rel_l2=(\S+)", out)]


def reached(curve, target):
    return next((s for s, e in curve if e <= target), None)


def spread(values):
    """Median over seeds; how many of them where not all"""
    have = [v for v in values if v is not None]
    return "-" if not have else f"{statistics.median(have):.2f}" + ("" if len(have) == len(values) else f" ({len(have)} of {len(values)})")


def main():
    o = options()
    curves = {}
    for equation in o.equations.split(","):
        for seed in range(o.seeds):
            for method in o.methods.split(","):
                if curves.get((equation, method), True) is None:
                    continue  # skipped once: said once
                curve = (tenzo if method in SOLVERS else peer)(o, equation, method, seed)
                if curve is None:
                    curves[equation, method] = None
                    continue
                curves.setdefault((equation, method), []).append(curve)
                print(f"CURVE equation={equation} method={method} seed={seed} " + " ".join(f"{t:g}:{spread([reached(curve, t)])}" for t in TARGETS)
                      + f" last={curve[-1][1]:.3e} at {curve[-1][0]:.1f} s", flush=True)
    print(f"\nMedian seconds on one core to a relative L2 error, {o.seeds} seeds, at most {o.seconds:g} s a run")
    print("| equation, d = 100 | method | " + " | ".join(f"{t:g}" for t in TARGETS) + " | last error |")
    print("|---" * (len(TARGETS) + 3) + "|")
    for (equation, method), runs in curves.items():
        if runs:
            cells = [spread([reached(c, t) for c in runs]) for t in TARGETS] + [f"{statistics.median(c[-1][1] for c in runs):.2e}"]
            print(f"| {equation} | {method} | " + " | ".join(cells) + " |")
    if o.json:
        with open(o.json, "w") as f:
            json.dump([{"equation": e, "method": m, "curves": r} for (e, m), r in curves.items() if r], f)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""peer_tune.py [METHOD ...]: random search for the peers' settings, the same number of trials and seconds for every method and equation.

Trial 0 is what stands in the file of the method; of the others every second draws all options from SPACE and NETS, every second some anew in the best. A trial's
value is the geometric mean of the seconds to relative L2 1e-3 and 2e-4, seed 0; for one that is not reached, all seconds times the last error over it. The last lines
are the best settings, to be pasted into TUNED. TRIALS (10), SECONDS (8), EQUATIONS in the environment, COEFFICIENTS: of the ball. See peer_notes.md for what was run.
"""
import math
import os
import random
import re
import subprocess
import sys

SPACE = {
    "stde": dict(lr=(2e-3, 5e-3, 1e-2, 2e-2), points=(25, 50, 100), directions=(4, 16, 0), beta2=(0.99, 0.999), schedule=("cosine", "exponential")),
    "engdw": dict(lr=(0.5, 1.0), points=(200, 300, 400, 600), damping=(1e-8, 1e-6, 1e-4), beta=(0.0, 0.0, 0.8), line_search=(0, 0, 5), schedule=("constant", "exponential"),
                  dtype=("float64", "float64", "float32")),
    "sdze": dict(lr=(3e-4, 1e-3, 3e-3, 1e-2), points=(25, 50, 100), directions=(4, 16), queries=(1, 5, 20), mu=(1e-4, 1e-3), rank=(0, 4, 16),
                 lazy=(1, 20, 100), update=("adam", "sign"), schedule=("cosine", "exponential")),
    "bsde": dict(lr=(1e-3, 2e-3, 5e-3, 1e-2), points=(32, 64, 128, 256), intervals=(10, 20, 40), widths=("64,64", "110,110", "64"),
                 schedule=("cosine", "exponential")),
}
SUMS = [dict(first_inputs=1, activation="square", widths=w, output=0.01) for w in ("100", "200", "310")]  # of single inputs and t
SUMS += [dict(first_inputs=1, activation="square,sine", widths="100,8"), dict(first_inputs=0, activation="sine", widths="64,64")]
PAIRS = [dict(first_inputs=2, activation=a, widths=w, output=0.01, bias=b, frequency=f)  # of neighbours
         for a, w, b, f in (("square", "300", 1, 1), ("square", "300", 4, 1), ("square", "400", 4, 1), ("sine", "400", 4, 1), ("sine", "600", 8, 0.5))]
NETS = {"lqg": SUMS, "allencahn": SUMS, "blackscholes": SUMS, "ball": PAIRS}
EQUATIONS = os.environ.get("EQUATIONS", "lqg,allencahn,blackscholes,ball").split(",")
TARGETS = (1e-3, 2e-4)
trials, seconds = int(os.environ.get("TRIALS", 10)), float(os.environ.get("SECONDS", 8))
here = os.path.dirname(os.path.abspath(__file__))
best = {}
for method in sys.argv[1:] or SPACE:
    for equation in EQUATIONS:
        rng = random.Random(int(os.environ.get("SEED", 1)))  # the same draws for every equation
        for trial in range(trials):
            draw = {name: rng.choice(values) for name, values in SPACE[method].items()} if trial else {}
            if trial and method != "bsde":
                draw.update(rng.choice(NETS[equation]))
            kept = [name for name in draw if rng.random() < 0.6]
            if trial % 2 == 1 and (method, equation) in best:
                draw = {**{name: v for name, v in draw.items() if name not in kept}, **{n: v for n, v in best[method, equation][1].items() if n in kept}}
            command = [sys.executable, f"{here}/peer_{method}.py", "--equation", equation, "--seconds", str(seconds), "--ratio", "1.2", "--first", "0.02", "--clock", "cpu"]
            if equation == "ball" and "COEFFICIENTS" in os.environ:
                command += ["--coefficients", os.environ["COEFFICIENTS"]]
            out = subprocess.run(command + [f"--{k.replace('_', '-')}={v}" for k, v in draw.items()], capture_output=True, text=True)
            if "skipped" in out.stdout:
                break
            curve = [(float(t), float(e)) for t, e in re.findall(r"seconds=(\S+) rel_l2=(\S+)", out.stdout)]
            value = float("nan")
            if curve and not out.returncode and curve[-1][1] == curve[-1][1]:
                value = math.prod(next((t for t, e in curve if e <= target), seconds * curve[-1][1] / target) for target in TARGETS) ** 0.5
            print(f"TRIAL method={method} equation={equation} seconds={value:.3g} rel_l2={curve[-1][1] if curve else 0:.3e} {draw}", flush=True)
            if value < best.get((method, equation), (float("inf"),))[0]:  # false for nan
                best[method, equation] = value, draw
for (method, equation), (value, draw) in best.items():
    print(f"BEST method={method} equation={equation} seconds={value:.3g} {draw}")

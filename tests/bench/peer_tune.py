#!/usr/bin/env python3
"""peer_tune.py [METHOD ...]: random search for the peers' settings, the same number of trials and seconds for every method and equation.

Trial 0 is what stands in the file of the method; of the others every second draws all options from SPACE, every second some anew in the best. A trial's value is rel_l2 at its end, seed 0. The last lines
are the best settings, to be pasted into TUNED. TRIALS (10), SECONDS (8) in the environment. See peer_notes.md for what was run.
"""
import os
import random
import re
import subprocess
import sys

SPACE = {
    "stde": dict(lr=(1e-3, 2e-3, 5e-3, 1e-2), points=(25, 50, 100, 200), directions=(4, 8, 16, 32, 0), beta2=(0.99, 0.999),
                 widths=("64,64", "128,128", "64,64,64"), schedule=("cosine", "exponential")),
    "engdw": dict(lr=(0.03, 0.1, 0.3, 1.0), points=(100, 200, 400), damping=(1e-8, 1e-6, 1e-4, 1e-2), beta=(0.0, 0.8, 0.95), line_search=(0, 0, 10),
                  directions=(0, 0, 16), widths=("64,64", "32,32", "128"), schedule=("exponential", "constant"), dtype=("float64", "float64", "float32")),
    "sdze": dict(lr=(3e-4, 1e-3, 3e-3, 1e-2), points=(25, 50, 100), directions=(4, 16, 0), queries=(1, 5, 20, 50), mu=(1e-4, 1e-3, 1e-2), rank=(0, 4, 16),
                 lazy=(1, 20, 100), update=("adam", "sign"), widths=("64,64", "32,32"), schedule=("cosine", "exponential")),
    "bsde": dict(lr=(1e-3, 2e-3, 5e-3, 1e-2), points=(32, 64, 128, 256), intervals=(10, 20, 40), widths=("64,64", "110,110", "64"),
                 schedule=("cosine", "exponential")),
}
EQUATIONS = ("lqg", "allencahn", "blackscholes", "ball")
trials, seconds = int(os.environ.get("TRIALS", 10)), float(os.environ.get("SECONDS", 8))
here = os.path.dirname(os.path.abspath(__file__))
best = {}
for method in sys.argv[1:] or SPACE:
    for equation in EQUATIONS:
        rng = random.Random(int(os.environ.get("SEED", 1)))  # the same draws for every equation
        for trial in range(trials):
            draw = {name: rng.choice(values) for name, values in SPACE[method].items()} if trial else {}
            kept = [name for name in draw if rng.random() < 0.6]
            if trial % 2 == 1 and (method, equation) in best:
                draw = {**{name: v for name, v in draw.items() if name not in kept}, **{n: v for n, v in best[method, equation][1].items() if n in kept}}
            command = [sys.executable, f"{here}/peer_{method}.py", "--equation", equation, "--seconds", str(seconds), "--ratio", "10", "--clock", "cpu"]
            out = subprocess.run(command + [f"--{k.replace('_', '-')}={v}" for k, v in draw.items()], capture_output=True, text=True)
            if "skipped" in out.stdout:
                break
            errors = re.findall(r"rel_l2=(\S+)", out.stdout)
            value = float(errors[-1]) if errors and not out.returncode else float("nan")
            print(f"TRIAL method={method} equation={equation} rel_l2={value:.3e} {draw}", flush=True)
            if value < best.get((method, equation), (float("inf"),))[0]:  # false for nan
                best[method, equation] = value, draw
for (method, equation), (value, draw) in best.items():
    print(f"BEST method={method} equation={equation} rel_l2={value:.3e} {draw}")

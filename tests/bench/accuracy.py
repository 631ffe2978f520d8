#!/usr/bin/env python3
"""accuracy.py: seconds to relative L2 1e-2, 1e-3, 2e-4, 1e-4 for Tenzo and for the peers in JAX, on one core, in one run (make bench-accuracy).

Programs take turns seed by seed. Seconds are those of training: compilation (JAX) and validation do not count; Tenzo trains twice, the same bits, with
validations for the errors and without for the seconds. Both validate on points of the training's own distribution that training never sees. Options:
--seeds 3, --seconds 30 (a run), --equations, --methods, --core 0, --tenzo build/tenzo, --json FILE; --clock cpu: seconds of the processor, for a machine
that others use (of Tenzo by a library in front of MPI's, which cc makes: MPI_Wtime by that clock). Needs jax, scipy, h5dump.
"""
import argparse
import ctypes
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile

TARGETS = (1e-2, 1e-3, 2e-4, 1e-4)
PEERS = ("stde", "engdw", "sdze", "bsde")
STEPS = {}  # (equation, method): steps of Tenzo in the budget

# Tenzo's command lines, one row an equation: the equation, what its networks have in common (the peers have it too), then its solvers. Of -ls and zolls, least
# squares of the output layer, behind a step of exact gradients or alone, there are two sizes: the small one for 1e-3, the one of more points and units for 2e-4.
# Where there is no -tao_max_it, schedules end with the budget, as those of the peers: it comes from a trial of a few steps.
SUMS = "-deriv_type forward -net_format sparse -net_first_inputs 1 -net_output_scale 0.01"  # of single x_i and t
PAIRS = "-deriv_type forward -net_format sparse -net_first_inputs 2 -net_first_last 0 -net_output_scale 0.01"  # of neighbours
SQUARES, SINES = "-net_activation square -net_layers", "-net_activation sine -net_layers"
LEAST = "-tao_type tzadam -zo_lr 1e-6 -zo_last_layer 1"


def solvers(small, large, trained):
    """{method: options}; small, large: network, points and steps of least squares; trained: network and points where all is trained"""
    return {
        "tenzo-ls": f"{LEAST} {small}",
        "tenzo-ls-large": f"{LEAST} {large}",
        "tenzo-zolls": f"-tao_type zolls {small}",
        "tenzo-zolls-large": f"-tao_type zolls {large}",
        "tenzo-tzgn": f"-tao_type tzgn -zo_lr_schedule cosine {trained} -loss_points 400",
        "tenzo-adam": f"-tao_type tzadam -zo_lr 5e-3 -zo_beta2 0.99 -zo_lr_schedule cosine {trained} -loss_points 50",
        "tenzo-zogn": f"-tao_type zogn -zo_direction coordinate -zo_mu 1e-6 -zo_lr_schedule cosine {trained} -loss_points 400",
        "tenzo-zosign": f"-tao_type zosign -zo_queries 10 -zo_mu 1e-4 -zo_momentum 0.5 -zo_lr 1e-3 -zo_lr_schedule cosine {trained} -loss_points 50",
    }


EVERY = {"tenzo-adam": 20, "tenzo-zosign": 50}  # steps between validations
TENZO = {
    "lqg": (f"-pde_type lqg -pde_dim 100 -lqg_extension heat -loss_sampler paths {SUMS}",
            solvers(f"{SQUARES} 90 -loss_points 140 -tao_max_it 3", f"{SQUARES} 250 -loss_points 500 -tao_max_it 3", f"{SQUARES} 200")),
    "allencahn": (f"-pde_type allencahn -pde_dim 100 -allencahn_extension reaction -loss_sampler paths {SUMS}",
                  solvers(f"{SQUARES} 200 -loss_points 600 -tao_max_it 3", f"{SINES} 600 -loss_points 4500 -tao_max_it 2", f"{SQUARES} 200")),
    "blackscholes": (f"-pde_type blackscholes -pde_dim 100 -loss_sampler paths -loss_path_steps 5 {SUMS} -loss_x0 " + ",".join(["1,0.5"] * 50),
                     solvers(f"{SQUARES} 310 -loss_points 380 -tao_max_it 2", f"{SQUARES} 400 -loss_points 600 -tao_max_it 2", f"{SQUARES} 310")),
    "ball": (f"-pde_type allencahnball -pde_dim 100 {PAIRS}",
             solvers(f"{SQUARES} 400 -net_frequency 8 -loss_points 800 -tao_max_it 4", f"{SINES} 800 -net_frequency 3 -loss_points 2000 -tao_max_it 7",
                     f"{SQUARES} 300 -net_frequency 8")),
}
SOLVERS = TENZO["lqg"][1]


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=30)
    p.add_argument("--equations", default=",".join(TENZO))
    p.add_argument("--methods", default=",".join((*SOLVERS, *PEERS)))
    p.add_argument("--core", default="0")
    p.add_argument("--tenzo", default=os.path.join(os.environ.get("BUILD", "build"), "tenzo"))
    p.add_argument("--clock", default="wall", choices=("wall", "cpu"))
    p.add_argument("--json")
    return p.parse_args()


CLOCK = """#include <time.h>
double MPI_Wtime(void) { struct timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec; }
"""


def processor_clock(folder):
    """A library whose MPI_Wtime tells the seconds of the processor"""
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", f"{folder}/clock.so"], input=CLOCK, text=True, check=True)
    return f"{folder}/clock.so"


def coefficients(o, folder, seed):
    """File of the c_i that -allencahnball_seed has, for the peers"""
    c = (ctypes.c_double * 99)()
    ctypes.CDLL(os.path.join(os.path.dirname(o.tenzo), "libtenzo.so")).TzRandomNormal(ctypes.c_int64(seed), 7, 0, 0, 0, 99, c)  # TZ_STREAM_EQUATION
    with open(f"{folder}/c{seed}", "w") as f:
        f.write("\n".join(f"{v:.17g}" for v in c))
    return f.name


def run(command, seconds, **env):
    """Exit code, output; a signal after `seconds` that lets Tenzo write its checkpoint"""
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "OMP_NUM_THREADS": "1", **env})
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
    problem, own = TENZO[equation]
    command = ["taskset", "-c", o.core, o.tenzo, "solve", *problem.split(), *own[method].split(), "-tz_seed", str(seed), "-tz_output", file,
               "-tz_checkpoint_every", "0", "-tz_validation_points", "2000", "-tz_quiet", *more]
    if equation == "ball":
        command += ["-allencahnball_seed", str(seed)]
    code, out = run(command, 20 * o.seconds, **({"LD_PRELOAD": o.preload} if o.preload else {}))
    if code not in (0, 75):
        why = re.findall(r"tenzo: error: .*", out) or [" ".join(re.findall(r"PETSC ERROR: (.*)", out)[1:3]) or "no output"]
        print(f"SKIPPED {method} on {equation}: exit code {code}: {why[0]}", flush=True)
    return code in (0, 75)


def history(file):
    return [(int(s), t) for s, t in zip(*(column(file, f"/history/{c}") for c in ("step", "seconds")))]


def tenzo(o, equation, method, seed):
    """[(seconds, rel_l2)]: errors of a run with validations, seconds of one without"""
    steps = []
    with tempfile.TemporaryDirectory() as folder:
        if "-tao_max_it" not in TENZO[equation][1][method]:
            if (equation, method) not in STEPS:
                if not attempt(o, equation, method, seed, f"{folder}/trial.h5", "-tao_max_it", "12", "-tz_validate_every", "0"):
                    return None
                t = [t for _, t in history(f"{folder}/trial.h5")]
                STEPS[equation, method] = max(10, int(o.seconds / statistics.median(b - a for a, b in zip(t, t[1:]))))
            steps = ["-tao_max_it", str(STEPS[equation, method])]
        for name, every in (("errors", EVERY.get(method, 1)), ("seconds", 0)):
            if not attempt(o, equation, method, seed, f"{folder}/{name}.h5", *steps, "-tz_validate_every", str(every)):
                return None
        clock = {0: 0.0, **dict(history(f"{folder}/seconds.h5"))}
        at, error = (column(f"{folder}/errors.h5", f"/validation/{c}") for c in ("step", "rel_l2"))
    # the trial may have promised too many steps
    return [(clock[int(s)], e) for s, e in zip(at, error) if int(s) in clock and clock[int(s)] <= 1.1 * o.seconds]


def peer(o, equation, method, seed):
    here = os.path.dirname(os.path.abspath(__file__))
    command = ["taskset", "-c", o.core, sys.executable, f"{here}/peer_{method}.py", "--equation", equation, "--seed", str(seed), "--seconds", str(o.seconds), "--first", "0.02",
               "--ratio", "1.1", "--clock", o.clock]
    if equation == "ball":
        command += ["--coefficients", coefficients(o, o.folder, seed)]
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
    with tempfile.TemporaryDirectory() as o.folder:
        o.preload = processor_clock(o.folder) if o.clock == "cpu" else None
        compare(o)


def compare(o):
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
    print(f"\nMedian seconds on one core to a relative L2 error, {o.seeds} seeds, at most {o.seconds:g} s a run" + (", of the processor" if o.preload else ""))
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

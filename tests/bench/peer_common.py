"""What the peers share: options, network, second derivatives by Taylor mode, the clock, the validation.

One core, float32 unless --dtype says otherwise. Seconds are those of training alone: compilation and validation do not count (--clock cpu: of the processor,
for machines that others use). Lines
  PEER method=.. equation=.. seed=.. seconds=.. rel_l2=.. steps=.. loss=..
come at geometric times. Needs jax and scipy (pip install "jax[cpu]" scipy).
"""
import argparse
import os
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
import jax
import jax.numpy as jnp
import numpy as np
import peer_equations

SCHEDULES = ("cosine", "exponential", "constant")


def sine(z):
    h = jnp.sin(z)
    return h, jnp.cos(z), -h


ACTIVATIONS = {"sine": sine, "square": lambda z: (z * z, 2 * z, jnp.full_like(z, 2))}  # value, first and second derivative


def options(method, tuned, **more):
    """The command line. `tuned`: {equation: {option: value}}, the defaults of this method for each equation, beside `more` of its own"""
    common = dict(dim=100, seed=0, seconds=30.0, steps=0, points=100, widths="64,64", lr=1e-3, schedule="cosine", lr_end=1e-3, dtype="float32",
                  extension="", validation=2000, first=0.25, ratio=1.3, in_scale=0.0, out_scale=0.0,
                  clock="wall", activation="sine", first_inputs=0, frequency=1.0, bias=1.0, output=0.1, coefficients="")
    known = {**common, **more}
    p = argparse.ArgumentParser(description=f"{method}: options and their defaults before those tuned for an equation")
    p.add_argument("--equation", default="lqg", choices=sorted(peer_equations.EQUATIONS))
    for name, value in known.items():
        p.add_argument("--" + name.replace("_", "-"), type=type(value), help=f"(default {value})")
    o = p.parse_args()
    for name, value in known.items():
        if getattr(o, name) is None:
            setattr(o, name, tuned.get(o.equation, {}).get(name, tuned.get("all", {}).get(name, value)))
    if o.schedule not in SCHEDULES:
        p.error(f"--schedule {o.schedule}: must be one of {', '.join(SCHEDULES)}")
    jax.config.update("jax_enable_x64", o.dtype == "float64")
    o.method = method
    return o


def equation(o):
    eq = peer_equations.EQUATIONS[o.equation](o.dim, **{k: v for k, v in (("extension", o.extension), ("coefficients", o.coefficients)) if v})
    eq.in_scale, eq.out_scale = o.in_scale or eq.in_scale, o.out_scale or eq.out_scale
    eq.activations, eq.mask = [ACTIVATIONS[a] for a in o.activation.split(",")], 1.0
    if o.first_inputs:  # a unit of the first layer has so many neighbours, and t
        own = (np.arange(eq.d)[:, None] - np.arange(int(o.widths.split(",")[0]))) % eq.d < o.first_inputs
        eq.mask = np.concatenate([own, np.ones((eq.inputs - eq.d, own.shape[1]), bool)])
    return eq


def initial(o, eq, outputs=1):
    """[(W [in][out], b [out])]: W normal with variance 1/in, b uniform on +-1/sqrt(in); the first layer times --frequency, its b times --bias, too, the last
    layer times --output (a tenth), so that u starts near its terminal value"""
    rng, sizes = np.random.default_rng(o.seed), [eq.inputs, *map(int, o.widths.split(",")), outputs]
    ps = []
    for l, s in enumerate(zip(sizes, sizes[1:])):
        W, b = rng.standard_normal(s) / s[0]**0.5, rng.uniform(-1, 1, s[1]) / s[0]**0.5
        if not l and o.first_inputs:
            W *= eq.mask / eq.mask.mean(0)**0.5
        scale = o.frequency if not l else o.output if l == len(sizes) - 2 else 1
        ps.append((jnp.asarray(scale * W, o.dtype), jnp.asarray(scale * (1 if l else o.bias) * b, o.dtype)))
    return ps


def trained(eq, ps):
    """Places of the parameters that count, in the vector of all: without those that the mask holds at 0"""
    masks = [(eq.mask if not l and isinstance(eq.mask, np.ndarray) else np.ones(W.shape, bool), np.ones(b.shape, bool)) for l, (W, b) in enumerate(ps)]
    return np.flatnonzero(np.concatenate([m.ravel() for pair in masks for m in pair]))


def masked(eq, ps):
    return [(ps[0][0] * jnp.asarray(eq.mask, ps[0][0].dtype), ps[0][1]), *ps[1:]]


def activation(eq, l):
    return eq.activations[min(l, len(eq.activations) - 1)]


def inputs(eq, x, t):
    return eq.in_scale * x if eq.stationary else jnp.concatenate([eq.in_scale * x, t[:, None]], 1)


def forward(eq, ps, x, t):
    h, ps = inputs(eq, x, t), masked(eq, ps)
    for l, (W, b) in enumerate(ps[:-1]):
        h = activation(eq, l)(h @ W + b)[0]
    return (h @ ps[-1][0] + ps[-1][1]) * eq.out_scale


def subset(eq, key, n, k):
    """[n][k]: k coordinates a point, one shared permutation cut at a random place: unbiased, without replacement"""
    a, b = jax.random.split(key)
    place = jax.random.randint(a, (n, 1), 0, eq.d) + jnp.arange(k)
    return jax.random.permutation(b, eq.d)[place % eq.d]


def jet(eq, ps, x, t, index=None):
    """f, f_t, x.grad f, |grad f|^2, form f at n points, without nested automatic differentiation.

    The form sum_i w_i f_ii: Taylor mode of order two, one first-order channel a coordinate, one second-order channel for their sum; with `index` [n][k]
    over these coordinates alone, times d/k (STDE). The gradient by one sweep back through the layers.
    """
    d, k, ps = eq.d, eq.d if index is None else index.shape[1], masked(eq, ps)
    W1 = ps[0][0][:d] * eq.in_scale
    w = None if eq.weights is None else eq.weights(x)
    h, slopes, second = inputs(eq, x, t), [], None
    for l, (W, b) in enumerate(ps[:-1]):
        z = h @ W + b
        h, slope, bend = activation(eq, l)(z)
        if l == 0 and index is None:
            squares = (W1 * W1).sum(0) if w is None else w @ (W1 * W1)
        else:
            if l == 1 or index is not None and l == 0:
                first = W1 if index is None else W1[index]  # [k][H] or [n][k][H]
                if w is not None:
                    first = jnp.sqrt(w if index is None else jnp.take_along_axis(w, index, 1))[..., None] * first
            if l:
                first, second = (slopes[-1][:, None, :] * first) @ W, second @ W
            squares = (first * first).sum(-2)
        second = bend * squares if second is None else slope * second + bend * squares
        slopes.append(slope)
    W, b = ps[-1]
    f, form = (h @ W + b)[:, 0], (second @ W)[:, 0] * (d / k)
    g = jnp.broadcast_to(W[:, 0], h.shape)
    for (W, _), c in zip(ps[-2::-1], slopes[::-1]):
        g = (c * g) @ W.T
    gx = g[:, :d] * eq.in_scale
    ft = jnp.zeros_like(f) if eq.stationary else g[:, d]
    s = eq.out_scale
    return s * f, s * ft, s * (x * gx).sum(1), s * s * (gx * gx).sum(1), s * form


def residual(eq, ps, x, t, index=None):
    return eq.residual(x, t, *jet(eq, ps, x, t, index))


def rate(o, progress):
    """Learning rate at progress in [0, 1]; ends at lr * lr_end"""
    if o.schedule == "cosine":
        return o.lr * (o.lr_end + (1 - o.lr_end) * 0.5 * (1 + np.cos(np.pi * progress)))
    return o.lr * (o.lr_end**progress if o.schedule == "exponential" else 1)


def adam(o, state, grad, lr, step, beta1=0.9, beta2=0.99):
    """state: (parameters, m, v)"""
    p, m, v = state
    m = jax.tree.map(lambda a, g: beta1 * a + (1 - beta1) * g, m, grad)
    v = jax.tree.map(lambda a, g: beta2 * a + (1 - beta2) * g * g, v, grad)
    c1, c2 = 1 - beta1 ** (step + 1.0), 1 - beta2 ** (step + 1.0)
    return jax.tree.map(lambda x, a, b: x - lr * (a / c1) / (jnp.sqrt(b / c2) + 1e-8), p, m, v), m, v


def zeros(ps):
    return jax.tree.map(jnp.zeros_like, ps)


def l2(eq, o):
    """error(ps): relative L2 of u on the validation set, in double precision outside the network"""
    x, t, u = peer_equations.validation(eq, o.validation)
    X, t_ = jnp.asarray(x, o.dtype), jnp.asarray(t, o.dtype)
    f = jax.jit(lambda ps: eq.solution(X, t_, forward(eq, ps, X, t_)[:, 0]))
    return lambda ps: f"rel_l2={np.linalg.norm(np.asarray(f(ps), np.float64) - u) / np.linalg.norm(u):.4e}"


def train(o, state, step, error, parameters=lambda state: state[0]):
    """step(state, key, lr, i) -> state, loss; from `state` until the budget (--seconds, or --steps where that comes first) is spent"""
    key, clock = jax.random.PRNGKey(o.seed + 1), time.process_time if o.clock == "cpu" else time.perf_counter

    def body(lr, state, i):
        return step(state, jax.random.fold_in(key, i), lr, i)

    def chunk(state, start, lr, n):
        return jax.lax.scan(lambda s, i: body(lr, s, i), state, start + jnp.arange(n))

    chunk = jax.jit(chunk, static_argnums=3)
    jax.block_until_ready(chunk(state, 0, 0.0, 1)[1])  # compile, then see how long a step takes
    start = clock()
    losses = jax.block_until_ready(chunk(state, 0, 0.0, 1)[1])
    n = int(max(1, min(100, 0.4 * o.first / (clock() - start))))
    jax.block_until_ready(chunk(state, 0, 0.0, n)[1])
    seconds, done, due = 0.0, 0, o.first
    report(o, 0.0, error(parameters(state)), 0, float(losses[-1]))
    while seconds < o.seconds and (not o.steps or done < o.steps):
        progress = done / o.steps if o.steps else seconds / o.seconds
        start = clock()
        state, losses = chunk(state, done, float(rate(o, min(progress, 1.0))), n)
        jax.block_until_ready(losses)
        seconds, done = seconds + clock() - start, done + n
        last = seconds >= o.seconds or (o.steps and done >= o.steps)
        if seconds >= due or last:
            report(o, seconds, error(parameters(state)), done, float(losses.mean()))
            due = max(due, seconds) * o.ratio
    return state


def report(o, seconds, error, steps, loss):
    print(f"PEER method={o.method} equation={o.equation} seed={o.seed} seconds={seconds:.3f} {error} steps={steps} loss={loss:.3e}", flush=True)

#!/usr/bin/env python3
"""Zeroth-order STDE in the manner of SDZE (arXiv 2603.24002): differences of losses along random directions, no back-propagation in the parameters.

Common random numbers: all losses of a step have the same points and the same subset of second derivatives. Subspace projection: a weight matrix moves
along U S V' with S [rank][rank] normal, and U, V random bases that stay for --lazy steps; biases along normal vectors. --update sgd, adam or sign.
"""
import jax
import jax.numpy as jnp
import peer_common as peer

# Tuned as peer_notes.md says
TUNED = {
    "all": dict(lr=3e-3, points=25, directions=16, queries=20, mu=1e-4, rank=0, update="sign", schedule="exponential", first_inputs=1, activation="square,sine",
                widths="100,8"),
    "lqg": dict(lr=3e-4, points=50, directions=4, queries=5, rank=16, lazy=1, first_inputs=0, activation="sine", widths="64,64"),
    "allencahn": dict(extension="reaction"),
    "ball": dict(first_inputs=2, activation="square", widths="300", output=0.01),
}

o = peer.options("sdze", TUNED, directions=16, queries=10, mu=1e-3, rank=8, lazy=50, update="adam", beta1=0.9, beta2=0.99)
eq = peer.equation(o)


def loss(ps, x, t, index):
    return jnp.mean(peer.residual(eq, ps, x, t, index) ** 2)


def bases(key, ps):
    """U [in][rank], V [out][rank] of every matrix, orthonormal columns times sqrt(size), so that U S V' has unit variance where the rank is full"""
    out = []
    for l, (W, _) in enumerate(ps):
        r = [min(o.rank, s) for s in W.shape]
        q = [jnp.linalg.qr(jax.random.normal(jax.random.fold_in(key, 2 * l + e), (W.shape[e], r[e]), W.dtype))[0] for e in (0, 1)]
        out.append([v * (W.shape[e] / r[e]) ** 0.5 for e, v in enumerate(q)])
    return out


def direction(key, ps, spaces):
    out = []
    for l, ((W, b), (U, V)) in enumerate(zip(ps, spaces)):
        S = jax.random.normal(jax.random.fold_in(key, 2 * l), (U.shape[1], V.shape[1]), W.dtype)
        out.append((U @ S @ V.T, jax.random.normal(jax.random.fold_in(key, 2 * l + 1), b.shape, b.dtype)))
    return out


def step(state, key, lr, i):
    ps, m, v, spaces = state
    a, b, c, e = jax.random.split(key, 4)
    if o.rank:
        spaces = jax.lax.cond(i % o.lazy == 0, lambda: bases(e, ps), lambda: spaces)
    x, t = eq.sample(a, o.points, o.dtype)
    index = peer.subset(eq, b, o.points, o.directions) if o.directions else None

    def query(k):
        xi = direction(k, ps, spaces) if o.rank else jax.tree.map(lambda p, s: jax.random.normal(s, p.shape, p.dtype), ps, keys(k, ps))
        up, dn = (loss(jax.tree.map(lambda p, d: p + s * o.mu * d, ps, xi), x, t, index) for s in (1, -1))
        return jax.tree.map(lambda d: (up - dn) / (2 * o.mu) * d, xi), (up + dn) / 2

    def add(total, k):
        g, value = query(k)
        return jax.tree.map(jnp.add, total, (g, value)), None

    total, _ = jax.lax.scan(add, (peer.zeros(ps), jnp.zeros((), o.dtype)), jax.random.split(c, o.queries))
    g, value = jax.tree.map(lambda s: s / o.queries, total)
    if o.update == "adam":
        ps, m, v = peer.adam(o, (ps, m, v), g, lr, i, o.beta1, o.beta2)
    else:
        m = jax.tree.map(lambda s, d: o.beta1 * s + (1 - o.beta1) * d, m, g)
        ps = jax.tree.map(lambda p, d: p - lr * (jnp.sign(d) if o.update == "sign" else d), ps, m)
    return (ps, m, v, spaces), value


def keys(key, ps):
    leaves, tree = jax.tree.flatten(ps)
    return tree.unflatten(list(jax.random.split(key, len(leaves))))


ps = peer.initial(o, eq)
state = (ps, peer.zeros(ps), peer.zeros(ps), bases(jax.random.PRNGKey(o.seed), ps) if o.rank else ())
peer.train(o, state, step, peer.l2(eq, o))

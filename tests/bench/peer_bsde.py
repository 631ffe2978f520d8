#!/usr/bin/env python3
"""DeepBSDE (E, Han, Jentzen 2017) with Adam: Y_0 and one network for Z(t, x) = sigma' grad u, shared by all times, fitted to u(X_T, T) along Euler paths.

It gives u along paths from one point: rel_l2 is that of Y_n against u(X_n, t_n) on fresh paths, at all n; u0 the relative error of Y_0 alone. Not for
the stationary equation. Prior knowledge as the PINNs have it: Z = sigma' (grad of the terminal value's extension + network).
"""
import sys

import jax
import jax.numpy as jnp
import numpy as np
import peer_common as peer
import peer_equations

# Tuned as peer_notes.md says
TUNED = {
    "lqg": dict(lr=2e-3, widths="64"),
    "allencahn": dict(points=128, intervals=10, extension="reaction"),
    "blackscholes": dict(points=32, widths="110,110"),
}

o = peer.options("bsde", TUNED, intervals=20)
if o.equation == "ball":
    print("PEER method=bsde equation=ball skipped: DeepBSDE needs a terminal time")
    sys.exit(0)
eq = peer.equation(o)
scale, eq.out_scale = eq.out_scale, 1.0  # of Y_0; Z needs none
N, dt = o.intervals, eq.T / o.intervals
start = jnp.asarray(np.resize(peer_equations.START.get(o.equation, (0.0,)), eq.d), o.dtype)

guess = float(eq.solution(start[None], jnp.zeros(1, o.dtype), jnp.zeros(1, o.dtype))[0])  # Y_0 by the terminal value's extension


def paths(key, n):
    """x [N+1][n][d], dw [N][n][d]"""
    dw = dt**0.5 * jax.random.normal(key, (N, n, eq.d), o.dtype)
    x0 = jnp.broadcast_to(start, (n, eq.d))
    last, x = jax.lax.scan(lambda x, w: (eq.path(x, w, dt), x), x0, dw)
    return jnp.concatenate([x, last[None]]), dw


def values(ps, x, dw):
    """Y [N+1][n]"""
    y0, net = guess + scale * ps[0], ps[1]
    t = jnp.broadcast_to(dt * jnp.arange(N, dtype=o.dtype)[:, None], dw.shape[:2])
    flat = peer.forward(eq, net, x[:-1].reshape(-1, eq.d), t.reshape(-1)).reshape(dw.shape)
    z = eq.sigma(x[:-1]) * (eq.guess(x[:-1], t) + flat)

    def euler(y, s):
        x, z, w = s
        return y - eq.driver(x, y, z) * dt + (z * w).sum(1), y

    last, y = jax.lax.scan(euler, jnp.broadcast_to(y0, x.shape[1:2]), (x[:-1], z, dw))
    return jnp.concatenate([y, last[None]])


def loss(ps, key):
    x, dw = paths(key, o.points)
    return jnp.mean((values(ps, x, dw)[-1] - eq.terminal(x[-1])) ** 2)


def step(state, key, lr, i):
    value, grad = jax.value_and_grad(loss)(state[0], key)
    return peer.adam(o, state, grad, lr, i), value


X, DW = paths(jax.random.PRNGKey(peer_equations.VALIDATION_SEED), max(o.validation // N, 10))
times = np.repeat(dt * np.arange(N + 1), X.shape[1])
U = eq.exact(np.asarray(X, np.float64).reshape(-1, eq.d), np.minimum(times, eq.T))
evaluate = jax.jit(values)


def error(ps):
    Y = np.asarray(evaluate(ps, X, DW), np.float64).ravel()
    return f"rel_l2={np.linalg.norm(Y[:-X.shape[1]] - U[:-X.shape[1]]) / np.linalg.norm(U[:-X.shape[1]]):.4e} u0={abs(Y[0] / U[0] - 1):.4e}"


net = peer.initial(o, eq, eq.d)
ps = (jnp.zeros((), o.dtype), net)
peer.train(o, (ps, peer.zeros(ps), peer.zeros(ps)), step, error)

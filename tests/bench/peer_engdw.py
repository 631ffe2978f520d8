#!/usr/bin/env python3
"""Energy natural gradient through Woodbury with SPRING momentum (Guzman-Cordero, Dangel, Goldshlager, Zeinhofer 2025, arXiv 2505.12149).

With J [n][p] the residuals' Jacobian over sqrt n and r the residuals over sqrt n: phi <- beta phi + J' (J J' + damping mean(diag J J') I)^-1 (r - beta J phi),
theta <- theta - lr phi; --line-search m: the best of lr, lr/2, ... lr/2^(m-1) on the points of the step. --directions 0: exact form (as in the paper).
"""
import jax
import jax.numpy as jnp
import numpy as np
import peer_common as peer
from jax.flatten_util import ravel_pytree

# Tuned as peer_notes.md says
TUNED = {
    "all": dict(dtype="float64", points=300, lr=1.0, damping=1e-4, beta=0.0, schedule="constant", first_inputs=1, activation="square", widths="200",
                output=0.01),
    "allencahn": dict(extension="reaction", points=500, damping=1e-6, widths="310", schedule="exponential"),
    "blackscholes": dict(points=400, damping=1e-6, widths="400"),
    "ball": dict(first_inputs=2, widths="300", points=600),
}

o = peer.options("engdw", TUNED, directions=0, damping=1e-6, beta=0.9, line_search=0)
eq = peer.equation(o)
everything, whole = ravel_pytree(peer.initial(o, eq))
places = peer.trained(eq, peer.initial(o, eq))
theta = everything[places]


def unravel(theta):
    return whole(everything.at[places].set(theta))


def residuals(theta, x, t, index):
    return peer.residual(eq, unravel(theta), x, t, index) / o.points**0.5


def step(state, key, lr, i):
    theta, phi = state
    a, b = jax.random.split(key)
    x, t = eq.sample(a, o.points, o.dtype)
    index = peer.subset(eq, b, o.points, o.directions) if o.directions else None
    if index is None:
        J = jax.vmap(jax.grad(lambda p, x, t: residuals(p, x[None], t[None], None)[0]), (None, 0, 0))(theta, x, t)
    else:
        J = jax.vmap(jax.grad(lambda p, x, t, k: residuals(p, x[None], t[None], k[None])[0]), (None, 0, 0, 0))(theta, x, t, index)
    r = residuals(theta, x, t, index)
    K = J @ J.T
    K = K + o.damping * jnp.trace(K) / o.points * jnp.eye(o.points)
    phi = o.beta * phi + J.T @ jax.scipy.linalg.solve(K, r - o.beta * (J @ phi), assume_a="pos")
    loss = r @ r
    if o.line_search:
        rates = lr * 0.5 ** jnp.arange(o.line_search)
        values = jax.lax.map(lambda s: jnp.sum(residuals(theta - s * phi, x, t, index) ** 2), rates)
        lr = jnp.where(jnp.min(values) < loss, rates[jnp.argmin(values)], 0.0)
    else:  # SPRING's correction of the momentum started from 0
        lr = lr / jnp.sqrt(1 - o.beta ** (2 * (i + 1.0)))
    return (theta - lr * phi, phi), loss


error = peer.l2(eq, o)
peer.train(o, (theta, jnp.zeros_like(theta)), step, lambda theta: error(unravel(theta)))

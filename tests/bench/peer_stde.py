#!/usr/bin/env python3
"""STDE with Adam (Shi, Hu, Lin, Kawaguchi 2024, arXiv 2412.00088): second derivatives along random coordinates by Taylor mode; --directions 0: all of them.

python peer_stde.py --equation lqg|allencahn|blackscholes|ball --seconds 30 --seed 0 ...
"""
import jax
import jax.numpy as jnp
import peer_common as peer

# Tuned as peer_notes.md says
TUNED = {
    "all": dict(lr=5e-3, points=50, first_inputs=1, activation="square", widths="100,8", output=0.01),
    "allencahn": dict(extension="reaction", directions=4, schedule="exponential"),
    "blackscholes": dict(lr=2e-3, points=25, directions=0, beta2=0.999, widths="310"),
    "ball": dict(lr=2e-2, points=100, directions=0, schedule="exponential", first_inputs=2, widths="400", bias=4.0),
}

o = peer.options("stde", TUNED, directions=16, beta2=0.99)
eq = peer.equation(o)


def loss(ps, key):
    a, b = jax.random.split(key)
    x, t = eq.sample(a, o.points, o.dtype)
    index = peer.subset(eq, b, o.points, o.directions) if o.directions else None
    return jnp.mean(peer.residual(eq, ps, x, t, index) ** 2)


def step(state, key, lr, i):
    value, grad = jax.value_and_grad(loss)(state[0], key)
    return peer.adam(o, state, grad, lr, i, beta2=o.beta2), value


ps = peer.initial(o, eq)
peer.train(o, (ps, peer.zeros(ps), peer.zeros(ps)), step, peer.l2(eq, o))

#!/usr/bin/env python3
"""peer_jax.py DTYPE DERIV STEPS: the benchmark's step in JAX, compiled, on one core, for comparison with ours.

One ZO-signRGE step of 11 losses (100 points, 20-dimensional HJB equation, 21-768-768-1 sine network in tensor trains of rank 4).
DTYPE float64 or float32. DERIV sg: the level-3 sparse grid, layer 1 by addition theorems and both layers through their bonds, BATCH points at a
time (as fast as it gets here: 4); jet: exact derivatives propagated in the 4 features of the first bond. The last line reads
RESULT ... median S s/step. Needs jax (pip install "jax[cpu]").
"""
import os
import statistics
import sys
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
dtype, deriv, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
D, DX, H, R, POINTS, QUERIES, SIGMA, MU, BATCH = 21, 20, 768, 4, 100, 10, 0.1, 0.01, 4


def array(x):
    return jnp.asarray(x, dtype)


def grid():
    """One node of each pair of the level-3 grid, without the centre: nodes [462][D] in units of sigma, weights"""
    unit = np.eye(D)
    nodes = [s * unit[i] for s in (1, 3**0.5) for i in range(D)] + [unit[i] + s * unit[j] for i in range(D) for j in range(i + 1, D) for s in (1, -1)]
    weights = [-(D - 1) / 2] * D + [1 / 6] * D + [1 / 4] * (D * (D - 1))
    return np.array(nodes), np.array(weights)


def parameters(rng):
    """Cores of both trains, biases and last layer, as TzNetInitialize() scales them"""
    def train(modes, width):
        sd = ((2 / (width + H)) ** 0.5 / R ** ((len(modes) - 1) / 2)) ** (1 / len(modes))
        return [array(sd * rng.standard_normal((R if k else 1, m, R if k < len(modes) - 1 else 1))) for k, m in enumerate(modes)]
    return [train((3, 7, 3, 4, 4, 4, 4), D), train((3, 4, 4, 4, 4, 3, 4, 4, 4, 4), H), array(rng.uniform(-1, 1, H) / D**0.5),
            array(rng.uniform(-1, 1, H) / H**0.5), array(rng.standard_normal(H) * (2 / (H + 1)) ** 0.5), array(np.zeros(1))]


def chain(cores):
    t = cores[0]
    for c in cores[1:]:
        t = (t.reshape(-1, t.shape[-1]) @ c.reshape(c.shape[0], -1)).reshape(t.shape[0], -1, c.shape[-1])
    return t


def factors(p):
    """W_1 = (L1 R1)^T, W_2 = (L2 R2)^T through the middle bonds"""
    return chain(p[0][:2])[0], chain(p[0][2:])[:, :, 0], chain(p[1][:5])[0], chain(p[1][5:])[:, :, 0], *p[2:]


def residual(x, f, g, lap):
    """u = (1 - t) f + sum x in u_t + Lap u - 0.05 |grad u|^2 + 2"""
    ux = (1 - x[DX]) * g[:DX] + 1
    return (1 - x[DX]) * g[DX] - f + (1 - x[DX]) * lap - 0.05 * (ux @ ux) + 2


nodes, weights = grid()
Z, w_value = array(SIGMA * nodes), array(weights)
w_grad, w_lap = array(weights[:, None] * nodes / SIGMA), array(weights * ((nodes[:, :DX] ** 2).sum(1) - DX) / SIGMA**2)


def loss_sg(p, X):
    L1, R1, L2, R2, b1, b2, w3, b3 = factors(p)
    c = (Z @ L1) @ R1
    cosine, sine = jnp.cos(c), jnp.sin(c)

    def point(x):
        a = (x @ L1) @ R1 + b1
        s = jnp.sin(a)
        even, odd = cosine @ (s[:, None] * L2), sine @ (jnp.cos(a)[:, None] * L2)
        f = jnp.sin(jnp.concatenate([even + odd, even - odd, (s @ L2)[None]]) @ R2 + b2) @ w3 + b3
        n = len(nodes)
        even, odd = f[:n] + f[n:2 * n] - 2 * f[-1], f[:n] - f[n:2 * n]
        return residual(x, f[-1] + w_value @ even, odd @ w_grad, w_lap @ even)

    return jnp.mean(jax.lax.map(point, X, batch_size=BATCH) ** 2)


def loss_jet(p, X):
    L1, R1, L2, R2, b1, b2, w3, b3 = factors(p)
    M = L1[:DX].T @ L1[:DX]
    z = X @ L1 @ R1 + b1
    s, c = jnp.sin(z), jnp.cos(z)
    z2 = s @ L2 @ R2 + b2
    s2, c2 = jnp.sin(z2), jnp.cos(z2)
    G = jnp.einsum("nck,ch->nkh", jnp.einsum("nh,kh,hc->nck", c, R1, L2), R2)
    lap = -((s * jnp.einsum("kh,kl,lh->h", R1, M, R1)) @ L2) @ R2
    lap = (c2 * lap - s2 * jnp.einsum("nkh,kl,nlh->nh", G, M, G)) @ w3
    g = jnp.einsum("nh,nkh,h->nk", c2, G, w3) @ L1.T
    return jnp.mean(jax.vmap(residual)(X, s2 @ w3 + b3, g, lap) ** 2)


@jax.jit
def step(key, p, X):
    loss = loss_sg if deriv == "sg" else loss_jet
    leaves, tree = jax.tree_util.tree_flatten(p)
    base = loss(p, X)

    def query(k):
        xi = [jax.random.normal(q, v.shape, v.dtype) for q, v in zip(jax.random.split(k, len(leaves)), leaves)]
        return (loss(tree.unflatten([v + MU * d for v, d in zip(leaves, xi)]), X) - base) / MU, xi

    slope, xi = jax.lax.map(query, jax.random.split(key, QUERIES))
    return tree.unflatten([v - 1e-3 * jnp.sign(jnp.tensordot(slope, d, 1)) for v, d in zip(leaves, xi)])


rng = np.random.default_rng(0)
p, X, key, seconds = parameters(rng), array(rng.random((POINTS, D))), jax.random.PRNGKey(0), []
for i in range(steps + 1):  # the first compiles
    start = time.perf_counter()
    p = jax.block_until_ready(step(jax.random.fold_in(key, i), p, X))
    seconds.append(time.perf_counter() - start)
print(f"RESULT jax {jax.__version__} {dtype} {deriv}: median {statistics.median(seconds[1:]):.6f} s/step")

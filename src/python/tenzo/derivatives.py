"""The estimators of src/deriv in numpy: value, gradient and Laplacian of a network as training saw them.

    forward  exact
    fd       central differences, -fd_step h
    stein    of the network smoothed by N(0, s^2 I), on a sparse grid (-stein_sigma, -rule_level); for Monte-Carlo nodes ask the library
"""
import itertools

import numpy as np

from .network import BLOCK, Unsupported


def smolyak(D, k):
    """Pairs of the sparse grid of level k for N(0, I_D): nodes [m][D], one of each pair +-z, weights [m]; the centre has the rest (meshes/smolyak.c)"""
    values, zero = [], np.zeros(k)
    for n in range(1, k + 1):
        x, w = np.polynomial.hermite_e.hermegauss(n)
        w = w / w.sum()
        values += [(xi, wi, n - 1) for xi, wi in zip(x, w) if xi > 1e-9]
        if n % 2:
            zero[n - 1] = w[n // 2]
    binomial = np.cumprod([1, *((D - q) / q for q in range(1, k))])

    def factor(m, q):
        p = binomial
        for _ in range(D - m):
            p = np.convolve(p, zero)[:k]
        return (-1) ** q * p[q]

    nodes, weights = [], []
    for m in range(1, min(D, k - 1) + 1):
        for sequence in itertools.product(values, repeat=m):
            q = k - 1 - sum(v[2] for v in sequence)
            w = 0 if q < 0 else factor(m, q) * np.prod([v[1] for v in sequence])
            if w == 0:
                continue
            for axes in itertools.combinations(range(D), m):
                for signs in itertools.product((1, -1), repeat=m - 1):
                    z = np.zeros(D)
                    z[list(axes)] = [s * v[0] for s, v in zip((1, *signs), sequence)]
                    nodes.append(z)
                    weights.append(w)
    return np.array(nodes), np.array(weights)


def _around(network, X, Z):
    """f [n][m] at x + z and at x - z. A first layer of sines by the addition theorem: none is evaluated for a pair of point and node"""
    left, right, b, act = network.layers[0]
    if act != "sine":
        return tuple(network((X[:, None] + sign * Z).reshape(-1, Z.shape[1]))[:, 0].reshape(len(X), len(Z)) for sign in (1, -1))
    W = left if right is None else left @ right
    a, c = X @ W + b, Z @ W
    even, odd = np.sin(a)[:, None] * np.cos(c), np.cos(a)[:, None] * np.sin(c)
    return tuple(network.forward((even + sign * odd).reshape(-1, len(b)), 1)[:, 0].reshape(len(X), len(Z)) for sign in (1, -1))


def stencil(network, X, nodes, s, value, gradient, laplacian):
    """Sums over pairs: value + sum of value_j even_j, gradient [m][D] odd_j, laplacian_j even_j; even = f(x+sz) + f(x-sz) - 2 f(x), odd the difference"""
    size = max(1, BLOCK // (len(nodes) * network.width()))
    out = []
    for i in range(0, len(X), size):
        x = X[i:i + size]
        f0 = network(x)[:, 0]
        up, dn = _around(network, x, s * nodes)
        even = (up - f0[:, None]) + (dn - f0[:, None])
        out.append((f0 + even @ value, (up - dn) @ gradient, even @ laplacian))
    return tuple(np.concatenate(p) for p in zip(*out))


def forward(network, X, d, o):
    return network.jet(X, d)


def fd(network, X, d, o):
    h, D = float(o["fd_step"]), X.shape[1]
    if o.get("fd_order", "2") != "2":
        raise Unsupported("-fd_order other than 2: not known here")
    return stencil(network, X, np.eye(D), h, np.zeros(D), np.eye(D) / (2 * h), (np.arange(D) < d) / h**2)


def stein(network, X, d, o):
    if o["rule_type"] != "smolyak":
        raise Unsupported(f"-rule_type {o['rule_type']}: its nodes are random; ask the library")
    s = float(o["stein_sigma"])
    nodes, w = smolyak(X.shape[1], int(o["rule_level"]))
    return stencil(network, X, nodes, s, w, w[:, None] * nodes / s, w * ((nodes[:, :d] ** 2).sum(1) - d) / s**2)


ESTIMATORS = {"forward": forward, "fd": fd, "stein": stein}

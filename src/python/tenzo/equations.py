"""Equations in numpy: the transforms u = a f + b of built-in ones, and equations of one's own."""
from collections import namedtuple

import numpy as np

from .network import Unsupported

Jet = namedtuple("Jet", "u grad u_t laplacian second", defaults=(None, None, None))
Jet.__doc__ = """u [n], grad [n][d], u_t [n] (None without time), laplacian [n], or else second [n][forms]: the second-order forms of the equation, /forms of
`tenzo eval`; of an Equation with order=2 u_11 .. u_dd"""


def rows_to_jet(rows, d, time, laplacian):
    """Rows [n][J] of the library (include/tzjet.h); laplacian: whether the one second-order form is that"""
    forms = rows[:, 1 + d + time:]
    second = (forms[:, 0], None) if laplacian else (None, forms if forms.shape[1] else None)
    return Jet(rows[:, 0], rows[:, 1:1 + d], rows[:, 1 + d] if time else None, *second)


def hjb(x, tau, options):
    """b, its gradient in x, time derivative and Laplacian; a = tau = T - t"""
    return x.sum(1), np.ones_like(x), 0, 0


def lqg(x, tau, options):
    if options.get("lqg_matrix", "identity") != "identity":
        raise Unsupported("lqg_matrix other than identity: ask the library")
    s, d = (x * x).sum(1), x.shape[1]
    drift = 2 * d * float(options.get("lqg_nu", 1)) if options.get("lqg_extension", "constant") == "heat" else 0
    q = 1 + s + drift * tau
    return np.log(q / 2), 2 * x / q[:, None], -drift / q, 2 * d / q - 4 * s / q**2


def lqr(x, tau, options):
    """-lqr_problem scalar; b with free extension is the value without control"""
    if options.get("lqr_problem", "scalar") != "scalar" or float(options.get("lqr_discount", 0)):
        raise Unsupported("lqr_problem other than scalar, or a discount: ask the library")
    q, g, nu = (float(options.get(f"lqr_{name}", default)) for name, default in (("q", 1), ("g", 0.5), ("nu", 0.5)))
    s, d = (x * x).sum(1), x.shape[1]
    if options.get("lqr_extension", "free") != "free":
        return g * s, 2 * g * x, 0, 2 * d * g
    p = g + q * tau
    return p * s + 2 * nu * d * (g * tau + q * tau**2 / 2), 2 * p[:, None] * x, -q * s - 2 * nu * d * p, 2 * d * p


BUILTIN = {"hjb": hjb, "lqg": lqg, "lqr": lqr}
CONTROLS = {"lqr": lambda grad: -grad / 2}  # a [n][m] by the gradient of the value


def transform(b, tau, f, gradient, laplacian):
    """The jet of u = tau f + b from value, gradient in all coordinates and Laplacian of f"""
    value, bx, bt, bl = b
    return Jet(tau * f + value, tau[:, None] * gradient[:, :-1] + bx, tau * gradient[:, -1] - f + bt, tau * laplacian + bl)


# central differences of order 8: points +-k h, k = 1..4
_FIRST = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
_SECOND = np.array([8 / 5, -1 / 5, 8 / 315, -1 / 560])


def derivatives(g, X, h=0.03):
    """First and second derivatives [n][D] in each coordinate of g(X) [n], a function of rows; step h max(1, |x|). Error about 1e-9 for smooth g"""
    n, D = X.shape
    steps = h * np.maximum(1, np.abs(X))
    first, second, g0 = np.zeros((n, D)), np.zeros((n, D)), g(X)
    for k in range(1, 5):
        moved = k * steps[:, :, None] * np.eye(D)  # [n][coordinate][D]
        up, dn = (g((X[:, None] + sign * moved).reshape(-1, D)).reshape(n, D) for sign in (1, -1))
        first += _FIRST[k - 1] * (up - dn) / steps
        second += _SECOND[k - 1] * ((up - g0[:, None]) + (dn - g0[:, None])) / steps**2
    return g0, first, second

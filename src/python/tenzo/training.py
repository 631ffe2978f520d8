"""Equations of one's own, and training."""
import numpy as np

from . import library
from .equations import derivatives, rows_to_jet
from .model import Model

_CACHE = 256  # blocks of points whose transform is kept: all queries of a step ask for the same


class Equation:
    """An equation by vectorised functions: x [n][d], t [n], j a Jet of arrays (j.u, j.grad, j.u_t, j.laplacian).

    residual(x, t, j)  [n]
    terminal(x)        [n]: u at t = T, met exactly by u = (T - t) f + terminal; or terminal(x, t), that value continued to t < T. Without it u = f.
    exact(x, t)        [n]: the solution, where it is known, to measure errors
    order              2: j.second [n][d] (u_11 .. u_dd) in place of j.laplacian; 0: neither
    stationary         no t: the functions are given t = None, and points have d coordinates

    x in [lo, hi]^d, t in [0, T]. Derivatives of terminal and residual that training needs are taken by differences.
    """

    def __init__(self, d, residual, terminal=None, exact=None, lo=0.0, hi=1.0, T=1.0, diffusion=1.0, order=1, stationary=False):
        if order not in (0, 1, 2):
            raise ValueError(f"order {order}: must be 0, 1 or 2")
        if stationary and terminal:
            raise ValueError("a stationary equation has no terminal value")
        self.d, self.D, self.T, self.order, self.stationary = d, d + (not stationary), T, order, stationary
        self.domain, self._residual, self._terminal, self._exact = (lo, hi, T, diffusion), residual, terminal, exact
        self.J = 1 + self.D + (0, 1, d)[order]
        self._known = {}

    def _split(self, X):
        return (X, None) if self.stationary else (X[:, :-1], X[:, -1])

    def terminal(self, X):
        """b [n] in u = a f + b"""
        x, t = self._split(X)
        try:
            return self._terminal(x, t)
        except TypeError:
            return self._terminal(x)

    def residual(self, X, rows):
        """[n], of rows [n][J]"""
        x, t = self._split(X)
        return np.broadcast_to(self._residual(x, t, rows_to_jet(rows, self.d, not self.stationary, self.order == 1)), len(X))

    def jets(self, X):
        """Those of a and b, [n][J]"""
        a, b = np.zeros((2, len(X), self.J))
        a[:, 0] = 1
        if self._terminal is None:
            return a, b
        a[:, 0], a[:, self.D] = self.T - X[:, -1], -1
        b[:, 0], b[:, 1:1 + self.D], second = derivatives(self.terminal, X)
        if self.order == 1:
            b[:, -1] = second[:, :self.d].sum(1)
        elif self.order == 2:
            b[:, 1 + self.D:] = second[:, :self.d]
        return a, b

    def residual_derivatives(self, X, rows, h=0.002):
        """[n][J], by differences of order 6; some slots at a time, by one call"""
        n, J, weights = len(X), self.J, np.array([-1 / 60, 3 / 20, -3 / 4, 3 / 4, -3 / 20, 1 / 60])
        steps, moves = h * np.maximum(1, np.abs(rows)), np.array([-3, -2, -1, 1, 2, 3])
        out, many = np.empty((n, J)), max(1, 2**20 // (6 * n * J))
        for c in range(0, J, many):
            slots = np.arange(c, min(c + many, J))
            moved = np.broadcast_to(rows, (len(slots), 6, n, J)).copy()
            for i, slot in enumerate(slots):
                moved[i, :, :, slot] += moves[:, None] * steps[:, slot]
            values = self.residual(np.broadcast_to(X, (len(slots), 6, *X.shape)).reshape(-1, self.D), moved.reshape(-1, J))
            out[:, slots] = np.einsum("ckn,k->nc", values.reshape(len(slots), 6, n), weights) / steps[:, slots]
        return out

    def functions(self):
        """A TzPDEFunctions, and the callbacks that must live as long as it"""
        ffi, array = library.ffi, library.array

        @library.callback("PetscErrorCode(void *, PetscInt, const PetscReal *, PetscReal *, PetscReal *)")
        def transform(ctx, n, X, a, b):
            X = array(X, n, self.D).copy()
            key = X.tobytes()
            if key not in self._known:
                if len(self._known) >= _CACHE:
                    self._known.clear()
                self._known[key] = self.jets(X)
            array(a, n, self.J)[:], array(b, n, self.J)[:] = self._known[key]
            return 0

        @library.callback("PetscErrorCode(void *, PetscInt, const PetscReal *, const PetscReal *, PetscReal *, PetscReal *)")
        def residual(ctx, n, X, jet, r, dr):
            X, rows = array(X, n, self.D), array(jet, n, self.J)
            array(r, n)[:] = self.residual(X, rows)
            if dr != ffi.NULL:
                array(dr, n, self.J)[:] = self.residual_derivatives(X, rows)
            return 0

        @library.callback("PetscErrorCode(void *, PetscInt, const PetscReal *, PetscReal *, PetscReal *)")
        def exact(ctx, n, X, u, grad):
            X = array(X, n, self.D)
            array(u, n)[:] = self._exact(*self._split(X))
            if grad != ffi.NULL:
                array(grad, n, self.d)[:] = derivatives(lambda Y: self._exact(*self._split(Y)), X)[1][:, :self.d]
            return 0

        lo, hi, T, diffusion = self.domain
        f = ffi.new("TzPDEFunctions *", dict(lo=lo, hi=hi, T=T, diffusion=diffusion, stationary=self.stationary, order=self.order, ctx=ffi.NULL,
                                             transform=transform, residual=residual, exact=exact if self._exact else ffi.NULL))
        return f, transform, residual, exact


def train(equation, file, **options):
    """Trains as `tenzo solve` and returns the Model.

    equation: an Equation, or the name of a built-in one. file: where checkpoint and history go. options: those of the program without the
    dash: net_layers=(64, 64), tao_type="zogn", tao_max_it=100 ...
    """
    own = equation if isinstance(equation, Equation) else None
    given = {"tz_output": file, "tz_quiet": True, **({} if own else {"pde_type": equation}), **options}
    if own and "loss_block" not in given:
        given["loss_block"] = given.get("loss_points", 100)  # few calls of many points
    code = library.solve(given, own)
    if code:
        raise library.TzError(f"exit code {code}: " + {3: "the loss is not finite any more", 75: f"stopped by a signal; go on with tz_resume={file!r}"}.get(code, ""))
    return Model(file, own)

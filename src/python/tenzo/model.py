"""A trained network from its checkpoint."""
import re

import numpy as np

from . import file, library
from .derivatives import ESTIMATORS
from .equations import BUILTIN, CONTROLS, rows_to_jet, transform
from .network import Network, Unsupported


def load(path, equation=None):
    """The Model in a checkpoint of `tenzo solve`; equation: the Equation it was trained on, if it is one of one's own"""
    return Model(path, equation)


class Model:
    """theta, step, seed, d, options {name: value}, history and validation {column: array}, layers; network: f alone, where numpy can evaluate it"""

    def __init__(self, path, equation=None):
        content = file.read(path)
        self.path, self.theta, self.step, self.seed = str(path), content["/theta"], int(content["/step"][0]), int(content["/seed"][0])
        self.options, self.equation = file.options(content["/options"]), equation
        self.text = {"network": content["/net"], "equation": content["/pde"]}
        self.history, self.validation = ({k.split("/")[2]: v for k, v in content.items() if k.startswith(f"/{table}/")} for table in ("history", "validation"))
        self.layers, self.d = _layers(content), int(self.options["pde_dim"]) if "pde_dim" in self.options else None
        try:
            self.network, self._why = Network(self.layers, self.theta, bool(content["/network/bias"][0])), None
        except Unsupported as e:
            self.network, self._why = None, e

    def __repr__(self):
        return f"<tenzo.Model {self.path}: {self.options.get('pde_type')}, d = {self.d}, {len(self.theta)} parameters, step {self.step}>"

    def jet(self, X, library=None):
        """Jet(u, grad, u_t, laplacian) at X [n][d+1], by the estimator of the training: what `tenzo eval` writes.

        library: True through libtenzo, False by numpy alone, None: libtenzo where it is.
        """
        X = self._points(X)
        return self._by_library(X)[0] if _wanted(library) else self._by_numpy(X)

    def u(self, X, library=None):
        """u [n] at X [n][d+1]"""
        return self.jet(X, library).u

    def grad(self, X, library=None):
        """Gradient in x [n][d] at X [n][d+1]"""
        return self.jet(X, library).grad

    def residual(self, X):
        """Residual of the equation [n] at X [n][d+1]; by the library"""
        return self._by_library(self._points(X))[1]

    def control(self, X, library=None):
        """Control a [n][m] of a control problem at X [n][d+1], by the gradient of the training's estimator: /control of `tenzo eval`"""
        X, kind = self._points(X), self.options.get("pde_type")
        if _wanted(library):
            a = self._by_library(X)[2]
            if a is None:
                raise ValueError(f"pde_type {kind}: is no control problem")
            return a
        if kind not in CONTROLS:
            raise Unsupported(f"pde_type {kind}: its control is not known here; ask the library")
        return CONTROLS[kind](self._by_numpy(X).grad)

    def _points(self, X):
        X, D = np.ascontiguousarray(X, np.float64), self.layers[0]["shape"][1]
        if X.ndim != 2 or X.shape[1] != D:
            raise ValueError(f"points of shape {X.shape}: must be [n][{D}]")
        return X

    def _by_library(self, X):
        rows, r, a, *shape = library.evaluate(self.path, X, self.equation)
        return rows_to_jet(rows, *shape), r, a

    def _by_numpy(self, X):
        o, estimator = self.options, ESTIMATORS.get(self.options.get("deriv_type"))
        if self.network is None:
            raise self._why
        if estimator is None:
            raise Unsupported(f"deriv_type {o.get('deriv_type')}: not known here; ask the library")
        if self.equation is not None:
            if self.equation.stationary or self.equation.order != 1:
                raise Unsupported("a stationary equation, or one of another order than 1: ask the library")
            a, b = self.equation.jets(X)
            tau, b = a[:, 0], (b[:, 0], b[:, 1:self.d + 1], b[:, self.d + 1], b[:, self.d + 2])
        elif o["pde_type"] in BUILTIN and o.get("pde_conditions", "hard") == "hard":
            tau = float(o.get("pde_T", 1)) - X[:, -1]
            b = BUILTIN[o["pde_type"]](X[:, :-1], tau, o)
        else:
            raise Unsupported(f"pde_type {o['pde_type']}: its transform is not known here, or its conditions are soft; ask the library")
        return transform(b, tau, *estimator(self.network, X, self.d, o))


def _wanted(by_library):
    """Whether to ask the library; None: where there is one"""
    return library.available() if by_library is None else by_library


def _layers(content):
    """/network/layerL as dicts: shape, format, activation, modes_in, modes_out, ranks; mask of the sparse ones"""
    names = sorted({k.split("/")[2] for k in content if k.startswith("/network/layer")}, key=lambda s: int(re.sub(r"\D", "", s)))
    if not names:
        raise file.FileError("the file does not describe its network: it is of an older Tenzo; resume it for a step to write it anew")
    layers = [{k.split("/")[3]: v if isinstance(v, str) else [int(i) for i in v] for k, v in content.items() if k.startswith(f"/network/{n}/")} for n in names]
    first = 0
    for layer in layers:
        size = layer["shape"][0] * layer["shape"][1]
        if layer["format"] == "sparse":
            mask = content["/mask"]
            layer["mask"] = mask[(mask >= first) & (mask < first + size)] - first
        first += size
    return layers

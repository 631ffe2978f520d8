"""A network in numpy: its matrices from the parameters of any format, its value, its exact derivatives."""
import numpy as np

BLOCK = 2**18  # numbers of the largest intermediate array


class Unsupported(NotImplementedError):
    """What numpy alone does not do here: ask the library"""


def _sine(z):
    s = np.sin(z)
    return s, np.cos(z), -s


def _tanh(z):
    a = np.tanh(z)
    return a, 1 - a * a, -2 * a * (1 - a * a)


def _relu(z):
    return np.maximum(z, 0), np.where(z > 0, 1.0, 0.0), np.zeros_like(z)


def _square(z):
    return z * z, 2 * z, np.full_like(z, 2.0)


# name: z -> value, first and second derivative
ACTIVATIONS = {"sine": _sine, "tanh": _tanh, "relu": _relu, "square": _square}
VALUES = {"sine": np.sin, "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "square": np.square}


def _train(cores):
    """Cores [r0][m][n][r1] multiplied out: [M][N][r]"""
    T = np.ones((1, 1, 1))
    for G in cores:
        T = np.einsum("MNa,amnb->MmNnb", T, G, optimize=True).reshape(T.shape[0] * G.shape[1], T.shape[1] * G.shape[2], G.shape[3])
    return T


# format: (shape, description, parameters) -> (left [in][r], right [r][out]) with W' = left right, or (W', None)
def _dense(shape, layer, w):
    return w.reshape(shape).T, None


def _tt(shape, layer, w):
    modes, r, k = [*layer["modes_in"], *layer["modes_out"]], layer["ranks"], len(layer["modes_in"])
    cores = [c.reshape(r[i], 1, modes[i], r[i + 1]) for i, c in enumerate(np.split(w, np.cumsum([r[i] * m * r[i + 1] for i, m in enumerate(modes)])[:-1]))]
    right = np.ones((1, 1))
    for c in cores[:k - 1:-1]:
        right = (c.reshape(-1, c.shape[3]) @ right).reshape(c.shape[0], -1)
    return _train(cores[:k])[0], right


def _ttm(shape, layer, w):
    out, inn, r = layer["modes_out"], layer["modes_in"], layer["ranks"]
    sizes = [r[i] * out[i] * inn[i] * r[i + 1] for i in range(len(out))]
    return _train([c.reshape(r[i], out[i], inn[i], r[i + 1]) for i, c in enumerate(np.split(w, np.cumsum(sizes)[:-1]))])[:, :, 0].T, None


def _sparse(shape, layer, w):
    W = np.zeros(shape[0] * shape[1])
    W[layer["mask"]] = w
    return W.reshape(shape).T, None


FORMATS = {"dense": _dense, "tt": _tt, "ttm": _ttm, "sparse": _sparse}


def count(layer):
    """Parameters of a layer's weights"""
    if "mask" in layer:
        return len(layer["mask"])
    if "ranks" not in layer:
        return int(np.prod(layer["shape"]))
    r, out, inn = layer["ranks"], layer["modes_out"], layer["modes_in"]
    modes = np.multiply(out, inn) if layer["format"] == "ttm" else [*inn, *out]
    return int(sum(r[i] * m * r[i + 1] for i, m in enumerate(modes)))


class Network:
    """f [n][outputs] at X [n][inputs]; layers as the checkpoint's /network describes them, with "mask" in those that are sparse"""

    def __init__(self, layers, theta, bias=True):
        place, self.layers = 0, []
        for layer in layers:
            if layer["format"] not in FORMATS or layer["activation"] not in (*ACTIVATIONS, "none"):
                raise Unsupported(f"format {layer['format']}, activation {layer['activation']}: not known here")
            if "windows" in layer or "tokens" in layer:
                raise Unsupported("convolutions and tables of tokens are evaluated by `tenzo eval` alone")
            n = count(layer)
            self.layers.append([*FORMATS[layer["format"]](tuple(layer["shape"]), layer, theta[place:place + n]), np.zeros(layer["shape"][0]), layer["activation"]])
            place += n
        for layer, description in zip(self.layers, layers):
            if bias:
                layer[2] = theta[place:place + description["shape"][0]]
                place += description["shape"][0]
        if place != len(theta):
            raise ValueError(f"{len(theta)} parameters, but the network has {place}")
        self.inputs, self.outputs = self.layers[0][0].shape[0], len(self.layers[-1][2])

    def width(self):
        return max(len(b) for _, _, b, _ in self.layers)

    def __call__(self, X):
        n, size = len(X), max(1, BLOCK // self.width())
        return np.concatenate([self.forward(X[i:i + size]) for i in range(0, n, size)]) if n > size else self.forward(X)

    def forward(self, a, first=0):
        """From the inputs of a layer on; 0: the first"""
        for left, right, b, act in self.layers[first:]:
            z = (a @ left if right is None else a @ left @ right) + b
            a = z if act == "none" else VALUES[act](z)
        return a

    def jet(self, X, d):
        """Value [n], gradient in all inputs [n][D], Laplacian in the first d [n] of a scalar network; exact"""
        size = max(1, BLOCK // (self.width() * self.inputs))
        parts = [self._jet(X[i:i + size], d) for i in range(0, max(len(X), 1), size)]
        return tuple(np.concatenate(p) for p in zip(*parts))

    def _jet(self, X, d):
        a = X
        J = np.broadcast_to(np.eye(self.inputs), (len(X), self.inputs, self.inputs))
        L = np.zeros_like(X)
        for left, right, b, act in self.layers:
            a, J, L = (v @ left if right is None else v @ left @ right for v in (a, J, L))
            a = a + b
            if act != "none":
                a, d1, d2 = ACTIVATIONS[act](a)
                L = d1 * L + d2 * (J[:, :d] ** 2).sum(1)
                J = d1[:, None] * J
        return a[:, 0], J[:, :, 0], L[:, 0]

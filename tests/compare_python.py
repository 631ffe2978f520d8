"""compare_python.py N: modelI.h5 by numpy alone and through the library against evalI.h5 of `tenzo eval`, I = 1..N.

Through the library the numbers are the same bits, controls too. By numpy values are equal to rounding, 1e-13 relative to the largest; derivatives to rounding times what
the estimator multiplies differences of values by: 1/h or 1/s for gradients (100), 1/h^2 or the norm of the Laplacian's weights (1e5) for Laplacians.
"""
import sys

import h5py
import numpy as np
import tenzo

AMPLIFIED = {"u": 1, "grad": 100, "u_t": 100, "laplacian": 1e5, "control": 100}
worst = 0


def relative(x, y):
    return np.abs(x - y).max() / (1 + np.abs(y).max())


for i in range(1, int(sys.argv[1]) + 1):
    model, what = tenzo.load(f"model{i}.h5"), open(f"model{i}.txt").read()
    with h5py.File(f"eval{i}.h5") as f:
        want = {name: f[name][:] for name in f if name in ("points", *AMPLIFIED, "forms", "residual")}
    X, exact = want["points"], model.options["deriv_type"] == "forward"
    library = model.jet(X, library=True)._asdict()
    library["forms"], library["residual"] = library.pop("second"), model.residual(X)
    if "control" in want:
        library["control"] = model.control(X, library=True)
    for name in want.keys() - {"points"}:
        assert np.array_equal(library[name], want[name]), f"{what}: {name} through the library"
    try:
        numpy = model.jet(X, library=False)._asdict()
    except NotImplementedError:
        assert "forms" in want, what
        continue
    if "control" in want:
        numpy["control"] = model.control(X, library=False)
    for name in AMPLIFIED.keys() & want.keys():
        error = relative(numpy[name], want[name])
        worst = max(worst, error if name == "u" else 0)
        assert error <= 1e-13 * (1 if exact else AMPLIFIED[name]), f"{what}: {name} by numpy off by {error:.1e}"
print(f"library bitwise, u by numpy to {worst:.1e} at {len(X)} points of the last")

"""compare_python.py N: modelI.h5 by numpy alone and through the library against evalI.h5 of `tenzo eval`, I = 1..N.

Through the library the numbers are the same bits. By numpy values are equal to rounding, 1e-13 relative to the largest; derivatives to rounding times what
the estimator multiplies differences of values by: 1/h or 1/s for gradients (100), 1/h^2 or the norm of the Laplacian's weights (1e5) for Laplacians.
"""
import sys

import h5py
import numpy as np
import tenzo

AMPLIFIED = {"u": 1, "grad": 100, "u_t": 100, "laplacian": 1e5}
worst = 0
for i in range(1, int(sys.argv[1]) + 1):
    model = tenzo.load(f"model{i}.h5")
    with h5py.File(f"eval{i}.h5") as f:
        want = {name: f[name][:] for name in ("points", *AMPLIFIED, "residual")}
    exact = model.options["deriv_type"] == "forward"
    numpy, library = model.jet(want["points"], library=False), model.jet(want["points"], library=True)
    assert np.array_equal(model.residual(want["points"]), want["residual"]), "residual"
    for name, factor in AMPLIFIED.items():
        assert np.array_equal(getattr(library, name), want[name]), f"{open(f'model{i}.txt').read()}: {name} through the library"
        error = np.abs(getattr(numpy, name) - want[name]).max() / (1 + np.abs(want[name]).max())
        worst = max(worst, error if name == "u" else 0)
        assert error <= 1e-13 * (1 if exact else factor), f"{open(f'model{i}.txt').read()}: {name} by numpy off by {error:.1e}"
print(f"library bitwise, u by numpy to {worst:.1e}")

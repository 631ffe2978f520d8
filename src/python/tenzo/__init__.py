"""Tenzo from Python: checkpoints of `tenzo solve` as numpy arrays, and training on equations written in numpy.

    model = tenzo.load("hjb20.h5")
    model.u(X), model.grad(X)             X [n][d+1]: x_1 .. x_d, t
    model.history["loss"], model.validation["rel_l2"]

Reading and evaluating need numpy and h5py alone; with the installed libtenzo they are faster and cover everything that it does. Training needs it. It is looked
for in TENZO_LIBRARY, then where the system looks for libraries.
"""
from .equations import Jet
from .model import Model, load
from .plot import plot_history
from .training import Equation, train

__all__ = ["Equation", "Jet", "Model", "load", "plot_history", "train"]

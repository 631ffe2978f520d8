"""libtenzo through cffi, without a compiler: TENZO_LIBRARY names the file, otherwise the system finds it.

MPI and PETSc start at the first call that needs them and end with the program. One process; under mpirun every rank makes the same calls.
"""
import atexit
import ctypes
import ctypes.util
import functools
import os

import cffi
import numpy as np

ffi = cffi.FFI()
# the beginnings of the headers that are called here; what PetscInt and MPI_Comm are is asked of the library
_HEADERS = """
typedef int PetscErrorCode; typedef int PetscBool; typedef double PetscReal;
typedef struct _p_TzRun *TzRun; typedef struct _p_TzPDE *TzPDE;
typedef struct { int type; } TzForm; // its beginning
typedef struct { PetscInt d; PetscBool time; PetscInt nforms; TzForm *form; } TzJetShape;
typedef struct { PetscInt m; } TzControlParts; // its beginning
typedef struct {
  PetscReal lo, hi, T, diffusion; PetscBool stationary; PetscInt order; void *ctx;
  PetscErrorCode (*transform)(void *, PetscInt, const PetscReal *, PetscReal *, PetscReal *);
  PetscErrorCode (*residual)(void *, PetscInt, const PetscReal *, const PetscReal *, PetscReal *, PetscReal *);
  PetscErrorCode (*exact)(void *, PetscInt, const PetscReal *, PetscReal *, PetscReal *);
} TzPDEFunctions;
extern MPI_Comm PETSC_COMM_WORLD;
PetscErrorCode TzInitialize(int *, char ***, const char *);
PetscErrorCode TzFinalize(void);
PetscErrorCode TzRunCreate(MPI_Comm, TzRun *);
PetscErrorCode TzRunLoad(TzRun, const char *, const char *);
PetscErrorCode TzRunSetFromOptions(TzRun);
PetscErrorCode TzRunSetUp(TzRun);
PetscErrorCode TzRunSolve(TzRun, int *);
PetscErrorCode TzRunEvaluate(TzRun, PetscInt, const PetscReal *, PetscReal *, PetscReal *);
PetscErrorCode TzRunGetPDE(TzRun, TzPDE *);
PetscErrorCode TzRunDestroy(TzRun *);
PetscErrorCode TzPDESetDim(TzPDE, PetscInt);
PetscErrorCode TzPDESetFunctions(TzPDE, const TzPDEFunctions *);
PetscErrorCode TzPDEGetJetShape(TzPDE, const TzJetShape **);
PetscErrorCode TzPDEGetControl(TzPDE, const TzControlParts **);
PetscErrorCode TzPDEControlMinimize(TzPDE, PetscInt, const PetscReal *, const PetscReal *, PetscReal *);
PetscErrorCode PetscOptionsClear(void *);
PetscErrorCode PetscOptionsSetValue(void *, const char *, const char *);
PetscErrorCode PetscPushErrorHandler(PetscErrorCode (*)(MPI_Comm, int, const char *, const char *, PetscErrorCode, int, const char *, void *), void *);
"""
PETSC_INT = 16  # of enum PetscDataType
LAPLACIAN = 0  # of enum TzFormType

TzError = type("TzError", (RuntimeError,), {"__doc__": "What libtenzo says is wrong"})
_state = {"message": "", "raised": None}


@functools.lru_cache(None)
def _open():
    name = os.environ.get("TENZO_LIBRARY") or ctypes.util.find_library("tenzo")
    if not name:
        return None
    probe, size = ctypes.CDLL(name), ctypes.c_size_t()
    if probe.PetscDataTypeGetSize(PETSC_INT, ctypes.byref(size)):
        raise TzError(f"{name}: its PETSc does not say what a PetscInt is")
    comm = "void *" if hasattr(probe, "ompi_mpi_comm_world") else "int"  # a pointer in Open MPI, a number in MPICH and its kin
    ffi.cdef(f"typedef int{8 * size.value}_t PetscInt; typedef {comm} MPI_Comm;{_HEADERS}")
    return ffi.dlopen(name, ffi.RTLD_NOW | ffi.RTLD_LOCAL)  # local: h5py has an HDF5 of its own


def available():
    """Whether libtenzo is found and can be loaded"""
    try:
        return _open() is not None
    except OSError:
        return False


def call(code):
    """Raises what a call of the library, or a Python function called by it, complains about"""
    raised, _state["raised"] = _state["raised"], None
    if raised is not None:
        raise raised
    if code:
        message, _state["message"] = _state["message"], ""
        raise TzError(message or f"error {code}")


def _raise_later(kind, error, trace):
    _state["raised"] = error


def callback(signature):
    """A Python function as a C function; what it raises comes out of the call that led to it"""
    _open()
    return ffi.callback(signature, error=83, onerror=_raise_later)


def _remember(comm, line, function, file, code, kind, message, ctx):
    if kind == 0 and message:  # where the error comes from; the others are its trace
        _state["message"] = ffi.string(message).decode(errors="replace").strip()
    return code


@functools.lru_cache(None)
def start():
    lib = _open()
    if lib is None:
        raise TzError("libtenzo is not found: install Tenzo (make install) and set LD_LIBRARY_PATH, or TENZO_LIBRARY to the file libtenzo.so")
    words = [ffi.new("char[]", w) for w in (b"python", b"-no_signal_handler")]  # signals are Python's
    argv = ffi.new("char *[]", [*words, ffi.NULL])
    code = lib.TzInitialize(ffi.new("int *", 2), ffi.new("char ***", argv), ffi.NULL)
    if code:
        raise TzError(f"TzInitialize(): error {code}")
    _state["handler"] = ffi.callback("PetscErrorCode(MPI_Comm, int, const char *, const char *, PetscErrorCode, int, const char *, void *)", _remember)
    lib.PetscPushErrorHandler(_state["handler"], ffi.NULL)
    atexit.register(lib.TzFinalize)
    return lib


def reals(x):
    """The numbers of a contiguous array, or NULL"""
    return ffi.NULL if x is None else ffi.cast("PetscReal *", x.ctypes.data)


def array(pointer, *shape):
    """A view of C's numbers"""
    return np.frombuffer(ffi.buffer(pointer, 8 * int(np.prod(shape))), np.float64).reshape(shape)


class Run:
    """A TzRun from options {name: value} alone (with those of PETSC_OPTIONS), for an equation of the library or an Equation"""

    def __init__(self, options, equation=None, model=None):
        self.lib, self.keep, handle = start(), None, ffi.new("TzRun *")
        self.handle = handle
        call(self.lib.PetscOptionsClear(ffi.NULL))
        for name, value in options.items():
            call(self.lib.PetscOptionsSetValue(ffi.NULL, f"-{name}".encode(), _text(value)))
        call(self.lib.TzRunCreate(self.lib.PETSC_COMM_WORLD, handle))
        try:
            if model:
                call(self.lib.TzRunLoad(handle[0], b"model", model.encode()))
            if equation is not None:
                self.keep = equation.functions()  # as long as the run lives
                call(self.lib.TzPDESetFunctions(self.pde(), self.keep[0]))
                call(self.lib.TzPDESetDim(self.pde(), equation.d))
            call(self.lib.TzRunSetFromOptions(handle[0]))
            call(self.lib.TzRunSetUp(handle[0]))
        except BaseException:
            self.close()
            raise

    def pde(self):
        pde = ffi.new("TzPDE *")
        call(self.lib.TzRunGetPDE(self.handle[0], pde))
        return pde[0]

    def close(self):
        self.lib.TzRunDestroy(self.handle)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def _text(value):
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, (list, tuple, np.ndarray)):
        value = ",".join(map(str, value))
    return str(value).encode() if value is not None else ffi.NULL


def evaluate(path, X, equation=None):
    """Jets of u [n][J], residuals [n], controls [n][m] (None: no control problem) at X [n][D], of the model in a file; then d, whether there is a t, and whether
    the one second-order form is the Laplacian"""
    X = np.ascontiguousarray(X, np.float64)
    with Run({}, equation, path) as run:
        shape = ffi.new("const TzJetShape **")
        call(run.lib.TzPDEGetJetShape(run.pde(), shape))
        d, time, forms = shape[0].d, bool(shape[0].time), shape[0].nforms
        laplacian = forms == 1 and shape[0].form[0].type == LAPLACIAN
        rows, r = np.empty((len(X), 1 + d + time + forms)), np.empty(len(X))
        call(run.lib.TzRunEvaluate(run.handle[0], len(X), reals(X), reals(rows), reals(r)))
        a = _minimize(run, X, np.ascontiguousarray(rows[:, 1:1 + d]))
    return rows, r, a, d, time, laplacian


def _minimize(run, X, grad):
    """Controls [n][m] by the gradient of the value [n][d], as `tenzo eval` writes them"""
    parts = ffi.new("const TzControlParts **")
    call(run.lib.TzPDEGetControl(run.pde(), parts))
    if parts[0] == ffi.NULL:
        return None
    a = np.zeros((len(X), parts[0].m))
    call(run.lib.TzPDEControlMinimize(run.pde(), len(X), reals(X), reals(grad), reals(a)))
    return a


def solve(options, equation=None):
    """Trains; the exit code of `tenzo solve`"""
    code = ffi.new("int *")
    with Run(options, equation) as run:
        call(run.lib.TzRunSolve(run.handle[0], code))
    return code[0]

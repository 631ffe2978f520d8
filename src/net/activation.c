/*
  Activations: the table. A new one is a function and a row here, or a user's TzActivationRegister().
*/
#include <private/tzactivationimpl.h>
#include <private/tzkernels.h>
#include <private/tzregistryimpl.h>

static void Sine(PetscReal z, PetscInt order, PetscReal d[])
{
  d[0] = PetscSinReal(z);
  if (order > 0) d[1] = PetscCosReal(z);
  if (order > 1) d[2] = -d[0];
  if (order > 2) d[3] = -d[1];
}

static void Tanh(PetscReal z, PetscInt order, PetscReal d[])
{
  d[0] = PetscTanhReal(z);
  if (order > 0) d[1] = 1 - d[0] * d[0];
  if (order > 1) d[2] = -2 * d[0] * d[1];
  if (order > 2) d[3] = -2 * (d[1] * d[1] + d[0] * d[2]);
}

/*
  Sine and cosine of r = z - k pi, |r| <= pi/2, by their Taylor series to rounding, with the sign (-1)^k; adding and subtracting `turn` rounds to an integer.
  The first part of pi has 25 bits, so that its product with k < 2^28 is exact.
*/
static const char sine_fast
  [] = "const real turn = sizeof(real) == 4 ? K(12582912.0) : K(6755399441055744.0);\n"
       "      const real k = (z * K(0.31830988618379067) + turn) - turn;\n"
       "      const real half = (K(0.5) * k + turn) - turn, odd = k - 2 * half, sign = 1 - 2 * odd * odd;\n"
       "      const real r = ((z - k * K(3.14159262180328369140625)) - k * K(3.1786509424591713469e-08)) - k * K(1.2246467991473532072e-16), q = r * r;\n"
       "      y = K(-8.2206352466243297e-18) + q * K(1.9572941063391263e-20);\n"
       "      y = K(1.6059043836821614e-10) + q * (K(-7.6471637318198165e-13) + q * (K(2.8114572543455208e-15) + q * y));\n"
       "      y = K(-0.00019841269841269841) + q * (K(2.7557319223985893e-06) + q * (K(-2.5052108385441720e-08) + q * y));\n"
       "      y = sign * (r + r * q * (K(-0.16666666666666667) + q * (K(0.0083333333333333333) + q * y)));\n"
       "      dy = K(4.1103176233121648e-19) - q * K(8.8967913924505741e-22);\n"
       "      dy = K(-1.1470745597729725e-11) + q * (K(4.7794773323873853e-14) + q * (K(-1.5619206968586226e-16) + q * dy));\n"
       "      dy = K(2.4801587301587302e-05) + q * (K(-2.7557319223985891e-07) + q * (K(2.0876756987868099e-09) + q * dy));\n"
       "      dy = K(-0.5) + q * (K(0.041666666666666667) + q * (K(-0.0013888888888888889) + q * dy));\n"
       "      dy = sign * (1 + q * dy);";

/* its derivative at 0 is 0 */
static void ReLU(PetscReal z, PetscInt order, PetscReal d[])
{
  d[0] = z <= 0 ? 0 : z; /* NaN stays NaN */
  if (order > 0) d[1] = z <= 0 ? 0 : 1;
  for (PetscInt k = 2; k <= order; k++) d[k] = 0;
}

static void Square(PetscReal z, PetscInt order, PetscReal d[])
{
  d[0] = z * z;
  if (order > 0) d[1] = 2 * z;
  if (order > 1) d[2] = 2;
  if (order > 2) d[3] = 0;
}

static const struct _n_TzActivation
  sine      = {"sine",
               {.evaluate = Sine, .harmonic = PETSC_TRUE, .vector = TZ_VECTOR_SINE, .code = "y = M(sin)(z), dy = M(cos)(z);", .fast = sine_fast, .reach = 1e4}},
  tangent   = {"tanh", {.evaluate = Tanh, .vector = TZ_VECTOR_TANH, .code = "y = M(tanh)(z), dy = 1 - y * y;"}},
  rectifier = {"relu", {.evaluate = ReLU, .vector = TZ_VECTOR_RELU, .code = "y = z <= 0 ? 0 : z, dy = z <= 0 ? 0 : 1;"}},
  square    = {"square", {.evaluate = Square, .vector = TZ_VECTOR_SQUARE, .code = "y = z * z, dy = 2 * z;"}};

static TzRegistry activations = {.what = "activation", .rows = {{"sine", &sine}, {"tanh", &tangent}, {"relu", &rectifier}, {"square", &square}}};
/* row k of the table, registered: networks point to it, so it stays where it is */
static struct _n_TzActivation registered[TZ_REGISTRY_ROWS];

TzActivation TzActivationEach(PetscInt i)
{
  return (TzActivation)TzRegistryEach(&activations, i);
}

/* A wrong claim would make every stencil and derivative wrong without a word */
static PetscErrorCode CheckHarmonic(const char name[], const TzActivationOps *ops)
{
  PetscFunctionBegin;
  for (PetscInt i = -8; i <= 8 && ops->harmonic; i++) {
    PetscReal d[4];

    (*ops->evaluate)(0.7 * i, 2, d);
    PetscCheck(PetscAbsReal(d[2] + d[0]) <= 1e-12 * (1 + PetscAbsReal(d[0])), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
               "activation %s says that it is harmonic, but at %g act'' is %g and act %g", name, (double)(0.7 * i), (double)d[2], (double)d[0]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzActivationRegister(const char name[], const TzActivationOps *ops)
{
  const PetscInt     k   = TzRegistryIndex(&activations, name);
  const TzActivation old = TzActivationEach(k);

  PetscFunctionBegin;
  PetscCheck(ops->evaluate, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "activation %s has no function", name);
  if (old && old->ops.evaluate == ops->evaluate) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!old, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "activation %s: there is one of this name", name);
  PetscCall(CheckHarmonic(name, ops));
  PetscCall(TzRegistryAdd(&activations, name, &registered[k]));
  registered[k] = (struct _n_TzActivation){.name = activations.rows[k].name, .ops = *ops};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzActivationFind(MPI_Comm comm, const char option[], const char name[], TzActivation *act)
{
  PetscFunctionBegin;
  PetscCall(TzRegistryFind(&activations, comm, option, name, (const void **)act));
  PetscFunctionReturn(PETSC_SUCCESS);
}

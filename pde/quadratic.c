/* Quadratic forms from options. */
#include "quadratic.h"
#include "dense.h"

PetscErrorCode TzQuadraticSetFromOptions(TzQuadratic *q, const char type[], TzOptionItems PetscOptionsObject)
{
  char option[64];

  PetscFunctionBegin;
  if (!q->spec[0]) PetscCall(PetscStrncpy(q->spec, "identity", sizeof(q->spec)));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_matrix", type));
  PetscCall(TzOptionsString(option, "M of the quadratic form: identity, diagonal, rosenbrock, or a file with the matrix M", "TzPDEExact", q->spec, q->spec,
                            sizeof(q->spec), NULL));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_matrix_seed", type));
  PetscCall(TzOptionsInt64(option, "Seed of the coefficients of diagonal and rosenbrock", "TzPDEExact", q->seed, &q->seed, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tridiagonal: sum_i c_i (x_i - x_{i+1})^2 + c'_i x_{i+1}^2, i + 1 < d; for d = 1 c_0 x_0^2 */
static void Rosenbrock(PetscInt d, const PetscReal c[], PetscReal M[])
{
  if (d == 1) M[0] = c[0];
  for (PetscInt i = 0; i + 1 < d; i++) {
    M[i * d + i] += c[i];
    M[(i + 1) * d + i + 1] += c[i] + c[d + i];
    M[i * d + i + 1] = M[(i + 1) * d + i] = -c[i];
  }
}

PetscErrorCode TzQuadraticSetUp(TzQuadratic *q, const char type[], MPI_Comm comm, PetscInt d)
{
  const PetscBool  diagonal = (PetscBool)!strcmp(q->spec, "diagonal"), rosenbrock = (PetscBool)!strcmp(q->spec, "rosenbrock");
  const PetscReal *x;
  PetscReal       *c;
  TzStore          store;
  PetscInt         cols = d;
  char             option[64];

  PetscFunctionBegin;
  PetscCall(TzQuadraticDestroy(q));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_matrix", type));
  q->d        = d;
  q->identity = (PetscBool)(!q->spec[0] || !strcmp(q->spec, "identity"));
  q->trace    = (PetscReal)d;
  if (q->identity) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(d * d, &q->M));
  PetscCall(PetscMalloc2(d * d, &q->Q, d, &q->m));
  PetscCall(PetscMalloc1(2 * d, &c));
  PetscCall(TzRandomUniform(q->seed, TZ_STREAM_EQUATION, 0, 0, 0, 2 * d, c));
  for (PetscInt i = 0; i < 2 * d; i++) c[i] += 0.5;
  if (diagonal)
    for (PetscInt i = 0; i < d; i++) q->M[i * d + i] = c[i];
  else if (rosenbrock) Rosenbrock(d, c, q->M);
  else {
    PetscCall(TzMatricesRead(comm, option, q->spec, "M", &store));
    PetscCall(TzMatricesGet(store, comm, option, "M", d, &cols, &x));
    PetscCheck(x, comm, PETSC_ERR_USER_INPUT, "%s %s: there is no matrix M", option, q->spec);
    PetscCall(PetscArraycpy(q->M, x, d * d));
    PetscCall(TzStoreDestroy(&store));
  }
  PetscCall(PetscFree(c));
  PetscCall(TzDenseCheckSymmetric(comm, option, "M", d, q->M));
  PetscCall(TzDenseEigen(d, q->M, q->m, q->Q));
  q->trace = 0;
  for (PetscInt i = 0; i < d; i++) q->trace += q->M[i * d + i];
  PetscCheck(q->m[0] >= -1e-13 * PetscAbsReal(q->m[d - 1]), comm, PETSC_ERR_USER_INPUT, "%s: M has the eigenvalue %g; must be positive semidefinite", option,
             (double)q->m[0]);
  for (PetscInt i = 0; i < d; i++) q->m[i] = PetscMax(q->m[i], 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzQuadraticDestroy(TzQuadratic *q)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(q->M));
  PetscCall(PetscFree2(q->Q, q->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal TzQuadraticApply(const TzQuadratic *q, const PetscReal x[], PetscReal Mx[])
{
  const PetscInt d     = q->d;
  PetscReal      value = 0;

  for (PetscInt i = 0; i < d; i++) {
    Mx[i] = q->identity ? x[i] : 0;
    for (PetscInt j = 0; !q->identity && j < d; j++) Mx[i] += q->M[i * d + j] * x[j];
    value += x[i] * Mx[i];
  }
  return value;
}

void TzQuadraticRotate(const TzQuadratic *q, PetscBool forward, const PetscReal from[], PetscReal to[])
{
  const PetscInt d = q->d;

  for (PetscInt i = 0; i < d; i++) to[i] = q->identity ? from[i] : 0;
  for (PetscInt k = 0; !q->identity && k < d; k++)
    for (PetscInt i = 0; i < d; i++) {
      if (forward) to[k] += q->Q[k * d + i] * from[i];
      else to[i] += q->Q[k * d + i] * from[k];
    }
}

void TzQuadraticCode(const TzQuadratic *q, TzCode code)
{
  if (!q->identity) TzCodeReals(code, "matrix", q->d * q->d, q->M);
  TzCodePrintf(code, "  real square = 0;\n"
                     "  for (int i = 0; i < d; i++) {\n");
  if (q->identity) TzCodePrintf(code, "    db[i] = z[i];\n");
  else TzCodePrintf(code, "    for (int j = 0; j < d; j++) db[i] += matrix[i * d + j] * z[j];\n");
  TzCodePrintf(code, "    square += z[i] * db[i];\n"
                     "  }\n");
}

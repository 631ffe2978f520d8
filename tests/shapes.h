/*
  Shapes of jets for the tests of estimators: every type of second-order form, several at once, none, with and without a time. An equation of each
  shape, whose residual has all its slots, for the tests of losses.
*/
#ifndef SHAPES_H
#define SHAPES_H

#include <private/tzpdeimpl.h>

#define SHAPES_D 4 /* space dimensions */

static const char *const shapes[] = {"laplacian",          "diagonal", "matrix", "tridiagonal", "diagonalfield",   "matrixfield",    "factorfield",
                                     "second derivatives", "four",     "none",   "stationary",  "stationary four", "stationary none"};
#define NSHAPES PETSC_STATIC_ARRAY_LENGTH(shapes)

/* indefinite, no entry 0 */
static void ShapesMatrix(PetscInt d, PetscReal S[])
{
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = 0; j < d; j++) S[i * d + j] = i == j ? 1 - 0.6 * (PetscReal)i : 0.3 / (PetscReal)(1 + i + j) - 0.2;
}

static PetscErrorCode DiagonalField(TzPDE pde, const PetscReal z[], PetscReal w[])
{
  for (PetscInt i = 0; i < pde->d; i++) w[i] = (0.5 + 0.1 * (PetscReal)i) * z[i] * z[i];
  return PETSC_SUCCESS;
}

static PetscErrorCode MatrixField(TzPDE pde, const PetscReal z[], PetscReal S[])
{
  for (PetscInt i = 0; i < pde->d; i++)
    for (PetscInt j = 0; j < pde->d; j++) S[i * pde->d + j] = (i == j ? 1.5 : 0.2) * PetscCosReal(z[i]) * PetscCosReal(z[j]);
  return PETSC_SUCCESS;
}

/* [d][2] */
static PetscErrorCode FactorField(TzPDE pde, const PetscReal z[], PetscReal s[])
{
  for (PetscInt i = 0; i < pde->d; i++) {
    s[2 * i]     = 0.7 + 0.2 * z[i];
    s[2 * i + 1] = PetscSinReal(z[(i + 1) % pde->d]);
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode ShapesConstant(TzPDE pde, PetscBool diagonal, PetscBool narrow)
{
  const PetscInt d = pde->d;
  PetscReal      w[32], S[32 * 32];

  PetscFunctionBegin;
  ShapesMatrix(d, S);
  for (PetscInt i = 0; i < d; i++) w[i] = 0.4 * (PetscReal)i - 0.5;
  for (PetscInt i = 0; i < d * d; i++)
    if (narrow && PetscAbsInt(i / d - i % d) > 1) S[i] = 0;
  if (diagonal) PetscCall(TzPDEAddFormDiagonal(pde, w, NULL));
  else PetscCall(TzPDEAddFormMatrix(pde, S, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShapesSetUp(TzPDE pde)
{
  const char *name = (const char *)pde->data;
  const char *what = strstr(name, "stationary ") ? name + 11 : name;

  PetscFunctionBegin;
  if (!strcmp(what, "diagonal")) PetscCall(ShapesConstant(pde, PETSC_TRUE, PETSC_FALSE));
  if (!strcmp(what, "matrix")) PetscCall(ShapesConstant(pde, PETSC_FALSE, PETSC_FALSE));
  if (!strcmp(what, "tridiagonal")) PetscCall(ShapesConstant(pde, PETSC_FALSE, PETSC_TRUE));
  if (!strcmp(what, "diagonalfield")) PetscCall(TzPDEAddFormDiagonalField(pde, DiagonalField, NULL));
  if (!strcmp(what, "matrixfield")) PetscCall(TzPDEAddFormMatrixField(pde, MatrixField, NULL));
  if (!strcmp(what, "factorfield")) PetscCall(TzPDEAddFormFactorField(pde, 2, FactorField, NULL));
  if (!strcmp(what, "second derivatives")) PetscCall(TzPDEAddSecondDerivatives(pde, NULL));
  if (!strcmp(what, "four")) {
    PetscCall(TzPDEAddFormFactorField(pde, 2, FactorField, NULL));
    PetscCall(ShapesConstant(pde, PETSC_FALSE, PETSC_FALSE));
    PetscCall(TzPDEAddFormDiagonalField(pde, DiagonalField, NULL));
    PetscCall(TzPDEAddLaplacian(pde, NULL));
  }
  pde->stationary = (PetscBool)!strncmp(name, "stationary", 10);
  pde->firstorder = (PetscBool)!strcmp(what, "none");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r = u + |grad u|^2 + u_t + sum_p (1 + p/2) form_p: no exact solution */
static PetscErrorCode ShapesResidual(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  *r = TzJetValue(u) + (u->time ? TzJetTime(u) : 0);
  for (PetscInt i = 0; i < pde->d; i++) *r += TzJetGrad(u)[i] * TzJetGrad(u)[i];
  for (PetscInt p = 0; p < pde->shape.nforms; p++) *r += (1 + 0.5 * (PetscReal)p) * TzJetForm(u, p);
  if (!dr) return PETSC_SUCCESS;
  TzJetValue(dr) = 1;
  if (u->time) TzJetTime(dr) = 1;
  for (PetscInt i = 0; i < pde->d; i++) TzJetGrad(dr)[i] = 2 * TzJetGrad(u)[i];
  for (PetscInt p = 0; p < pde->shape.nforms; p++) TzJetForm(dr, p) = 1 + 0.5 * (PetscReal)p;
  return PETSC_SUCCESS;
}

static const char *shapewanted; /* by the next equation that is created */

static PetscErrorCode ShapesCreate(TzPDE pde)
{
  pde->data          = (void *)shapewanted;
  pde->ops->setup    = ShapesSetUp;
  pde->ops->residual = ShapesResidual;
  return PETSC_SUCCESS;
}

/* TzPDERegister("shapes", ShapesCreate) first */
static inline PetscErrorCode ShapesEquation(MPI_Comm comm, const char *name, PetscInt d, TzPDE *pde)
{
  PetscFunctionBegin;
  shapewanted = name;
  PetscCall(TzPDECreate(comm, pde));
  PetscCall(TzPDESetType(*pde, "shapes"));
  PetscCall(TzPDESetDim(*pde, d));
  PetscCall(TzPDESetUp(*pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#endif

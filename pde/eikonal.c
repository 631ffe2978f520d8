/*
  First order, the limit of vanishing viscosity:  u_t - 1/2 |grad u|^2 = 0,  u(x,T) = 1/2 x'Mx,  M symmetric and not negative.
  Solution: u = 1/2 x'(M^-1 + (T - t) I)^-1 x, that is the eigenvalues m of M become m/(1 + (T - t) m).
*/
#include <private/tzpdeimpl.h>
#include "quadratic.h"

typedef struct {
  TzQuadratic M;
  PetscReal  *y; /* scratch [d] */
} Eikonal;

static PetscErrorCode TzPDETransform_Eikonal(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[pde->d];
  TzJetTime(a)  = -1;
  TzJetValue(b) = TzQuadraticApply(&((Eikonal *)pde->data)->M, z, TzJetGrad(b)) / 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransformCode_Eikonal(TzPDE pde, TzCode code)
{
  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  TzQuadraticCode(&((Eikonal *)pde->data)->M, code);
  TzCodePrintf(code, "  *b = square / 2;\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_Eikonal(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  PetscReal square = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < pde->d; i++) square += TzJetGrad(u)[i] * TzJetGrad(u)[i];
  *r = TzJetTime(u) - square / 2;
  if (dr) {
    TzJetTime(dr) = 1;
    for (PetscInt i = 0; i < pde->d; i++) TzJetGrad(dr)[i] = -TzJetGrad(u)[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_Eikonal(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  Eikonal        *e   = (Eikonal *)pde->data;
  const PetscReal tau = pde->T - z[pde->d];

  PetscFunctionBegin;
  TzQuadraticRotate(&e->M, PETSC_TRUE, z, e->y);
  *u = 0;
  for (PetscInt k = 0; k < pde->d; k++) {
    const PetscReal m = e->M.identity ? 1 : e->M.m[k], slope = m / (1 + tau * m) * e->y[k];

    *u += slope * e->y[k] / 2;
    e->y[k] = slope;
  }
  if (grad) TzQuadraticRotate(&e->M, PETSC_FALSE, e->y, grad);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_Eikonal(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzQuadraticSetFromOptions(&((Eikonal *)pde->data)->M, "eikonal", PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_Eikonal(TzPDE pde)
{
  Eikonal *e = (Eikonal *)pde->data;

  PetscFunctionBegin;
  PetscCall(TzQuadraticSetUp(&e->M, "eikonal", PetscObjectComm((PetscObject)pde), pde->d));
  PetscCall(PetscFree(e->y));
  PetscCall(PetscMalloc1(pde->d, &e->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDestroy_Eikonal(TzPDE pde)
{
  Eikonal *e = (Eikonal *)pde->data;

  PetscFunctionBegin;
  PetscCall(TzQuadraticDestroy(&e->M));
  PetscCall(PetscFree(e->y));
  PetscCall(PetscFree(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_Eikonal(TzPDE pde)
{
  Eikonal *e;

  PetscFunctionBegin;
  PetscCall(PetscNew(&e));
  pde->data                = e;
  pde->lo                  = -1;
  pde->firstorder          = PETSC_TRUE;
  pde->formula             = "u_t - 1/2 |grad u|^2 = 0, u(x,T) = 1/2 x'Mx";
  pde->reference           = "exact";
  pde->ops->transform      = TzPDETransform_Eikonal;
  pde->ops->transformcode  = TzPDETransformCode_Eikonal;
  pde->ops->residual       = TzPDEResidual_Eikonal;
  pde->ops->exact          = TzPDEExact_Eikonal;
  pde->ops->setfromoptions = TzPDESetFromOptions_Eikonal;
  pde->ops->setup          = TzPDESetUp_Eikonal;
  pde->ops->destroy        = TzPDEDestroy_Eikonal;
  PetscFunctionReturn(PETSC_SUCCESS);
}

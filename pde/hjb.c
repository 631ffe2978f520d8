/*
  The paper's equation:  u_t + Lap u - 0.05 sum_i |u_i|^c = -2,  u(x,1) = sum_i x_i,  with c = 2; -hjb_exponent is another c > 1.
  Solution for every c: u = sum_i x_i + (2 - 0.05 d) (1 - t), which for d = 20 is sum_i x_i + 1 - t.

  The paper has the 1-norm of x as terminal value, which on its box is the same; the plain sum stays smooth outside, where stencils reach.
*/
#include <private/tzpdeimpl.h>

static const PetscReal control = 0.05, source = 2;

static PetscErrorCode TzPDETransform_HJB(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[pde->d];
  TzJetTime(a)  = -1;
  for (PetscInt i = 0; i < pde->d; i++) {
    TzJetValue(b) += z[i];
    TzJetGrad(b)[i] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransformCode_HJB(TzPDE pde, TzCode code)
{
  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  TzCodePrintf(code, "  for (int i = 0; i < d; i++) *b += z[i], db[i] = 1;\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* pde->data is c */
static PetscErrorCode TzPDEResidual_HJB(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const PetscInt   d    = pde->d;
  const PetscReal *grad = TzJetGrad(u), c = *(PetscReal *)pde->data;
  const PetscBool  square = (PetscBool)(c == 2);
  PetscReal        sum    = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) sum += square ? grad[i] * grad[i] : PetscPowReal(PetscAbsReal(grad[i]), c);
  *r = TzJetTime(u) + TzJetForm(u, 0) - control * sum + source;
  if (dr) {
    for (PetscInt i = 0; i < d; i++) TzJetGrad(dr)[i] = -c * control * (square ? grad[i] : PetscSign(grad[i]) * PetscPowReal(PetscAbsReal(grad[i]), c - 1));
    TzJetTime(dr) = TzJetForm(dr, 0) = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_HJB(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const PetscInt d   = pde->d;
  PetscReal      sum = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) {
    sum += z[i];
    if (grad) grad[i] = 1;
  }
  *u = sum + (source - control * (PetscReal)d) * (pde->T - z[d]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_HJB(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzOptionsReal("-hjb_exponent", "Exponent c > 1 in sum_i |u_i|^c", "TzPDEResidual", *(PetscReal *)pde->data, (PetscReal *)pde->data, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_HJB(TzPDE pde)
{
  const PetscReal c = *(PetscReal *)pde->data;

  PetscFunctionBegin;
  PetscCheck(c > 1 && !PetscIsInfOrNanReal(c), PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT, "-hjb_exponent %g: must be greater than 1", (double)c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_HJB(TzPDE pde)
{
  PetscReal *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *c                       = 2;
  pde->data                = c;
  pde->formula             = "u_t + Lap u - 0.05 sum_i |u_i|^c = -2, u(x,T) = sum_i x_i";
  pde->reference           = "exact";
  pde->ops->transform      = TzPDETransform_HJB;
  pde->ops->transformcode  = TzPDETransformCode_HJB;
  pde->ops->residual       = TzPDEResidual_HJB;
  pde->ops->exact          = TzPDEExact_HJB;
  pde->ops->setfromoptions = TzPDESetFromOptions_HJB;
  pde->ops->setup          = TzPDESetUp_HJB;
  pde->ops->destroy        = TzPDEDestroyData;
  PetscFunctionReturn(PETSC_SUCCESS);
}

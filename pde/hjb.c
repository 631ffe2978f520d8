/*
  The paper's equation:  u_t + Lap u - 0.05 |grad u|^2 = -2,  u(x,1) = sum_i x_i.
  Solution: u = sum_i x_i + (2 - 0.05 d) (1 - t), which for d = 20 is sum_i x_i + 1 - t.

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

static PetscErrorCode TzPDEResidual_HJB(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const PetscInt   d      = pde->d;
  const PetscReal *grad   = TzJetGrad(u);
  PetscReal        square = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) square += grad[i] * grad[i];
  *r = TzJetTime(u) + TzJetForm(u, 0) - control * square + source;
  if (dr) {
    for (PetscInt i = 0; i < d; i++) TzJetGrad(dr)[i] = -2 * control * grad[i];
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

PETSC_INTERN PetscErrorCode TzPDECreate_HJB(TzPDE pde)
{
  PetscFunctionBegin;
  pde->formula        = "u_t + Lap u - 0.05 |grad u|^2 = -2, u(x,T) = sum_i x_i";
  pde->reference      = "exact";
  pde->ops->transform = TzPDETransform_HJB;
  pde->ops->residual  = TzPDEResidual_HJB;
  pde->ops->exact     = TzPDEExact_HJB;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Heat equation:  u_t + nu Lap u = 0,  u(x,T) = |x|^2,  nu = 1 (-heat_nu, length^2/time).
  Solution: u = |x|^2 + 2 d nu (T - t).
*/
#include <private/tzpdeimpl.h>

static PetscReal Square(PetscInt d, const PetscReal x[])
{
  PetscReal s = 0;

  for (PetscInt i = 0; i < d; i++) s += x[i] * x[i];
  return s;
}

static PetscErrorCode TzPDETransform_Heat(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const PetscInt d = pde->d;

  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[d];
  TzJetTime(a)  = -1;
  TzJetValue(b) = Square(d, z);
  for (PetscInt i = 0; i < d; i++) TzJetGrad(b)[i] = 2 * z[i];
  TzJetForm(b, 0) = 2 * (PetscReal)d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_Heat(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  PetscFunctionBegin;
  *r = TzJetTime(u) + pde->diffusion * TzJetForm(u, 0);
  if (dr) {
    TzJetTime(dr)    = 1;
    TzJetForm(dr, 0) = pde->diffusion;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_Heat(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const PetscInt d = pde->d;

  PetscFunctionBegin;
  *u = Square(d, z) + 2 * (PetscReal)d * pde->diffusion * (pde->T - z[d]);
  for (PetscInt i = 0; grad && i < d; i++) grad[i] = 2 * z[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_Heat(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzOptionsReal("-heat_nu", "Diffusion (length^2/time)", "TzPDEResidual", pde->diffusion, &pde->diffusion, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_Heat(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCheck(pde->diffusion > 0 && PetscIsNormalReal(pde->diffusion), PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT, "-heat_nu %g: must be positive",
             (double)pde->diffusion);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_Heat(TzPDE pde)
{
  PetscFunctionBegin;
  pde->formula             = "u_t + nu Lap u = 0, u(x,T) = |x|^2";
  pde->reference           = "exact";
  pde->ops->transform      = TzPDETransform_Heat;
  pde->ops->residual       = TzPDEResidual_Heat;
  pde->ops->exact          = TzPDEExact_Heat;
  pde->ops->setfromoptions = TzPDESetFromOptions_Heat;
  pde->ops->setup          = TzPDESetUp_Heat;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Bang-bang control, each a_i in [-1, 1]: the running cost is minimal at a = -sign(grad u), which leaves the 1-norm of the gradient,

      u_t + Lap u - sum_i |u_i| + h = 0,  u(x,T) = |x|^2,  h such that u = (1 + T - t) |x|^2 is the solution:

  with p = 1 + T - t  h = |x|^2 - 2 d p + 2 p sum_i |x_i|. Of |.| the residual's derivative is sign(u_i), 0 at 0.

  What makes training hard is not the kinks, which lie where u_i = 0, a set of no measure; it is uniqueness. The equation holds in all of R^d. On points of the
  box alone, without a condition on its faces, it has many solutions: 1,000 steps of Adam in 10 dimensions end at a loss of 0.07 and a relative error of 0.22
  with -loss_sampler box, at a loss of 1.8 and an error of 0.013 with paths, the default.
*/
#include <private/tzpdeimpl.h>

static PetscErrorCode TzPDETransform_BangBang(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[pde->d];
  TzJetTime(a)  = -1;
  for (PetscInt i = 0; i < pde->d; i++) {
    TzJetValue(b) += z[i] * z[i];
    TzJetGrad(b)[i] = 2 * z[i];
  }
  TzJetForm(b, 0) = 2 * (PetscReal)pde->d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_BangBang(TzPDE pde, const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const PetscInt   d    = pde->d;
  const PetscReal *grad = TzJetGrad(u), p = 1 + pde->T - z[d];
  PetscReal        sum = 0, h = -2 * (PetscReal)d * p;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) {
    sum += PetscAbsReal(grad[i]);
    h += z[i] * z[i] + 2 * p * PetscAbsReal(z[i]);
  }
  *r = TzJetTime(u) + TzJetForm(u, 0) - sum + h;
  if (dr) {
    for (PetscInt i = 0; i < d; i++) TzJetGrad(dr)[i] = -(PetscReal)((grad[i] > 0) - (grad[i] < 0));
    TzJetTime(dr) = TzJetForm(dr, 0) = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_BangBang(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const PetscReal p   = 1 + pde->T - z[pde->d];
  PetscReal       sum = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < pde->d; i++) {
    sum += z[i] * z[i];
    if (grad) grad[i] = 2 * p * z[i];
  }
  *u = p * sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_BangBang(TzPDE pde)
{
  PetscFunctionBegin;
  pde->lo                = -1;
  pde->domain.wholespace = PETSC_TRUE;
  pde->formula           = "u_t + Lap u - sum_i |u_i| + h = 0, u(x,T) = |x|^2, h of u = (1 + T - t) |x|^2";
  pde->reference         = "exact";
  pde->ops->transform    = TzPDETransform_BangBang;
  pde->ops->residual     = TzPDEResidual_BangBang;
  pde->ops->exact        = TzPDEExact_BangBang;
  PetscFunctionReturn(PETSC_SUCCESS);
}

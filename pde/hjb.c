/*
  The paper's equation:  u_t + Lap u - 0.05 |grad u|^2 = -2,  u(x,1) = sum_i x_i.
  Solution: u = sum_i x_i + (2 - 0.05 d) (1 - t), which for d = 20 is sum_i x_i + 1 - t.

  The paper has the 1-norm of x as terminal value, which on its box is the same; the plain sum stays smooth outside, where stencils reach.
*/
#include <private/tzpdeimpl.h>

static const PetscReal control = 0.05, source = 2;

static PetscErrorCode TzPDETransform_HJB(TzPDE pde, const PetscReal z[], PetscReal a[], PetscReal b[])
{
  const PetscInt d = pde->d;

  PetscFunctionBegin;
  a[0]     = pde->T - z[d];
  a[d + 1] = -1;
  for (PetscInt i = 0; i < d; i++) {
    b[0] += z[i];
    b[1 + i] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_HJB(TzPDE pde, PETSC_UNUSED const PetscReal z[], const PetscReal u[], PetscReal *r, PetscReal dr[])
{
  const PetscInt d      = pde->d;
  PetscReal      square = 0;

  PetscFunctionBegin;
  for (PetscInt i = 1; i <= d; i++) square += u[i] * u[i];
  *r = u[d + 1] + u[d + 2] - control * square + source;
  if (dr) {
    for (PetscInt i = 1; i <= d; i++) dr[i] = -2 * control * u[i];
    dr[d + 1] = dr[d + 2] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_HJB(TzPDE pde, const PetscReal z[], PetscReal *u)
{
  const PetscInt d   = pde->d;
  PetscReal      sum = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) sum += z[i];
  *u = sum + (source - control * (PetscReal)d) * (pde->T - z[d]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_HJB(TzPDE pde)
{
  PetscFunctionBegin;
  pde->ops->transform = TzPDETransform_HJB;
  pde->ops->residual  = TzPDEResidual_HJB;
  pde->ops->exact     = TzPDEExact_HJB;
  PetscFunctionReturn(PETSC_SUCCESS);
}

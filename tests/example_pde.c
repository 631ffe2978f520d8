/* A user's own equation: u_t + Lap u = 0 on [0,1]^d x [0,1], u(x,1) = |x|^2; its solution is u = |x|^2 + 2 d (1 - t). */
#include <private/tzpdeimpl.h>

/* z = x_1..x_d, t. The derivatives of a = 1 - t and of b = |x|^2 in u = a f + b; zero on entry. Form 0 is the Laplacian. */
static PetscErrorCode Transform(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  TzJetValue(a)   = pde->T - z[pde->d];
  TzJetTime(a)    = -1;
  TzJetForm(b, 0) = 2 * (PetscReal)pde->d;
  for (PetscInt i = 0; i < pde->d; i++) {
    TzJetValue(b) += z[i] * z[i];
    TzJetGrad(b)[i] = 2 * z[i];
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Residual(PETSC_UNUSED TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  *r = TzJetTime(u) + TzJetForm(u, 0);
  if (dr) TzJetTime(dr) = TzJetForm(dr, 0) = 1; /* derivatives of r by the slots of u */
  return PETSC_SUCCESS;
}

static PetscErrorCode Exact(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  *u = 2 * (PetscReal)pde->d * (pde->T - z[pde->d]);
  for (PetscInt i = 0; i < pde->d; i++) {
    *u += z[i] * z[i];
    if (grad) grad[i] = 2 * z[i];
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Create(TzPDE pde)
{
  pde->ops->transform = Transform;
  pde->ops->residual  = Residual;
  pde->ops->exact     = Exact;
  return PETSC_SUCCESS;
}

PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_own(void) /* -dll_append libown.so calls it: -pde_type own */
{
  return TzPDERegister("own", Create);
}

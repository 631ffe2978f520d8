/*
  An equation whose second-order part depends on x, as a library: -pde_type assets, prices x_i > 0 with a noise each and one in common,
      u_t + 1/2 sum_ij S_ij(x) u_ij = 0,  S_ij = x_i x_j (a^2 delta_ij + b^2),  u(x,T) = (sum x_i)^2,
  solved by u = sum_ij x_i x_j exp((a^2 delta_ij + b^2)(T - t)). The derivatives of terminal value and residual are left to Tenzo.
*/
#include <private/tzpdeimpl.h>

static const PetscReal a = 0.4, b = 0.3;

static PetscErrorCode Diffusion(TzPDE pde, const PetscReal z[], PetscReal S[])
{
  for (PetscInt i = 0; i < pde->d; i++)
    for (PetscInt j = 0; j < pde->d; j++) S[i * pde->d + j] = z[i] * z[j] * ((i == j ? a * a : 0) + b * b);
  return PETSC_SUCCESS;
}

static PetscErrorCode Terminal(TzPDE pde, const PetscReal z[], PetscReal *g)
{
  PetscReal sum = 0;

  for (PetscInt i = 0; i < pde->d; i++) sum += z[i];
  *g = sum * sum;
  return PETSC_SUCCESS;
}

static PetscErrorCode Residual(PETSC_UNUSED TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r)
{
  *r = TzJetTime(u) + 0.5 * TzJetForm(u, 0);
  return PETSC_SUCCESS;
}

static PetscErrorCode Exact(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const PetscReal tau = pde->T - z[pde->d];

  *u = 0;
  for (PetscInt i = 0; i < pde->d; i++) {
    PetscReal sum = 0;

    for (PetscInt j = 0; j < pde->d; j++) sum += z[j] * PetscExpReal(((i == j ? a * a : 0) + b * b) * tau);
    *u += z[i] * sum;
    if (grad) grad[i] = 2 * sum;
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode SetUp(TzPDE pde)
{
  return TzPDEAddFormMatrixField(pde, Diffusion, NULL);
}

static PetscErrorCode Create(TzPDE pde)
{
  pde->ops->setup         = SetUp;
  pde->ops->terminal      = Terminal;
  pde->ops->residualvalue = Residual;
  pde->ops->exact         = Exact;
  return PETSC_SUCCESS;
}

/* -dll_append libassets.so calls this */
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_assets(void)
{
  return TzPDERegister("assets", Create);
}

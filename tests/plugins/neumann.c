/*
  An equation with a Neumann condition, as a library: -pde_type neumann, no time,
      Lap u - u = 0 in |x| < 1,  du/dn = h on |x| = 1,  h(x) = s exp(s) there,  s = sum_i x_i / sqrt(d);
  its solution is u = exp(s). Without the term -u it would be known up to a constant only. The condition is a term of the loss (-loss_flux_points,
  -loss_flux_weight); the derivatives of residual and condition are left to Tenzo.
*/
#include <private/tzpdeimpl.h>

static PetscReal Phase(TzPDE pde, const PetscReal x[])
{
  PetscReal s = 0;

  for (PetscInt i = 0; i < pde->d; i++) s += x[i] / PetscSqrtReal((PetscReal)pde->d);
  return s;
}

static PetscErrorCode Residual(PETSC_UNUSED TzPDE pde, PETSC_UNUSED const PetscReal x[], const TzJet *u, PetscReal *r)
{
  *r = TzJetForm(u, 0) - TzJetValue(u);
  return PETSC_SUCCESS;
}

static PetscErrorCode Flux(TzPDE pde, const PetscReal x[], const PetscReal normal[], const TzJet *u, PetscReal *r)
{
  const PetscReal s = Phase(pde, x);

  *r = -s * PetscExpReal(s);
  for (PetscInt i = 0; i < pde->d; i++) *r += normal[i] * TzJetGrad(u)[i];
  return PETSC_SUCCESS;
}

static PetscErrorCode Exact(TzPDE pde, const PetscReal x[], PetscReal *u, PetscReal grad[])
{
  *u = PetscExpReal(Phase(pde, x));
  for (PetscInt i = 0; grad && i < pde->d; i++) grad[i] = *u / PetscSqrtReal((PetscReal)pde->d);
  return PETSC_SUCCESS;
}

static PetscErrorCode SetUp(TzPDE pde)
{
  return TzPDEAddCondition(pde, &(TzCondition){.name = "flux", .place = TZ_AT_BOUNDARY, .face = -1, .gradient = PETSC_TRUE, .residual = Flux, .weight = 10});
}

static PetscErrorCode Create(TzPDE pde)
{
  pde->stationary         = PETSC_TRUE;
  pde->domain.type        = TZ_DOMAIN_BALL;
  pde->ops->setup         = SetUp;
  pde->ops->residualvalue = Residual;
  pde->ops->exact         = Exact;
  return PETSC_SUCCESS;
}

PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_neumann(void)
{
  return TzPDERegister("neumann", Create);
}

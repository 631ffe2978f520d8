/*
  A control problem of a user's own: a double integrator in the plane flies from (-1, 0) to (1, 0) around a disc in the middle. x = (position, velocity), a the
  acceleration, within -obstacle_bound.
*/
#include <private/tzpdeimpl.h>
#include <tzcontrol.h>

static const PetscReal radius = 0.3;
static PetscReal       bound  = 10;

static PetscErrorCode Drift(TzPDE pde, const PetscReal z[], PetscReal f[])
{
  for (PetscInt i = 0; i < pde->d / 2; i++) f[i] = z[2 + i];
  return PETSC_SUCCESS;
}

static PetscErrorCode Clearance(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal *clearance)
{
  *clearance = PetscSqrtReal(z[0] * z[0] + z[1] * z[1]) - radius;
  return PETSC_SUCCESS;
}

static PetscErrorCode Penalty(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal *q)
{
  *q = 20 * PetscExpReal(-(z[0] * z[0] + z[1] * z[1]) / (2 * radius * radius));
  return PETSC_SUCCESS;
}

static PetscErrorCode SetUp(TzPDE pde)
{
  static const PetscReal B[] = {0, 0, 0, 0, 1, 0, 0, 1}, r[] = {0.5, 0.5}, sigma[] = {0, 0, 0, 0, 0.1, 0, 0, 0.1}, target[] = {1, 0, 0, 0},
                         G[] = {10, 10, 2, 2};
  const PetscReal lo[] = {-bound, -bound}, hi[] = {bound, bound};

  for (PetscInt i = 0; i < 4; i++) PetscCall(TzPDEControlSetStart(pde, i, i ? -0.05 : -1.05, i ? 0.05 : -0.95));
  return TzPDESetControlParts(pde, &(TzControlParts){.m              = 2,
                                                     .drift          = Drift,
                                                     .B              = B,
                                                     .r              = r,
                                                     .lo             = lo,
                                                     .hi             = hi,
                                                     .noises         = 2,
                                                     .sigma          = sigma,
                                                     .penalty        = Penalty,
                                                     .clearance      = Clearance,
                                                     .target         = target,
                                                     .terminalweight = G});
}

static PetscErrorCode SetFromOptions(PETSC_UNUSED TzPDE pde, TzOptionItems PetscOptionsObject)
{
  return TzOptionsReal("-obstacle_bound", "Largest acceleration", "TzPDESetControl", bound, &bound, NULL);
}

static PetscErrorCode Create(TzPDE pde)
{
  PetscCall(TzPDESetControl(pde, SetUp));
  pde->d                   = 4;
  pde->T                   = 2;
  pde->ops->setfromoptions = SetFromOptions;
  return PETSC_SUCCESS;
}

PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_obstacle(void)
{
  return TzPDERegister("obstacle", Create);
}

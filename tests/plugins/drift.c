/*
  An equation of a user's own as a library, with an option of its own: -pde_type drift solves u_t + Lap u + b sum_i u_i = 0 on [0,1]^d x [0,1] with
  u(x,1) = |x|^2, whose solution is |x + b (1 - t)|^2 + 2 d (1 - t).
*/
#include <private/tzpdeimpl.h>
#include <tzoptions.h>

static PetscErrorCode Terminal(TzPDE pde, const PetscReal z[], PetscReal *g)
{
  for (PetscInt i = 0; i < pde->d; i++) *g += z[i] * z[i];
  return PETSC_SUCCESS;
}

static PetscErrorCode Residual(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const PetscReal b = *(const PetscReal *)pde->data;

  *r = TzJetTime(u) + TzJetForm(u, 0); /* form 0: the Laplacian */
  if (dr) TzJetTime(dr) = TzJetForm(dr, 0) = 1;
  for (PetscInt i = 0; i < pde->d; i++) {
    *r += b * TzJetGrad(u)[i];
    if (dr) TzJetGrad(dr)[i] = b;
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Exact(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const PetscReal c = pde->T - z[pde->d], b = *(const PetscReal *)pde->data;

  *u = 2 * (PetscReal)pde->d * c;
  for (PetscInt i = 0; i < pde->d; i++) {
    *u += PetscSqr(z[i] + b * c);
    if (grad) grad[i] = 2 * (z[i] + b * c);
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode SetFromOptions(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  PetscReal *b = (PetscReal *)pde->data;

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Equation with a drift");
  PetscCall(TzOptionsReal("-drift_velocity", "Velocity in every coordinate (length/time)", "None", *b, b, NULL));
  PetscCheck(!PetscIsInfOrNanReal(*b), PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT, "-drift_velocity %g: must be finite", (double)*b);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(pde->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TzPDE pde)
{
  PetscReal *velocity;

  PetscFunctionBegin;
  PetscCall(PetscNew(&velocity));
  *velocity                = 1;
  pde->data                = velocity;
  pde->ops->terminal       = Terminal;
  pde->ops->residual       = Residual;
  pde->ops->exact          = Exact;
  pde->ops->setfromoptions = SetFromOptions;
  pde->ops->destroy        = Destroy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -dll_append libdrift.so calls this */
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_drift(void)
{
  PetscFunctionBegin;
  PetscCall(TzPDERegister("drift", Create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

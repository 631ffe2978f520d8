/* An equation with all that the others lack: a = (T - t) (1 + k |x|^2), own data with an option, no exact solution. b = t^2, r = u u_t + u^2 */
#include <private/tzpdeimpl.h>

static PetscErrorCode CurvedTransform(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const PetscInt  d = pde->d;
  const PetscReal k = *(PetscReal *)pde->data, s = pde->T - z[d];
  PetscReal       q = 1;

  for (PetscInt i = 0; i < d; i++) {
    q += k * z[i] * z[i];
    TzJetGrad(a)[i] = 2 * k * s * z[i];
  }
  TzJetValue(a)   = s * q;
  TzJetTime(a)    = -q;
  TzJetForm(a, 0) = 2 * k * s * (PetscReal)d;
  TzJetValue(b)   = z[d] * z[d];
  TzJetTime(b)    = 2 * z[d];
  return PETSC_SUCCESS;
}

static PetscErrorCode CurvedResidual(PETSC_UNUSED TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  *r = TzJetValue(u) * TzJetTime(u) + TzJetValue(u) * TzJetValue(u);
  if (dr) {
    TzJetValue(dr) = TzJetTime(u) + 2 * TzJetValue(u);
    TzJetTime(dr)  = TzJetValue(u);
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode CurvedOptions(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzOptionsReal("-pde_curvature", "k", "none", *(PetscReal *)pde->data, (PetscReal *)pde->data, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CurvedDestroy(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(pde->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CreateCurved(TzPDE pde)
{
  PetscReal *k;

  PetscFunctionBegin;
  PetscCall(PetscNew(&k));
  *k                       = 0.4;
  pde->data                = k;
  pde->ops->transform      = CurvedTransform;
  pde->ops->residual       = CurvedResidual;
  pde->ops->setfromoptions = CurvedOptions;
  pde->ops->destroy        = CurvedDestroy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An equation with all that the others lack: a = (T - t) (1 + k |x|^2), own data with an option, no exact solution. b = t^2, r = u u_t + u^2 */
#include <private/tzpdeimpl.h>

static PetscErrorCode CurvedTransform(TzPDE pde, const PetscReal z[], PetscReal a[], PetscReal b[])
{
  const PetscInt  d = pde->d;
  const PetscReal k = *(PetscReal *)pde->data, s = pde->T - z[d];
  PetscReal       q = 1;

  for (PetscInt i = 0; i < d; i++) {
    q += k * z[i] * z[i];
    a[1 + i] = 2 * k * s * z[i];
  }
  a[0]     = s * q;
  a[d + 1] = -q;
  a[d + 2] = 2 * k * s * (PetscReal)d;
  b[0]     = z[d] * z[d];
  b[d + 1] = 2 * z[d];
  return PETSC_SUCCESS;
}

static PetscErrorCode CurvedResidual(TzPDE pde, PETSC_UNUSED const PetscReal z[], const PetscReal u[], PetscReal *r, PetscReal dr[])
{
  const PetscReal ut = u[pde->d + 1];

  *r = u[0] * ut + u[0] * u[0];
  if (dr) {
    dr[0]          = ut + 2 * u[0];
    dr[pde->d + 1] = u[0];
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

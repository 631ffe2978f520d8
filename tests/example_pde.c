/* A user's own equation: u_t + Lap u = 0 on [0,1]^d x [0,1], u(x,1) = |x|^2; its solution is u = |x|^2 + 2 d (1 - t). */
#include <private/tzpdeimpl.h>

/* z = x_1..x_d, t. Of u = a f + b: value, d/dx_1 .. d/dx_d, d/dt, Laplacian of a = 1 - t and of b = |x|^2; zero on entry */
static PetscErrorCode Transform(TzPDE pde, const PetscReal z[], PetscReal a[], PetscReal b[])
{
  a[0]          = pde->T - z[pde->d];
  a[pde->d + 1] = -1;
  b[pde->d + 2] = 2 * (PetscReal)pde->d;
  for (PetscInt i = 0; i < pde->d; i++) {
    b[0] += z[i] * z[i];
    b[1 + i] = 2 * z[i];
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode Residual(TzPDE pde, PETSC_UNUSED const PetscReal z[], const PetscReal u[], PetscReal *r, PetscReal dr[])
{
  *r = u[pde->d + 1] + u[pde->d + 2];
  if (dr) dr[pde->d + 1] = dr[pde->d + 2] = 1; /* derivatives of r by the entries of u */
  return PETSC_SUCCESS;
}

static PetscErrorCode Exact(TzPDE pde, const PetscReal z[], PetscReal *u)
{
  *u = 2 * (PetscReal)pde->d * (pde->T - z[pde->d]);
  for (PetscInt i = 0; i < pde->d; i++) *u += z[i] * z[i];
  return PETSC_SUCCESS;
}

PetscErrorCode CreateHeat(TzPDE pde) /* TzPDERegister("heat", CreateHeat) makes it -pde_type heat */
{
  pde->ops->transform = Transform;
  pde->ops->residual  = Residual;
  pde->ops->exact     = Exact;
  return PETSC_SUCCESS;
}

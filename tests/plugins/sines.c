/* A network of a user's own: f(x) = sum_h c_h sin(w_h x + b_h), 16 units; in theta w [16][in], b [16], c [16]. -net_type sines */
#include <tzshell.h>
#include <math.h>
#define UNITS 16

static PetscErrorCode SetUp(TzShell shell)
{
  shell->nparams = UNITS * (shell->in + 2);
  return shell->out == 1 ? PETSC_SUCCESS : PETSC_ERR_SUP;
}

/* Y [n] = f(X [n][in]); shell->theta: the parameters, which a device would have been given by a function `bind` */
static PetscErrorCode Forward(TzShell shell, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  const PetscReal *w = shell->theta, *b = w + UNITS * shell->in, *c = b + UNITS;

  for (PetscInt p = 0; p < n; p++) {
    Y[p] = 0;
    for (PetscInt h = 0; h < UNITS; h++) {
      PetscReal z = b[h];

      for (PetscInt i = 0; i < shell->in; i++) z += w[h * shell->in + i] * X[p * shell->in + i];
      Y[p] += c[h] * sin(z);
    }
  }
  return PETSC_SUCCESS;
}

PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_sines(void) /* -dll_append libsines.so calls it */
{
  static const TzShellOps sines = {.setup = SetUp, .forward = Forward};

  return TzNetShellRegister("sines", &sines);
}

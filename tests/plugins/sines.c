/* A network of a user's own: f_o(x) = sum_h c_oh sin(w_h x + b_h), 16 units; in theta w [16][in], b [16], c [out][16]. -net_type sines */
#include <tzshell.h>
#include <math.h>
#define UNITS 16

static PetscErrorCode SetUp(TzShell shell)
{
  shell->nparams = UNITS * (shell->in + 1 + shell->out);
  return PETSC_SUCCESS;
}

/* Y [n][out] = f(X [n][in]); shell->theta: the parameters, which a device would have been given by a function `bind` */
static PetscErrorCode Forward(TzShell shell, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  const PetscReal *w = shell->theta, *b = w + UNITS * shell->in, *c = b + UNITS;

  for (PetscInt p = 0; p < n; p++, X += shell->in, Y += shell->out) {
    for (PetscInt o = 0; o < shell->out; o++) Y[o] = 0;
    for (PetscInt h = 0; h < UNITS; h++) {
      PetscReal z = b[h];

      for (PetscInt i = 0; i < shell->in; i++) z += w[h * shell->in + i] * X[i];
      for (PetscInt o = 0; o < shell->out; o++) Y[o] += c[o * UNITS + h] * sin(z);
    }
  }
  return PETSC_SUCCESS;
}

PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_sines(void) /* -dll_append libsines.so calls it */
{
  static const TzShellOps sines = {.setup = SetUp, .forward = Forward};

  return TzNetShellRegister("sines", &sines);
}

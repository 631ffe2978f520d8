/* An activation of a user's own as a library: -net_activation softplus is log(1 + exp z). */
#include <private/tzactivationimpl.h>
#include <math.h>

/* d[k]: the k-th derivative at z, k <= order <= 3 */
static void Softplus(PetscReal z, PetscInt order, PetscReal d[])
{
  const PetscReal s = 1 / (1 + exp(-z));

  d[0] = PetscMax(z, 0) + log1p(exp(-fabs(z)));
  if (order > 0) d[1] = s;
  if (order > 1) d[2] = s * (1 - s);
  if (order > 2) d[3] = s * (1 - s) * (1 - 2 * s);
}

/* -dll_append libsoftplus.so calls this */
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_softplus(void)
{
  static const TzActivationOps softplus = {.evaluate = Softplus};

  PetscFunctionBegin;
  PetscCall(TzActivationRegister("softplus", &softplus));
  PetscFunctionReturn(PETSC_SUCCESS);
}

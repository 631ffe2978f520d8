/*
  What an activation is: one row of the table in src/net/activation.c, or of a user's own file:

      static void Softplus(PetscReal z, PetscInt order, PetscReal d[])
      {
        const PetscReal s = 1 / (1 + PetscExpReal(-z));

        d[0] = PetscMax(z, 0) + PetscLog1pReal(PetscExpReal(-PetscAbsReal(z)));   (log1p of <math.h>)
        if (order > 0) d[1] = s;
        ...
      }
      const TzActivationOps ops = {.evaluate = Softplus};
      PetscCall(TzActivationRegister("softplus", &ops));

  That is enough for every format, estimator, solver and loss; a row with more capabilities is only faster.
*/
#ifndef TZACTIVATIONIMPL_H
#define TZACTIVATIONIMPL_H

#include <tznet.h>

typedef struct {
  /*
    d[k], k <= order: the k-th derivative of the activation at z (k = 0: its value); order is 0 to 3. A NaN must stay one. Called by several threads at
    once. Evaluations at z and z + c are subtracted: the values' errors should be those of rounding.
  */
  void (*evaluate)(PetscReal z, PetscInt order, PetscReal d[]);
  /*
    Whether act'' = -act. Then act(a + c) = act(a) cos c + act'(a) sin c and every derivative is one of act, act', -act, -act': stencils become
    products of matrices and power series, exact forward propagation carries two channels in place of three.
  */
  PetscBool harmonic;
  /* The vector code for it in src/kernels (TzVector); 0: none, a loop over evaluate() */
  int vector;
  /* For TzExportC(): C statements (private/tzcode.h) that set its value y and its derivative dy at z, all of them real. NULL: it cannot be exported */
  const char *code;
  /* The same without calls of functions, so that compilers make vectors of it, where |z| <= reach; NULL: none */
  const char *fast;
  PetscReal   reach;
} TzActivationOps;

struct _n_TzActivation {
  const char     *name;
  TzActivationOps ops;
};

/*
  TzActivationRegister - adds a row to the table

  name: for -net_activation and TzNetSetActivation(); ops: copied. Not collective, but every rank has to call it, after PetscInitialize() and before the
  options are read. PETSC_ERR_ARG_WRONG if the name is taken by another activation, if there is no
  function, or if act'' is not -act where the row says so.
*/
PETSC_EXTERN PetscErrorCode TzActivationRegister(const char name[], const TzActivationOps *ops);
/* The row of that name; otherwise PETSC_ERR_USER_INPUT, naming the option and all names. Collective in its error. */
PETSC_EXTERN PetscErrorCode TzActivationFind(MPI_Comm comm, const char option[], const char name[], TzActivation *act);
/* Row i of the table, those that were registered last; NULL: no more */
PETSC_EXTERN TzActivation TzActivationEach(PetscInt i);

#endif

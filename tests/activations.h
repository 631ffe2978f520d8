/*
  Activations that no file of the library knows, registered as a user's program does: the tests of formats, estimators and losses run over them, too.
  cosine has the capability of the sine without its vector code; softplus has neither.
*/
#ifndef ACTIVATIONS_H
#define ACTIVATIONS_H

#include <private/tzactivationimpl.h>
#include <math.h>

static const char *const activations[] = {"sine", "tanh", "relu", "softplus", "cosine", "square"};
#define NACTIVATIONS PETSC_STATIC_ARRAY_LENGTH(activations)
/* -net_activation of networks of two hidden layers, whose errors do not grow on the way (a first layer of squares: test_forms.c, test_cge.c) */
static const char *const mixtures[] = {"sine", "tanh", "relu", "softplus", "cosine", "sine,square"};
#define NMIXTURES PETSC_STATIC_ARRAY_LENGTH(mixtures)

static void Softplus(PetscReal z, PetscInt order, PetscReal d[])
{
  const PetscReal s = 1 / (1 + exp(-z));

  d[0] = PetscMax(z, 0) + log1p(exp(-fabs(z)));
  if (order > 0) d[1] = s;
  if (order > 1) d[2] = s * (1 - s);
  if (order > 2) d[3] = s * (1 - s) * (1 - 2 * s);
}

static void Cosine(PetscReal z, PetscInt order, PetscReal d[])
{
  d[0] = cos(z);
  if (order > 0) d[1] = -sin(z);
  if (order > 1) d[2] = -d[0];
  if (order > 2) d[3] = -d[1];
}

static PetscErrorCode RegisterActivations(void)
{
  const TzActivationOps softplus = {.evaluate = Softplus}, cosine = {.evaluate = Cosine, .harmonic = PETSC_TRUE};

  PetscFunctionBegin;
  PetscCall(TzActivationRegister("softplus", &softplus));
  PetscCall(TzActivationRegister("cosine", &cosine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#endif

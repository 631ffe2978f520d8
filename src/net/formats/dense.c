/* Format "dense": W [out][in] itself. */
#include <private/tznetimpl.h>

static PetscErrorCode Layout_Dense(TzNet net, TzLayer *layer, PetscInt r)
{
  PetscFunctionBegin;
  (void)net;
  (void)r;
  layer->nweights = layer->in * layer->out;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Deviation_Dense(const TzLayer *layer)
{
  return PetscSqrtReal((PetscReal)2 / (layer->in + layer->out));
}

static PetscErrorCode Densify_Dense(const TzLayer *layer, const PetscReal theta[], PetscReal W[])
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(W, theta + layer->weights, layer->nweights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzFormatOps TzFormat_Dense = {"dense", "full matrix", Layout_Dense, Deviation_Dense, Densify_Dense, NULL, NULL, PETSC_FALSE};

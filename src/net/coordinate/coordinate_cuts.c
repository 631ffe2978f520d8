/*
  Left and right partial products of the trains, for sweep.c; once per parameter vector.
*/
#include "coordinate_bonds.h"

PetscErrorCode TzCutsDestroy(TzSweep *co)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < TZ_MAX_LAYERS; l++)
    for (PetscInt k = 0; k < TZ_MAX_CORES; k++) PetscCall(PetscFree2(co->cut[l][k].P, co->cut[l][k].Q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sizes and memory of the cuts of a layer */
static PetscErrorCode Allocate(const TzLayer *layer, TzCut cut[])
{
  const PetscInt bond = layer->rank[layer->nin];

  PetscFunctionBegin;
  for (PetscInt k = 0; k < layer->ncores; k++) {
    const TzCore   core  = TzLayerGetCore(layer, k);
    const PetscInt first = k < layer->nin ? 0 : layer->nin, last = k < layer->nin ? layer->nin : layer->ncores;
    TzCut         *c = &cut[k];

    *c = (TzCut){.offset = core.offset, .r0 = core.r0, .mode = core.m * core.n, .r1 = core.r1, .nlo = 1, .nhi = 1, .last = (PetscBool)(k + 1 == last)};
    for (PetscInt j = first; j < last; j++) {
      const TzCore other = TzLayerGetCore(layer, j);

      if (j < k) c->nlo *= other.m * other.n;
      if (j > k) c->nhi *= other.m * other.n;
    }
    PetscCall(PetscMalloc2(c->nlo * c->r0 * bond, &c->P, c->nhi * c->r1 * bond, &c->Q));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The product of cores k0 <= k < k1; of none, the unit matrix of the bond there */
static PetscErrorCode Merge(const TzLayer *layer, const PetscReal theta[], PetscInt k0, PetscInt k1, PetscReal T[])
{
  const PetscInt r = layer->rank[k0];

  PetscFunctionBegin;
  if (k0 < k1) PetscCall(TzLayerMerge(layer, theta, k0, k1, T));
  else
    for (PetscInt x = 0; x < r * r; x++) T[x] = x % (r + 1) ? 0 : 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(const TzLayer *layer, const PetscReal theta[], TzCut cut[])
{
  const PetscInt bond = layer->rank[layer->nin];
  PetscReal     *Q;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(layer->in * bond * bond, &Q));
  for (PetscInt k = 0; k < layer->ncores; k++) {
    const TzCut *c = &cut[k];

    if (k >= layer->nin) {
      PetscCall(Merge(layer, theta, layer->nin, k, c->P));
      PetscCall(Merge(layer, theta, k + 1, layer->ncores, c->Q));
      continue;
    }
    PetscCall(Merge(layer, theta, 0, k, c->P));
    PetscCall(Merge(layer, theta, k + 1, layer->nin, Q)); /* [r1][nhi][bond] */
    for (PetscInt b = 0; b < c->r1; b++)
      for (PetscInt hi = 0; hi < c->nhi; hi++) PetscCall(PetscArraycpy(c->Q + (hi * c->r1 + b) * bond, Q + (b * c->nhi + hi) * bond, bond));
  }
  PetscCall(PetscFree(Q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCutsPrepare(TzNetEval eval, TzSweep *co)
{
  PetscFunctionBegin;
  if (co->serial == eval->serial) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt l = 0; l < eval->net->nhidden; l++) {
    const TzLayer *layer = &eval->net->layer[l];

    if (!co->cut[l][0].P) PetscCall(Allocate(layer, co->cut[l]));
    PetscCall(Fill(layer, eval->theta, co->cut[l]));
  }
  co->serial = eval->serial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

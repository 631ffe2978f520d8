/*
  Products of the cores before and behind each core of the trains, for coordinate_bonds.c; once per parameter vector.
*/
#include "coordinate_bonds.h"

PetscErrorCode TzCutsDestroy(TzBondQueries *co)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < TZ_MAX_LAYERS; l++)
    for (PetscInt k = 0; k < TZ_MAX_CORES; k++) PetscCall(PetscFree2(co->cut[l][k].P, co->cut[l][k].Q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sizes and memory of the cuts of a layer */
static PetscErrorCode Allocate(const TzTrain *train, TzCoreCut cut[])
{
  const PetscInt bond = train->core[train->bond].r0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < train->ncores; k++) {
    const TzCore   core  = train->core[k];
    const PetscInt first = k < train->bond ? 0 : train->bond, last = k < train->bond ? train->bond : train->ncores;
    TzCoreCut     *c = &cut[k];

    *c = (TzCoreCut){.offset = core.offset, .r0 = core.r0, .mode = core.m * core.n, .r1 = core.r1, .nlo = 1, .nhi = 1, .last = (PetscBool)(k + 1 == last)};
    for (PetscInt j = first; j < last; j++) {
      const TzCore other = train->core[j];

      if (j < k) c->nlo *= other.m * other.n;
      if (j > k) c->nhi *= other.m * other.n;
    }
    PetscCall(PetscMalloc2(c->nlo * c->r0 * bond, &c->P, c->nhi * c->r1 * bond, &c->Q));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCoordinateMerge(const TzTrain *train, const PetscReal theta[], PetscInt k0, PetscInt k1, PetscReal T[])
{
  const PetscInt r = train->core[k0 < train->ncores ? k0 : 0].r0;

  PetscFunctionBegin;
  if (k0 < k1) PetscCall(TzTrainMerge(train, theta, k0, k1, T));
  else
    for (PetscInt x = 0; x < r * r; x++) T[x] = x % (r + 1) ? 0 : 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(const TzTrain *train, const PetscReal theta[], TzCoreCut cut[])
{
  const PetscInt bond = train->core[train->bond].r0;
  PetscInt       in   = 1;
  PetscReal     *Q;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < train->bond; k++) in *= train->core[k].n;
  PetscCall(PetscMalloc1((size_t)in * bond * bond, &Q));
  for (PetscInt k = 0; k < train->ncores; k++) {
    const TzCoreCut *c = &cut[k];

    if (k >= train->bond) {
      PetscCall(TzCoordinateMerge(train, theta, train->bond, k, c->P));
      PetscCall(TzCoordinateMerge(train, theta, k + 1, train->ncores, c->Q));
      continue;
    }
    PetscCall(TzCoordinateMerge(train, theta, 0, k, c->P));
    PetscCall(TzCoordinateMerge(train, theta, k + 1, train->bond, Q)); /* [r1][nhi][bond] */
    for (PetscInt b = 0; b < c->r1; b++)
      for (PetscInt hi = 0; hi < c->nhi; hi++) PetscCall(PetscArraycpy(c->Q + (hi * c->r1 + b) * bond, Q + (b * c->nhi + hi) * bond, bond));
  }
  PetscCall(PetscFree(Q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCutsPrepare(TzNetEval eval, TzBondQueries *co)
{
  PetscFunctionBegin;
  if (co->serial == eval->serial) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt l = 0; l < eval->net->nhidden; l++) {
    const TzLayer *layer = &eval->net->layer[l];
    const TzCut    cut   = TzLayerGetCut(layer);

    co->train[l] = cut.train;
    if (!co->cut[l][0].P) PetscCall(Allocate(cut.train, co->cut[l]));
    PetscCall(Fill(cut.train, eval->theta, co->cut[l]));
  }
  co->serial = eval->serial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

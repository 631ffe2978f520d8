/*
  Formats that no file of the library knows, registered as a user's program does: the tests of evaluations, estimators, gradients and coordinate
  queries run over them, too. lowrank has what a format needs; lowrankbond is the same matrix with its bond and its cut.
*/
#ifndef FORMATS_H
#define FORMATS_H

#include "example_format.c"

static PetscErrorCode LayoutBond(TzNet net, PetscInt l, TzLayer *layer, PetscInt r)
{
  TzTrain *train;

  PetscFunctionBegin;
  PetscCall(Layout(net, l, layer, r));
  PetscCall(PetscNew(&train));
  *train      = (TzTrain){.ncores = 2, .bond = 1, .core = {{1, 1, layer->in, r, layer->weights}, {r, layer->out, 1, 1, layer->weights + layer->in * r}}};
  layer->bond = r;
  layer->data = train;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyBond(TzLayer *layer)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(layer->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bond(const TzLayer *layer, const PetscReal theta[], PetscReal left[], PetscReal right[])
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(left, theta + layer->weights, layer->in * layer->bond));
  PetscCall(PetscArraycpy(right, theta + layer->weights + layer->in * layer->bond, layer->bond * layer->out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BondGradient(const TzLayer *layer, PETSC_UNUSED const PetscReal theta[], const PetscReal leftbar[], const PetscReal rightbar[],
                                   PetscReal grad[])
{
  PetscReal *g = grad + layer->weights;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < layer->in * layer->bond; i++) *g++ += leftbar[i];
  for (PetscInt i = 0; i < layer->bond * layer->out; i++) *g++ += rightbar[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Cut(const TzLayer *layer, TzCut *cut)
{
  cut->train = (const TzTrain *)layer->data;
}

static const TzFormatOps LowRankBond = {.what         = "U V' through its bond",
                                        .layout       = LayoutBond,
                                        .destroy      = DestroyBond,
                                        .deviation    = Deviation,
                                        .densify      = Densify,
                                        .gradient     = Gradient,
                                        .bond         = Bond,
                                        .bondgradient = BondGradient,
                                        .cut          = Cut,
                                        .lastdense    = PETSC_TRUE};

static inline int RegisterFormats(void)
{
  return TzNetFormatRegister("lowrank", &LowRank) || TzNetFormatRegister("lowrankbond", &LowRankBond);
}

#endif

/*
  Coordinate queries: the choice of a strategy. What none can do, the caller evaluates one parameter at a time.
*/
#include "coordinate.h"

typedef enum { NONE, BONDS, DENSE, DEEP, HIDDEN, LAYERS } Strategy;

/* One output, of weights that are entries of their layers' matrices, as which they are applied; evaluators have the first one's in any case */
static PetscBool AreMatrices(TzNet net)
{
  if (net->out > 1 || net->reference || !net->nhidden || TzNetHasPlaces(net) || TzModelIsActive(net)) return PETSC_FALSE;
  for (PetscInt l = 0; l < net->nlayers; l++)
    if (!TzLayerGetCut(&net->layer[l]).entries || (l && net->layer[l].contraction != TZ_CONTRACT_DENSE)) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* And the first parameter that it is for */
static Strategy Choose(TzNet net, TzCoordinateKind kind, PetscInt *first)
{
  const PetscBool outputs = (PetscBool)(kind == TZ_COORDINATES_OUTPUTS);

  *first = net->nparams;
  if (net->shell || (TzModelIsActive(net) && !TzModelMovesAlone(net))) return NONE;
  if (!TzNetHasPlaces(net) && TzCoordinateFits_Bonds(net, first)) return BONDS;
  *first = 0;
  if (net->nhidden < 3 && AreMatrices(net)) return DENSE;
  if (kind == TZ_COORDINATES_JETS && AreMatrices(net)) return DEEP;
  if (outputs && net->nhidden == 1 && TzCoordinateFits_Hidden(net)) return HIDDEN;
  if (outputs && TzCoordinateFits_Layers(net)) return LAYERS;
  *first = net->nparams;
  return NONE;
}

PetscErrorCode TzNetGetCoordinates(TzNet net, TzCoordinateKind kind, PetscInt *first)
{
  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  (void)Choose(net, kind, first);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalCoordinates_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *q)
{
  PetscInt       first;
  const Strategy strategy = Choose(eval->net, q->shape ? TZ_COORDINATES_JETS : TZ_COORDINATES_OUTPUTS, &first);

  PetscFunctionBegin;
  PetscCheck(!q->count || first <= TzCoordinateAt(q, 0), PETSC_COMM_SELF, PETSC_ERR_SUP,
             "parameter %" PetscInt_FMT " is not followed: see TzNetGetCoordinates()", TzCoordinateAt(q, 0));
  if (!q->count || !n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(TzCoordinateAt(q, q->count - 1) < eval->net->nparams, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "parameter %" PetscInt_FMT " of %" PetscInt_FMT,
             TzCoordinateAt(q, q->count - 1), eval->net->nparams);
  if (TzModelIsActive(eval->net) && !q->move) {
    PetscCall(TzNetEvalCoordinates_Held(eval, n, X, F, q));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (strategy == BONDS || strategy == DENSE || strategy == DEEP) PetscCall(TzEvalBuild(eval));
  switch (strategy) {
  case BONDS: PetscCall(TzNetEvalCoordinates_Bonds(eval, n, X, F, q)); break;
  case DENSE: PetscCall(TzNetEvalCoordinates_Dense(eval, n, X, F, q)); break;
  case DEEP: PetscCall(TzNetEvalCoordinates_Deep(eval, n, X, F, q)); break;
  case HIDDEN: PetscCall(TzNetEvalCoordinates_Hidden(eval, n, X, q)); break;
  case LAYERS: PetscCall(TzNetEvalCoordinates_Layers(eval, n, X, q)); break;
  case NONE: break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

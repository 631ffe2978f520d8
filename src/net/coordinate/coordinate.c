/*
  Coordinate queries: the choice of a strategy. What none can do, the caller evaluates one parameter at a time.
*/
#include "coordinate.h"

PetscErrorCode TzNetGetCoordinates(TzNet net, PetscBool jets, PetscInt *first)
{
  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  if (net->shell || TzModelIsActive(net)) *first = net->nparams;
  else if (!TzCoordinateFits_Bonds(net, first)) *first = (!jets && TzCoordinateFits_Hidden(net)) || TzCoordinateFits_Dense(net) ? 0 : net->nparams;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalCoordinates_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *q)
{
  PetscInt first;

  PetscFunctionBegin;
  PetscCall(TzNetGetCoordinates(eval->net, q->shape ? PETSC_TRUE : PETSC_FALSE, &first));
  PetscCheck(!q->count || first <= TzCoordinateAt(q, 0), PETSC_COMM_SELF, PETSC_ERR_SUP,
             "parameter %" PetscInt_FMT " is not followed: see TzNetGetCoordinates()", TzCoordinateAt(q, 0));
  if (!q->count || !n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(TzCoordinateAt(q, q->count - 1) < eval->net->nparams, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "parameter %" PetscInt_FMT " of %" PetscInt_FMT,
             TzCoordinateAt(q, q->count - 1), eval->net->nparams);
  if (TzCoordinateFits_Bonds(eval->net, &first)) {
    PetscCall(TzEvalBuild(eval));
    PetscCall(TzNetEvalCoordinates_Bonds(eval, n, X, F, q));
  } else if (TzCoordinateFits_Dense(eval->net)) {
    PetscCall(TzEvalBuild(eval));
    PetscCall(TzNetEvalCoordinates_Dense(eval, n, X, F, q));
  } else PetscCall(TzNetEvalCoordinates_Hidden(eval, n, X, q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

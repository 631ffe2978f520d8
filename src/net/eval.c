/*
  Evaluators: a network bound to one parameter vector. This file dispatches between the plain and the structured evaluation.
*/
#include "netimpl.h"

PetscErrorCode TzNetEvalCreate(TzNet net, TzNetEval *eval)
{
  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  PetscCall(PetscNew(eval));
  PetscCall(PetscObjectReference((PetscObject)net));
  (*eval)->net = net;
  PetscCall(PetscMalloc1(net->nparams, &(*eval)->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalDestroy(TzNetEval *eval)
{
  PetscFunctionBegin;
  if (!*eval) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*eval)->theta));
  PetscCall(TzNetDestroy(&(*eval)->net));
  PetscCall(PetscFree(*eval));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalBind(TzNetEval eval, const PetscReal theta[])
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(eval->theta, theta, eval->net->nparams));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalForward(TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalForward_Plain(eval, n, X, Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalPairs(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt j1, PetscReal f0[], PetscReal even[], PetscReal odd[])
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalPairs_Plain(eval, n, X, pairs, s, j0, j1, f0, even, odd));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJet(TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt nlap, PetscReal jet[])
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalJet_Plain(eval, n, X, nlap, jet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

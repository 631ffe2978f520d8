/* Exact forward propagation; see TzNetEvalJet. */
#include "netimpl.h"

PetscErrorCode TzNetEvalJet_Structured(TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt nlap, PetscReal jet[])
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalJet_Plain(eval, n, X, nlap, jet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

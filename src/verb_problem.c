/*
  The problem that `solve` and `eval` work on: equation, network and derivatives, all from options.
*/
#include "verb.h"

PetscErrorCode TzProblemCreate(MPI_Comm comm, TzProblem *p)
{
  PetscInt64 seed = 0;

  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, "Problem options", "Tenzo");
  PetscCall(TzOptionsInt64("-tz_seed", "Seed of every random number (>= 0)", "TzProblemCreate", seed, &seed, NULL));
  PetscOptionsEnd();
  PetscCheck(seed >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_seed %" PetscInt64_FMT ": must be at least 0", seed);
  p->seed = seed;
  PetscCall(TzPDECreate(comm, &p->pde));
  PetscCall(TzPDESetFromOptions(p->pde));
  PetscCall(TzPDESetUp(p->pde));
  PetscCall(TzPDEGetDim(p->pde, &p->d));
  PetscCall(TzNetCreate(comm, &p->net));
  PetscCall(TzNetSetIO(p->net, p->d + 1, 1));
  PetscCall(TzNetSetFromOptions(p->net));
  PetscCall(TzNetSetUp(p->net));
  PetscCall(TzDerivCreate(comm, &p->deriv));
  PetscCall(TzDerivSetNet(p->deriv, p->net, p->d));
  PetscCall(TzDerivSetFromOptions(p->deriv));
  PetscCall(TzDerivSetUp(p->deriv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetRestoreMask(TzNet net, TzStore store)
{
  const PetscInt64 *place;
  const PetscInt   *mask;
  PetscInt          n, old, *copy;

  PetscFunctionBegin;
  PetscCall(TzNetGetMask(net, &old, &mask));
  if (!old) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzStoreGetInt(store, "/mask", &n, &place));
  PetscCall(PetscMalloc1(n, &copy));
  for (PetscInt i = 0; i < n; i++) copy[i] = (PetscInt)place[i];
  PetscCall(TzNetSetMask(net, n, copy));
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzProblemDestroy(TzProblem *p)
{
  PetscFunctionBegin;
  PetscCall(TzDerivDestroy(&p->deriv));
  PetscCall(TzNetDestroy(&p->net));
  PetscCall(TzPDEDestroy(&p->pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

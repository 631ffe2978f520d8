/*
  tenzo solve: trains a network on a differential equation. tenzo classify: trains a classifier of labelled images (-mnist_dir). All that a
  training run is stands in src/run.
*/
#include "verb.h"

static PetscErrorCode Train(MPI_Comm comm, TzRunType type, int *code)
{
  TzRun run;

  PetscFunctionBegin;
  PetscCall(TzRunCreate(comm, &run));
  PetscCall(TzRunSetType(run, type));
  PetscCall(TzRunSetFromOptions(run));
  PetscCall(TzRunSetUp(run));
  PetscCall(TzRunSolve(run, code));
  PetscCall(TzRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbSolve(MPI_Comm comm, int *code)
{
  PetscFunctionBegin;
  PetscCall(Train(comm, TZRUNPDE, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbClassify(MPI_Comm comm, int *code)
{
  PetscFunctionBegin;
  PetscCall(Train(comm, TZRUNCLASSIFIER, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

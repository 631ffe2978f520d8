/*
  The program: one function a verb, and the problem that verbs build from the options.
*/
#ifndef TZVERB_H
#define TZVERB_H

#include <tenzo.h>
#include <tzio.h>

/* code: exit code of a run that ended without an error */
PETSC_INTERN PetscErrorCode TzVerbSolve(MPI_Comm comm, int *code);
PETSC_INTERN PetscErrorCode TzVerbEval(MPI_Comm comm, int *code);
PETSC_INTERN PetscErrorCode TzVerbGrid(MPI_Comm comm, int *code);

typedef struct {
  PetscInt   d; /* space dimensions */
  PetscInt64 seed;
  TzPDE      pde;
  TzNet      net;
  TzDeriv    deriv;
} TzProblem;

PETSC_INTERN PetscErrorCode TzProblemCreate(MPI_Comm comm, TzProblem *problem); /* all from options, all set up */
PETSC_INTERN PetscErrorCode TzProblemDestroy(TzProblem *problem);

#endif

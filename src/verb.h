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
PETSC_INTERN PetscErrorCode TzVerbClassify(MPI_Comm comm, int *code);
PETSC_INTERN PetscErrorCode TzVerbGrid(MPI_Comm comm, int *code);

typedef struct {
  PetscInt   d; /* space dimensions */
  PetscInt64 seed;
  TzPDE      pde;
  TzNet      net;
  TzDeriv    deriv;
} TzProblem;

/* eval of a classifier's checkpoint, whose options are in the database and, as a text, in `options` */
PETSC_INTERN PetscErrorCode TzClassifierEval(MPI_Comm comm, const char model[], const char output[], const char options[], TzStore store);

PETSC_INTERN PetscErrorCode TzProblemCreate(MPI_Comm comm, TzProblem *problem); /* all from options, all set up */
/* sparse networks: the mask of a checkpoint */
PETSC_INTERN PetscErrorCode TzNetRestoreMask(TzNet net, TzStore store);
PETSC_INTERN PetscErrorCode TzProblemDestroy(TzProblem *problem);

#endif

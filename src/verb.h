/*
  The program: one function a verb.
*/
#ifndef TZVERB_H
#define TZVERB_H

#include <tenzo.h>

/* code: exit code of a run that ended without an error */
PETSC_INTERN PetscErrorCode TzVerbSolve(MPI_Comm comm, int *code);
PETSC_INTERN PetscErrorCode TzVerbEval(MPI_Comm comm, int *code);
PETSC_INTERN PetscErrorCode TzVerbExport(MPI_Comm comm, int *code);
PETSC_INTERN PetscErrorCode TzVerbRound(MPI_Comm comm, int *code);
PETSC_INTERN PetscErrorCode TzVerbClassify(MPI_Comm comm, int *code);
PETSC_INTERN PetscErrorCode TzVerbSimulate(MPI_Comm comm, int *code);
PETSC_INTERN PetscErrorCode TzVerbPDE(MPI_Comm comm, int *code);
PETSC_INTERN PetscErrorCode TzVerbGrid(MPI_Comm comm, int *code);

/*
  The output of a verb that does not train (TzFileReserve): PETSC_ERR_USER_INPUT where that would destroy what is read (names of files, may be NULL) or a
  checkpoint
*/
PETSC_INTERN PetscErrorCode TzVerbReserve(MPI_Comm comm, const char output[], const char model[], const char points[], int *lock);

/* eval, by the type of the run whose checkpoint is evaluated; the run has its options, but is not set up: first come those of eval */
typedef struct {
  char model[PETSC_MAX_PATH_LEN], points[PETSC_MAX_PATH_LEN], output[PETSC_MAX_PATH_LEN];
} TzEvalOptions;
PETSC_INTERN PetscErrorCode TzEvalPDE(TzRun run, const TzEvalOptions *o);
PETSC_INTERN PetscErrorCode TzEvalClassifier(TzRun run, const TzEvalOptions *o);

#endif

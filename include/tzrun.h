/*
  TzRun: a training run from its options to its RESULT line, and the evaluation of what it left in a file.

  A program that trains:
      TzRunCreate(comm, &run); TzRunSetFromOptions(run); TzRunSetUp(run); TzRunSolve(run, &code); TzRunDestroy(&run);
  It has all that `tenzo solve` has: -tz_output FILE (checkpoint and history), -tz_resume FILE, SIGTERM and SIGUSR1 (a checkpoint, exit code 75), progress
  lines, validation, the RESULT line, the check that no option is misspelt. Between these calls the objects may be asked for and
  changed: their types before TzRunSetFromOptions(), their settings after it.

  A program that evaluates: TzRunLoad(run, "-tz_model", file) before TzRunSetFromOptions(), TzRunEvaluate() after TzRunSetUp().

  Problems (TzRunType; the file has it as /problem):
    pde         a network of the coordinates on a differential equation: TzPDE, TzDeriv, loss "residual"
    classifier  a network on labelled images: loss "crossentropy"

  All functions are collective, unless they only get something.
*/
#ifndef TZRUN_H
#define TZRUN_H

#include <tzcheckpoint.h>

typedef struct _p_TzRun *TzRun;
typedef const char      *TzRunType;
#define TZRUNPDE        "pde"
#define TZRUNCLASSIFIER "classifier"

PETSC_EXTERN PetscClassId   TZRUN_CLASSID;
PETSC_EXTERN PetscErrorCode TzRunCreate(MPI_Comm comm, TzRun *run);  /* a run of type pde; from now on options are recorded (tzsys.h) */
PETSC_EXTERN PetscErrorCode TzRunSetType(TzRun run, TzRunType type); /* first of all; makes its objects, without settings */
PETSC_EXTERN PetscErrorCode TzRunGetType(TzRun run, TzRunType *type);
/*
  To evaluate, not to train: the problem and the options of a checkpoint, where the user has not given them anew. `option` names it in messages.
  Errors: PETSC_ERR_FILE_READ, PETSC_ERR_FILE_UNEXPECTED.
*/
PETSC_EXTERN PetscErrorCode TzRunLoad(TzRun run, const char option[], const char file[]);
/* All objects from options, set up; to train, also loss and solver, and the file of -tz_resume is opened */
PETSC_EXTERN PetscErrorCode TzRunSetFromOptions(TzRun run);
/*
  No option is left over, those that define the problem are those of the file, the output can be written; initial parameters, or all that the
  file has.
*/
PETSC_EXTERN PetscErrorCode TzRunSetUp(TzRun run);
/* Trains, and ends with the last checkpoint and the RESULT line; *code: exit code for TzExit(). With -help nothing is done. */
PETSC_EXTERN PetscErrorCode TzRunSolve(TzRun run, int *code);
PETSC_EXTERN PetscErrorCode TzRunView(TzRun run, PetscViewer viewer);
PETSC_EXTERN PetscErrorCode TzRunDestroy(TzRun *run);

/* Borrowed objects; NULL where the problem has none (a classifier has no equation; a run that only evaluates an equation no loss, none a solver) */
PETSC_EXTERN PetscErrorCode TzRunGetNet(TzRun run, TzNet *net);
PETSC_EXTERN PetscErrorCode TzRunGetPDE(TzRun run, TzPDE *pde);
PETSC_EXTERN PetscErrorCode TzRunGetDeriv(TzRun run, TzDeriv *deriv);
PETSC_EXTERN PetscErrorCode TzRunGetLoss(TzRun run, TzLoss *loss);
PETSC_EXTERN PetscErrorCode TzRunGetTao(TzRun run, Tao *tao);
PETSC_EXTERN PetscErrorCode TzRunGetSolution(TzRun run, Vec *x); /* the distributed parameters of a training run */
PETSC_EXTERN PetscErrorCode TzRunGetSeed(TzRun run, PetscInt64 *seed);
PETSC_EXTERN PetscErrorCode TzRunGetStep(TzRun run, PetscInt *step); /* steps done */
/* theta[n]: all parameters, on every rank; valid until the next call or step. Collective. */
PETSC_EXTERN PetscErrorCode TzRunGetParameters(TzRun run, PetscInt *n, const PetscReal *theta[]);

/*
  Type pde: the solution at the points X [n][D], which every rank has: jets ujet [n][J] of u (tzpde.h) and residuals r[n] (may be NULL), on every
  rank, bitwise the same on any number of them. u is what the loss differentiates: with the Stein estimator from the smoothed network.
*/
PETSC_EXTERN PetscErrorCode TzRunEvaluate(TzRun run, PetscInt n, const PetscReal X[], PetscReal ujet[], PetscReal r[]);
/*
  After TzRunLoad(): the model with its trains rounded, each W by no more than tolerance times its Frobenius norm, as a checkpoint for evaluation or -tz_init.
  The run's network has the new ranks afterwards, its parameters are gone.
*/
typedef struct {
  PetscInt  layers, before, after;    /* parameters */
  PetscReal error[TZ_NET_LAYERS_MAX]; /* of each layer's W, relative */
  char     *bonds;                    /* the new ranks, -net_tt_bonds; the caller's: PetscFree */
} TzRounding;
PETSC_EXTERN PetscErrorCode TzRunRound(TzRun run, PetscReal tolerance, const char file[], TzRounding *r);
/* After TzRunLoad(): where the network was trained; borrowed, n = 0 where the file does not tell */
PETSC_EXTERN PetscErrorCode TzRunGetRegion(TzRun run, TzRegion *region);
/* Figures on the validation set; for runs with a loss */
PETSC_EXTERN PetscErrorCode TzRunValidate(TzRun run, TzMetrics *metrics);

#endif

/*
  A training run: what every step needs for the history, the progress lines, the checkpoints and the signals. A verb that
  trains calls TzRunGetOptions, makes loss, tao and x, then calls the others in their order.
*/
#ifndef TZVERBRUN_H
#define TZVERBRUN_H

#include "verb.h"

typedef struct {
  char      output[PETSC_MAX_PATH_LEN]; /* "none": no file */
  char      resume[PETSC_MAX_PATH_LEN]; /* "": a fresh run */
  PetscInt  checkpoint;                 /* steps between checkpoints; 0: only at the end */
  PetscInt  validate;                   /* steps between validations; 0: only at the end */
  PetscReal progress;                   /* seconds between progress lines */
  PetscBool quiet;
} TzRunOptions;

typedef struct {
  MPI_Comm       comm;
  TzRunOptions   o;
  TzLoss         loss;
  Tao            tao;
  Vec            x;   /* parameters, distributed */
  VecScatter     all; /* x -> theta */
  Vec            theta;
  TzCheckpoint   c;     /* what is kept; c.step is the number of steps done */
  TzMetrics      valid; /* of the last validation */
  PetscInt       step0; /* steps done by earlier runs */
  PetscReal      seconds0;
  PetscLogDouble t0, tprint; /* start, last progress line */
  PetscReal      f;          /* loss of the last step */
  PetscInt       kept;       /* step of the checkpoint in the file, -1 for none */
  PetscBool      stopped;    /* by a signal */
  PetscBool      ours;       /* tao is of one of Tenzo's types, not of TAO's own (lmvm ...), which have no learning rate and no state */
} TzRun;

/* First: the options of a run; *restart: the checkpoint to go on from, whose options are now in the database, or NULL */
PETSC_INTERN PetscErrorCode TzRunGetOptions(MPI_Comm comm, TzRunOptions *o, TzStore *restart);
/* run->loss is set up: solver (from options) and parameters with their initial values */
PETSC_INTERN PetscErrorCode TzRunCreateSolver(TzRun *run, TzNet net, TaoType type);
PETSC_INTERN PetscErrorCode TzRunViewText(PetscObject object, char **text); /* what its view prints (PetscMalloced) */
/* When all objects are set up: no option is left over, and none differs from those of the checkpoint */
PETSC_INTERN PetscErrorCode TzRunCheckOptions(TzRun *run, TzStore restart);
/* columns: names of the metrics that TzLossValidate gives */
PETSC_INTERN PetscErrorCode TzRunCreate(TzRun *run, PetscInt ncol, const char *const columns[], TzStore restart);
PETSC_INTERN PetscErrorCode TzRunSolve(TzRun *run);
PETSC_INTERN PetscErrorCode TzRunFinish(TzRun *run, int *code); /* last checkpoint, last line; exit code */
PETSC_INTERN PetscErrorCode TzRunDestroy(TzRun *run);

#endif

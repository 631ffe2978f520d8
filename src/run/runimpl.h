/*
  For the files of src/run: what a run is made of, and what a problem (one file each: problem_pde.c, problem_classifier.c) provides.
*/
#ifndef TZRUNIMPL_H
#define TZRUNIMPL_H

#include <tenzo.h>
#include <private/tzclassimpl.h>

struct _TzRunOps {
  PetscErrorCode (*setfromoptions)(TzRun);          /* the objects of the problem from options, the network set up */
  PetscErrorCode (*loss)(TzRun, TzNet, TzLoss *);   /* from options, set up: the loss on the run's network, or a new one on another */
  PetscErrorCode (*length)(TzRun);                  /* optional: how long the run is; the solver has its options already */
  PetscErrorCode (*describe)(TzRun, PetscObject *); /* the object whose view the file keeps as /pde */
  PetscErrorCode (*evaluate)(TzRun, PetscInt n, const PetscReal X[], PetscReal ujet[], PetscReal r[]); /* optional */
  PetscErrorCode (*destroy)(TzRun);
};

typedef struct {
  char      output[PETSC_MAX_PATH_LEN];  /* "none": no file */
  char      summary[PETSC_MAX_PATH_LEN]; /* of the result, as JSON; \"\": none */
  char      monitor[PETSC_MAX_PATH_LEN]; /* -tz_monitor; "": none */
  PetscInt  checkpoint;                  /* steps between checkpoints; 0: only at the end */
  PetscInt  validate;                    /* steps between validations; 0: only at the end */
  PetscReal progress;                    /* seconds between progress lines */
  PetscBool quiet;
  PetscInt  keep;                    /* TzKeep */
  PetscBool overwrite;               /* what has the name of the output is not kept */
  PetscReal limit;                   /* seconds; 0: none */
  PetscReal targeterror, targetloss; /* 0: none */
} TzRunOptions;

/* -tz_keep: which parameters the file has */
typedef enum { TZ_KEEP_LAST, TZ_KEEP_BEST, TZ_KEEP_BOTH } TzKeep;

/* Why a run ends before its last step; a later one counts before an earlier one */
typedef enum { TZ_STOP_NO, TZ_STOP_LOSS, TZ_STOP_ERROR, TZ_STOP_TIME, TZ_STOP_SIGNAL } TzRunStop;

struct _p_TzRun {
  PETSCHEADER(struct _TzRunOps);
  TzRunOptions o;
  PetscBool    trains; /* not so after TzRunLoad() */
  PetscBool    setupcalled;
  const char  *option; /* that named the file to go on from or to evaluate, and the file; from is NULL for a fresh run */
  char         file[PETSC_MAX_PATH_LEN];
  char         init[PETSC_MAX_PATH_LEN]; /* "", or the checkpoint whose parameters are the first */
  TzStore      from;
  const char  *parameters; /* to be evaluated: their place in the file */

  PetscInt64         seed;
  TzPDE              pde;
  TzNet              net;
  TzDeriv            deriv;
  TzLoss             loss;
  TaoType            solver; /* of the problem, where no option says another */
  const char *const *fixed;  /* prefixes of the options that evaluation may not change, NULL-terminated */

  Tao            tao;
  PetscBool      ours;      /* tao is of one of Tenzo's types, not of TAO's own (lmvm ...), which have no learning rate and no state */
  Vec            x;         /* parameters, distributed */
  VecScatter     all;       /* x -> theta */
  Vec            theta;     /* on this rank */
  TzCheckpoint   c;         /* what is kept; c.step is the number of steps done */
  TzMetrics      valid;     /* of the last validation */
  char          *changes;   /* options that differ from those of the file: a text (TzOptionsCompareText), or NULL */
  PetscInt       step0;     /* steps done by earlier runs */
  PetscReal      costs0[4]; /* of the device, of the runs before this one */
  PetscReal      seconds0;
  PetscLogDouble t0, tprint;   /* start, last progress line */
  PetscReal      f;            /* loss of the last step */
  PetscInt       kept;         /* step of the checkpoint in the file, -1 for none */
  PetscBool      owns;         /* the file of the output is of this run (or the one resumed): it may be replaced */
  char           trouble[256]; /* why the last checkpoint could not be written; "" */
  int            lock;         /* of the output; -1: none */
  PetscBool      moved;        /* a step has been taken, and what follows it is not yet done */
  PetscInt       validstep;    /* step of the last validation, -1 for none */
  PetscLogDouble validtime;    /* seconds that it took */

  TzNetAdaptive adaptive;          /* -net_tt_rank auto */
  char         *bonds;             /* ranks that the network is to have after this step, NULL: it stays as it is; then */
  PetscInt      nresized, *origin; /* [nresized]: where each parameter is before, -1: nowhere */
  PetscReal    *fresh;             /* [nresized]: with what those begin; NULL: there are none */

  PetscBool more; /* the solver is to go on after that */

  struct _n_TzMonitors *monitors; /* NULL: none */

  TzRunStop      stop;
  PetscLogDouble born, lasttime, longest; /* for the time limit: creation, last step, longest step */
};

PETSC_INTERN PetscErrorCode TzRunCreate_PDE(TzRun);
PETSC_INTERN PetscErrorCode TzRunCreate_Classifier(TzRun);
/* run.c: solver from options on the loss, with the vector of parameters; solve.c: what it calls, its state to be kept */
PETSC_INTERN PetscErrorCode TzRunCreateSolver(TzRun);
PETSC_INTERN PetscErrorCode TzRunAttachSolver(TzRun);
/* ranks.c: a step of the prior, of this learning rate; whether the network is to be cut or to grow after this step (run->bonds); and that */
PETSC_INTERN PetscErrorCode TzRunShrink(TzRun, PetscReal lr);
PETSC_INTERN PetscErrorCode TzRunPlanResize(TzRun);
PETSC_INTERN PetscErrorCode TzRunResize(TzRun);
/* monitor.c: what -tz_monitor asks for, created with the history there is; after a step; after the last. Collective */
PETSC_INTERN PetscErrorCode TzRunMonitorsCreate(TzRun);
PETSC_INTERN PetscErrorCode TzRunMonitorsShow(TzRun);
PETSC_INTERN PetscErrorCode TzRunMonitorsEnd(TzRun);
PETSC_INTERN PetscErrorCode TzRunMonitorsDestroy(TzRun);
/* What the view of an object prints (PetscMalloced) */
PETSC_INTERN PetscErrorCode TzRunViewText(PetscObject object, char **text);
/* solve.c: the class's stages of -log_view */
PETSC_INTERN PetscErrorCode TzRunRegisterStages(void);
/* solve.c: history, tables and the state of run->from, when solver and parameters are there */
PETSC_INTERN PetscErrorCode TzRunSetUpSolve(TzRun);

/* summary.c: the file of -tz_summary, where one is wanted; theta: the checksum of the RESULT line */
PETSC_INTERN PetscErrorCode TzRunSummary(TzRun, PetscReal seconds, double rss, const char theta[]);
/* stop.c: whether to stop now, the same on every rank; the word for RESULT */
PETSC_INTERN PetscErrorCode TzRunGetStopOptions(TzRun);
PETSC_INTERN PetscErrorCode TzRunStops(TzRun, TzRunStop *);
PETSC_INTERN const char    *TzRunReason(TzRun);

#endif

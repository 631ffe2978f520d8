/*
  For the files of solvers/, and for plug-ins with a solver of their own (TaoZORegister). A solver is a row of the table in presets.c: a phase, which
  is an estimate of the gradient and what to do with it, or two of them, one after the other. Who calls whom, from the top: zo.c (the TAO type: options,
  set-up, state), step.c (the loop), the estimates (difference.c, exact.c, points.c, gaussnewton.c), share.c (what these have in common), schedule.c.
*/
#ifndef ZOIMPL_H
#define ZOIMPL_H

#include <tzzo.h>
#include <petsc/private/taoimpl.h>

typedef enum { TZ_LR_CONSTANT, TZ_LR_STEP, TZ_LR_EXPONENTIAL, TZ_LR_COSINE, TZ_LR_PIECEWISE } TzScheduleType;
PETSC_INTERN const char *const TzScheduleTypes[];

#define TZ_DAMPING 1e-3 /* of Gauss-Newton at the start, unless a row says otherwise */

#define TZ_SCHEDULE_MAX 64 /* entries of -zo_lr_at */

typedef struct {
  TzScheduleType type;
  PetscReal      lr;                     /* -zo_lr, which `min` and `value` are meant for */
  PetscReal      factor;                 /* step, exponential */
  PetscReal      min;                    /* no schedule goes below */
  PetscInt       every;                  /* steps per factor */
  PetscInt       steps;                  /* length of the cosine; 0: -tao_max_it */
  PetscInt       n, at[TZ_SCHEDULE_MAX]; /* piecewise: from step at[i] on value[i] */
  PetscReal      value[TZ_SCHEDULE_MAX];
} TzSchedule;

PETSC_INTERN PetscErrorCode TzScheduleSetFromOptions(TzSchedule *schedule, MPI_Comm comm, TzOptionItems PetscOptionsObject);
/* The learning rate of a step of a phase with base rate lr; max_it: -tao_max_it */
PETSC_INTERN PetscReal TzScheduleRate(const TzSchedule *schedule, PetscReal lr, PetscInt step, PetscInt max_it);

typedef struct _TzZOPhase TzZOPhase;

/* How a phase finds its direction of descent: one file each. All functions but `estimate` are optional */
typedef struct {
  PetscErrorCode (*setfromoptions)(Tao, TzZOPhase *, TzOptionItems); /* the estimate's own options, by TzZOOption() */
  PetscErrorCode (*setup)(Tao, TzZOPhase *);                         /* phase->queries and phase->data; what cannot work is an error here */
  /*
    The samples of the step are drawn. This rank's part of the gradient goes to zo->g; *l0: the loss at the solution; *norm of the gradient, the same on
    every rank. A phase without `update` moves the solution (and zo->theta) here, having copied it to zo->previous.
  */
  PetscErrorCode (*estimate)(Tao, TzZOPhase *, PetscReal *l0, PetscReal *norm);
  PetscErrorCode (*view)(Tao, const TzZOPhase *, PetscViewer); /* the middle of a line: "10 gaussian directions, " */
  PetscErrorCode (*destroy)(TzZOPhase *);                      /* phase->data */
} TzZOEstimate;

struct _TzZOPhase {
  const char         *name; /* for the view */
  const TzZOEstimate *estimate;
  TzDirection         direction; /* TZ_DIRECTION_COORDINATE: all unit vectors (CGE), otherwise random (RGE) */
  PetscInt            queries;   /* N of the RGE */
  PetscInt            repeats;   /* evaluations of each of them, whose mean is taken; 0: one */
  PetscReal           mu, lr, momentum;
  PetscReal           beta2, epsilon;      /* beta2 > 0: Adam's scaling by the second moment */
  PetscReal           sparsity;            /* points.c: the part of the coordinates */
  PetscReal           damping, dampingmin; /* gaussnewton.c: at the start, at least */
  PetscBool           accelerated;         /* gaussnewton.c: by the geodesic acceleration */
  PetscBool           last;                /* gaussnewton.c: of all coordinates those of the output layer */
  PetscBool           twosided;
  PetscBool           automatic; /* mu is measured in the first step */
  /* x[n] moves along m[n], the gradient or its momentum; NULL: the estimate moves the solution itself */
  void (*update)(PetscInt n, PetscReal lr, const PetscReal m[], PetscReal x[]);
  /* not of the table: */
  const char *prefix;     /* of its options */
  PetscBool   looked;     /* at mu beside the levels of quantised parameters */
  char        option[64]; /* TzZOOption() */
  void       *data;       /* the estimate's */
};

typedef struct {
  const char *name;   /* -tao_type */
  TzZOPhase   phase;  /* or, of two phases: */
  const char *two[2]; /* the names of the rows that they are, unless -zo_phase1 and -zo_phase2 say otherwise */
} TzZOPreset;

PETSC_INTERN const TzZOPreset TzZOPresets[]; /* ends with a row without name */
/* A solver more, of a plug-in; what the row points to must stay (its name is copied). Every rank has to call it */
PETSC_EXTERN PetscErrorCode TaoZORegister(const TzZOPreset *preset);

typedef struct {
  TzZOPhase  phase[2];
  PetscInt   nphases; /* 0: its row of the table has not been looked up yet */
  TzSchedule schedule;
  PetscInt   patience; /* two phases: steps without improvement that end the first */
  PetscInt   window;   /* steps over which their loss is averaged */
  PetscReal  tolerance;
  PetscInt   lastevery;  /* -zo_last_layer */
  TzZOPhase  last;       /* what it does */
  PetscInt   checkevery; /* -tz_check_gradient */

  struct { /* with the vectors, all that a later step depends on */
    PetscReal step, phase, begun, best, stalled, sum, summed, damping, noise,
      mu; /* noise, mu: as measured (-zo_mu auto); begun: first step of the phase; sum: of the losses of the `summed` steps of a window */
  } state;
  PetscBool  integer;          /* -zo_integer */
  PetscReal *levels;           /* [parameters]: the distance of their levels */
  Vec        momentum, second; /* first and, for Adam, second moments */

  TzLoss loss;
  struct { /* watch.c: means of the loss over windows of steps */
    PetscReal sum, best;
    PetscInt  steps, windows, stalls;
    PetscBool told;
  } watch;
  Vec        previous; /* solution before the last update */
  PetscInt   first;    /* step that this solve began with */
  PetscReal  rate;     /* of the last step */
  PetscInt64 bits;     /* checksum of theta before the last step */
  PetscInt   still;    /* steps in a row that did not change it */
  PetscReal *theta;    /* [nparams]: the whole parameter vector */

  PetscObjectState gathered; /* of the solution, when that was taken from it */
  PetscReal       *g, *xi;   /* [own part of the solution]: the gradient; scratch */
  PetscMPIInt     *count, *displ;
} TAO_ZO;

PETSC_EXTERN const TzZOEstimate TzZODifference;  /* RGE or CGE, by the type of the directions */
PETSC_EXTERN const TzZOEstimate TzZOExact;       /* the exact gradient: the first-order references */
PETSC_EXTERN const TzZOEstimate TzZOPoints;      /* coordinates of a random part move by lr to the best of two or (twosided) three points */
PETSC_EXTERN const TzZOEstimate TzZOGaussNewton; /* least squares over directions, from residual vectors; mu = 0: exact derivatives */

/* watch.c. After every step, l0 its loss; and the cosine of zo->g with the exact gradient, before the update */
PETSC_INTERN PetscErrorCode TzZOWatch(Tao, PetscReal l0);
PETSC_INTERN PetscErrorCode TzZOCheckGradient(Tao, const TzZOPhase *phase);
/* zo.c: damping that a phase begins with */
PETSC_INTERN PetscReal TzZODamping(const TAO_ZO *zo, PetscInt phase);
/* step.c */
PETSC_INTERN PetscErrorCode TaoSolve_ZO(Tao);

/* share.c. The name of a phase's option, valid until the next call: "mu" -> "-zo_mu"; of a second phase "-zo_phase2_mu" */
PETSC_EXTERN const char *TzZOOption(TzZOPhase *phase, const char name[]);
/* -zo_queries, -zo_direction (up to the given one), -zo_mu, -zo_two_sided */
PETSC_EXTERN PetscErrorCode TzZOQueriesFromOptions(Tao tao, TzZOPhase *phase, TzDirection last, TzOptionItems PetscOptionsObject);
/* "10 gaussian directions, one-sided differences of mu = 0.0001, " */
PETSC_EXTERN PetscErrorCode TzZOQueriesView(Tao tao, const TzZOPhase *phase, PetscViewer viewer);
/* The queries of the step to be done */
PETSC_EXTERN PetscErrorCode TzZOQueries(Tao tao, const TzZOPhase *phase, TzQueries *q);
PETSC_EXTERN PetscErrorCode TzZOGather(Tao tao, Vec v, PetscReal all[]); /* all [nparams] <- a vector laid out as the solution */
/* noise.c: before an estimate: mu, where it is to be measured; a warning where it is too small for quantised parameters */
PETSC_INTERN PetscErrorCode TzZOPrepareMu(Tao tao, TzZOPhase *phase);
/* The noise in values at equal distances; where it cannot be told: -1, the distance is too small (half of them are equal), -2: too large */
#define TZ_ZO_LINE 9
PETSC_INTERN PetscReal TzZONoise(const PetscReal f[TZ_ZO_LINE]);
/* -zo_integer: x[n], this rank's part of the solution, to the levels of the parameters by stochastic rounding */
PETSC_INTERN PetscErrorCode TzZORoundToLevels(Tao tao, PetscInt n, PetscReal x[]);
/* x <- x - lr m */
PETSC_EXTERN void TzZODescend(PetscInt n, PetscReal lr, const PetscReal m[], PetscReal x[]);

/* difference.c. c[n]: the derivatives along the directions of q by differences of losses */
PETSC_INTERN void TzZOCoefficients(const TzQueries *q, PetscReal l0, const PetscReal lp[], const PetscReal lm[], PetscReal c[]);
/* g[i1-i0]: coordinates i0 <= i < i1 of the gradient estimate, from c[n]; xi [i1-i0] is scratch */
PETSC_INTERN PetscErrorCode TzZOGradient(TzLoss loss, const TzQueries *q, const PetscReal c[], PetscInt i0, PetscInt i1, PetscReal xi[], PetscReal g[]);

#endif

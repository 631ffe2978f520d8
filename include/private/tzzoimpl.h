/*
  For the zeroth-order solvers. A solver is one or two phases (an estimate of the gradient and what to do with it); zo.c has what the TAO types
  share, zostep.c the step, schedule.c the learning rate.
*/
#ifndef ZOIMPL_H
#define ZOIMPL_H

#include <tzzo.h>
#include <petsc/private/taoimpl.h>

typedef enum { TZ_LR_CONSTANT, TZ_LR_STEP, TZ_LR_EXPONENTIAL, TZ_LR_COSINE, TZ_LR_PIECEWISE } TzScheduleType;
PETSC_INTERN const char *const TzScheduleTypes[];

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

/* How a phase finds its direction of descent */
typedef enum {
  TZ_ZO_DIFFERENCES, /* RGE or CGE, by the type of the directions */
  TZ_ZO_EXACT,       /* the exact gradient: the first-order references */
  TZ_ZO_POINTS,      /* coordinates of a random part move by lr to the best of two or (twosided) three points */
  TZ_ZO_GAUSSNEWTON  /* least squares over the span of the directions, from residual vectors */
} TzZOEstimate;

typedef struct {
  const char  *name;
  TzZOEstimate estimate;
  TzDirection  direction; /* TZ_DIRECTION_COORDINATE: CGE, otherwise RGE */
  PetscInt     queries;   /* N of the RGE */
  PetscReal    mu, lr, momentum;
  PetscReal    beta2, epsilon; /* beta2 > 0: Adam's scaling by the second moment */
  PetscReal    sparsity;       /* TZ_ZO_POINTS: the part */
  PetscBool    twosided;
  /* x[n] moves along m[n], the gradient or its momentum */
  void (*update)(PetscInt n, PetscReal lr, const PetscReal m[], PetscReal x[]);
} TzZOPhase;

typedef struct {
  TzZOPhase  phase[2];
  PetscInt   nphases;
  TzSchedule schedule;
  PetscInt   patience; /* two phases: steps without improvement that end the first */
  PetscInt   window;   /* steps over which their loss is averaged */
  PetscReal  tolerance;

  struct {                                                      /* with the momentum, all that a later step depends on */
    PetscReal step, phase, best, stalled, sum, summed, damping; /* sum: of the losses of the `summed` steps of a window */
  } state;
  Vec momentum, second; /* first and, for Adam, second moments */

  TzLoss       loss;
  Vec          previous; /* solution before the last update */
  PetscInt     first;    /* step that this solve began with */
  PetscReal    rate;     /* of the last step */
  PetscReal   *theta;    /* [nparams]: the whole parameter vector */
  PetscReal   *lp, *lm;  /* [queries] */
  PetscInt    *which;    /* [queries]: TZ_ZO_POINTS: the coordinates of the step */
  PetscReal   *full;     /* [nparams]: exact gradient; Gauss-Newton: residual vectors [1 + 2 queries][samples] */
  PetscReal   *g, *xi;   /* [own part of the solution] */
  PetscMPIInt *count, *displ;
} TAO_ZO;

/* zo.c: for TaoCreate_ZOxxx(): the methods, and defaults of everything but the phases */
PETSC_INTERN PetscErrorCode TaoZOCreate(Tao tao, PetscInt nphases, const TzZOPhase phase[]);
/* Phases with their defaults, for the solvers that consist of them */
PETSC_INTERN void            TzZODescend(PetscInt n, PetscReal lr, const PetscReal m[], PetscReal x[]); /* x <- x - lr m */
PETSC_INTERN const TzZOPhase TzZOPhaseSGD, TzZOPhaseSign, TzZOPhaseCGE;

PETSC_INTERN PetscErrorCode TaoCreate_ZOSGD(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_ZOSign(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_ZOCGE(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_ZOHybrid(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_ZOAdam(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_ZOGN(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_FLOPS(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_STP(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_SZOSCD(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_FGW(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_SGD(Tao);
PETSC_INTERN PetscErrorCode TaoCreate_Adam(Tao);

/* zostep.c */
PETSC_INTERN PetscErrorCode TaoSolve_ZO(Tao);
PETSC_INTERN TzQueries      TzZOQueries(const TAO_ZO *zo, const TzZOPhase *phase);
PETSC_INTERN PetscErrorCode TzZOGatherSolution(Tao tao); /* zo->theta <- the whole solution */
/* zopoints.c: this rank's part of the moves in zo->g, times -1 */
PETSC_INTERN PetscErrorCode TzZOPoints(Tao tao, const TzZOPhase *phase, const TzQueries *q, PetscReal *l0, PetscReal *norm);
/* zogn.c: one step, with its acceptance; *l0: the loss before it, *norm of the gradient in the span */
PETSC_INTERN PetscErrorCode TzZOGaussNewton(Tao tao, const TzZOPhase *phase, const TzQueries *q, PetscReal *l0, PetscReal *norm);
/* c[n]: the derivatives along the directions of q by differences of losses */
PETSC_INTERN void TzZOCoefficients(const TzQueries *q, PetscReal l0, const PetscReal lp[], const PetscReal lm[], PetscReal c[]);
/* g[i1-i0]: coordinates i0 <= i < i1 of the gradient estimate, from c[n]; xi [i1-i0] is scratch */
PETSC_INTERN PetscErrorCode TzZOGradient(TzLoss loss, const TzQueries *q, const PetscReal c[], PetscInt i0, PetscInt i1, PetscReal xi[], PetscReal g[]);

#endif

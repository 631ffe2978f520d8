/*
  TzLoss: a loss L(theta) that is a mean over samples (collocation points, images), and its evaluation for a list of
  perturbed parameter vectors on all ranks of a communicator.

  Distribution. Work is a line of items, (value, block of samples), against blocks of nodes. Blocks are fixed (they do not depend on the
  number of ranks); l ranges of the line and n of the node blocks (-tz_partition auto or l,n) are dealt to l n ranks. Directions are
  regenerated from their keys, never sent. What travels: with n > 1 the node blocks' partial sums, then
  always the blocks' loss sums; every rank adds them in the same order. So each result is bitwise the same on any grid.

  Types: "residual" (mean squared residual of a TzPDE), "crossentropy" (softmax cross-entropy of a classifier).
*/
#ifndef TZLOSS_H
#define TZLOSS_H

#include <tzpde.h>
#include <tzderiv.h>

typedef struct _p_TzLoss *TzLoss;
typedef const char       *TzLossType;
#define TZLOSSRESIDUAL     "residual"
#define TZLOSSCROSSENTROPY "crossentropy"

/*
  Distributions of the directions xi_q. gaussian: N(0, I). rademacher: independent signs. hadamard: rows of a Hadamard matrix times one
  random sign a coordinate: each xi_q is a Rademacher vector, and |xi_q . xi_r| < n, whatever the number of parameters (0 where that is a
  multiple of the power of two above n). coordinate: unit vectors.
*/
typedef enum { TZ_DIRECTION_GAUSSIAN, TZ_DIRECTION_RADEMACHER, TZ_DIRECTION_HADAMARD, TZ_DIRECTION_COORDINATE } TzDirection;
PETSC_EXTERN const char *const TzDirections[]; /* "gaussian","rademacher","hadamard","coordinate",... */

/* Which parameter vectors: theta, theta + mu xi_q, theta - mu xi_q for q = 0..n-1; xi_q is direction number first + q (unit vector first + q) */
typedef struct {
  TzDirection     direction;
  PetscReal       mu;
  PetscBool       base;     /* theta itself */
  PetscBool       twosided; /* theta - mu xi_q as well */
  PetscInt        first, n;
  const PetscInt *which; /* coordinate: xi_q is unit vector number which[first + q], ascending; NULL: first + q */
  PetscInt64      seed;
  PetscInt        step;   /* with seed and first + q the key of xi_q (TZ_STREAM_DIRECTION) */
  PetscInt        repeat; /* of the same queries in this step: networks as hardware have other noise */
} TzQueries;

/*
  Exact counts since creation. `queries`: parameter vectors whose loss was asked for, and `forwards`: network evaluations that these take one
  by one (queries x samples x evaluations a sample), over all ranks, without validation. `bytes`: what this rank sent in collective
  calls (its contribution to an allgather counted once, its messages to the other ranks of an all-to-all; nothing on one rank).
*/
typedef struct {
  PetscInt64 queries, forwards, bytes;
} TzCounts;

/* Validation figures, by name: residual: mse, rel_l2, max, grad_rel_l2, residual_max; crossentropy: accuracy, test_loss. The first is the headline. */
typedef struct {
  PetscInt    n;
  const char *name[8];
  PetscReal   value[8];
} TzMetrics;

PETSC_EXTERN PetscClassId   TZLOSS_CLASSID;
PETSC_EXTERN PetscErrorCode TzLossCreate(MPI_Comm comm, TzLoss *loss);
PETSC_EXTERN PetscErrorCode TzLossSetType(TzLoss loss, TzLossType type); /* -loss_type */
PETSC_EXTERN PetscErrorCode TzLossSetNet(TzLoss loss, TzNet net);
PETSC_EXTERN PetscErrorCode TzLossSetSeed(TzLoss loss, PetscInt64 seed);
PETSC_EXTERN PetscErrorCode TzLossSetFromOptions(TzLoss loss); /* -loss_type, -tz_partition and the type's own */
PETSC_EXTERN PetscErrorCode TzLossSetUp(TzLoss loss);
PETSC_EXTERN PetscErrorCode TzLossView(TzLoss loss, PetscViewer viewer);
PETSC_EXTERN PetscErrorCode TzLossDestroy(TzLoss *loss);
PETSC_EXTERN PetscErrorCode TzLossGetNet(TzLoss loss, TzNet *net);
PETSC_EXTERN PetscErrorCode TzLossGetSeed(TzLoss loss, PetscInt64 *seed);
/* The distance of the levels that the network holds each parameter at (tzdevice.h), step [parameters]; 0: it is held as it is. Not collective */
PETSC_EXTERN PetscErrorCode TzLossGetWeightSteps(TzLoss loss, const PetscReal theta[], PetscReal step[]);
PETSC_EXTERN PetscErrorCode TzLossGetNumParameters(TzLoss loss, PetscInt *n);
/*
  The parameters of the network's output layer, in which its values and derivatives are linear, ascending: their number, and which [n] unless NULL. Of a loss
  without layers: all. After TzLossSetUp(); not collective
*/
PETSC_EXTERN PetscErrorCode TzLossGetLastLayer(TzLoss loss, PetscInt *n, PetscInt which[]);
PETSC_EXTERN PetscErrorCode TzLossGetCounts(TzLoss loss, TzCounts *counts);
PETSC_EXTERN PetscErrorCode TzLossSetCounts(TzLoss loss, const TzCounts *counts); /* resume */

/*
  Losses of an equation ("residual"): the equation and the derivative estimator (reference counted), before TzLossSetFromOptions(): the conditions of an
  equation have options. PETSC_ERR_USER_INPUT for a loss of something else.
*/
PETSC_EXTERN PetscErrorCode TzLossSetProblem(TzLoss loss, TzPDE pde, TzDeriv deriv);

/*
  Samples and nodes of a step: all later calls use them. Step s of one seed is always the same; but where the feedback of a control problem steers them
  (-control_drift) they are where that of the parameters takes the process which TzLossFollow() has got before: theta[n], those that a step starts with.
  Collective.
*/
PETSC_EXTERN PetscErrorCode TzLossFollow(TzLoss loss, const PetscReal theta[]);
PETSC_EXTERN PetscErrorCode TzLossSample(TzLoss loss, PetscInt step);
/* X [n][D]: points of an equation's loss before the first step, of a stream of their own; the same on all ranks. PETSC_ERR_USER_INPUT for other losses */
PETSC_EXTERN PetscErrorCode TzLossDrawPoints(TzLoss loss, PetscInt n, PetscReal X[]);
/* Where the points of a loss of an equation lie, as its file keeps it; n = 0 for other losses. To be destroyed */
PETSC_EXTERN PetscErrorCode TzLossGetRegion(TzLoss loss, TzRegion *region);
/*
  The samples of this step, and weights of the terms, as the parameters at its beginning want them (-loss_adaptive, -loss_weights auto); nothing for other
  losses. By forward evaluations, which are counted. Collective, after TzLossSample(); once a step: solvers call it. Whether a loss does so: TzLossAdapts().
*/
PETSC_EXTERN PetscErrorCode TzLossAdapt(TzLoss loss, PetscInt step, const PetscReal theta[]);
PETSC_EXTERN PetscErrorCode TzLossAdapts(TzLoss loss, PetscBool *adapts);
/* state[n]: what later steps need of earlier ones, the same on every rank; n = 0: nothing. Set copies n numbers, which are positive. After TzLossSetUp() */
PETSC_EXTERN PetscErrorCode TzLossGetState(TzLoss loss, PetscInt *n, const PetscReal *state[]);
PETSC_EXTERN PetscErrorCode TzLossSetState(TzLoss loss, const PetscReal state[]);
/*
  theta[n]: the whole parameter vector, equal on every rank. All of these are collective; results are equal on every rank.
  l0: L(theta) (q->base), lp[q->n], lm[q->n] (q->twosided; otherwise may be NULL).
*/
PETSC_EXTERN PetscErrorCode TzLossEvaluate(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscReal *l0, PetscReal lp[], PetscReal lm[]);
PETSC_EXTERN PetscErrorCode TzLossObjective(TzLoss loss, const PetscReal theta[], PetscReal *l);
/*
  Residual vectors, for losses that are a mean of squares r_i^2 (otherwise PETSC_ERR_SUP). Vector: r[nsamples] at theta. Vectors:
  r [values][nsamples], values = base + n (1 + twosided), in the order theta, theta + mu xi_0, theta - mu xi_0, theta + mu xi_1, ...
*/
PETSC_EXTERN PetscErrorCode TzLossResidualVector(TzLoss loss, const PetscReal theta[], PetscReal r[]);
PETSC_EXTERN PetscErrorCode TzLossResidualVectors(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscReal r[]);
/* Whether it is a mean of squares, and whether it has an exact gradient. After TzLossSetUp(); not collective */
PETSC_EXTERN PetscErrorCode TzLossHasResiduals(TzLoss loss, PetscBool *has);
PETSC_EXTERN PetscErrorCode TzLossHasGradient(TzLoss loss, PetscBool *has);
PETSC_EXTERN PetscErrorCode TzLossHasJacobian(TzLoss loss, PetscBool *has);       /* exact gradients of residuals */
PETSC_EXTERN PetscErrorCode TzLossGetNumSamples(TzLoss loss, PetscInt *nsamples); /* of a step */
/*
  The process grid (ranks over loss values x blocks of samples, and over blocks of nodes) that such a call uses; ranks beyond the work idle. A call that is too
  large for memory is an error here (PETSC_ERR_USER_INPUT), so that a solver can raise it before it starts.
*/
PETSC_EXTERN PetscErrorCode TzLossGetPartition(TzLoss loss, const TzQueries *q, PetscInt grid[2]);
/* xi of query q, coordinates i0 <= i < i1: generated from its key; and the same, copied where an evaluation on this rank has just generated it */
PETSC_EXTERN PetscErrorCode TzQueriesDirection(const TzQueries *q, PetscInt query, PetscInt i0, PetscInt i1, PetscReal xi[]);
PETSC_EXTERN PetscErrorCode TzLossDirection(TzLoss loss, const TzQueries *q, PetscInt query, PetscInt i0, PetscInt i1, PetscReal xi[]);
/* First-order references: l = L(theta) and its exact gradient grad[n], equal on every rank; PETSC_ERR_SUP where the type has none. Counted as one query. */
PETSC_EXTERN PetscErrorCode TzLossGradient(TzLoss loss, const PetscReal theta[], PetscReal *l, PetscReal grad[]);
/* Of a mean of squares: the residuals r[nsamples] and their exact gradients, the rows of J [nsamples][n], equal on every rank. Counted as one query */
PETSC_EXTERN PetscErrorCode TzLossJacobian(TzLoss loss, const PetscReal theta[], PetscReal r[], PetscReal J[]);
/* The mask of a sparse network by -net_sparse_method grasp or zograsp; dense: a loss on TzNetDuplicateDense(net). Collective */
PETSC_EXTERN PetscErrorCode TzLossSparsify(TzLoss dense, TzNet net);
PETSC_EXTERN PetscErrorCode TzLossValidate(TzLoss loss, const PetscReal theta[], TzMetrics *metrics);

PETSC_EXTERN PetscErrorCode TzLossRegister(const char name[], PetscErrorCode (*create)(TzLoss));
PETSC_EXTERN PetscErrorCode TzLossRegisterAll(void);

#endif

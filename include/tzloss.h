/*
  TzLoss: a loss L(theta) that is a mean over samples (collocation points, images), and its evaluation for a list of
  perturbed parameter vectors on all ranks of a communicator.

  Distribution. Work is the box queries x blocks of samples x blocks of nodes. Blocks are fixed (they do not depend on the
  number of ranks); a process grid Pq x Pp x Pn (-tz_partition auto or q,p,n) deals them out. Directions are
  regenerated from their keys, never sent. What travels: with Pn > 1 the node blocks' partial sums, then
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

typedef enum {TZ_DIRECTION_GAUSSIAN, TZ_DIRECTION_RADEMACHER, TZ_DIRECTION_COORDINATE} TzDirection;
PETSC_EXTERN const char *const TzDirections[]; /* "gaussian","rademacher","coordinate",... */

/* Which parameter vectors: theta, theta + mu xi_q, theta - mu xi_q for q = 0..n-1; coordinate: xi_q = unit vector first + q */
typedef struct {
  TzDirection direction;
  PetscReal   mu;
  PetscBool   base;     /* theta itself */
  PetscBool   twosided; /* theta - mu xi_q as well */
  PetscInt    first, n;
  PetscInt64  seed;
  PetscInt    step; /* with seed and q the key of xi_q (TZ_STREAM_DIRECTION) */
} TzQueries;

/* Exact counts since creation: `queries` and `forwards` over all ranks, `bytes` sent by this rank in collective calls */
typedef struct {
  PetscInt64 queries, forwards, bytes;
} TzCounts;

/* Validation figures, by name: residual: mse, rel_l2, max; crossentropy: accuracy, loss. The first is the headline. */
typedef struct {
  PetscInt    n;
  const char *name[4];
  PetscReal   value[4];
} TzMetrics;

PETSC_EXTERN PetscClassId   TZLOSS_CLASSID;
PETSC_EXTERN PetscErrorCode TzLossCreate(MPI_Comm comm, TzLoss *loss);
PETSC_EXTERN PetscErrorCode TzLossSetType(TzLoss loss, TzLossType type);
PETSC_EXTERN PetscErrorCode TzLossSetNet(TzLoss loss, TzNet net);
PETSC_EXTERN PetscErrorCode TzLossSetSeed(TzLoss loss, PetscInt64 seed);
PETSC_EXTERN PetscErrorCode TzLossSetFromOptions(TzLoss loss); /* -tz_partition and the type's own */
PETSC_EXTERN PetscErrorCode TzLossSetUp(TzLoss loss);
PETSC_EXTERN PetscErrorCode TzLossView(TzLoss loss, PetscViewer viewer);
PETSC_EXTERN PetscErrorCode TzLossDestroy(TzLoss *loss);
PETSC_EXTERN PetscErrorCode TzLossGetNet(TzLoss loss, TzNet *net);
PETSC_EXTERN PetscErrorCode TzLossGetSeed(TzLoss loss, PetscInt64 *seed);
PETSC_EXTERN PetscErrorCode TzLossGetNumParameters(TzLoss loss, PetscInt *n);
PETSC_EXTERN PetscErrorCode TzLossGetCounts(TzLoss loss, TzCounts *counts);
PETSC_EXTERN PetscErrorCode TzLossSetCounts(TzLoss loss, const TzCounts *counts); /* resume */

/* "residual": the equation and the derivative estimator (reference counted) */
PETSC_EXTERN PetscErrorCode TzLossResidualSetProblem(TzLoss loss, TzPDE pde, TzDeriv deriv);

/* Samples and nodes of a step: all later calls use them. Step s of one seed is always the same. */
PETSC_EXTERN PetscErrorCode TzLossSample(TzLoss loss, PetscInt step);
/*
  theta[n]: the whole parameter vector, equal on every rank. All of these are collective; results are equal on every rank.
  l0: L(theta) (q->base), lp[q->n], lm[q->n] (q->twosided; otherwise may be NULL).
*/
PETSC_EXTERN PetscErrorCode TzLossEvaluate(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscReal *l0, PetscReal lp[], PetscReal lm[]);
PETSC_EXTERN PetscErrorCode TzLossObjective(TzLoss loss, const PetscReal theta[], PetscReal *l);
/* xi of query q, coordinates i0 <= i < i1 */
PETSC_EXTERN PetscErrorCode TzQueriesDirection(const TzQueries *q, PetscInt query, PetscInt i0, PetscInt i1, PetscReal xi[]);
PETSC_EXTERN PetscErrorCode TzLossValidate(TzLoss loss, const PetscReal theta[], TzMetrics *metrics);

PETSC_EXTERN PetscErrorCode TzLossRegister(const char name[], PetscErrorCode (*create)(TzLoss));
PETSC_EXTERN PetscErrorCode TzLossRegisterAll(void);

#endif

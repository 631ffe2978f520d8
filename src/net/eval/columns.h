/*
  Columns of points through a network with all activations kept, by the layers' operators: for outputs, gradients and coordinate queries.
  Arrays are point fastest, [feature][n]: then each weight is a left factor of products and needs no transpose.
*/
#ifndef TZCOLUMNS_H
#define TZCOLUMNS_H

#include <private/tznetimpl.h>

#define TZ_COLUMNS        16 /* points at a time: what a ttm of 784 x 1024 with r = 6 leaves between its halves then stays in a cache of 1 MiB */
#define TZ_COLUMNS_MATRIX 64 /* of matrices, which are read once for all of them */

typedef struct {
  const TzOperator *op;                   /* [layers], bound to the evaluator's theta */
  PetscInt          room;                 /* points that there is memory for */
  PetscReal        *z[TZ_MAX_LAYERS + 1]; /* [out][places n], bias added; the last: the outputs */
  PetscReal        *a[TZ_MAX_LAYERS + 1]; /* what arrives at layer l, [inputs][n]; tokens: NULL */
  PetscReal        *y[TZ_MAX_LAYERS + 1]; /* what the operator leaves for its adjoint, [ny][places n] */
  PetscReal        *g[TZ_MAX_LAYERS + 1]; /* windows of a, [in][places n]; otherwise NULL */
  PetscReal        *h[TZ_MAX_LAYERS + 1]; /* act(z), of which the next a is the largest of squares; otherwise NULL: the next a is act(z) */
  PetscInt          ntokens, *j, *column; /* of a table, as TzGatherTokens() gives them */
  PetscReal        *Z;                    /* [ntokens][out]: their rows of the table */
} TzColumns;

/* Backwards: what is gathered over the columns, and scratch for n columns */
typedef struct {
  PetscReal *bar[TZ_MAX_LAYERS + 1]; /* [nbar] of each operator */
  PetscReal *abar, *zbar;            /* of one layer at a time: [inputs][n], [out][places n] */
  PetscReal *at;                     /* [places n][in]: what the matrix was applied to, point by point */
  PetscReal *gbar, *hbar;            /* of windows, and of act(z) where squares are made of it; otherwise NULL */
  PetscReal *work;                   /* the operators' */
} TzColumnsAdjoint;

PETSC_INTERN PetscInt TzColumnsWidth(TzNet); /* points at a time: TZ_COLUMNS, of matrices TZ_COLUMNS_MATRIX, fewer where each has many windows */

PETSC_INTERN PetscErrorCode TzEvalGetOperators(TzNetEval, const TzOperator **);                        /* bound */
PETSC_INTERN PetscErrorCode TzEvalGetColumns(TzNetEval, PetscInt n, TzColumns **);                     /* with room for n, bound */
PETSC_INTERN PetscErrorCode TzColumnsForward(TzNetEval, TzColumns *, PetscInt n, const PetscReal X[]); /* X [n][in]: fills all */
/* The layers from l on, from a[l] (tokens: from Z); gathered: its windows are in g[l] already */
PETSC_INTERN void           TzColumnsFrom(TzNetEval, const TzColumns *, PetscInt l, PetscInt n, PetscBool gathered);
PETSC_INTERN PetscErrorCode TzColumnsRebind(TzNetEval, const TzColumns *, PetscInt l); /* layer l's operator to what eval->theta is now */
/* From zbar of layer l: bar +=, and but for the first layer abar = */
PETSC_INTERN void TzColumnsMultiplyAdjoint(TzNetEval, const TzColumns *, PetscInt l, PetscInt n, TzColumnsAdjoint *);
/* From abar, what arrived at layer l > 0: zbar of layer l - 1 */
PETSC_INTERN void           TzColumnsActivateAdjoint(TzNetEval, const TzColumns *, PetscInt l, PetscInt n, TzColumnsAdjoint *);
PETSC_INTERN PetscErrorCode TzColumnsAdjointBegin(TzNetEval, const TzColumns *, PetscInt n, PetscReal grad[], TzColumnsAdjoint *);
PETSC_INTERN PetscErrorCode TzColumnsAdjointEnd(TzNetEval, const TzColumns *, PetscReal grad[], TzColumnsAdjoint *); /* bars to grad [nfull] += */

#endif

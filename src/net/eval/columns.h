/*
  Columns of points through a network with all activations kept, by the layers' operators: for outputs, gradients and coordinate queries.
  Arrays are point fastest, [feature][n]: then each weight is a left factor of products and needs no transpose.
*/
#ifndef TZCOLUMNS_H
#define TZCOLUMNS_H

#include <private/tznetimpl.h>

#define TZ_COLUMNS 16 /* points at a time: what a ttm of 784 x 1024 with r = 6 leaves between its halves then stays in a cache of 1 MiB */

typedef struct {
  const TzOperator *op;                   /* [layers], bound to the evaluator's theta */
  PetscInt          room;                 /* columns that there is memory for */
  PetscReal        *z[TZ_MAX_LAYERS + 1]; /* [out][n], bias added; the last: the outputs */
  PetscReal        *a[TZ_MAX_LAYERS + 1]; /* input of layer l, [in][n] */
  PetscReal        *y[TZ_MAX_LAYERS + 1]; /* what the operator leaves for its adjoint, [ny][n] */
} TzColumns;

/* Backwards: what is gathered over the columns, and scratch for n columns */
typedef struct {
  PetscReal *bar[TZ_MAX_LAYERS + 1]; /* [nbar] of each operator */
  PetscReal *abar, *zbar;            /* of one layer at a time: [in][n], [out][n] */
  PetscReal *at;                     /* [n][in]: the layer's input, point by point */
  PetscReal *work;                   /* the operators' */
} TzColumnsAdjoint;

PETSC_INTERN PetscErrorCode TzEvalGetOperators(TzNetEval, const TzOperator **);                        /* bound */
PETSC_INTERN PetscErrorCode TzEvalGetColumns(TzNetEval, PetscInt n, TzColumns **);                     /* with room for n, bound */
PETSC_INTERN PetscErrorCode TzColumnsForward(TzNetEval, TzColumns *, PetscInt n, const PetscReal X[]); /* X [n][in]: fills a, y, z */
/* z = W a + bias of layer l */
PETSC_INTERN void TzColumnsMultiply(TzNetEval, const TzColumns *, PetscInt l, PetscInt n);
/* From zbar of layer l: bar +=, and but for the first layer abar = */
PETSC_INTERN void           TzColumnsMultiplyAdjoint(TzNetEval, const TzColumns *, PetscInt l, PetscInt n, TzColumnsAdjoint *);
PETSC_INTERN PetscErrorCode TzColumnsAdjointBegin(TzNetEval, const TzColumns *, PetscInt n, PetscReal grad[], TzColumnsAdjoint *);
PETSC_INTERN PetscErrorCode TzColumnsAdjointEnd(TzNetEval, const TzColumns *, PetscReal grad[], TzColumnsAdjoint *); /* bars to grad [nfull] += */

#endif

/*
  Inside src/net/: a network on a batch of points, with all activations kept, for outputs, gradients and coordinate queries.

  Activations are stored point fastest, [feature][n]. Then each weight is a left factor of products and needs no transpose:
    MATRIX  z = W a
    BOND    y = left^T a, z = right^T y                      left [in][r], right [r][out]: a tt cut in its middle
    HALVES  y(iL,c,jR) = sum_iR R(c,jR,iR) a(iL,iR)          a ttm cut after core `split`; with i = (iL,iR) the input and
            z(jL,jR)   = sum_(iL,c) L(jL,iL,c) y(iL,c,jR)    j = (jL,jR) the output index, L [ml][nl][r], R [r][mr][nr]
*/
#ifndef TZFACTORS_H
#define TZFACTORS_H

#include <private/tznetimpl.h>
#include <private/tzkernels.h>

#define TZ_BATCH 16 /* most points at a time: y of a 784 x 1024 matrix with r = 6 then stays in a cache of 1 MiB */

typedef enum { TZ_FACTOR_MATRIX, TZ_FACTOR_BOND, TZ_FACTOR_HALVES, TZ_FACTOR_SPARSE } TzFactorKind;

typedef struct {
  TzFactorKind kind;
  PetscInt     split;             /* first core of R */
  PetscInt     ml, nl, mr, nr, r; /* BOND: ml = nr = 1 */
  PetscReal   *L, *R;             /* MATRIX: L = W [out][in], SPARSE: the weights of the mask; R = NULL */
  PetscBool    owned;             /* whether L is memory of ours: a dense layer's W is theta itself */
} TzFactors;

typedef struct {
  TzFactors  factors[TZ_MAX_LAYERS + 1];
  PetscReal *z[TZ_MAX_LAYERS + 1]; /* [out][n], bias added */
  PetscReal *a[TZ_MAX_LAYERS + 1]; /* a[l]: input of layer l, [in][n] */
  PetscReal *y[TZ_MAX_LAYERS + 1]; /* between the factors: [r][n] (BOND), [nl][r][mr][n] (HALVES) */
  PetscInt   built;                /* the evaluator's binding that the factors belong to */
} TzBatch;

/* Backwards: what is gathered over the points, and scratch for `columns` columns */
typedef struct {
  PetscReal *Lbar[TZ_MAX_LAYERS + 1], *Rbar[TZ_MAX_LAYERS + 1]; /* as L and R of each layer; HALVES keeps L's as [nl][r][ml] */
  PetscReal *abar, *zbar, *ybar;                                /* of one layer at a time: [in][n], [out][n], as y */
  PetscReal *at;                                                /* [n][in]: the layer's input, point by point */
  PetscReal *flip;                                              /* other transposed operands */
} TzBatchAdjoint;

PETSC_INTERN PetscErrorCode TzNetEvalGetBatch(TzNetEval, TzBatch **); /* bound to the evaluator's theta */
/* X [n][in], n <= TZ_BATCH: fills z, a, y of the batch; the outputs are z of the last layer */
PETSC_INTERN PetscErrorCode TzBatchForward(TzNetEval, TzBatch *, PetscInt n, const PetscReal X[]);
/* z [out][n] = W a, without the bias; y as in TzBatch */
PETSC_INTERN void TzBatchMultiply(const TzLayer *, const TzFactors *, PetscInt n, const PetscReal a[], PetscReal y[], PetscReal z[]);
/* Lbar, Rbar += and, but for the first layer, abar =, from zbar; the batch has a and y of the layer, at is a transposed */
PETSC_INTERN void           TzBatchMultiplyAdjoint(TzNet, PetscInt l, const TzBatch *, PetscInt n, const PetscReal at[], const TzBatchAdjoint *);
PETSC_INTERN PetscErrorCode TzBatchAdjointCreate(TzNet, const TzBatch *, PetscInt columns, PetscReal grad[], TzBatchAdjoint *);
PETSC_INTERN PetscErrorCode TzBatchAdjointScatter(TzNetEval, const TzBatch *, const TzBatchAdjoint *,
                                                  PetscReal grad[]); /* from the factors to the cores: grad += */
PETSC_INTERN PetscErrorCode TzBatchAdjointDestroy(TzNet, const TzBatch *, TzBatchAdjoint *);
/* B [cols][rows] = A [rows][cols]^T */
PETSC_INTERN void           TzTranspose(PetscInt rows, PetscInt cols, const PetscReal A[], PetscReal B[]);
PETSC_INTERN PetscErrorCode TzNetEvalForward_Batch(TzNetEval, PetscInt n, const PetscReal X[], PetscReal Y[]);

#endif

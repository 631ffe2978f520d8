/*
  All coordinate queries of a residual loss: the estimator brings the jets of f point by point and coordinate by coordinate, each of which is finished at once.
*/
#include "residual.h"

typedef struct {
  TzPDE            pde;
  PetscInt         coordinates, size;      /* of a point; of its row in ab */
  PetscInt         first;                  /* coordinate */
  PetscInt         nmu, blocksize, blocks; /* blocksize 0: the residuals of all points are wanted, not sums of squares over blocks */
  const PetscReal *X;
  PetscReal       *ab, *u, *residual; /* the transform at all points; the jets of u and its residuals at those of a call */
  PetscReal       *sums;
} Sums;

/* jets of f at points p0 <= p < p0 + m; they come in ascending order */
static PetscErrorCode Sink(void *ctx, PetscInt i, PetscInt s, PetscInt p0, PetscInt m, const PetscReal fjet[])
{
  const Sums *c    = (const Sums *)ctx;
  PetscReal  *sums = c->sums + ((i - c->first) * c->nmu + s) * c->blocks;

  PetscFunctionBegin;
  PetscCall(TzPDETransformBy(c->pde, m, c->ab + p0 * c->size, fjet, c->u));
  PetscCall(TzPDEResidual(c->pde, m, c->X + p0 * c->coordinates, c->u, c->blocksize ? c->residual : sums + p0, NULL));
  for (PetscInt p = 0; p < m && c->blocksize; p++) sums[(p0 + p) / c->blocksize] += c->residual[p] * c->residual[p];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzResidualCoordinates(TzPDE pde, TzDeriv deriv, TzNetEval eval, const PetscReal theta[], const TzQueries *q, PetscInt n, const PetscReal X[],
                                     PetscInt blocksize, PetscReal sums[])
{
  const TzJetShape *shape;
  const PetscReal   mu[2] = {q->mu, -q->mu};
  Sums              c     = {.pde = pde, .first = q->first, .nmu = q->twosided ? 2 : 1, .blocksize = blocksize, .X = X, .sums = sums};
  TzDerivQueries    dq    = {.n = n, .X = X, .i0 = q->first, .i1 = q->first + q->n, .nmu = c.nmu, .mu = mu, .sink = Sink, .ctx = &c};

  PetscFunctionBegin;
  PetscCall(TzPDEGetJetShape(pde, &shape));
  PetscCall(TzPDEGetTransformSize(pde, &c.size));
  c.coordinates = TzJetCoordinates(shape);
  c.blocks      = blocksize ? (n + blocksize - 1) / blocksize : n;
  PetscCall(PetscMalloc3(n * c.size, &c.ab, n * TzJetSize(shape), &c.u, n, &c.residual));
  PetscCall(TzPDETransformJets(pde, n, X, c.ab));
  PetscCall(PetscArrayzero(sums, q->n * c.nmu * c.blocks));
  PetscCall(TzDerivCoordinates(deriv, eval, theta, &dq));
  PetscCall(PetscFree3(c.ab, c.u, c.residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

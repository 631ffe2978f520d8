/*
  All coordinate queries of a residual loss: the estimator brings the jets of f point by point and coordinate by coordinate, each of which is finished at once.
*/
#include "residual.h"

typedef struct {
  TzPDE            pde;
  PetscInt         size;  /* of a jet */
  PetscInt         first; /* coordinate */
  PetscInt         nmu, blocksize, blocks;
  const PetscReal *X;
  PetscReal       *a, *b, *u, *residual; /* jets of the transform at all points; of u, and its residuals, at those of a call */
  PetscReal       *sums;
} Sums;

/* jets of f at points p0 <= p < p0 + m; they come in ascending order */
static PetscErrorCode Sink(void *ctx, PetscInt i, PetscInt s, PetscInt p0, PetscInt m, const PetscReal fjet[])
{
  const Sums *c    = (const Sums *)ctx;
  PetscReal  *sums = c->sums + ((i - c->first) * c->nmu + s) * c->blocks;

  PetscFunctionBegin;
  PetscCall(TzPDETransformBy(c->pde, m, c->a + p0 * c->size, c->b + p0 * c->size, fjet, c->u));
  PetscCall(TzPDEResidual(c->pde, m, c->X + p0 * (c->size - 2), c->u, c->residual, NULL));
  for (PetscInt p = 0; p < m; p++) sums[(p0 + p) / c->blocksize] += c->residual[p] * c->residual[p];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzResidualCoordinates(TzPDE pde, TzDeriv deriv, TzNetEval eval, const PetscReal theta[], const TzQueries *q, PetscInt n, const PetscReal X[],
                                     PetscInt blocksize, PetscReal sums[])
{
  const PetscReal mu[2] = {q->mu, -q->mu};
  Sums            c     = {.pde = pde, .first = q->first, .nmu = q->twosided ? 2 : 1, .blocksize = blocksize, .X = X, .sums = sums};
  TzDerivQueries  dq    = {.n = n, .X = X, .i0 = q->first, .i1 = q->first + q->n, .nmu = c.nmu, .mu = mu, .sink = Sink, .ctx = &c};

  PetscFunctionBegin;
  PetscCall(TzPDEGetDim(pde, &c.size));
  c.size += 3;
  c.blocks = (n + blocksize - 1) / blocksize;
  PetscCall(PetscMalloc4(n * c.size, &c.a, n * c.size, &c.b, n * c.size, &c.u, n, &c.residual));
  PetscCall(TzPDETransformJets(pde, n, X, c.a, c.b));
  PetscCall(PetscArrayzero(sums, q->n * c.nmu * c.blocks));
  PetscCall(TzDerivCoordinates(deriv, eval, theta, &dq));
  PetscCall(PetscFree4(c.a, c.b, c.u, c.residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

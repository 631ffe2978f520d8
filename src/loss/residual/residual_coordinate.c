/*
  All coordinate queries of a residual loss: the estimator brings the jets of f point by point and coordinate by coordinate, each of which is finished at once.
*/
#include "residual.h"

typedef struct {
  TzResidual *r;
  PetscInt    size;                   /* of a point's row in ab */
  PetscInt    i0;                     /* first point of the call */
  PetscInt    first;                  /* coordinate */
  PetscInt    nmu, blocksize, blocks; /* blocksize 0: the residuals of all points are wanted, not sums over blocks */
  PetscReal  *ab, *u, *residual;      /* the transform at all points; the jets of u and its residuals at those of a call */
  PetscReal  *sums;
} Sums;

/* jets of f at points p0 <= p < p0 + m; they come in ascending order */
static PetscErrorCode Sink(void *ctx, PetscInt i, PetscInt s, PetscInt p0, PetscInt m, const PetscReal fjet[])
{
  const Sums *c    = (const Sums *)ctx;
  PetscReal  *sums = c->sums + ((i - c->first) * c->nmu + s) * c->blocks;

  PetscFunctionBegin;
  PetscCall(TzPDETransformBy(c->r->pde, m, c->ab + p0 * c->size, fjet, c->u));
  PetscCall(TzTermsResidual(c->r, c->i0 + p0, c->i0 + p0 + m, c->u, c->blocksize ? c->residual : sums + p0, NULL));
  for (PetscInt p = 0; p < m && c->blocksize; p++) sums[(p0 + p) / c->blocksize] += TzTermsPower(c->r, c->residual[p]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The jets at all points by the estimator, those of conditions too: its value is that of the network unless the estimator smooths it */
PetscErrorCode TzResidualCoordinates(TzResidual *r, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscInt blocksize, PetscReal sums[])
{
  const PetscInt   n     = i1 - i0;
  const PetscReal *X     = r->X + i0 * r->D;
  const PetscReal  mu[2] = {q->mu, -q->mu};
  Sums             c     = {.r = r, .i0 = i0, .first = q->first, .nmu = q->twosided ? 2 : 1, .blocksize = blocksize, .sums = sums};
  TzDerivQueries   dq    = {.n = n, .X = X, .i0 = q->first, .i1 = q->first + q->n, .nmu = c.nmu, .mu = mu, .sink = Sink, .ctx = &c};

  PetscFunctionBegin;
  PetscCall(TzPDEGetTransformSize(r->pde, &c.size));
  c.blocks = blocksize ? (n + blocksize - 1) / blocksize : n;
  PetscCall(PetscMalloc3(n * c.size, &c.ab, n * r->J, &c.u, n, &c.residual));
  PetscCall(TzPDETransformJets(r->pde, n, X, c.ab));
  PetscCall(PetscArrayzero(sums, q->n * c.nmu * c.blocks));
  PetscCall(TzDerivCoordinates(r->deriv, r->eval, theta, &dq));
  PetscCall(PetscFree3(c.ab, c.u, c.residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Structured coordinate queries of the cross-entropy: the loss with each single parameter moved, from the outputs that
  TzNetEvalCoordinates() gives for all of them at once. Equal to one forward pass a coordinate up to rounding (tests/test_classify.c: 1e-12).
*/
#include "crossentropy.h"

#define CHUNK 16384 /* coordinates at a time: 1.3 MB of outputs; all those of the trains here */

static PetscErrorCode Reserve(TzCrossEntropy *c, PetscInt n)
{
  PetscFunctionBegin;
  if (n <= c->nlse) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(c->lse));
  PetscCall(PetscMalloc1(n, &c->lse));
  c->nlse = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  TzLoss     loss;
  PetscInt   i0, sides, blocks; /* first sample */
  PetscReal *sums;              /* [coordinates of the chunk][sides][blocks] */
} Sums;

/* One sample, one side, outputs Y [classes][n] of n moved parameters */
static PetscErrorCode Sink(void *ctx, const TzNetMoved *moved)
{
  const Sums      *s   = (const Sums *)ctx;
  TzCrossEntropy  *c   = (TzCrossEntropy *)s->loss->data;
  PetscReal       *sum = s->sums + moved->s * s->blocks + moved->p0 / s->loss->blocksize;
  const PetscReal *own = moved->Y + c->label[s->i0 + moved->p0] * moved->ostep;

  PetscFunctionBegin;
  PetscCall(Reserve(c, moved->n));
  TzKernelsGet()->logsumexp(moved->n, TZ_IMAGE_CLASSES, moved->Y, moved->ostep, c->lse);
  for (PetscInt k = 0; k < moved->n; k++)
    if (moved->which[k] >= 0) sum[moved->which[k] * s->sides * s->blocks] += c->lse[k] - own[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCrossEntropyCoordinates(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal blocksums[])
{
  TzCrossEntropy  *c      = (TzCrossEntropy *)loss->data;
  const PetscInt   blocks = (i1 - i0 + loss->blocksize - 1) / loss->blocksize, sides = q->twosided ? 2 : 1;
  const PetscReal  mu[2] = {q->mu, -q->mu};
  PetscInt         list[CHUNK];
  Sums             sums = {.loss = loss, .i0 = i0, .sides = sides, .blocks = blocks};
  TzNetCoordinates nq   = {.whole = PETSC_TRUE, .list = list, .nmu = sides, .mu = mu, .sink = Sink, .ctx = &sums};

  PetscFunctionBegin;
  PetscCheck(c->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  PetscCall(TzNetEvalBind(c->eval, theta));
  PetscCall(PetscArrayzero(blocksums, q->n * sides * blocks));
  for (PetscInt k0 = 0; k0 < q->n; k0 += CHUNK) {
    nq.count  = PetscMin(CHUNK, q->n - k0);
    sums.sums = blocksums + k0 * sides * blocks;
    for (PetscInt k = 0; k < nq.count; k++) list[k] = TzQueriesCoordinate(q, k0 + k);
    PetscCall(TzNetEvalCoordinates(c->eval, i1 - i0, c->X + i0 * c->inputs, &nq));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

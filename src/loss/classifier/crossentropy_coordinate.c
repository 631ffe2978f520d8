/*
  Structured coordinate queries of the cross-entropy: the loss with each single parameter moved, from the outputs that
  TzNetCoordinates gives for all of them at once. Equal to one forward pass a coordinate up to rounding (tests/test_classify.c: 1e-12).
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

PetscErrorCode TzCrossEntropyCoordinates(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal blocksums[])
{
  TzCrossEntropy *c      = (TzCrossEntropy *)loss->data;
  const PetscInt  blocks = (i1 - i0 + loss->blocksize - 1) / loss->blocksize, sides = q->twosided ? 2 : 1;

  PetscFunctionBegin;
  PetscCheck(c->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  if (!c->coordinates) PetscCall(TzNetCoordinatesCreate(loss->net, &c->coordinates));
  PetscCall(TzNetCoordinatesBind(c->coordinates, theta, i1 - i0, c->X + i0 * c->inputs));
  PetscCall(PetscArrayzero(blocksums, q->n * sides * blocks));
  for (PetscInt k0 = 0; k0 < q->n; k0 += CHUNK) {
    PetscInt list[CHUNK], count = PetscMin(CHUNK, q->n - k0);

    for (PetscInt k = 0; k < count; k++) list[k] = TzQueriesCoordinate(q, k0 + k);
    PetscCall(TzNetCoordinatesSetParameters(c->coordinates, count, list));
    for (PetscInt i = i0; i < i1; i++)
      for (PetscInt side = 0; side < sides; side++) {
        PetscReal       *sum = blocksums + (k0 * sides + side) * blocks + (i - i0) / loss->blocksize;
        const PetscInt  *which;
        const PetscReal *Y;
        PetscInt         n;

        PetscCall(TzNetCoordinatesEvaluate(c->coordinates, i - i0, side ? -q->mu : q->mu, &n, &which, &Y));
        PetscCall(Reserve(c, n));
        TzKernelsGet()->logsumexp(n, TZ_IMAGE_CLASSES, Y, n, c->lse);
        for (PetscInt k = 0; k < n; k++)
          if (which[k] >= 0) sum[which[k] * sides * blocks] += c->lse[k] - Y[c->label[i] * n + k];
      }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Structured coordinate queries of the cross-entropy: the loss with each single parameter moved, from the outputs that
  TzNetCoordinates gives for all of them at once. Equal to one forward pass a coordinate up to rounding (tests/test_classify.c: 1e-12).
*/
#include "crossentropy.h"

#define CHUNK 16384 /* coordinates at a time: 1.3 MB of outputs; all those of the trains here */

PetscErrorCode TzCrossEntropyCoordinates(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal blocksums[])
{
  TzCrossEntropy   *c      = (TzCrossEntropy *)loss->data;
  const PetscInt    blocks = (i1 - i0 + loss->blocksize - 1) / loss->blocksize, sides = q->twosided ? 2 : 1;
  const TzProducts *kernels = TzProductsGet();
  PetscReal        *Y, *lse;

  PetscFunctionBegin;
  PetscCheck(c->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  if (!c->coordinates) PetscCall(TzNetCoordinatesCreate(loss->net, &c->coordinates));
  PetscCall(TzNetCoordinatesBind(c->coordinates, theta, i1 - i0, c->X + i0 * c->inputs));
  PetscCall(PetscMalloc2(PetscMin(CHUNK, q->n) * TZ_IMAGE_CLASSES, &Y, PetscMin(CHUNK, q->n), &lse));
  PetscCall(PetscArrayzero(blocksums, q->n * sides * blocks));
  for (PetscInt first = 0; first < q->n; first += CHUNK) {
    const PetscInt n = PetscMin(CHUNK, q->n - first);

    for (PetscInt i = i0; i < i1; i++)
      for (PetscInt side = 0; side < sides; side++) {
        const PetscReal *label = Y + c->label[i] * n;
        PetscReal       *sum   = blocksums + (first * sides + side) * blocks + (i - i0) / loss->blocksize;

        PetscCall(TzNetCoordinatesEvaluate(c->coordinates, i - i0, side ? -q->mu : q->mu, q->first + first, n, Y));
        kernels->logsumexp(n, TZ_IMAGE_CLASSES, Y, n, lse);
        for (PetscInt k = 0; k < n; k++) sum[k * sides * blocks] += lse[k] - label[k];
      }
  }
  PetscCall(PetscFree2(Y, lse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The classifier on its test images: outputs of the network for each of them, accuracy and mean loss. Ranks take contiguous ranges of
  images; an image's outputs do not depend on the range, and sums are taken over all images in their order.
*/
#include "crossentropy.h"
#include "../partition.h"

#define CHUNK 128 /* images at a time */

PetscErrorCode TzLossCrossEntropyPredict(TzLoss loss, const PetscReal theta[], PetscReal output[])
{
  TzCrossEntropy *c    = (TzCrossEntropy *)loss->data;
  MPI_Comm        comm = PetscObjectComm((PetscObject)loss);
  PetscMPIInt     rank, size, *count, *displ;
  PetscInt        i0, i1;
  PetscReal      *X;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc3(CHUNK * c->inputs, &X, size, &count, size, &displ));
  for (PetscMPIInt r = 0; r < size; r++) {
    TzPartitionRange(c->test.n, size, r, &i0, &i1);
    PetscCall(PetscMPIIntCast((i1 - i0) * TZ_IMAGE_CLASSES, &count[r]));
    PetscCall(PetscMPIIntCast(i0 * TZ_IMAGE_CLASSES, &displ[r]));
  }
  PetscCall(TzNetEvalBind(c->eval, theta));
  TzPartitionRange(c->test.n, size, rank, &i0, &i1);
  for (PetscInt i = i0; i < i1; i += CHUNK) {
    const PetscInt n = PetscMin(CHUNK, i1 - i);

    TzImagesToInputs(&c->test, i, NULL, n, X);
    PetscCall(TzNetEvalForward(c->eval, n, X, output + i * TZ_IMAGE_CLASSES));
  }
  if (size > 1) {
    PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, output, count, displ, MPIU_REAL, comm));
    loss->counts.bytes += count[rank] * (PetscInt64)sizeof(PetscReal);
  }
  PetscCall(PetscFree3(X, count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCrossEntropyValidate(TzLoss loss, const PetscReal theta[], TzMetrics *m)
{
  TzCrossEntropy *c     = (TzCrossEntropy *)loss->data;
  const PetscInt  n     = c->test.n;
  PetscInt        right = 0;
  PetscReal      *output, sum = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n * TZ_IMAGE_CLASSES, &output));
  PetscCall(TzLossCrossEntropyPredict(loss, theta, output));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal *y    = output + i * TZ_IMAGE_CLASSES;
    PetscInt         best = 0;

    for (PetscInt o = 1; o < TZ_IMAGE_CLASSES; o++)
      if (y[o] > y[best]) best = o;
    right += best == c->test.label[i];
    sum += TzCrossEntropyTerm(y, c->test.label[i]);
  }
  PetscCall(PetscFree(output));
  *m = (TzMetrics){.n = 2, .name = {"accuracy", "test_loss"}, .value = {(PetscReal)right / n, sum / n}};
  PetscFunctionReturn(PETSC_SUCCESS);
}

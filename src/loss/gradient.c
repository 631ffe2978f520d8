/*
  The exact gradient of a loss, for the first-order references.

  Ranks take blocks of samples in turn: in round k rank r has block k size + r. After each round rank r receives piece r of all the
  round's gradients and adds them in ascending order of the block; at the end the pieces are gathered. So memory is two vectors
  a rank however many blocks there are, and the sums do not depend on the number of ranks.
*/
#include <private/tzlossimpl.h>
#include "partition.h"

typedef struct {
  PetscMPIInt  rank, size;
  PetscInt     n;                                /* numbers of a vector: parameters, and the sum of the terms at its end */
  PetscMPIInt *scount, *displ, *rcount, *rdispl; /* pieces of a vector; what is received */
  PetscReal   *own, *sum, *recv;                 /* [n] of a block, [n] the result (until the end only this rank's piece), [size][piece] */
} Call;

static PetscErrorCode CallCreate(TzLoss loss, Call *c)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)loss);

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &c->rank));
  PetscCallMPI(MPI_Comm_size(comm, &c->size));
  c->n = loss->nparams + 1;
  PetscCall(PetscMalloc4(c->size, &c->scount, c->size, &c->displ, c->size, &c->rcount, c->size, &c->rdispl));
  for (PetscMPIInt r = 0; r < c->size; r++) {
    PetscInt lo, hi;

    TzPartitionRange(c->n, c->size, r, &lo, &hi);
    PetscCall(PetscMPIIntCast(hi - lo, &c->scount[r]));
    PetscCall(PetscMPIIntCast(lo, &c->displ[r]));
  }
  for (PetscMPIInt r = 0; r < c->size; r++) c->rdispl[r] = r * c->scount[c->rank];
  PetscCall(PetscMalloc1(c->n, &c->own));
  PetscCall(PetscCalloc1(c->n, &c->sum));
  PetscCall(PetscMalloc1(c->size * c->scount[c->rank], &c->recv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sends the pieces of own to their ranks and adds what comes: active ranks have a block in this round */
static PetscErrorCode Add(TzLoss loss, Call *c, PetscMPIInt active)
{
  const PetscMPIInt  mine = c->scount[c->rank], none = 0;
  PetscReal         *sum  = c->sum + c->displ[c->rank];
  const PetscReal   *part = c->own;
  const PetscMPIInt *send = c->scount;

  PetscFunctionBegin;
  if (c->size > 1) {
    PetscMPIInt *zero;

    PetscCall(PetscCalloc1(c->size, &zero));
    if (c->rank >= active) send = zero;
    for (PetscMPIInt r = 0; r < c->size; r++) {
      c->rcount[r] = r < active ? mine : none;
      if (r != c->rank) loss->counts.bytes += send[r] * (PetscInt64)sizeof(PetscReal);
    }
    PetscCallMPI(MPI_Alltoallv(c->own, send, c->displ, MPIU_REAL, c->recv, c->rcount, c->rdispl, MPIU_REAL, PetscObjectComm((PetscObject)loss)));
    PetscCall(PetscFree(zero));
    part = c->recv;
  }
  for (PetscMPIInt r = 0; r < active; r++, part += mine)
    for (PetscInt i = 0; i < mine; i++) sum[i] += part[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CallDestroy(Call *c)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(c->scount, c->displ, c->rcount, c->rdispl));
  PetscCall(PetscFree(c->own));
  PetscCall(PetscFree(c->sum));
  PetscCall(PetscFree(c->recv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGradient(TzLoss loss, const PetscReal theta[], PetscReal *l, PetscReal grad[])
{
  MPI_Comm comm = PetscObjectComm((PetscObject)loss);
  PetscInt blocks, size;
  Call     c;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscCheck(loss->ops->gradient, comm, PETSC_ERR_SUP, "a loss of type %s has no exact gradient", ((PetscObject)loss)->type_name);
  PetscCall(PetscLogEventBegin(TZ_LossGradient, loss, 0, 0, 0));
  size   = loss->gradientblock ? loss->gradientblock : loss->blocksize;
  blocks = (loss->nsamples + size - 1) / size;
  PetscCall(CallCreate(loss, &c));
  PetscUseTypeMethod(loss, bind, theta);
  for (PetscInt b0 = 0; b0 < blocks; b0 += c.size) {
    const PetscInt i0 = (b0 + c.rank) * size, i1 = PetscMin(i0 + size, loss->nsamples);

    if (i0 < i1 && !TzBusy("gradient of a step", b0, blocks)) {
      PetscCall(PetscArrayzero(c.own, c.n));
      PetscUseTypeMethod(loss, gradient, i0, i1, &c.own[c.n - 1], c.own);
    }
    PetscCall(Add(loss, &c, (PetscMPIInt)PetscMin(c.size, blocks - b0)));
  }
  if (c.size > 1) {
    PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, c.sum, c.scount, c.displ, MPIU_REAL, comm));
    loss->counts.bytes += c.scount[c.rank] * (PetscInt64)sizeof(PetscReal);
  }
  for (PetscInt i = 0; i < loss->nparams; i++) grad[i] = c.sum[i] / loss->nsamples;
  *l = c.sum[c.n - 1] / loss->nsamples;
  PetscCall(CallDestroy(&c));
  loss->counts.queries++;
  loss->counts.forwards += loss->nsamples * loss->forwards;
  PetscCall(PetscLogEventEnd(TZ_LossGradient, loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each rank takes a contiguous range of the samples: a row of J does not depend on the range */
PetscErrorCode TzLossJacobian(TzLoss loss, const PetscReal theta[], PetscReal r[], PetscReal J[])
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);
  PetscInt    i0, i1, n;
  PetscMPIInt rank, size, *count, *displ;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscCheck(loss->ops->jacobian, comm, PETSC_ERR_SUP, "a loss of type %s has no exact gradients of residuals", ((PetscObject)loss)->type_name);
  PetscCall(PetscLogEventBegin(TZ_LossGradient, loss, 0, 0, 0));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  n = loss->nparams;
  PetscUseTypeMethod(loss, bind, theta);
  TzPartitionRange(loss->nsamples, size, rank, &i0, &i1);
  if (i0 < i1) PetscUseTypeMethod(loss, jacobian, i0, i1, r + i0, J + (size_t)i0 * (size_t)n);
  if (size > 1) {
    PetscCall(PetscMalloc2(size, &count, size, &displ));
    for (int rows = 0; rows < 2; rows++) { /* the residuals, then the rows */
      for (PetscMPIInt p = 0; p < size; p++) {
        TzPartitionRange(loss->nsamples, size, p, &i0, &i1);
        PetscCall(PetscMPIIntCast((PetscInt64)(i1 - i0) * (rows ? n : 1), &count[p]));
        PetscCall(PetscMPIIntCast((PetscInt64)i0 * (rows ? n : 1), &displ[p]));
      }
      PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, rows ? J : r, count, displ, MPIU_REAL, comm));
      loss->counts.bytes += count[rank] * (PetscInt64)sizeof(PetscReal);
    }
    PetscCall(PetscFree2(count, displ));
  }
  loss->counts.queries++;
  loss->counts.forwards += loss->nsamples * loss->forwards;
  PetscCall(PetscLogEventEnd(TZ_LossGradient, loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

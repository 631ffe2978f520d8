/* What a model trained on a residual is worth: its error where the solution is known, its residual everywhere, at points that training never sees. */
#include "residual.h"
#include "../partition.h"

#define VALIDATION_STEP TZ_STEP_NONE /* step of the key of the estimator's nodes: no step of the training has it */

/* This rank's part of the validation set, which does not change: its points, and the exact solution, which may be costly */
static PetscErrorCode ValidationSetUp(TzLoss loss)
{
  TzResidual *r = (TzResidual *)loss->data;
  PetscMPIInt rank, size;
  PetscInt    first, n;
  PetscBool   exact;
  PetscInt    d;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)loss), &rank));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)loss), &size));
  TzPartitionRange((r->nvalid + VALIDATION_BLOCK - 1) / VALIDATION_BLOCK, size, rank, &r->b0, &r->b1);
  first = r->b0 * VALIDATION_BLOCK;
  n     = PetscMin(r->b1 * VALIDATION_BLOCK, r->nvalid) - first;
  PetscCall(TzPDEHasExact(loss->pde, &exact));
  PetscCall(TzPDEGetDim(loss->pde, &d));
  PetscCall(PetscMalloc3(PetscMax(n, 1) * r->D, &r->validX, exact ? PetscMax(n, 1) : 0, &r->validexact, exact ? PetscMax(n, 1) * d : 0, &r->validgrad));
  PetscCall(TzSamplerDraw(r->validation, loss->seed, TZ_STREAM_VALIDATION, 0, first, n, r->validX));
  if (exact) PetscCall(TzPDEExact(loss->pde, n, r->validX, r->validexact, r->validgrad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is summed (or, the maxima, compared) over the points */
enum { ERROR2, EXACT2, ERRORMAX, GRADERROR2, GRADEXACT2, RESIDUAL2, RESIDUALMAX, SUMS };

/* max(a, b), which keeps a NaN */
static inline PetscReal Larger(PetscReal a, PetscReal b)
{
  return b <= a ? a : b;
}

/* Block b of the validation points -> sums[SUMS]. u is the model that the loss differentiates: with the Stein estimator from the smoothed network. */
static PetscErrorCode ValidateBlock(TzLoss loss, PetscInt b, PetscReal sums[])
{
  TzResidual      *r     = (TzResidual *)loss->data;
  const PetscInt   first = (b - r->b0) * VALIDATION_BLOCK, n = PetscMin(VALIDATION_BLOCK, r->nvalid - b * VALIDATION_BLOCK), J = r->J;
  const PetscReal *X = r->validX + first * r->D;
  PetscReal        residual[VALIDATION_BLOCK];
  PetscInt         d;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(sums, SUMS));
  PetscCall(TzPDEGetDim(loss->pde, &d));
  PetscCall(TzDerivJet(loss->deriv, r->eval, n, X, r->ujet));
  PetscCall(TzPDETransform(loss->pde, n, X, r->ujet, r->ujet));
  PetscCall(TzPDEResidual(loss->pde, n, X, r->ujet, residual, NULL));
  for (PetscInt i = 0; i < n; i++) {
    sums[RESIDUAL2] += residual[i] * residual[i];
    sums[RESIDUALMAX] = Larger(sums[RESIDUALMAX], PetscAbsReal(residual[i]));
    if (r->validexact) {
      const PetscReal exact = r->validexact[first + i], e = PetscAbsReal(r->ujet[i * J] - exact);

      sums[ERROR2] += e * e;
      sums[EXACT2] += exact * exact;
      sums[ERRORMAX] = Larger(sums[ERRORMAX], e);
      for (PetscInt k = 0; k < d; k++) {
        const PetscReal g = r->validgrad[(first + i) * d + k];

        sums[GRADERROR2] += PetscSqr(r->ujet[i * J + 1 + k] - g);
        sums[GRADEXACT2] += g * g;
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all [blocks][SUMS] on every rank */
static PetscErrorCode ValidationSums(TzLoss loss, PetscInt blocks, PetscReal all[])
{
  TzResidual *r    = (TzResidual *)loss->data;
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);
  PetscMPIInt rank, size, *count, *displ;
  PetscInt    b0, b1;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  for (PetscInt b = r->b0; b < r->b1 && !TzBusy("validation", b - r->b0, r->b1 - r->b0); b++) PetscCall(ValidateBlock(loss, b, all + SUMS * b));
  if (size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(size, &count, size, &displ));
  for (PetscMPIInt i = 0; i < size; i++) {
    TzPartitionRange(blocks, size, i, &b0, &b1);
    PetscCall(PetscMPIIntCast(SUMS * (b1 - b0), &count[i]));
    PetscCall(PetscMPIIntCast(SUMS * b0, &displ[i]));
  }
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, count, displ, MPIU_REAL, comm));
  loss->counts.bytes += count[rank] * (PetscInt64)sizeof(PetscReal);
  PetscCall(PetscFree2(count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  mse, rel_l2 and max of u against the exact solution on the validation points, grad_rel_l2 of its gradient in x; where none is known the mean squared
  residual there; and the largest residual. The points come from a sampler beside that of the loss, by a key of their own: training never sees them. So do the
  nodes of a random rule: the figure does not depend on the step.
*/
PetscErrorCode TzResidualValidate(TzLoss loss, const PetscReal theta[], TzMetrics *m)
{
  TzResidual    *r      = (TzResidual *)loss->data;
  const PetscInt blocks = (r->nvalid + VALIDATION_BLOCK - 1) / VALIDATION_BLOCK;
  PetscReal     *all, sums[SUMS] = {0};
  PetscBool      exact;

  PetscFunctionBegin;
  if (!r->validX) PetscCall(ValidationSetUp(loss));
  PetscCall(PetscCalloc1(SUMS * blocks, &all));
  PetscCall(TzDerivSample(loss->deriv, loss->seed, VALIDATION_STEP));
  PetscCall(TzNetEvalBind(r->eval, theta));
  PetscCall(ValidationSums(loss, blocks, all));
  if (r->step >= 0) PetscCall(TzDerivSample(loss->deriv, loss->seed, r->step));
  for (PetscInt b = 0; b < blocks; b++)
    for (int s = 0; s < SUMS; s++) sums[s] = s == ERRORMAX || s == RESIDUALMAX ? Larger(sums[s], all[SUMS * b + s]) : sums[s] + all[SUMS * b + s];
  PetscCall(PetscFree(all));
  exact = (PetscBool)(r->validexact != NULL);
  if (TzGiveUp()) PetscCall(PetscFree3(r->validX, r->validexact, r->validgrad)); /* perhaps not whole */
  if (exact)
    *m = (TzMetrics){.n     = 5,
                     .name  = {"mse", "rel_l2", "max", "grad_rel_l2", "residual_max"},
                     .value = {sums[ERROR2] / r->nvalid, PetscSqrtReal(sums[ERROR2] / sums[EXACT2]), sums[ERRORMAX],
                               PetscSqrtReal(sums[GRADERROR2] / sums[GRADEXACT2]), sums[RESIDUALMAX]}};
  else *m = (TzMetrics){.n = 2, .name = {"residual", "residual_max"}, .value = {sums[RESIDUAL2] / r->nvalid, sums[RESIDUALMAX]}};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Loss "residual": the mean of the squared residual of a TzPDE over collocation points, with derivatives from a TzDeriv.

  A step has -loss_points points, drawn by -loss_sampler from the key (seed, step), and the estimator's nodes of the same step.

  Options:
    -loss_points n              collocation points of a step (default 100)
    -loss_block n               points of a block, the unit that ranks share (default 5)
    -loss_sampler, -loss_x0, -loss_path_steps   distribution of the points (tzsampler.h)
    -loss_fixed_points          the same points and nodes in every step (default false)
    -tz_validation_points n     points on which TzLossValidate() compares with the exact solution (default 10000)
*/
#include <private/tzlossimpl.h>
#include <tzsampler.h>
#include "../partition.h"
#include "residual.h"

#define GRADIENT_BLOCK   24           /* points that an exact gradient takes at a time: a panel of the network's kernels */
#define CHUNK            16           /* points whose transforms are kept together */
#define VALIDATION_BLOCK 100          /* points; the sums of a block are the unit of communication */
#define VALIDATION_STEP  TZ_STEP_NONE /* step of the key of the estimator's nodes: no step of the training has it */

typedef struct {
  TzPDE      pde;
  TzDeriv    deriv;
  TzNetEval  eval;
  PetscInt   D, J;    /* coordinates of a point; numbers of a jet */
  PetscInt   npoints; /* of a step */
  PetscInt   block;
  PetscBool  fixed;
  PetscInt   step; /* sampled last */
  TzSampler  sampler;
  PetscReal *X;    /* [npoints][D] */
  PetscReal *ujet; /* [npoints or VALIDATION_BLOCK][J] */

  PetscInt    chunks; /* the transforms of the points of this step, where they have been asked for */
  PetscReal **ab;     /* [chunks]: NULL, or [CHUNK][TzPDEGetTransformSize()] */
  PetscInt   *abstep; /* [chunks]: the step they belong to, -1: none */

  PetscInt   nvalid; /* validation points, of which this rank has those of the blocks b0 <= b < b1: */
  PetscInt   b0, b1;
  PetscReal *validX;     /* [its points][D], NULL before the first validation */
  PetscReal *validexact; /* [its points], NULL if the equation has no exact solution */
} TzResidual;

static PetscErrorCode SetFromOptions_Residual(TzLoss loss, TzOptionItems PetscOptionsObject)
{
  TzResidual *r    = (TzResidual *)loss->data;
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Residual of a differential equation");
  PetscCall(TzOptionsInt("-loss_points", "Collocation points of a step (>= 1)", "TzLossSample", r->npoints, &r->npoints, NULL));
  PetscCheck(r->npoints >= 1, comm, PETSC_ERR_USER_INPUT, "-loss_points %" PetscInt_FMT ": must be at least 1", r->npoints);
  PetscCall(TzOptionsInt("-loss_block", "Points of a block, the unit that ranks share (>= 1)", "TzLossSample", r->block, &r->block, NULL));
  PetscCheck(r->block >= 1, comm, PETSC_ERR_USER_INPUT, "-loss_block %" PetscInt_FMT ": must be at least 1", r->block);
  PetscCall(TzSamplerSetFromOptions(r->sampler, PetscOptionsObject));
  PetscCall(TzOptionsBool("-loss_fixed_points", "The same points and nodes in every step", "TzLossSample", r->fixed, &r->fixed, NULL));
  PetscCall(TzOptionsInt("-tz_validation_points", "Points of the validation set (>= 1)", "TzLossValidate", r->nvalid, &r->nvalid, NULL));
  PetscCheck(r->nvalid >= 1, comm, PETSC_ERR_USER_INPUT, "-tz_validation_points %" PetscInt_FMT ": must be at least 1", r->nvalid);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reset_Residual(TzResidual *r)
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalDestroy(&r->eval));
  PetscCall(PetscFree2(r->X, r->ujet));
  for (PetscInt c = 0; c < r->chunks; c++) PetscCall(PetscFree(r->ab[c]));
  PetscCall(PetscFree2(r->ab, r->abstep));
  PetscCall(PetscFree2(r->validX, r->validexact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetProblem_Residual(TzLoss loss, TzPDE pde, TzDeriv deriv)
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)pde));
  PetscCall(PetscObjectReference((PetscObject)deriv));
  PetscCall(TzPDEDestroy(&r->pde));
  PetscCall(TzDerivDestroy(&r->deriv));
  r->pde   = pde;
  r->deriv = deriv;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Coordinates_Residual(TzLoss, const PetscReal[], const TzQueries *, PetscInt, PetscInt, PetscReal[]);
static PetscErrorCode CoordinateResiduals_Residual(TzLoss, const PetscReal[], const TzQueries *, PetscInt, PetscInt, PetscReal[]);

static PetscErrorCode SetUp_Residual(TzLoss loss)
{
  TzResidual       *r    = (TzResidual *)loss->data;
  MPI_Comm          comm = PetscObjectComm((PetscObject)loss);
  const TzJetShape *shape, *estimated;
  PetscInt          forwards;
  PetscBool         structured;

  PetscFunctionBegin;
  PetscCheck(r->pde && r->deriv && loss->net, comm, PETSC_ERR_ORDER, "TzLossSetNet() and TzLossSetProblem() first");
  PetscCall(Reset_Residual(r));
  PetscCall(TzPDEGetJetShape(r->pde, &shape));
  PetscCall(TzDerivGetJetShape(r->deriv, &estimated));
  PetscCheck(estimated->d == shape->d && estimated->time == shape->time && estimated->nforms == shape->nforms, comm, PETSC_ERR_ORDER,
             "TzDerivSetNet() with the shape of TzPDEGetJetShape() first");
  PetscCall(TzPDESetSampler(r->pde, r->sampler));
  r->D = TzJetCoordinates(shape);
  r->J = TzJetSize(shape);
  PetscCall(TzNetEvalCreate(loss->net, &r->eval));
  PetscCall(TzDerivGetNumBlocks(r->deriv, &loss->nodeblocks));
  PetscCall(TzDerivGetNumForwards(r->deriv, &forwards));
  loss->forwards      = forwards;
  loss->nsamples      = r->npoints;
  loss->blocksize     = PetscMin(r->block, r->npoints);
  loss->partialsize   = r->J;
  loss->gradientblock = PetscMin(GRADIENT_BLOCK, r->npoints);
  r->step             = -1;
  r->chunks           = (r->npoints + CHUNK - 1) / CHUNK;
  PetscCall(PetscMalloc2(r->npoints * r->D, &r->X, PetscMax(r->npoints, VALIDATION_BLOCK) * r->J, &r->ujet));
  PetscCall(PetscCalloc2(r->chunks, &r->ab, r->chunks, &r->abstep));
  for (PetscInt c = 0; c < r->chunks; c++) r->abstep[c] = -1;
  PetscCall(TzDerivHasCoordinates(r->deriv, &structured));
  loss->ops->coordinates         = structured ? Coordinates_Residual : NULL;
  loss->ops->coordinateresiduals = structured ? CoordinateResiduals_Residual : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Sample_Residual(TzLoss loss, PetscInt step)
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  if (r->fixed) step = 0;
  if (r->step == step) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzSamplerDraw(r->sampler, loss->seed, TZ_STREAM_POINTS, step, 0, r->npoints, r->X));
  PetscCall(TzDerivSample(r->deriv, loss->seed, step));
  r->step = step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind_Residual(TzLoss loss, const PetscReal theta[])
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCall(TzNetEvalBind(r->eval, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Partial_Residual(TzLoss loss, PetscInt i0, PetscInt i1, PetscInt k, PetscReal partial[])
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCheck(r->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  PetscCall(TzDerivPartial(r->deriv, r->eval, i1 - i0, r->X + i0 * r->D, k, partial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r->ujet = the jets of u at the points i0 <= i < i1, from those of f; the transform of a point is evaluated once a step, not for every query */
static PetscErrorCode Transform(TzResidual *r, PetscInt i0, PetscInt i1, const PetscReal fjet[])
{
  PetscInt size;

  PetscFunctionBegin;
  PetscCall(TzPDEGetTransformSize(r->pde, &size));
  for (PetscInt c = i0 / CHUNK; c * CHUNK < i1; c++) {
    const PetscInt first = PetscMax(i0, c * CHUNK), n = PetscMin(i1, (c + 1) * CHUNK) - first;

    if (!r->ab[c]) PetscCall(PetscMalloc1(CHUNK * size, &r->ab[c]));
    if (r->abstep[c] != r->step) PetscCall(TzPDETransformJets(r->pde, PetscMin(CHUNK, r->npoints - c * CHUNK), r->X + c * CHUNK * r->D, r->ab[c]));
    r->abstep[c] = r->step;
    PetscCall(TzPDETransformBy(r->pde, n, r->ab[c] + (first - c * CHUNK) * size, fjet + (first - i0) * r->J, r->ujet + (first - i0) * r->J));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual_Residual(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal fjet[], PetscReal res[])
{
  TzResidual      *r = (TzResidual *)loss->data;
  const PetscReal *X = r->X + i0 * r->D;

  PetscFunctionBegin;
  PetscCall(Transform(r, i0, i1, fjet));
  PetscCall(TzPDEResidual(r->pde, i1 - i0, X, r->ujet, res, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish_Residual(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal fjet[], PetscReal term[])
{
  PetscFunctionBegin;
  PetscCall(Residual_Residual(loss, i0, i1, fjet, term));
  for (PetscInt i = 0; i < i1 - i0; i++) term[i] *= term[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Residuals res[i1-i0] of the points i0 <= i < i1 and, added to grad, the gradient of the sum of their squares (or of themselves): backwards through
   equation, transform and estimator */
static PetscErrorCode Backwards(TzLoss loss, PetscInt i0, PetscInt i1, PetscBool squares, PetscReal res[], PetscReal grad[])
{
  TzResidual      *r = (TzResidual *)loss->data;
  const PetscInt   n = i1 - i0, stride = r->J;
  const PetscReal *X = r->X + i0 * r->D;
  PetscReal       *bar;

  PetscFunctionBegin;
  PetscCheck(r->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  PetscCall(PetscMalloc1(n * stride, &bar));
  PetscCall(TzDerivJet(r->deriv, r->eval, n, X, r->ujet));
  PetscCall(Transform(r, i0, i1, r->ujet));
  PetscCall(TzPDEResidual(r->pde, n, X, r->ujet, res, bar));
  for (PetscInt p = 0; p < n && squares; p++)
    for (PetscInt c = 0; c < stride; c++) bar[p * stride + c] *= 2 * res[p];
  PetscCall(TzPDETransformAdjoint(r->pde, n, X, bar));
  PetscCall(TzDerivAdjoint(r->deriv, r->eval, n, X, bar, grad));
  PetscCall(PetscFree(bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient_Residual(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal *sum, PetscReal grad[])
{
  PetscReal *res;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(i1 - i0, &res));
  PetscCall(Backwards(loss, i0, i1, PETSC_TRUE, res, grad));
  *sum = 0;
  for (PetscInt p = 0; p < i1 - i0; p++) *sum += res[p] * res[p];
  PetscCall(PetscFree(res));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Coordinates_Residual(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal blocksums[])
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCheck(r->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  PetscCall(TzResidualCoordinates(r->pde, r->deriv, r->eval, theta, q, i1 - i0, r->X + i0 * r->D, loss->blocksize, blocksums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CoordinateResiduals_Residual(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal res[])
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCheck(r->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  PetscCall(TzResidualCoordinates(r->pde, r->deriv, r->eval, theta, q, i1 - i0, r->X + i0 * r->D, 0, res));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row by row: the adjoint of one point at a time */
static PetscErrorCode Jacobian_Residual(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal res[], PetscReal J[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(J, (size_t)(i1 - i0) * (size_t)loss->nparams));
  for (PetscInt i = i0; i < i1; i++) PetscCall(Backwards(loss, i, i + 1, PETSC_FALSE, res + (i - i0), J + (size_t)(i - i0) * (size_t)loss->nparams));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------- validation --------------------------------------------------------- */

/* This rank's part of the validation set, which does not change: its points, and the exact solution, which may be costly */
static PetscErrorCode ValidationSetUp(TzLoss loss)
{
  TzResidual *r = (TzResidual *)loss->data;
  PetscMPIInt rank, size;
  PetscInt    first, n;
  PetscBool   exact;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)loss), &rank));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)loss), &size));
  TzPartitionRange((r->nvalid + VALIDATION_BLOCK - 1) / VALIDATION_BLOCK, size, rank, &r->b0, &r->b1);
  first = r->b0 * VALIDATION_BLOCK;
  n     = PetscMin(r->b1 * VALIDATION_BLOCK, r->nvalid) - first;
  PetscCall(TzPDEHasExact(r->pde, &exact));
  PetscCall(PetscMalloc2(PetscMax(n, 1) * r->D, &r->validX, exact ? PetscMax(n, 1) : 0, &r->validexact));
  PetscCall(TzSamplerDraw(r->sampler, loss->seed, TZ_STREAM_VALIDATION, 0, first, n, r->validX));
  if (exact) PetscCall(TzPDEExact(r->pde, n, r->validX, r->validexact, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Block b of the validation points -> sums[3]: of (u - exact)^2, of exact^2, and the largest |u - exact|; without an exact
  solution the sum of the squared residual. u is the model that the loss differentiates: with the Stein estimator from the smoothed network.
*/
static PetscErrorCode ValidateBlock(TzLoss loss, PetscInt b, PetscReal sums[])
{
  TzResidual      *r     = (TzResidual *)loss->data;
  const PetscInt   first = (b - r->b0) * VALIDATION_BLOCK, n = PetscMin(VALIDATION_BLOCK, r->nvalid - b * VALIDATION_BLOCK), stride = r->J;
  const PetscReal *X = r->validX + first * r->D;
  PetscReal        value[VALIDATION_BLOCK];
  PetscBool        smoothed;

  PetscFunctionBegin;
  sums[0] = sums[1] = sums[2] = 0;
  PetscCall(TzDerivIsSmoothed(r->deriv, &smoothed));
  if (smoothed || !r->validexact) {
    PetscCall(TzDerivJet(r->deriv, r->eval, n, X, r->ujet));
  } else { /* the value is the network's: no derivatives needed */
    PetscCall(TzNetEvalForward(r->eval, n, X, value));
    PetscCall(PetscArrayzero(r->ujet, n * stride));
    for (PetscInt i = 0; i < n; i++) r->ujet[i * stride] = value[i];
  }
  PetscCall(TzPDETransform(r->pde, n, X, r->ujet, r->ujet));
  if (r->validexact) {
    for (PetscInt i = 0; i < n; i++) {
      const PetscReal exact = r->validexact[first + i], e = PetscAbsReal(r->ujet[i * stride] - exact);

      sums[0] += e * e;
      sums[1] += exact * exact;
      if (!(e <= sums[2])) sums[2] = e; /* keeps a NaN */
    }
  } else {
    PetscCall(TzPDEResidual(r->pde, n, X, r->ujet, value, NULL));
    for (PetscInt i = 0; i < n; i++) sums[0] += value[i] * value[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all [blocks][3] on every rank */
static PetscErrorCode ValidationSums(TzLoss loss, PetscInt blocks, PetscReal all[])
{
  TzResidual *r    = (TzResidual *)loss->data;
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);
  PetscMPIInt rank, size, *count, *displ;
  PetscInt    b0, b1;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  for (PetscInt b = r->b0; b < r->b1; b++) PetscCall(ValidateBlock(loss, b, all + 3 * b));
  if (size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(size, &count, size, &displ));
  for (PetscMPIInt i = 0; i < size; i++) {
    TzPartitionRange(blocks, size, i, &b0, &b1);
    PetscCall(PetscMPIIntCast(3 * (b1 - b0), &count[i]));
    PetscCall(PetscMPIIntCast(3 * b0, &displ[i]));
  }
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, count, displ, MPIU_REAL, comm));
  loss->counts.bytes += count[rank] * (PetscInt64)sizeof(PetscReal);
  PetscCall(PetscFree2(count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  mse, rel_l2 and max of u against the exact solution on the validation points, or, where none is known, the mean squared
  residual there. The points come from the sampler of the loss, by a key of their own: training never sees them. So do the nodes of a
  random rule: the figure does not depend on the step.
*/
static PetscErrorCode Validate_Residual(TzLoss loss, const PetscReal theta[], TzMetrics *m)
{
  TzResidual    *r      = (TzResidual *)loss->data;
  const PetscInt blocks = (r->nvalid + VALIDATION_BLOCK - 1) / VALIDATION_BLOCK;
  PetscReal     *all, sums[3] = {0, 0, 0};

  PetscFunctionBegin;
  if (!r->validX) PetscCall(ValidationSetUp(loss));
  PetscCall(PetscMalloc1(3 * blocks, &all));
  PetscCall(TzDerivSample(r->deriv, loss->seed, VALIDATION_STEP));
  PetscCall(TzNetEvalBind(r->eval, theta));
  PetscCall(ValidationSums(loss, blocks, all));
  if (r->step >= 0) PetscCall(TzDerivSample(r->deriv, loss->seed, r->step));
  for (PetscInt b = 0; b < blocks; b++) {
    sums[0] += all[3 * b];
    sums[1] += all[3 * b + 1];
    if (!(all[3 * b + 2] <= sums[2])) sums[2] = all[3 * b + 2];
  }
  PetscCall(PetscFree(all));
  *m = (TzMetrics){.n = 3, .name = {"mse", "rel_l2", "max"}, .value = {sums[0] / r->nvalid, PetscSqrtReal(sums[0] / sums[1]), sums[2]}};
  if (!r->validexact) *m = (TzMetrics){.n = 1, .name = {"residual"}, .value = {sums[0] / r->nvalid}};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------------------------- */

static PetscErrorCode View_Residual(TzLoss loss, PetscViewer viewer)
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCall(TzSamplerView(r->sampler, viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  points %s; %" PetscInt_FMT " validation points\n",
                                   r->fixed ? "the same in every step" : "drawn anew in every step", r->nvalid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Residual(TzLoss loss)
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCall(Reset_Residual(r));
  PetscCall(TzSamplerDestroy(&r->sampler));
  PetscCall(TzPDEDestroy(&r->pde));
  PetscCall(TzDerivDestroy(&r->deriv));
  PetscCall(PetscFree(loss->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossCreate_Residual(TzLoss loss)
{
  TzResidual *r;

  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  r->npoints = 100;
  r->block   = 5;
  r->nvalid  = 10000;
  PetscCall(TzSamplerCreate(PetscObjectComm((PetscObject)loss), &r->sampler));
  loss->data                = r;
  loss->ops->setfromoptions = SetFromOptions_Residual;
  loss->ops->setproblem     = SetProblem_Residual;
  loss->ops->setup          = SetUp_Residual;
  loss->ops->sample         = Sample_Residual;
  loss->ops->bind           = Bind_Residual;
  loss->ops->partial        = Partial_Residual;
  loss->ops->finish         = Finish_Residual;
  loss->ops->residual       = Residual_Residual;
  loss->ops->gradient       = Gradient_Residual;
  loss->ops->jacobian       = Jacobian_Residual;
  loss->ops->validate       = Validate_Residual;
  loss->ops->view           = View_Residual;
  loss->ops->destroy        = Destroy_Residual;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Loss "residual": the mean of the squared residual of a TzPDE over collocation points, with derivatives from a TzDeriv; its soft conditions (terms.c) and data
  (data.c).

  A step has -loss_points points, drawn by -loss_sampler from the key (seed, step), and the estimator's nodes of the same step.

  Options:
    -loss_points n              collocation points of a step (default 100; 0: data alone)
    -loss_block n               points of a block, the unit that ranks share (default 5)
    -loss_sampler, -loss_x0, -loss_path_steps   distribution of the points (tzsampler.h)
    -loss_p p                   mean of |r|^p (default 2). For HJB equations a small mean square does not bound the error, a small L^p norm with large p does
                                (Wang, Li, He, Wang 2022)
    -loss_adaptive m            points where the residual is large, of m candidates each (default 0: none); adapt.c
    -loss_weights fixed|auto    weights of conditions as given, or balanced (default fixed); -loss_weights_every 10, -loss_weights_smoothing 0.9
    -loss_data FILE             known values and gradients of u
    -loss_fixed_points          the same points and nodes in every step (default false)
    -control_drift none|feedback|mix|lqr   of paths of a control problem (follow.c)
    -tz_validation_sampler, -tz_validation_x0   distribution of the points below (default: that of training)
    -tz_validation_points n     points on which TzLossValidate() compares with the exact solution (default 10000)
*/
#include "residual.h"

#define GRADIENT_BLOCK 24 /* points that an exact gradient takes at a time: a panel of the network's kernels */

static PetscErrorCode SetFromOptions_Residual(TzLoss loss, TzOptionItems PetscOptionsObject)
{
  TzResidual *r    = (TzResidual *)loss->data;
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Residual of a differential equation");
  PetscCall(TzOptionsInt("-loss_points", "Collocation points of a step (>= 1; 0: data alone)", "TzLossSample", r->npoints, &r->npoints, NULL));
  PetscCall(TzOptionsInt("-loss_block", "Points of a block, the unit that ranks share (>= 1)", "TzLossSample", r->block, &r->block, NULL));
  PetscCheck(r->block >= 1, comm, PETSC_ERR_USER_INPUT, "-loss_block %" PetscInt_FMT ": must be at least 1", r->block);
  PetscCall(TzSamplerSetFromOptions(r->sampler, PetscOptionsObject));
  PetscCall(TzTermsSetFromOptions(loss, PetscOptionsObject));
  PetscCheck(r->npoints >= (r->nterms > 1 && r->term[r->nterms - 1].kind > TZ_TERM_CONDITION ? 0 : 1), comm, PETSC_ERR_USER_INPUT,
             "-loss_points %" PetscInt_FMT ": must be at least 1, or 0 with -loss_data", r->npoints);
  PetscCall(TzOptionsBool("-loss_fixed_points", "The same points and nodes in every step", "TzLossSample", r->fixed, &r->fixed, NULL));
  PetscCall(TzAdaptSetFromOptions(r, comm, PetscOptionsObject));
  PetscCall(TzOptionsReal("-loss_p", "The loss is the mean of |residual|^p (>= 1)", "TzLossEvaluate", r->p, &r->p, NULL));
  PetscCheck(r->p >= 1 && r->p <= 100, comm, PETSC_ERR_USER_INPUT, "-loss_p %g: must be 1 to 100", (double)r->p);
  PetscCall(TzFollowSetFromOptions(loss, PetscOptionsObject));
  PetscCall(TzSamplerSetValidationOptions(r->validation, PetscOptionsObject));
  PetscCall(TzOptionsInt("-tz_validation_points", "Points of the validation set (>= 1)", "TzLossValidate", r->nvalid, &r->nvalid, NULL));
  PetscCheck(r->nvalid >= 1, comm, PETSC_ERR_USER_INPUT, "-tz_validation_points %" PetscInt_FMT ": must be at least 1", r->nvalid);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reset_Residual(TzResidual *r)
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalDestroy(&r->eval));
  PetscCall(TzFollowReset(r));
  PetscCall(PetscFree4(r->X, r->normal, r->target, r->ujet));
  PetscCall(TzStoreDestroy(&r->data));
  for (PetscInt c = 0; c < r->chunks; c++) PetscCall(PetscFree(r->ab[c]));
  PetscCall(PetscFree4(r->ab, r->abstep, r->source, r->sourcestep));
  PetscCall(PetscFree3(r->validX, r->validexact, r->validgrad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Another equation has other conditions */
static PetscErrorCode SetProblem_Residual(TzLoss loss)
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(r->term));
  r->nterms = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Coordinates_Residual(TzLoss, const PetscReal[], const TzQueries *, PetscInt, PetscInt, PetscReal[]);
static PetscErrorCode CoordinateResiduals_Residual(TzLoss, const PetscReal[], const TzQueries *, PetscInt, PetscInt, PetscReal[]);
static PetscErrorCode Residual_Residual(TzLoss, PetscInt, PetscInt, PetscReal[], PetscReal[]);

/* Points, their jets and partial sums of a step; this rank's part of the validation set, and the sums of its blocks */
static PetscErrorCode CheckSizes(TzLoss loss)
{
  TzResidual     *r    = (TzResidual *)loss->data;
  MPI_Comm        comm = PetscObjectComm((PetscObject)loss);
  const PetscReal D = r->D, J = r->J, points = r->npoints, valid = r->nvalid;
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (r->candidates) PetscCall(TzMemoryCheck(comm, r->candidates * points * (D + 4), "-loss_adaptive %" PetscInt_FMT, r->candidates));
  PetscCheck(r->candidates * points * D < PETSC_MAX_INT, comm, PETSC_ERR_USER_INPUT, "-loss_adaptive %" PetscInt_FMT ": too many candidates for an index",
             r->candidates);
  PetscCall(TzMemoryCheck(comm, points * (D + 4 * J), "-loss_points %" PetscInt_FMT, r->npoints));
  PetscCall(TzMemoryCheck(comm, valid / size * (2 * D + 1) + 7 * valid / VALIDATION_BLOCK, "-tz_validation_points %" PetscInt_FMT, r->nvalid));
  PetscCheck(points * J < PETSC_MAX_INT, comm, PETSC_ERR_USER_INPUT, "-loss_points %" PetscInt_FMT ": must be below %g in %" PetscInt_FMT " dimensions",
             r->npoints, (double)(PETSC_MAX_INT / J), r->D);
  PetscCheck(valid / size * (D + 1) < PETSC_MAX_INT - VALIDATION_BLOCK * (D + 1) && valid < PETSC_MAX_INT - VALIDATION_BLOCK, comm, PETSC_ERR_USER_INPUT,
             "-tz_validation_points %" PetscInt_FMT ": must be below %g in %" PetscInt_FMT " dimensions on %d ranks", r->nvalid,
             (double)((PETSC_MAX_INT - VALIDATION_BLOCK * (D + 1)) / (D + 1) * size), r->D, size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Derivatives along random coordinates: of equations whose residual is a sum over them */
static PetscErrorCode SetUpSubset(TzLoss loss)
{
  TzResidual *r    = (TzResidual *)loss->data;
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);
  PetscInt    d, n;
  PetscBool   sum;

  PetscFunctionBegin;
  PetscCall(TzPDEGetDim(loss->pde, &d));
  PetscCall(TzDerivGetSubset(loss->deriv, &n));
  r->drawn = (PetscReal)d / (PetscReal)n;
  if (n == d) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPDEIsSum(loss->pde, &sum));
  PetscCheck(sum, comm, PETSC_ERR_USER_INPUT,
             "-fd_subset %" PetscInt_FMT ": the residual of -pde_type %s is no sum over coordinates, of which random ones could stand for all; must be 0", n,
             ((PetscObject)loss->pde)->type_name);
  PetscCheck(!r->candidates, comm, PETSC_ERR_USER_INPUT,
             "-loss_adaptive %" PetscInt_FMT ": with -fd_subset residuals are random, large ones tell nothing; give only one of them", r->candidates);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Residual(TzLoss loss)
{
  TzResidual       *r    = (TzResidual *)loss->data;
  MPI_Comm          comm = PetscObjectComm((PetscObject)loss);
  const TzJetShape *shape, *estimated;
  PetscInt          forwards;
  PetscBool         structured;

  PetscFunctionBegin;
  PetscCheck(loss->pde && loss->deriv && loss->net, comm, PETSC_ERR_ORDER, "TzLossSetNet() and TzLossSetProblem() first");
  PetscCall(Reset_Residual(r));
  PetscCall(TzPDEGetJetShape(loss->pde, &shape));
  PetscCall(TzDerivGetJetShape(loss->deriv, &estimated));
  PetscCheck(estimated->d == shape->d && estimated->time == shape->time && estimated->nforms == shape->nforms, comm, PETSC_ERR_ORDER,
             "TzDerivSetNet() with the shape of TzPDEGetJetShape() first");
  PetscCall(TzPDESetSampler(loss->pde, r->sampler));
  PetscCall(TzSamplerSetUpBeside(r->validation, r->sampler));
  r->d = shape->d;
  r->D = TzJetCoordinates(shape);
  r->J = TzJetSize(shape);
  PetscCall(CheckSizes(loss));
  PetscCall(TzNetEvalCreate(loss->net, &r->eval));
  PetscCall(TzDerivSample(loss->deriv, loss->seed, 0)); /* a step may have fewer nodes than a validation */
  PetscCall(SetUpSubset(loss));
  PetscCall(TzDerivGetNumBlocks(loss->deriv, &loss->nodeblocks));
  PetscCall(TzDerivGetNumForwards(loss->deriv, &forwards));
  loss->forwards = forwards;
  PetscCall(TzTermsSetUp(loss));
  PetscCall(TzFollowSetUp(loss));
  PetscCheck(!r->candidates || !r->control, comm, PETSC_ERR_USER_INPUT,
             "-loss_adaptive %" PetscInt_FMT ": its candidates do not follow -control_drift feedback or mix", r->candidates);
  loss->nsamples      = r->nline;
  loss->blocksize     = PetscMin(r->block, r->nline);
  loss->partialsize   = r->J;
  loss->gradientblock = PetscMin(GRADIENT_BLOCK, r->nline);
  r->step = r->adapted = -1;
  r->chunks            = (r->nline + CHUNK - 1) / CHUNK;
  PetscCall(PetscMalloc4(r->nline * r->D, &r->X, (r->nline - r->npoints) * r->d, &r->normal, r->nline - r->npoints, &r->target,
                         PetscMax(r->nline, VALIDATION_BLOCK) * r->J, &r->ujet));
  PetscCall(TzPDEGetSourceSize(loss->pde, &r->nsource));
  PetscCall(PetscCalloc4(r->chunks, &r->ab, r->chunks, &r->abstep, r->nline * r->nsource, &r->source, r->chunks, &r->sourcestep));
  PetscCall(TzTermsForget(r));
  PetscCall(TzDerivHasCoordinates(loss->deriv, &structured));
  loss->ops->adapt               = r->candidates || r->balanced ? TzResidualAdapt : NULL;
  loss->ops->coordinates         = structured ? Coordinates_Residual : NULL;
  loss->ops->coordinateresiduals = structured ? CoordinateResiduals_Residual : NULL;
  loss->ops->residual            = r->p == 2 ? Residual_Residual : NULL; /* otherwise no sum of squares */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Sample_Residual(TzLoss loss, PetscInt step)
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  if (r->fixed) step = 0;
  if (r->step == step) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzTermsSample(loss, step));
  PetscCall(TzDerivSample(loss->deriv, loss->seed, step));
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
  PetscCall(TzTermsPartial(loss, i0, i1, k, partial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The transform at the points i <= .. < i + *n, those of its chunk before i1; of a point it is evaluated once a step, not for every query */
static PetscErrorCode GetTransform(TzLoss loss, PetscInt i, PetscInt i1, PetscInt *n, const PetscReal **ab)
{
  TzResidual    *r = (TzResidual *)loss->data;
  const PetscInt c = i / CHUNK;
  PetscInt       size;

  PetscFunctionBegin;
  PetscCall(TzPDEGetTransformSize(loss->pde, &size));
  if (!r->ab[c]) PetscCall(PetscMalloc1(CHUNK * size, &r->ab[c]));
  if (r->abstep[c] != r->step) PetscCall(TzPDETransformJets(loss->pde, PetscMin(CHUNK, r->nline - c * CHUNK), r->X + c * CHUNK * r->D, r->ab[c]));
  r->abstep[c] = r->step;
  *n           = PetscMin(i1, (c + 1) * CHUNK) - i;
  *ab          = r->ab[c] + (i - c * CHUNK) * size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r->ujet = the jets of u at the points i0 <= i < i1, from those of f */
static PetscErrorCode Transform(TzLoss loss, PetscInt i0, PetscInt i1, const PetscReal fjet[])
{
  TzResidual      *r  = (TzResidual *)loss->data;
  const PetscReal *ab = NULL;
  PetscInt         n  = 0;

  PetscFunctionBegin;
  for (PetscInt i = i0; i < i1; i += n) {
    PetscCall(GetTransform(loss, i, i1, &n, &ab));
    PetscCall(TzPDETransformBy(loss->pde, n, ab, fjet + (i - i0) * r->J, r->ujet + (i - i0) * r->J));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Where the jets have derivatives along some coordinates only: res = r_0 + drawn (res - r_0), r_0 [i1-i0] the residuals of the jets without derivatives in x,
  whose mean over the sets of coordinates is the full residual. bar, bar0 [i1-i0][J] (or both NULL): derivatives in the jets of u and in those without;
  on entry bar has those of res.
*/
static PetscErrorCode Complete(TzLoss loss, PetscInt i0, PetscInt i1, const PetscReal fjet[], PetscReal res[], PetscReal bar[], PetscReal bar0[])
{
  TzResidual       *r = (TzResidual *)loss->data;
  const PetscInt    n = i1 - i0, J = r->J;
  const TzJetShape *shape;
  PetscReal        *f, *r0;

  PetscFunctionBegin;
  PetscCall(TzPDEGetJetShape(loss->pde, &shape));
  PetscCall(PetscMalloc1(n, &r0));
  PetscCall(PetscCalloc1(n * J, &f));
  for (PetscInt p = 0; p < n; p++) {
    TzJet to = TzJetAt(shape, f + p * J), from = TzJetAt(shape, fjet + p * J);

    TzJetValue(&to) = TzJetValue(&from);
    if (shape->time) TzJetTime(&to) = TzJetTime(&from);
  }
  PetscCall(Transform(loss, i0, i1, f));
  PetscCall(TzTermsResidual(loss, i0, i1, r->ujet, r0, bar0));
  for (PetscInt p = 0; p < n; p++) res[p] = r0[p] + r->drawn * (res[p] - r0[p]);
  for (PetscInt k = 0; bar && k < n * J; k++) bar[k] *= r->drawn, bar0[k] *= 1 - r->drawn;
  PetscCall(PetscFree(r0));
  PetscCall(PetscFree(f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzResidualValues(TzLoss loss, PetscInt i0, PetscInt i1, const PetscReal fjet[], PetscReal res[])
{
  const TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCall(Transform(loss, i0, i1, fjet));
  PetscCall(TzTermsResidual(loss, i0, i1, r->ujet, res, NULL));
  if (r->drawn > 1) PetscCall(Complete(loss, i0, i1, fjet, res, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual_Residual(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal fjet[], PetscReal res[])
{
  PetscFunctionBegin;
  PetscCall(TzResidualValues(loss, i0, i1, fjet, res));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish_Residual(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal fjet[], PetscReal term[])
{
  const TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCall(TzResidualValues(loss, i0, i1, fjet, term));
  for (PetscInt i = 0; i < i1 - i0; i++) term[i] = TzTermsPower(r, term[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* bar [i1-i0][J] from derivatives in the jets of u to those in the jets of f; bar0, or NULL, is that of jets without derivatives in x */
static PetscErrorCode TransformBack(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal bar[], PetscReal bar0[])
{
  const PetscInt    J = ((TzResidual *)loss->data)->J;
  const TzJetShape *shape;
  const PetscReal  *ab = NULL;
  PetscInt          n  = 0;

  PetscFunctionBegin;
  for (PetscInt i = i0; i < i1; i += n) {
    PetscCall(GetTransform(loss, i, i1, &n, &ab));
    PetscCall(TzPDETransformAdjointBy(loss->pde, n, ab, bar + (i - i0) * J));
    if (bar0) PetscCall(TzPDETransformAdjointBy(loss->pde, n, ab, bar0 + (i - i0) * J));
  }
  if (!bar0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPDEGetJetShape(loss->pde, &shape));
  for (PetscInt p = 0; p < i1 - i0; p++) {
    TzJet to = TzJetAt(shape, bar + p * J), from = TzJetAt(shape, bar0 + p * J);

    TzJetValue(&to) += TzJetValue(&from);
    if (shape->time) TzJetTime(&to) += TzJetTime(&from);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Residuals res[i1-i0] of the points i0 <= i < i1 and, added to grad, the gradient of the sum of their powers (or of themselves): backwards through
   equation, transform and estimator */
static PetscErrorCode Backwards(TzLoss loss, PetscInt i0, PetscInt i1, PetscBool powers, PetscReal res[], PetscReal grad[])
{
  TzResidual    *r = (TzResidual *)loss->data;
  const PetscInt n = i1 - i0, stride = r->J;
  PetscReal     *fjet, *bar, *bar0 = NULL;

  PetscFunctionBegin;
  PetscCheck(r->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  PetscCall(PetscMalloc2(n * stride, &fjet, n * stride, &bar));
  if (r->drawn > 1) PetscCall(PetscMalloc1(n * stride, &bar0));
  PetscCall(TzTermsJet(loss, i0, i1, fjet));
  PetscCall(Transform(loss, i0, i1, fjet));
  PetscCall(TzTermsResidual(loss, i0, i1, r->ujet, res, bar));
  if (bar0) PetscCall(Complete(loss, i0, i1, fjet, res, bar, bar0));
  for (PetscInt p = 0; p < n && powers; p++)
    for (PetscInt c = 0; c < stride; c++) {
      bar[p * stride + c] *= TzTermsSlope(r, res[p]);
      if (bar0) bar0[p * stride + c] *= TzTermsSlope(r, res[p]);
    }
  PetscCall(TransformBack(loss, i0, i1, bar, bar0));
  PetscCall(TzTermsAdjoint(loss, i0, i1, bar, grad));
  PetscCall(PetscFree2(fjet, bar));
  PetscCall(PetscFree(bar0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient_Residual(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal *sum, PetscReal grad[])
{
  const TzResidual *r = (TzResidual *)loss->data;
  PetscReal        *res;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(i1 - i0, &res));
  PetscCall(Backwards(loss, i0, i1, PETSC_TRUE, res, grad));
  *sum = 0;
  for (PetscInt p = 0; p < i1 - i0; p++) *sum += TzTermsPower(r, res[p]);
  PetscCall(PetscFree(res));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row by row: the adjoint of one point at a time */
static PetscErrorCode Jacobian_Residual(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal res[], PetscReal J[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(J, (size_t)(i1 - i0) * (size_t)loss->nparams));
  for (PetscInt i = i0; i < i1 && !TzBusy("gradients of the residuals", i - i0, i1 - i0); i++)
    PetscCall(Backwards(loss, i, i + 1, PETSC_FALSE, res + (i - i0), J + (size_t)(i - i0) * (size_t)loss->nparams));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- all coordinate queries at once: the estimator brings the jets of f point by point and coordinate by coordinate; each is finished at once ---- */

typedef struct {
  TzLoss     loss;
  PetscInt   i0;                     /* first point of the call */
  PetscInt   first;                  /* coordinate */
  PetscInt   nmu, blocksize, blocks; /* blocksize 0: the residuals of all points are wanted, not sums over blocks */
  PetscReal *residual;               /* at the points of a call */
  PetscReal *sums;
} Sums;

/* jets of f at points p0 <= p < p0 + m; they come in ascending order */
static PetscErrorCode Sink(void *ctx, PetscInt i, PetscInt s, PetscInt p0, PetscInt m, const PetscReal fjet[])
{
  const Sums *c    = (const Sums *)ctx;
  PetscReal  *sums = c->sums + ((i - c->first) * c->nmu + s) * c->blocks;

  PetscFunctionBegin;
  PetscCall(TzResidualValues(c->loss, c->i0 + p0, c->i0 + p0 + m, fjet, c->blocksize ? c->residual : sums + p0));
  for (PetscInt p = 0; p < m && c->blocksize; p++) sums[(p0 + p) / c->blocksize] += TzTermsPower((TzResidual *)c->loss->data, c->residual[p]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Powers of the residuals at the points i0 <= i < i1 of the line (whole blocks) for all coordinate queries of q, against all nodes, summed over blocks:
  sums [q->n (1 + twosided)][blocks], the two signs of a coordinate in turn. Or, where blocksize is 0, the residuals: sums [q->n (1 + twosided)][i1-i0].
  The jets at all points come from the estimator, those of conditions too: its value is that of the network unless the estimator smooths it.
*/
static PetscErrorCode Coordinates(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscInt blocksize, PetscReal sums[])
{
  TzResidual     *r     = (TzResidual *)loss->data;
  const PetscInt  n     = i1 - i0;
  const PetscReal mu[2] = {q->mu, -q->mu};
  Sums            c     = {.loss = loss, .i0 = i0, .first = q->first, .nmu = q->twosided ? 2 : 1, .blocksize = blocksize, .sums = sums};
  TzDerivQueries  dq    = {.n = n, .X = r->X + i0 * r->D, .i0 = q->first, .i1 = q->first + q->n, .nmu = c.nmu, .mu = mu, .sink = Sink, .ctx = &c};

  PetscFunctionBegin;
  PetscCheck(r->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  c.blocks = blocksize ? (n + blocksize - 1) / blocksize : n;
  PetscCall(PetscMalloc1(n, &c.residual));
  PetscCall(PetscArrayzero(sums, q->n * c.nmu * c.blocks));
  PetscCall(TzDerivCoordinates(loss->deriv, r->eval, theta, &dq));
  PetscCall(PetscFree(c.residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Coordinates_Residual(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal blocksums[])
{
  PetscFunctionBegin;
  PetscCall(Coordinates(loss, theta, q, i0, i1, loss->blocksize, blocksums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CoordinateResiduals_Residual(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal res[])
{
  PetscFunctionBegin;
  PetscCall(Coordinates(loss, theta, q, i0, i1, 0, res));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------------------------- */

static PetscErrorCode View_Residual(TzLoss loss, PetscViewer viewer)
{
  TzResidual        *r = (TzResidual *)loss->data;
  const TzCondition *c;
  TzSamplerType      trained, validated;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(TzSamplerView(r->sampler, "points", viewer));
  PetscCall(TzSamplerGetType(r->sampler, &trained));
  PetscCall(TzSamplerGetType(r->validation, &validated));
  if (validated != trained) PetscCall(TzSamplerView(r->validation, "validation points", viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  points %s; %" PetscInt_FMT " validation points\n",
                                   r->fixed ? "the same in every step" : "drawn anew in every step", r->nvalid));
  if (r->candidates) PetscCall(PetscViewerASCIIPrintf(viewer, "  points where the residual is large, of %" PetscInt_FMT " candidates each\n", r->candidates));
  if (r->balanced)
    PetscCall(PetscViewerASCIIPrintf(viewer, "  weights of conditions balanced every %" PetscInt_FMT " steps, smoothing %g\n", r->every, (double)r->smoothing));
  if (r->p != 2) PetscCall(PetscViewerASCIIPrintf(viewer, "  mean of |residual|^%g\n", (double)r->p));
  PetscCall(TzPDEGetConditions(loss->pde, &n, &c));
  for (PetscInt t = 1; t < r->nterms; t++) {
    const TzTerm *term = &r->term[t];

    PetscCall(PetscViewerASCIIPrintf(viewer, "  condition %s: %" PetscInt_FMT " points, weight %g\n",
                                     term->kind == TZ_TERM_CONDITION ? c[term->condition].name
                                     : term->kind == TZ_TERM_DATA    ? "data"
                                                                     : "data_grad",
                                     term->n, (double)term->weight));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Residual(TzLoss loss)
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCall(Reset_Residual(r));
  PetscCall(TzSamplerDestroy(&r->sampler));
  PetscCall(TzSamplerDestroy(&r->validation));
  PetscCall(PetscFree(r->term));
  PetscCall(PetscFree(r->balance));
  PetscCall(PetscFree(loss->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossCreate_Residual(TzLoss loss)
{
  TzResidual *r;

  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  r->npoints   = 100;
  r->p         = 2;
  r->block     = 5;
  r->every     = 10;
  r->smoothing = 0.9;
  r->nvalid    = 10000;
  PetscCall(TzSamplerCreate(PetscObjectComm((PetscObject)loss), &r->sampler));
  PetscCall(TzSamplerCreate(PetscObjectComm((PetscObject)loss), &r->validation));
  loss->data                = r;
  loss->sampler             = r->sampler;
  loss->ops->setfromoptions = SetFromOptions_Residual;
  loss->ops->setproblem     = SetProblem_Residual;
  loss->ops->setup          = SetUp_Residual;
  loss->ops->follow         = TzFollow;
  loss->ops->sample         = Sample_Residual;
  loss->ops->getstate       = TzResidualGetState;
  loss->ops->setstate       = TzResidualSetState;
  loss->ops->bind           = Bind_Residual;
  loss->ops->partial        = Partial_Residual;
  loss->ops->finish         = Finish_Residual;
  loss->ops->residual       = Residual_Residual;
  loss->ops->gradient       = Gradient_Residual;
  loss->ops->jacobian       = Jacobian_Residual;
  loss->ops->validate       = TzResidualValidate;
  loss->ops->view           = View_Residual;
  loss->ops->destroy        = Destroy_Residual;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A loss of a user's own as a library: -loss_type data is the mean of (u(z) - y(z))^2 over -data_points points drawn anew in every step, where y is the
  exact solution of the equation: the network learns from values alone, without any derivative. With y_i read from a file it would be regression.
*/
#include <private/tzlossimpl.h>
#include <tzsampler.h>
#include <tzoptions.h>

#define VALIDATION 1000 /* points of the validation set */

typedef struct {
  TzNetEval  eval;
  TzSampler  sampler;
  PetscInt   npoints, D, J; /* of a step; coordinates of a point, numbers of a jet */
  PetscReal *X, *y;         /* [npoints][D], [npoints]: points of the step and their values */
} Data;

static PetscErrorCode SetFromOptions(TzLoss loss, TzOptionItems PetscOptionsObject)
{
  Data *d = (Data *)loss->data;

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Values of the solution");
  PetscCall(TzOptionsInt("-data_points", "Points of a step (>= 1)", "TzLossSample", d->npoints, &d->npoints, NULL));
  PetscCheck(d->npoints >= 1, PetscObjectComm((PetscObject)loss), PETSC_ERR_USER_INPUT, "-data_points %" PetscInt_FMT ": must be at least 1", d->npoints);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetProblem(TzLoss loss) /* loss->pde and loss->deriv are there */
{
  PetscBool exact;

  PetscFunctionBegin;
  PetscCall(TzPDEHasExact(loss->pde, &exact));
  PetscCheck(exact, PetscObjectComm((PetscObject)loss), PETSC_ERR_USER_INPUT, "-loss_type data: needs an equation whose solution is known");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(TzLoss loss)
{
  Data             *d = (Data *)loss->data;
  const TzJetShape *shape;

  PetscFunctionBegin;
  PetscCall(TzPDEGetJetShape(loss->pde, &shape));
  PetscCall(TzPDESetSampler(loss->pde, d->sampler));
  d->D              = TzJetCoordinates(shape);
  d->J              = TzJetSize(shape);
  loss->nsamples    = d->npoints;
  loss->blocksize   = PetscMin(5, d->npoints); /* what ranks share */
  loss->nodeblocks  = 1;
  loss->partialsize = 1;
  loss->forwards    = 1;
  PetscCall(TzNetEvalDestroy(&d->eval));
  PetscCall(TzNetEvalCreate(loss->net, &d->eval));
  PetscCall(PetscFree2(d->X, d->y));
  PetscCall(PetscMalloc2(d->npoints * d->D, &d->X, d->npoints, &d->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Sample(TzLoss loss, PetscInt step)
{
  Data *d = (Data *)loss->data;

  PetscFunctionBegin;
  PetscCall(TzSamplerDraw(d->sampler, loss->seed, TZ_STREAM_POINTS, step, 0, d->npoints, d->X));
  PetscCall(TzPDEExact(loss->pde, d->npoints, d->X, d->y, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind(TzLoss loss, const PetscReal theta[])
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalBind(((Data *)loss->data)->eval, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* f at the points i0 <= i < i1 */
static PetscErrorCode Partial(TzLoss loss, PetscInt i0, PetscInt i1, PETSC_UNUSED PetscInt k, PetscReal f[])
{
  Data *d = (Data *)loss->data;

  PetscFunctionBegin;
  PetscCall(TzNetEvalForward(d->eval, i1 - i0, d->X + i0 * d->D, f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r[n] = u - y from f[n]: the equation's u = a f + b, of which only the value is asked for */
static PetscErrorCode Misfit(TzLoss loss, PetscInt n, const PetscReal X[], const PetscReal y[], const PetscReal f[], PetscReal r[])
{
  const Data *d = (const Data *)loss->data;
  PetscReal  *jet;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n * d->J, &jet));
  for (PetscInt i = 0; i < n; i++) jet[i * d->J] = f[i];
  PetscCall(TzPDETransform(loss->pde, n, X, jet, jet));
  for (PetscInt i = 0; i < n; i++) r[i] = jet[i * d->J] - y[i];
  PetscCall(PetscFree(jet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal f[], PetscReal r[])
{
  Data *d = (Data *)loss->data;

  PetscFunctionBegin;
  PetscCall(Misfit(loss, i1 - i0, d->X + i0 * d->D, d->y + i0, f, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal f[], PetscReal term[])
{
  PetscFunctionBegin;
  PetscCall(Residual(loss, i0, i1, f, term));
  for (PetscInt i = 0; i < i1 - i0; i++) term[i] *= term[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The mean square on points of their own; few enough for every rank to have them all */
static PetscErrorCode Validate(TzLoss loss, const PetscReal theta[], TzMetrics *m)
{
  Data      *d = (Data *)loss->data;
  PetscReal *X, *y, *f, sum = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(VALIDATION * d->D, &X, VALIDATION, &y, VALIDATION, &f));
  PetscCall(TzSamplerDraw(d->sampler, loss->seed, TZ_STREAM_VALIDATION, 0, 0, VALIDATION, X));
  PetscCall(TzPDEExact(loss->pde, VALIDATION, X, y, NULL));
  PetscCall(TzNetEvalBind(d->eval, theta));
  PetscCall(TzNetEvalForward(d->eval, VALIDATION, X, f));
  PetscCall(Misfit(loss, VALIDATION, X, y, f, f));
  for (PetscInt i = 0; i < VALIDATION; i++) sum += f[i] * f[i];
  *m = (TzMetrics){.n = 1, .name = {"misfit"}, .value = {sum / VALIDATION}};
  PetscCall(PetscFree3(X, y, f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzLoss loss)
{
  Data *d = (Data *)loss->data;

  PetscFunctionBegin;
  PetscCall(TzNetEvalDestroy(&d->eval));
  PetscCall(TzSamplerDestroy(&d->sampler));
  PetscCall(PetscFree2(d->X, d->y));
  PetscCall(PetscFree(loss->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TzLoss loss)
{
  Data *d;

  PetscFunctionBegin;
  PetscCall(PetscNew(&d));
  d->npoints = 100;
  loss->data = d;
  PetscCall(TzSamplerCreate(PetscObjectComm((PetscObject)loss), &d->sampler));
  loss->ops->setfromoptions = SetFromOptions;
  loss->ops->setproblem     = SetProblem;
  loss->ops->setup          = SetUp;
  loss->ops->sample         = Sample;
  loss->ops->bind           = Bind;
  loss->ops->partial        = Partial;
  loss->ops->finish         = Finish;
  loss->ops->residual       = Residual; /* so that zogn works */
  loss->ops->validate       = Validate;
  loss->ops->destroy        = Destroy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -dll_append libdata.so calls this */
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_data(void)
{
  PetscFunctionBegin;
  PetscCall(TzLossRegister("data", Create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#include "../eval/factors.h"

/*
  Multiply-adds for one point, the factors' own construction counted once for each TZ_SHARED_BY points (a mini-batch):
  split p of a ttm takes in r mr + out nl r.
*/
#define TZ_SHARED_BY 64
static PetscErrorCode ChooseFactors(const TzLayer *layer, TzFactors *f)
{
  const PetscReal in = layer->in, out = layer->out, r0 = layer->ncores ? layer->rank[layer->ncores - 1] : 0;
  PetscReal       best = in * out * (1 + r0 / TZ_SHARED_BY);
  PetscInt        ml = 1, nl = 1;

  PetscFunctionBegin;
  *f = (TzFactors){.kind = TZ_FACTOR_MATRIX, .split = layer->ncores, .ml = layer->out, .nl = layer->in, .mr = 1, .nr = 1, .r = 1};
  if (layer->index) {
    f->kind = TZ_FACTOR_SPARSE;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt p = 1; p < layer->ncores; p++) {
    const TzCore    c    = TzLayerGetCore(layer, p - 1);
    const PetscBool tt   = layer->ncores > layer->nin ? PETSC_TRUE : PETSC_FALSE;
    const PetscReal r    = c.r1;
    PetscReal       cost = PETSC_MAX_REAL;

    ml *= c.m;
    nl *= c.n;
    if (!tt) cost = in * r * (out / ml) + out * nl * r;
    else if (p == layer->nin) cost = r * (in + out);
    if (cost < best) {
      best = cost;
      *f = (TzFactors){.kind = tt ? TZ_FACTOR_BOND : TZ_FACTOR_HALVES, .split = p, .ml = ml, .nl = nl, .mr = layer->out / ml, .nr = layer->in / nl, .r = c.r1};
    }
  }
  f->owned = layer->ops == &TzFormat_Dense ? PETSC_FALSE : PETSC_TRUE;
  if (f->owned) PetscCall(PetscMalloc1(f->ml * f->nl * f->r, &f->L));
  if (f->split < layer->ncores) PetscCall(PetscMalloc1(f->r * f->mr * f->nr, &f->R));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BatchCreate(TzNet net, TzBatch **batch)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(batch));
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer *layer = &net->layer[l];
    TzFactors     *f     = &(*batch)->factors[l];
    PetscInt       ny    = 0;

    PetscCall(ChooseFactors(layer, f));
    if (f->kind == TZ_FACTOR_BOND) ny = f->r;
    if (f->kind == TZ_FACTOR_HALVES) ny = f->nl * f->r * f->mr;
    PetscCall(PetscMalloc3(layer->in * TZ_BATCH, &(*batch)->a[l], layer->out * TZ_BATCH, &(*batch)->z[l], ny * TZ_BATCH, &(*batch)->y[l]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BatchDestroy(TzNetEval eval, void *what)
{
  TzBatch *b = (TzBatch *)what;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < eval->net->nlayers; l++) {
    if (b->factors[l].owned) PetscCall(PetscFree(b->factors[l].L));
    PetscCall(PetscFree(b->factors[l].R));
    PetscCall(PetscFree3(b->a[l], b->z[l], b->y[l]));
  }
  PetscCall(PetscFree(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The factors are made at the first use after TzNetEvalBind() */
PetscErrorCode TzNetEvalGetBatch(TzNetEval eval, TzBatch **batch)
{
  PetscFunctionBegin;
  *batch = (TzBatch *)TzEvalAttached(eval, BatchDestroy);
  if (!*batch) {
    PetscCall(BatchCreate(eval->net, batch));
    PetscCall(TzEvalAttach(eval, BatchDestroy, *batch));
  }
  if ((*batch)->built == eval->serial) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt l = 0; l < eval->net->nlayers; l++) {
    const TzLayer *layer = &eval->net->layer[l];
    TzFactors     *f     = &(*batch)->factors[l];

    if (!f->owned) f->L = eval->theta + layer->weights;
    else if (layer->ncores) PetscCall(TzLayerMerge(layer, eval->theta, 0, f->split, f->L));
    else PetscCall((*layer->ops->densify)(layer, eval->theta, f->L));
    if (f->R) PetscCall(TzLayerMerge(layer, eval->theta, f->split, layer->ncores, f->R));
  }
  (*batch)->built = eval->serial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z [out][n] = W a, without the bias */
void TzBatchMultiply(const TzLayer *layer, const TzFactors *f, PetscInt n, const PetscReal a[], PetscReal y[], PetscReal z[])
{
  const TzKernels *p = TzKernelsGet();
  const PetscInt   w = f->r * f->mr; /* rows of y for each iL */

  switch (f->kind) {
  case TZ_FACTOR_MATRIX: p->product(layer->out, n, layer->in, (TzStrided){f->L, layer->in, 1}, a, n, z, n, PETSC_FALSE); break;
  case TZ_FACTOR_SPARSE: p->sparse(layer->out, layer->in, layer->nweights, layer->index, f->L, n, a, z); break;
  case TZ_FACTOR_BOND:
    p->product(f->r, n, f->nl, (TzStrided){f->L, 1, f->r}, a, n, y, n, PETSC_FALSE);
    p->product(f->mr, n, f->r, (TzStrided){f->R, 1, f->mr}, y, n, z, n, PETSC_FALSE);
    break;
  case TZ_FACTOR_HALVES:
    for (PetscInt i = 0; i < f->nl; i++) p->product(w, n, f->nr, (TzStrided){f->R, f->nr, 1}, a + i * f->nr * n, n, y + i * w * n, n, PETSC_FALSE);
    p->product(f->ml, f->mr * n, f->nl * f->r, (TzStrided){f->L, f->nl * f->r, 1}, y, f->mr * n, z, f->mr * n, PETSC_FALSE);
  }
}

void TzTranspose(PetscInt rows, PetscInt cols, const PetscReal *restrict A, PetscReal *restrict B)
{
  for (PetscInt j = 0; j < cols; j++)
    for (PetscInt i = 0; i < rows; i++) B[j * rows + i] = A[i * cols + j];
}

PetscErrorCode TzBatchForward(TzNetEval eval, TzBatch *b, PetscInt n, const PetscReal X[])
{
  TzNet net = eval->net;

  PetscFunctionBegin;
  TzTranspose(n, net->in, X, b->a[0]);
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer   *layer = &net->layer[l];
    const PetscReal *bias  = eval->theta + layer->bias;

    TzBatchMultiply(layer, &b->factors[l], n, b->a[l], b->y[l], b->z[l]);
    for (PetscInt j = 0; j < layer->out; j++)
      for (PetscInt p = 0; p < n; p++) b->z[l][j * n + p] += bias[j];
    if (l < net->nhidden) (*eval->kernels->values)(net->act, layer->out * n, b->z[l], b->a[l + 1]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalForward_Batch(TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  const PetscInt in = eval->net->in, out = eval->net->out;
  TzBatch       *batch;

  PetscFunctionBegin;
  PetscCall(TzNetEvalGetBatch(eval, &batch));
  for (PetscInt i = 0; i < n; i += TZ_BATCH) {
    const PetscInt m = PetscMin(TZ_BATCH, n - i);

    PetscCall(TzBatchForward(eval, batch, m, X + i * in));
    TzTranspose(out, m, batch->z[eval->net->nhidden], Y + i * out);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

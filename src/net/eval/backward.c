/*
  The gradient of sum_{n,o} Ybar(n,o) f_o(X_n; theta) with respect to theta, backwards through the layers (batch.h has the forward
  formulas). The factors' adjoints are summed over all points; then they are handed on to the cores once.
*/
#include "../eval/factors.h"

/* Lbar [weights] +=, abar = where it is not NULL */
static void SparseAdjoint(const TzLayer *layer, const PetscReal w[], PetscInt n, const PetscReal a[], const PetscReal zbar[], PetscReal Lbar[],
                          PetscReal abar[])
{
  for (PetscInt i = 0; abar && i < layer->in * n; i++) abar[i] = 0;
  for (PetscInt k = 0; k < layer->nweights; k++) {
    const PetscInt   i   = layer->index[k] % layer->in * n;
    const PetscReal *z   = zbar + layer->index[k] / layer->in * n;
    PetscReal        sum = 0;

    for (PetscInt p = 0; p < n; p++) sum += a[i + p] * z[p];
    Lbar[k] += sum;
    for (PetscInt p = 0; abar && p < n; p++) abar[i + p] += w[k] * z[p];
  }
}

/* Lbar, Rbar +=, abar = (where the layer has one below it) */
void TzBatchMultiplyAdjoint(TzNet net, PetscInt l, const TzBatch *b, PetscInt n, const PetscReal at[], const TzBatchAdjoint *s)
{
  const TzKernels *p  = TzKernelsGet();
  const TzFactors *f  = &b->factors[l];
  const PetscInt   in = net->layer[l].in, out = net->layer[l].out, r = f->r, w = r * f->mr;
  PetscReal       *Lbar = s->Lbar[l], *Rbar = s->Rbar[l], *abar = l ? s->abar : NULL, *zbar = s->zbar, *ybar = s->ybar, *flip = s->flip;

  switch (f->kind) {
  case TZ_FACTOR_MATRIX:
    p->product(out, in, n, (TzStrided){zbar, n, 1}, at, in, Lbar, in, PETSC_TRUE);
    if (abar) p->product(in, n, out, (TzStrided){f->L, 1, in}, zbar, n, abar, n, PETSC_FALSE);
    break;
  case TZ_FACTOR_SPARSE: SparseAdjoint(&net->layer[l], f->L, n, b->a[l], zbar, Lbar, abar); break;
  case TZ_FACTOR_BOND:
    TzTranspose(out, n, zbar, flip);
    p->product(r, out, n, (TzStrided){b->y[l], n, 1}, flip, out, Rbar, out, PETSC_TRUE);
    p->product(r, n, out, (TzStrided){f->R, out, 1}, zbar, n, ybar, n, PETSC_FALSE);
    TzTranspose(r, n, ybar, flip);
    p->product(in, r, n, (TzStrided){b->a[l], n, 1}, flip, r, Lbar, r, PETSC_TRUE);
    if (abar) p->product(in, n, r, (TzStrided){f->L, r, 1}, ybar, n, abar, n, PETSC_FALSE);
    break;
  case TZ_FACTOR_HALVES:
    TzTranspose(f->ml, f->mr * n, zbar, flip);
    p->product(f->nl * r, f->ml, f->mr * n, (TzStrided){b->y[l], f->mr * n, 1}, flip, f->ml, Lbar, f->ml, PETSC_TRUE);
    p->product(f->nl * r, f->mr * n, f->ml, (TzStrided){f->L, 1, f->nl * r}, zbar, f->mr * n, ybar, f->mr * n, PETSC_FALSE);
    for (PetscInt i = 0; i < f->nl; i++) {
      const PetscReal *yi = ybar + i * w * n;

      p->product(w, f->nr, n, (TzStrided){yi, n, 1}, at + i * f->nr, in, Rbar, f->nr, PETSC_TRUE);
      if (abar) p->product(f->nr, n, w, (TzStrided){f->R, 1, f->nr}, yi, n, abar + i * f->nr * n, n, PETSC_FALSE);
    }
  }
}

PetscErrorCode TzBatchAdjointCreate(TzNet net, const TzBatch *b, PetscInt columns, PetscReal grad[], TzBatchAdjoint *s)
{
  PetscInt width = net->in, ny = 1, nflip = 1;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer   *layer = &net->layer[l];
    const TzFactors *f     = &b->factors[l];

    width = PetscMax(width, layer->out);
    if (f->kind == TZ_FACTOR_BOND) ny = PetscMax(ny, f->r);
    if (f->kind == TZ_FACTOR_HALVES) {
      ny    = PetscMax(ny, f->nl * f->r * f->mr);
      nflip = PetscMax(nflip, f->ml * f->nl * f->r);
    }
    if (f->owned) PetscCall(PetscCalloc1(f->ml * f->nl * f->r, &s->Lbar[l]));
    else s->Lbar[l] = grad + layer->weights;
    if (f->R) PetscCall(PetscCalloc1(f->r * f->mr * f->nr, &s->Rbar[l]));
  }
  nflip = PetscMax(nflip, columns * PetscMax(width, ny));
  PetscCall(PetscMalloc5(width * columns, &s->abar, width * columns, &s->zbar, ny * columns, &s->ybar, width * columns, &s->at, nflip, &s->flip));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzBatchAdjointDestroy(TzNet net, const TzBatch *b, TzBatchAdjoint *s)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nlayers; l++) {
    if (b->factors[l].owned) PetscCall(PetscFree(s->Lbar[l]));
    PetscCall(PetscFree(s->Rbar[l]));
  }
  PetscCall(PetscFree5(s->abar, s->zbar, s->ybar, s->at, s->flip));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One batch of points: sums into Lbar, Rbar and the biases' places in grad */
static PetscErrorCode BatchAdjoint(TzNetEval eval, TzBatch *b, PetscInt n, const PetscReal X[], const PetscReal Ybar[], TzBatchAdjoint *s, PetscReal grad[])
{
  TzNet net = eval->net;

  PetscFunctionBegin;
  PetscCall(TzBatchForward(eval, b, n, X));
  TzTranspose(n, net->out, Ybar, s->zbar);
  for (PetscInt l = net->nhidden; l >= 0; l--) {
    const TzLayer *layer = &net->layer[l];

    for (PetscInt j = 0; j < layer->out; j++)
      for (PetscInt p = 0; p < n; p++) grad[layer->bias + j] += s->zbar[j * n + p];
    if (l) TzTranspose(layer->in, n, b->a[l], s->at);
    TzBatchMultiplyAdjoint(net, l, b, n, l ? s->at : X, s);
    if (l) (*eval->kernels->adjoint)(net->act, layer->in * n, b->z[l - 1], s->abar, s->zbar);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the factors to the parameters of a layer: grad += */
static PetscErrorCode FactorsAdjoint(const TzLayer *layer, const PetscReal theta[], const TzFactors *f, PetscReal Lbar[], const PetscReal Rbar[],
                                     PetscReal flip[], PetscReal grad[])
{
  PetscFunctionBegin;
  if (!f->owned) PetscFunctionReturn(PETSC_SUCCESS); /* Lbar is the parameters' place in grad */
  if (f->kind == TZ_FACTOR_HALVES) TzTranspose(f->nl * f->r, f->ml, Lbar, flip);
  PetscCall(TzLayerMergeAdjoint(layer, theta, 0, f->split, f->kind == TZ_FACTOR_HALVES ? flip : Lbar, grad));
  if (f->R) PetscCall(TzLayerMergeAdjoint(layer, theta, f->split, layer->ncores, Rbar, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzBatchAdjointScatter(TzNetEval eval, const TzBatch *b, const TzBatchAdjoint *s, PetscReal grad[])
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < eval->net->nlayers; l++)
    PetscCall(FactorsAdjoint(&eval->net->layer[l], eval->theta, &b->factors[l], s->Lbar[l], s->Rbar[l], s->flip, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalBackward_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal Ybar[], PetscReal grad[])
{
  TzNet          net = eval->net;
  TzBatch       *b;
  TzBatchAdjoint s;

  PetscFunctionBegin;
  PetscCall(TzNetEvalGetBatch(eval, &b));
  PetscCall(TzBatchAdjointCreate(net, b, TZ_BATCH, grad, &s));
  for (PetscInt i = 0; i < n; i += TZ_BATCH) PetscCall(BatchAdjoint(eval, b, PetscMin(TZ_BATCH, n - i), X + i * net->in, Ybar + i * net->out, &s, grad));
  PetscCall(TzBatchAdjointScatter(eval, b, &s, grad));
  PetscCall(TzBatchAdjointDestroy(net, b, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Learning rules without transport of errors through the weights: as adjoint.c, but the errors of each layer come from a rule of the caller.
*/
#include "../eval/factors.h"

/* One batch of points; error: two buffers [widest layer][n] */
static PetscErrorCode LearnBatch(TzNetEval eval, TzBatch *b, TzNetLayers *s, const PetscReal X[], TzNetRule rule, void *ctx, TzBatchAdjoint *adj,
                                 PetscReal *error[2], PetscReal grad[])
{
  TzNet          net = eval->net;
  const PetscInt n   = s->n;

  PetscFunctionBegin;
  PetscCall(TzBatchForward(eval, b, n, X));
  s->above = NULL;
  for (s->layer = net->nhidden; s->layer >= 0; s->layer--) {
    const PetscInt l     = s->layer;
    const TzLayer *layer = &net->layer[l];
    PetscReal     *zbar  = error[l % 2];

    s->z = b->z[l];
    s->a = l < net->nhidden ? b->a[l + 1] : b->z[l];
    PetscCall((*rule)(ctx, s, zbar));
    if (l < net->nhidden) (*eval->kernels->adjoint)(net->act, layer->out * n, b->z[l], zbar, zbar);
    for (PetscInt j = 0; j < layer->out; j++)
      for (PetscInt p = 0; p < n; p++) grad[layer->bias + j] += zbar[j * n + p];
    if (l) TzTranspose(layer->in, n, b->a[l], adj->at);
    PetscCall(PetscArraycpy(adj->zbar, zbar, layer->out * n));
    TzBatchMultiplyAdjoint(net, l, b, n, l ? adj->at : X, adj);
    s->above      = zbar;
    s->widthabove = layer->out;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalBackwardRule_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], TzNetRule rule, void *ctx, PetscReal grad[])
{
  TzNet          net = eval->net;
  TzBatch       *b;
  TzBatchAdjoint adj;
  TzNetLayers    s     = {.layers = net->nlayers};
  PetscInt       width = 0;
  PetscReal     *error[2];

  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nlayers; l++) s.width[l] = net->layer[l].out;
  for (PetscInt l = 0; l < net->nlayers; l++) width = PetscMax(width, net->layer[l].out);
  PetscCall(TzNetEvalGetBatch(eval, &b));
  PetscCall(TzBatchAdjointCreate(net, b, TZ_BATCH, grad, &adj));
  PetscCall(PetscMalloc2(width * TZ_BATCH, &error[0], width * TZ_BATCH, &error[1]));
  for (s.first = 0; s.first < n; s.first += TZ_BATCH) {
    s.n = PetscMin(TZ_BATCH, n - s.first);
    PetscCall(LearnBatch(eval, b, &s, X + s.first * net->in, rule, ctx, &adj, error, grad));
  }
  PetscCall(TzBatchAdjointScatter(eval, b, &adj, grad));
  PetscCall(PetscFree2(error[0], error[1]));
  PetscCall(TzBatchAdjointDestroy(net, b, &adj));
  PetscFunctionReturn(PETSC_SUCCESS);
}

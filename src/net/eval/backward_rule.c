/*
  Learning rules without transport of errors through the weights: as backward.c, but the errors of each layer come from a rule of the caller.
*/
#include "columns.h"

/* n columns; error: two buffers [widest layer][n] */
static PetscErrorCode ColumnsBackward(TzNetEval eval, TzColumns *c, TzNetLayers *s, const PetscReal X[], TzNetRule rule, void *ctx, TzColumnsAdjoint *adj,
                                      PetscReal *error[2], PetscReal grad[])
{
  TzNet          net = eval->net;
  const PetscInt n   = s->n;

  PetscFunctionBegin;
  PetscCall(TzColumnsForward(eval, c, n, X));
  s->above = NULL;
  for (s->layer = net->nhidden; s->layer >= 0; s->layer--) {
    const PetscInt l     = s->layer;
    const TzLayer *layer = &net->layer[l];
    PetscReal     *zbar  = error[l % 2];

    s->z = c->z[l];
    s->a = l < net->nhidden ? c->a[l + 1] : c->z[l];
    PetscCall((*rule)(ctx, s, zbar));
    if (l < net->nhidden) (*eval->kernels->adjoint)(net->act[l], layer->out * n, c->z[l], zbar, zbar);
    for (PetscInt j = 0; j < layer->out; j++)
      for (PetscInt p = 0; p < n; p++) grad[layer->bias + j] += zbar[j * n + p];
    PetscCall(PetscArraycpy(adj->zbar, zbar, layer->out * n));
    TzColumnsMultiplyAdjoint(eval, c, l, n, adj);
    s->above      = zbar;
    s->widthabove = layer->out;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalBackwardRule_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], TzNetRule rule, void *ctx, PetscReal grad[])
{
  TzNet            net     = eval->net;
  const PetscInt   columns = TzColumnsWidth(net);
  TzColumns       *c;
  TzColumnsAdjoint adj;
  TzNetLayers      s     = {.layers = net->nlayers};
  PetscInt         width = 0;
  PetscReal       *error[2];

  PetscFunctionBegin;
  PetscCheck(!TzNetHasPlaces(net), PETSC_COMM_SELF, PETSC_ERR_SUP, "learning rules are those of networks without convolutions and tables of tokens");
  for (PetscInt l = 0; l < net->nlayers; l++) s.width[l] = net->layer[l].out;
  for (PetscInt l = 0; l < net->nlayers; l++) width = PetscMax(width, net->layer[l].out);
  PetscCall(TzEvalGetColumns(eval, columns, &c));
  PetscCall(TzColumnsAdjointBegin(eval, c, columns, grad, &adj));
  PetscCall(PetscMalloc2(width * columns, &error[0], width * columns, &error[1]));
  for (s.first = 0; s.first < n; s.first += columns) {
    s.n = PetscMin(columns, n - s.first);
    PetscCall(ColumnsBackward(eval, c, &s, X + s.first * net->in, rule, ctx, &adj, error, grad));
  }
  PetscCall(PetscFree2(error[0], error[1]));
  PetscCall(TzColumnsAdjointEnd(eval, c, grad, &adj));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The gradient of sum_{n,o} Ybar(n,o) f_o(X_n; theta) with respect to theta, backwards through the layers. The operators' bars are summed over
  all points; then they are handed on to the parameters once.
*/
#include "columns.h"

/* n columns: sums into the operators' bars and the biases' places in grad */
static PetscErrorCode ColumnsBackward(TzNetEval eval, TzColumns *c, PetscInt n, const PetscReal X[], const PetscReal Ybar[], TzColumnsAdjoint *s,
                                      PetscReal grad[])
{
  TzNet net = eval->net;

  PetscFunctionBegin;
  PetscCall(TzColumnsForward(eval, c, n, X));
  TzTranspose(n, net->out, Ybar, s->zbar);
  for (PetscInt l = net->nhidden; l >= 0; l--) {
    const TzLayer *layer = &net->layer[l];

    for (PetscInt j = 0; j < layer->out; j++)
      for (PetscInt p = 0; p < n; p++) grad[layer->bias + j] += s->zbar[j * n + p];
    TzColumnsMultiplyAdjoint(eval, c, l, n, s);
    if (l) (*eval->kernels->adjoint)(net->act, layer->in * n, c->z[l - 1], s->abar, s->zbar);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalBackward_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal Ybar[], PetscReal grad[])
{
  TzNet            net = eval->net;
  TzColumns       *c;
  TzColumnsAdjoint s;

  PetscFunctionBegin;
  PetscCall(TzEvalGetColumns(eval, TZ_COLUMNS, &c));
  PetscCall(TzColumnsAdjointBegin(eval, c, TZ_COLUMNS, grad, &s));
  for (PetscInt i = 0; i < n; i += TZ_COLUMNS) PetscCall(ColumnsBackward(eval, c, PetscMin(TZ_COLUMNS, n - i), X + i * net->in, Ybar + i * net->out, &s, grad));
  PetscCall(TzColumnsAdjointEnd(eval, c, grad, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

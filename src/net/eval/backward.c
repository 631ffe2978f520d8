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
    const PetscInt cols  = layer->at.places * n;

    for (PetscInt j = 0; j < layer->out; j++)
      for (PetscInt p = 0; p < cols; p++) grad[layer->bias + j] += s->zbar[j * cols + p];
    TzColumnsMultiplyAdjoint(eval, c, l, n, s);
    if (l) TzColumnsActivateAdjoint(eval, c, l, n, s);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalBackward_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal Ybar[], PetscReal grad[])
{
  TzNet            net   = eval->net;
  const PetscInt   width = TzColumnsWidth(net);
  TzColumns       *c;
  TzColumnsAdjoint s;

  PetscFunctionBegin;
  PetscCall(TzEvalGetColumns(eval, width, &c));
  PetscCall(TzColumnsAdjointBegin(eval, c, width, grad, &s));
  for (PetscInt i = 0; i < n; i += width) PetscCall(ColumnsBackward(eval, c, PetscMin(width, n - i), X + i * net->in, Ybar + i * net->out, &s, grad));
  PetscCall(TzColumnsAdjointEnd(eval, c, grad, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

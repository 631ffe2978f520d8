#include "columns.h"

/* --------------------------------------------------- the operators of an evaluator --------------------------------------------------- */

typedef struct {
  PetscInt   serial; /* the binding */
  TzOperator op[TZ_MAX_LAYERS + 1];
} Operators;

static PetscErrorCode DestroyOperators(PETSC_UNUSED TzNetEval eval, void *what)
{
  Operators *o = (Operators *)what;

  PetscFunctionBegin;
  for (PetscInt l = 0; l <= TZ_MAX_LAYERS; l++)
    if (o->op[l].ops) PetscCall((*o->op[l].ops->destroy)(&o->op[l]));
  PetscCall(PetscFree(o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bound at the first use after TzNetEvalBind() */
PetscErrorCode TzEvalGetOperators(TzNetEval eval, const TzOperator **op)
{
  Operators *o = (Operators *)TzEvalAttached(eval, DestroyOperators);

  PetscFunctionBegin;
  if (!o) {
    PetscCall(PetscNew(&o));
    PetscCall(TzEvalAttach(eval, DestroyOperators, o));
    for (PetscInt l = 0; l < eval->net->nlayers; l++) {
      o->op[l].layer = &eval->net->layer[l];
      o->op[l].ops   = o->op[l].layer->ops->op ? o->op[l].layer->ops->op : &TzOperator_Matrix;
      PetscCall((*o->op[l].ops->create)(&o->op[l]));
    }
  }
  *op = o->op;
  if (o->serial == eval->serial) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt l = 0; l < eval->net->nlayers; l++) PetscCall((*o->op[l].ops->bind)(&o->op[l], eval->theta));
  o->serial = eval->serial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------- columns ------------------------------------------------------------- */

static PetscErrorCode Free(TzColumns *c)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l <= TZ_MAX_LAYERS; l++) PetscCall(PetscFree3(c->a[l], c->z[l], c->y[l]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(PETSC_UNUSED TzNetEval eval, void *what)
{
  PetscFunctionBegin;
  PetscCall(Free((TzColumns *)what));
  PetscCall(PetscFree(what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzEvalGetColumns(TzNetEval eval, PetscInt n, TzColumns **columns)
{
  TzColumns *c = (TzColumns *)TzEvalAttached(eval, Destroy);

  PetscFunctionBegin;
  if (!c) {
    PetscCall(PetscNew(&c));
    PetscCall(TzEvalAttach(eval, Destroy, c));
  }
  *columns = c;
  PetscCall(TzEvalGetOperators(eval, &c->op));
  if (n <= c->room) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Free(c));
  for (PetscInt l = 0; l < eval->net->nlayers; l++) {
    const TzLayer *layer = &eval->net->layer[l];

    PetscCall(PetscMalloc3((size_t)layer->in * n, &c->a[l], (size_t)layer->out * n, &c->z[l], (size_t)c->op[l].ny * n, &c->y[l]));
  }
  c->room = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TzColumnsMultiply(TzNetEval eval, const TzColumns *c, PetscInt l, PetscInt n)
{
  const TzLayer   *layer = &eval->net->layer[l];
  const PetscReal *bias  = eval->theta + layer->bias;

  (*c->op[l].ops->multiply)(&c->op[l], n, c->a[l], c->y[l], c->z[l]);
  for (PetscInt j = 0; j < layer->out; j++)
    for (PetscInt p = 0; p < n; p++) c->z[l][j * n + p] += bias[j];
}

PetscErrorCode TzColumnsForward(TzNetEval eval, TzColumns *c, PetscInt n, const PetscReal X[])
{
  TzNet net = eval->net;

  PetscFunctionBegin;
  TzTranspose(n, net->in, X, c->a[0]);
  for (PetscInt l = 0; l < net->nlayers; l++) {
    TzColumnsMultiply(eval, c, l, n);
    if (l < net->nhidden) (*eval->kernels->values)(net->act, net->layer[l].out * n, c->z[l], c->a[l + 1]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalForward_Columns(TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  const PetscInt in = eval->net->in, out = eval->net->out;
  TzColumns     *c;

  PetscFunctionBegin;
  PetscCall(TzEvalGetColumns(eval, TZ_COLUMNS, &c));
  for (PetscInt i = 0; i < n; i += TZ_COLUMNS) {
    const PetscInt m = PetscMin(TZ_COLUMNS, n - i);

    PetscCall(TzColumnsForward(eval, c, m, X + i * in));
    TzTranspose(out, m, c->z[eval->net->nhidden], Y + i * out);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ backwards ------------------------------------------------------------ */

void TzColumnsMultiplyAdjoint(TzNetEval eval, const TzColumns *c, PetscInt l, PetscInt n, TzColumnsAdjoint *s)
{
  const TzLayer *layer = &eval->net->layer[l];

  TzTranspose(layer->in, n, c->a[l], s->at);
  (*c->op[l].ops->adjoint)(&c->op[l], n, c->a[l], s->at, c->y[l], s->zbar, s->bar[l], l ? s->abar : NULL, s->work);
}

PetscErrorCode TzColumnsAdjointBegin(TzNetEval eval, const TzColumns *c, PetscInt n, PetscReal grad[], TzColumnsAdjoint *s)
{
  size_t width = (size_t)eval->net->in, work = 0;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  for (PetscInt l = 0; l < eval->net->nlayers; l++) {
    width = PetscMax(width, (size_t)eval->net->layer[l].out);
    work  = PetscMax(work, (size_t)c->op[l].nwork);
    if (c->op[l].direct) s->bar[l] = grad + eval->net->layer[l].weights;
    else PetscCall(PetscCalloc1(c->op[l].nbar, &s->bar[l]));
  }
  PetscCall(PetscMalloc4(width * n, &s->abar, width * n, &s->zbar, width * n, &s->at, work * n, &s->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzColumnsAdjointEnd(TzNetEval eval, const TzColumns *c, PetscReal grad[], TzColumnsAdjoint *s)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < eval->net->nlayers; l++) {
    if (c->op[l].direct) continue; /* it is in grad already */
    PetscCall((*c->op[l].ops->collect)(&c->op[l], eval->theta, s->bar[l], grad));
    PetscCall(PetscFree(s->bar[l]));
  }
  PetscCall(PetscFree4(s->abar, s->zbar, s->at, s->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

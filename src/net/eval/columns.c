#include "columns.h"
#include "gather.h"

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
      const TzFormatOps   *format = eval->net->layer[l].ops;
      const TzOperatorOps *ops    = eval->net->layer[l].at.apply == TZ_APPLY_TOKENS ? format->lookup : format->op;

      o->op[l].layer = &eval->net->layer[l];
      o->op[l].ops   = ops ? ops : &TzOperator_Matrix;
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

#define MOST_WINDOWS (1 << 16) /* numbers in the windows of one layer at a time: half a MiB */

PetscInt TzColumnsWidth(TzNet net)
{
  PetscInt  most    = 1;
  PetscBool entries = PETSC_TRUE;

  for (PetscInt l = 0; l < net->nconv; l++) most = PetscMax(most, net->layer[l].in * net->layer[l].at.places);
  for (PetscInt l = 0; l < net->nlayers; l++) entries = (PetscBool)(entries && TzLayerGetCut(&net->layer[l]).entries);
  return PetscMin(entries ? TZ_COLUMNS_MATRIX : TZ_COLUMNS, PetscMax(1, MOST_WINDOWS / most));
}

static PetscErrorCode Free(TzColumns *c)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l <= TZ_MAX_LAYERS; l++) PetscCall(PetscFree5(c->a[l], c->z[l], c->y[l], c->g[l], c->h[l]));
  PetscCall(PetscFree3(c->j, c->column, c->Z));
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
    const size_t   cols = (size_t)layer->at.places * n, tokens = layer->at.apply == TZ_APPLY_TOKENS ? (size_t)layer->at.slots * n : 0;

    PetscCall(PetscMalloc5(tokens ? 0 : (size_t)TzLayerInputs(layer) * n, &c->a[l], layer->out * cols, &c->z[l], tokens ? 0 : c->op[l].ny * cols, &c->y[l],
                           layer->at.apply == TZ_APPLY_WINDOWS ? layer->in * cols : 0, &c->g[l], layer->at.pool > 1 ? layer->out * cols : 0, &c->h[l]));
    if (tokens) PetscCall(PetscMalloc3(tokens, &c->j, tokens, &c->column, tokens * layer->out, &c->Z));
  }
  c->room = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z = W a of the layer, at all its places */
static void Multiply(TzNetEval eval, const TzColumns *c, PetscInt l, PetscInt n, PetscBool gathered)
{
  const TzLayer *layer = &eval->net->layer[l];
  const PetscInt cols  = layer->at.places * n;

  if (layer->at.apply == TZ_APPLY_TOKENS) {
    memset(c->z[l], 0, (size_t)(layer->out * cols) * sizeof(PetscReal));
    for (PetscInt k = 0; k < c->ntokens; k++)
      for (PetscInt o = 0; o < layer->out; o++) c->z[l][o * cols + c->column[k]] += c->Z[k * layer->out + o];
    return;
  }
  if (c->g[l] && !gathered) TzGatherWindows(layer, n, c->a[l], c->g[l]);
  (*c->op[l].ops->multiply)(&c->op[l], cols, c->g[l] ? c->g[l] : c->a[l], c->y[l], c->z[l]);
}

void TzColumnsFrom(TzNetEval eval, const TzColumns *c, PetscInt l0, PetscInt n, PetscBool gathered)
{
  TzNet net = eval->net;

  for (PetscInt l = l0; l < net->nlayers; l++) {
    const TzLayer   *layer = &net->layer[l];
    const PetscReal *bias  = eval->theta + layer->bias;
    const PetscInt   cols  = layer->at.places * n;

    Multiply(eval, c, l, n, (PetscBool)(gathered && l == l0));
    for (PetscInt j = 0; j < layer->out; j++)
      for (PetscInt p = 0; p < cols; p++) c->z[l][j * cols + p] += bias[j];
    if (l < net->nhidden) (*eval->kernels->values)(net->act[l], layer->out * cols, c->z[l], c->h[l] ? c->h[l] : c->a[l + 1]);
    if (c->h[l]) TzPoolSquares(layer, n, c->h[l], c->a[l + 1]);
    if (l < net->nhidden && net->model.activationbits) TzModelActivations(net, net->hidden[l], n, c->a[l + 1]);
  }
}

PetscErrorCode TzColumnsRebind(TzNetEval eval, const TzColumns *c, PetscInt l)
{
  TzOperator *op = (TzOperator *)&c->op[l]; /* the evaluator's own */

  PetscFunctionBegin;
  PetscCall((*op->ops->bind)(op, eval->theta));
  if (eval->net->layer[l].at.apply == TZ_APPLY_TOKENS) (*op->ops->lookup)(op, c->ntokens, c->j, c->Z);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzColumnsForward(TzNetEval eval, TzColumns *c, PetscInt n, const PetscReal X[])
{
  PetscFunctionBegin;
  if (eval->net->tokens) {
    PetscCall(TzGatherTokens(&eval->net->layer[0], n, X, c->j, c->column, &c->ntokens));
    (*c->op[0].ops->lookup)(&c->op[0], c->ntokens, c->j, c->Z);
  } else TzTranspose(n, eval->net->in, X, c->a[0]);
  TzColumnsFrom(eval, c, 0, n, PETSC_FALSE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalForward_Columns(TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  const PetscInt in = eval->net->in, out = eval->net->out, width = TzColumnsWidth(eval->net);
  TzColumns     *c;

  PetscFunctionBegin;
  PetscCall(TzEvalGetColumns(eval, width, &c));
  for (PetscInt i = 0; i < n; i += width) {
    const PetscInt m = PetscMin(width, n - i);

    PetscCall(TzColumnsForward(eval, c, m, X + i * in));
    TzTranspose(out, m, c->z[eval->net->nhidden], Y + i * out);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ backwards ------------------------------------------------------------ */

void TzColumnsMultiplyAdjoint(TzNetEval eval, const TzColumns *c, PetscInt l, PetscInt n, TzColumnsAdjoint *s)
{
  const TzLayer    *layer = &eval->net->layer[l];
  const TzOperator *op    = &c->op[l];
  const PetscInt    cols  = layer->at.places * n;
  const PetscReal  *a     = c->g[l] ? c->g[l] : c->a[l];
  PetscReal        *abar  = c->g[l] ? s->gbar : s->abar;

  if (layer->at.apply == TZ_APPLY_TOKENS) {
    for (PetscInt k = 0; k < c->ntokens; k++) /* Z has been used up */
      for (PetscInt o = 0; o < layer->out; o++) c->Z[k * layer->out + o] = s->zbar[o * cols + c->column[k]];
    (*op->ops->lookupadjoint)(op, c->ntokens, c->j, c->Z, s->bar[l]);
    return;
  }
  TzTranspose(layer->in, cols, a, s->at);
  (*op->ops->adjoint)(op, cols, a, s->at, c->y[l], s->zbar, s->bar[l], l ? abar : NULL, s->work);
  if (l && c->g[l]) TzScatterWindows(layer, n, s->gbar, s->abar);
}

void TzColumnsActivateAdjoint(TzNetEval eval, const TzColumns *c, PetscInt l, PetscInt n, TzColumnsAdjoint *s)
{
  const TzLayer *below = &eval->net->layer[l - 1];

  if (c->h[l - 1]) TzPoolSquaresAdjoint(below, n, c->h[l - 1], c->a[l], s->abar, s->hbar);
  (*eval->kernels->adjoint)(eval->net->act[l - 1], below->out * below->at.places * n, c->z[l - 1], c->h[l - 1] ? s->hbar : s->abar, s->zbar);
}

PetscErrorCode TzColumnsAdjointBegin(TzNetEval eval, const TzColumns *c, PetscInt n, PetscReal grad[], TzColumnsAdjoint *s)
{
  size_t inputs = (size_t)eval->net->in, outputs = 0, gathered = 0, windows = 0, squares = 0, work = 0;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  for (PetscInt l = 0; l < eval->net->nlayers; l++) {
    const TzLayer *layer  = &eval->net->layer[l];
    const size_t   places = (size_t)layer->at.places, in = layer->at.apply == TZ_APPLY_TOKENS ? 0 : (size_t)layer->in;

    inputs   = PetscMax(inputs, (size_t)TzLayerInputs(layer));
    outputs  = PetscMax(outputs, (size_t)layer->out * places);
    gathered = PetscMax(gathered, in * places);
    if (c->g[l] && l) windows = PetscMax(windows, in * places);
    if (c->h[l]) squares = PetscMax(squares, (size_t)layer->out * places);
    work = PetscMax(work, (size_t)c->op[l].nwork * places);
    if (c->op[l].direct) s->bar[l] = grad + layer->weights;
    else PetscCall(PetscCalloc1(c->op[l].nbar, &s->bar[l]));
  }
  PetscCall(PetscMalloc6(inputs * n, &s->abar, outputs * n, &s->zbar, gathered * n, &s->at, windows * n, &s->gbar, squares * n, &s->hbar, work * n, &s->work));
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
  PetscCall(PetscFree6(s->abar, s->zbar, s->at, s->gbar, s->hbar, s->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Forward propagation without narrow bonds: the choice of directions, what belongs to a binding, and the layers. See channels.h.
*/
#include "channels.h"

#define BATCH   16384 /* derivatives of a layer for the points of a batch: 128 KB, some of which stay in a second-level cache of 1 MB */
#define COLUMNS 96    /* but at least so many, for which the weights are read once */
#define MOST    8     /* points */
#define PASSES  10    /* elementwise passes over a layer's derivatives, forwards and backwards, in multiply-adds of products */

static PetscErrorCode Free(TzNetEval eval, TzChannels *c)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < eval->net->nlayers; l++) {
    TzChannelLayer *b = &c->layer[l];

    if (c->op[l].ops) PetscCall((*c->op[l].ops->destroy)(&c->op[l]));
    PetscCall(PetscFree6(b->a, b->A, b->z, b->Z, b->y, b->Y));
    PetscCall(PetscFree6(b->act[0], b->act[1], b->act[2], b->act[3], b->T, b->Q));
  }
  PetscCall(PetscFree4(c->M, c->SW, c->slope, c->work));
  PetscCall(PetscMemzero(c, sizeof(*c)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzNetEval eval, void *what)
{
  PetscFunctionBegin;
  PetscCall(Free(eval, (TzChannels *)what));
  PetscCall(PetscFree(what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether forms that depend on the point are diagonal */
static PetscBool AreDiagonal(const TzJetShape *shape)
{
  for (PetscInt q = 0; q < shape->nforms; q++)
    if (shape->form[q].field && shape->form[q].type != TZ_FORM_DIAGONALFIELD) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* Directions: the cheaper, in multiply-adds a point of jet and adjoint. A form that depends on the point is applied in the inputs' directions, unless there is
   one hidden layer: then only the diagonal of M counts */
static PetscBool ByUnits(TzNet net, const TzJetShape *shape)
{
  const PetscReal D = net->in, K = net->layer[0].out;
  PetscReal       inputs = PASSES * D * K, units = 0;

  if (!net->nhidden || net->layer[0].contraction == TZ_CONTRACT_BOND) return PETSC_FALSE;
  if (TzJetFieldSize(shape) && (net->nhidden > 1 || !AreDiagonal(shape))) return PETSC_FALSE;
  for (PetscInt l = 1; l < net->nlayers; l++) {
    const TzLayer  *layer = &net->layer[l];
    const PetscReal cost = layer->cost[layer->contraction], out = layer->out;

    inputs += (3 * cost + PASSES * out) * D;
    units += ((l > 1 ? 3 * cost : 0) + PASSES * out) * K + (l < net->nhidden ? 2 * shape->nforms * out * K * K : 0);
  }
  return (PetscBool)(units < inputs);
}

static PetscErrorCode CreateOperators(TzNetEval eval, TzChannels *c)
{
  TzNet net = eval->net;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer  *layer  = &net->layer[l];
    const PetscBool matrix = (PetscBool)(!l || l == net->nhidden || (l == 1 && c->units) || layer->contraction == TZ_CONTRACT_DENSE || !layer->ops->op);

    c->op[l].layer = layer;
    c->op[l].ops   = matrix ? &TzOperator_Matrix : layer->ops->op;
    PetscCall((*c->op[l].ops->create)(&c->op[l]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allocate(TzNetEval eval, const TzJetShape *shape, PetscBool units, TzChannels *c)
{
  TzNet    net   = eval->net;
  PetscInt width = 1, nf = shape->nforms, rows;
  size_t   V, D, most = (size_t)net->in;

  PetscFunctionBegin;
  c->units = units;
  c->K     = c->units ? net->layer[0].out : net->in;
  c->V     = 1 + nf;
  c->J     = TzJetSize(shape);
  for (PetscInt l = 0; l < net->nhidden; l++) width = PetscMax(width, net->layer[l].out);
  c->P = PetscMin(MOST, PetscMax(1, PetscMax(COLUMNS / c->K, (PetscInt)(BATCH / ((PetscReal)c->K * width)))));
  if (c->units && net->nhidden == 1) c->P = MOST; /* no layer has derivatives of its own then */
  PetscCheck((PetscReal)width * c->P * c->K <= PETSC_MAX_INT, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "-net_layers: derivatives in %" PetscInt_FMT " directions of %" PetscInt_FMT " units: more numbers than this PETSc's integers count", c->K, width);
  PetscCall(CreateOperators(eval, c));
  V = (size_t)(c->V * c->P);
  D = (size_t)(c->K * c->P);
  for (PetscInt l = 0; l < net->nlayers; l++) {
    TzChannelLayer *b     = &c->layer[l];
    const TzLayer  *layer = &net->layer[l];
    const size_t    in = (size_t)layer->in, out = (size_t)layer->out, ny = (size_t)c->op[l].ny, P = (size_t)(c->P * (l < net->nhidden ? 1 : 0));
    const PetscBool A = (PetscBool)(l > (c->units ? 1 : 0)), Z = (PetscBool)(l || !c->units);

    PetscCall(PetscCalloc6(in * V, &b->a, A ? in * D : 0, &b->A, out * V, &b->z, Z ? out * D : 0, &b->Z, ny * V, &b->y, A ? ny * D : 0, &b->Y));
    PetscCall(
      PetscMalloc6(out * P, &b->act[0], out * P, &b->act[1], out * P, &b->act[2], out * P, &b->act[3], P && Z ? nf * out * D : 0, &b->T, nf * out * P, &b->Q));
  }
  rows = c->units ? nf * c->K : 0;
  for (PetscInt q = 0; q < nf; q++) most = PetscMax(most, (size_t)shape->form[q].m);
  c->id = shape->id;
  PetscCall(PetscCalloc4((size_t)rows * (size_t)c->K, &c->M, (size_t)rows * (size_t)net->in, &c->SW, (size_t)(c->units ? c->P * c->K : 0), &c->slope,
                         TzJetFieldSize(shape) ? most * (size_t)(net->in + width) : 0, &c->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* inputs: the derivatives of layer 1, in all places of a batch of P */
static void Spread(TzNetEval eval, TzChannels *c, PetscInt P)
{
  const PetscInt   in = eval->net->in, size = P * in;
  const PetscReal *W = TzOperatorGetMatrix(&c->op[0]);

  if (c->spread == P) return;
  for (PetscInt h = 0; h < eval->net->layer[0].out; h++)
    for (PetscInt x = 0; x < size; x++) c->layer[0].Z[h * size + x] = W[h * in + x % in];
  c->spread = P;
}

/* units: M = W_1 S W_1'; without a bond the first left factor is W_1'. Of a field the squares of W_1, whose product with the field is the diagonal of M */
static void Metrics(TzNetEval eval, TzChannels *c)
{
  const PetscInt   in = eval->net->in, out = eval->net->layer[0].out;
  const PetscReal *W = TzOperatorGetMatrix(&c->op[0]);

  for (PetscInt q = 0; q < c->shape->nforms; q++) {
    PetscReal *SW = c->SW + q * out * in;
    TzFormAt   S;

    if (c->shape->form[q].field) {
      (*eval->kernels->multiply)(out * in, 1, eval->layer[0].left, eval->layer[0].left, SW);
      continue;
    }
    TzJetFormAt(c->shape, q, NULL, &S);
    for (PetscInt k = 0; k < out; k++) TzFormApply(&S, W + k * in, SW + k * in);
    (*eval->kernels->product)(out, out, in, (TzStrided){SW, in, 1}, eval->layer[0].left, out, c->M + q * out * out, out, PETSC_FALSE);
  }
}

PetscErrorCode TzChannelsGet(TzNetEval eval, const TzJetShape *shape, PetscBool inputs, TzChannels **channels)
{
  const PetscBool units = (PetscBool)(!inputs && ByUnits(eval->net, shape));
  TzChannels     *c     = (TzChannels *)TzEvalAttached(eval, Destroy);

  PetscFunctionBegin;
  if (!c) {
    PetscCall(PetscNew(&c));
    PetscCall(TzEvalAttach(eval, Destroy, c));
  }
  *channels = c;
  if (!c->P || c->units != units || c->id != shape->id || (!shape->id && shape->nforms)) {
    PetscCall(Free(eval, c));
    PetscCall(Allocate(eval, shape, units, c));
  }
  c->shape = shape;
  if (c->serial == eval->serial) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt l = 0; l < eval->net->nlayers; l++) PetscCall((*c->op[l].ops->bind)(&c->op[l], eval->theta));
  if (c->units) Metrics(eval, c);
  c->spread = 0;
  c->serial = eval->serial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ layers ------------------------------------------------------------ */

void TzFormRows(const TzKernels *k, const TzFormAt *S, PetscInt m, PetscInt step, const PetscReal Z[], PetscReal T[], PetscReal work[])
{
  const PetscInt d = S->d, n = S->m ? S->m : d;
  PetscReal     *U = work, *St = work + m * n;

  if (!S->S) {
    for (PetscInt r = 0; r < m; r++) {
      if (S->w) (*k->multiply)(d, 1, S->w, Z + r * step, T + r * step);
      else (void)PetscArraycpy(T + r * step, Z + r * step, d);
    }
  } else if (!S->m) (*k->product)(m, d, d, (TzStrided){Z, step, 1}, S->S, d, T, step, PETSC_FALSE);
  else { /* through the m columns of its factor */ TzTranspose(d, n, S->S, St);
    (*k->product)(m, n, d, (TzStrided){Z, step, 1}, S->S, n, U, n, PETSC_FALSE);
    (*k->product)(m, d, n, (TzStrided){U, n, 1}, St, d, T, step, PETSC_FALSE);
  }
}

/* T and Q of units h0 <= h < h1 of layer l < hidden */
static void Forms(TzNetEval eval, TzChannels *c, PetscInt l, PetscInt h0, PetscInt h1, PetscInt P, const PetscReal F[])
{
  const TzKernels *k   = eval->kernels;
  TzChannelLayer  *b   = &c->layer[l];
  const PetscInt   out = eval->net->layer[l].out, n = h1 - h0, K = c->K, nf = TzJetFieldSize(c->shape);
  const PetscReal *Z = b->Z + h0 * P * K;

  for (PetscInt q = 0; q < c->shape->nforms; q++) {
    PetscReal *T = b->T + q * out * c->P * K + h0 * P * K, *Q = b->Q + q * out * c->P + h0 * P;
    TzFormAt   S = {.d = K, .S = c->M + q * K * K};

    if (c->units && !l && c->shape->form[q].field) {
      TzJetFormAt(c->shape, q, F, &S);
      (*k->product)(P, out, S.d, (TzStrided){S.w, nf, 1}, c->SW + q * out * eval->net->in, out, c->slope, out, PETSC_FALSE);
      TzTranspose(P, out, c->slope, Q);
      continue;
    }
    if (c->units && !l) {
      for (PetscInt h = 0; h < n; h++)
        for (PetscInt p = 0; p < P; p++) Q[h * P + p] = S.S[(h0 + h) * (K + 1)];
      continue;
    }
    if (!c->units && c->shape->time)
      for (PetscInt r = 0; r < n * P; r++) T[r * K + K - 1] = 0;
    if (!c->units && c->shape->form[q].field) {
      for (PetscInt p = 0; p < P; p++) {
        TzJetFormAt(c->shape, q, F + p * nf, &S);
        TzFormRows(k, &S, n, P * K, Z + p * K, T + p * K, c->work);
      }
    } else {
      if (!c->units) TzJetFormAt(c->shape, q, NULL, &S);
      TzFormRows(k, &S, n * P, K, Z, T, c->work);
    }
    (void)PetscArrayzero(Q, n * P);
    (*k->dots)(n * P, K, T, Z, Q);
  }
}

void TzChannelsActivate(TzNetEval eval, TzChannels *c, PetscInt l, PetscInt h0, PetscInt h1, PetscInt P, const PetscReal F[])
{
  TzChannelLayer  *b = &c->layer[l], *next = &c->layer[l + 1];
  const PetscInt   out = eval->net->layer[l].out, V = c->V, at = h0 * P, K = c->K;
  PetscReal *const act[4] = {b->act[0] + at, b->act[1] + at, b->act[2] + at, b->act[3] + at};

  for (PetscInt h = h0; h < h1; h++)
    for (PetscInt p = 0; p < P; p++) b->act[0][h * P + p] = b->z[h * V * P + p];
  (*eval->kernels->derivatives)(eval->net->act[l], (h1 - h0) * P, act[0], act);
  Forms(eval, c, l, h0, h1, P, F);
  for (PetscInt h = h0; h < h1; h++)
    for (PetscInt p = 0, x = h * P; p < P; p++, x++) {
      next->a[h * V * P + p] = b->act[0][x];
      for (PetscInt q = 0; q < V - 1; q++)
        next->a[(h * V + 1 + q) * P + p] = b->act[1][x] * b->z[(h * V + 1 + q) * P + p] + b->act[2][x] * b->Q[q * out * c->P + x];
    }
  if (c->units && !l) TzTranspose(out, P, b->act[1], c->slope);
  else (*eval->kernels->rows)((h1 - h0) * P, K, act[1], b->Z + at * K, NULL, NULL, next->A + at * K);
}

/* The input of layer l -> z, Z */
static void Multiply(TzNetEval eval, TzChannels *c, PetscInt l, PetscInt P)
{
  const TzLayer    *layer = &eval->net->layer[l];
  const TzOperator *op    = &c->op[l];
  const PetscInt    V = c->V, K = c->K;
  TzChannelLayer   *b = &c->layer[l];

  (*op->ops->multiply)(op, V * P, b->a, b->y, b->z);
  for (PetscInt j = 0; j < layer->out; j++)
    for (PetscInt p = 0; p < P; p++) b->z[j * V * P + p] += eval->theta[layer->bias + j];
  if (l == 1 && c->units) {
    const PetscReal *W = TzOperatorGetMatrix(op);

    for (PetscInt j = 0; j < layer->out; j++)
      for (PetscInt p = 0; p < P; p++) (*eval->kernels->multiply)(K, 1, W + j * K, c->slope + p * K, b->Z + (j * P + p) * K);
  } else if (l) (*op->ops->multiply)(op, P * K, b->A, b->Y, b->Z);
}

void TzChannelsFrom(TzNetEval eval, TzChannels *c, PetscInt l, PetscInt P, const PetscReal F[])
{
  for (; l < eval->net->nhidden; l++) {
    TzChannelsActivate(eval, c, l, 0, eval->net->layer[l].out, P, F);
    Multiply(eval, c, l + 1, P);
  }
}

void TzChannelsForward(TzNetEval eval, TzChannels *c, PetscInt P, const PetscReal X[], const PetscReal F[])
{
  const PetscInt in = eval->net->in, size = c->V * P;

  if (!c->units) Spread(eval, c, P);
  for (PetscInt i = 0; i < in; i++)
    for (PetscInt x = 0; x < size; x++) c->layer[0].a[i * size + x] = x < P ? X[x * in + i] : 0;
  Multiply(eval, c, 0, P);
  TzChannelsFrom(eval, c, 0, P, F);
}

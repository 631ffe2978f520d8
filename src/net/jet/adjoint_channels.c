/*
  The adjoint of forward propagation without narrow bonds (channels.h): backwards through
      a = act(z),  a_k = act' z_k,  a_S = act' z_S + act'' Q
  go
      zbar = act' abar + act'' (sum_k abar_k z_k + abar_S z_S) + act''' Q abar_S,  zbar_k = act' abar_k + 2 act'' T_k abar_S,  zbar_S = act' abar_S,
  T = Z M; and where M is made of weights (directions by units) Mbar_kl += act'' abar_S z_k z_l, of which the first matrix has 2 Mbar W_1 S.
*/
#include "channels.h"

/* Bars of one layer at a time */
typedef struct {
  PetscReal *a, *A;   /* of its input: [widest][V][P], [widest][P][K] */
  PetscReal *z, *Z;   /* of its pre-activations */
  PetscReal *t;       /* an input, transposed, or the work of an operator */
  PetscReal *work;    /* of the operators */
  PetscReal *rows[2]; /* [widest][P] */
  PetscReal *slope;   /* units: of act' of the first layer, [P][K] */
  PetscReal *M;       /* units: [nforms][K][max(K,in)], rows of K; of a field the sums of twice act'' abar_S times S_ii, rows of in */

  const PetscReal *F; /* the fields of the batch */
} Bars;

/* Numbers of s->M for one form */
static size_t MetricSize(TzNetEval eval, const TzChannels *c)
{
  return (size_t)c->K * (size_t)PetscMax(c->K, eval->net->in);
}

static PetscErrorCode Create(TzNetEval eval, TzChannels *c, PetscReal grad[], Bars *s)
{
  TzNet        net   = eval->net;
  size_t       width = (size_t)net->in, work = 0, wide = 1;
  const size_t V = (size_t)(c->V * c->P), D = (size_t)(c->P * c->K), KK = c->units ? MetricSize(eval, c) * (size_t)(c->V - 1) : 0;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nlayers; l++) {
    wide  = PetscMax(wide, (size_t)net->layer[l].out);
    width = PetscMax(width, wide);
    work  = PetscMax(work, (size_t)c->op[l].nwork);
    if (c->op[l].direct) c->layer[l].bar = grad + net->layer[l].weights;
    else PetscCall(PetscCalloc1(c->op[l].nbar, &c->layer[l].bar));
  }
  PetscCall(PetscMalloc5(width * V, &s->a, width * V, &s->z, wide * D, &s->A, wide * D, &s->Z, PetscMax(width * V, wide * D), &s->t));
  PetscCall(PetscMalloc4(work * PetscMax(V, D), &s->work, wide * (size_t)c->P, &s->rows[0], wide * (size_t)c->P, &s->rows[1], D, &s->slope));
  PetscCall(PetscCalloc1(KK, &s->M));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d(loss)/d(jet) [P][J] -> bars of the output layer; units: the part of W_1 in the gradient, its derivatives in y_0 being Z */
static void Output(TzNetEval eval, TzChannels *c, PetscInt P, const PetscReal jetbar[], Bars *s)
{
  const PetscInt        in = eval->net->in, K = c->K;
  const TzChannelLayer *b = &c->layer[eval->net->nhidden];

  for (PetscInt p = 0; p < P; p++) {
    s->z[p] = jetbar[p * c->J];
    for (PetscInt q = 0; q < c->V - 1; q++) s->z[(1 + q) * P + p] = jetbar[p * c->J + 1 + in + q];
    for (PetscInt i = 0; i < in && !c->units; i++) s->Z[p * in + i] = jetbar[p * c->J + 1 + i];
  }
  if (!c->units) return;
  (*eval->kernels->product)(P, K, in, (TzStrided){jetbar + 1, c->J, 1}, eval->layer[0].left, K, s->Z, K, PETSC_FALSE);
  (*eval->kernels->product)(K, in, P, (TzStrided){b->Z, 1, K}, jetbar + 1, c->J, c->layer[0].bar, in, PETSC_TRUE);
}

/* Of layer l, from the bars of its pre-activations: those of its weights, and of its input */
static void Multiplied(TzNetEval eval, TzChannels *c, PetscInt l, PetscInt P, Bars *s, PetscReal grad[])
{
  const TzKernels  *k     = eval->kernels;
  const TzLayer    *layer = &eval->net->layer[l];
  const TzOperator *op    = &c->op[l];
  TzChannelLayer   *b     = &c->layer[l];
  const PetscInt    in = layer->in, out = layer->out, V = c->V, K = c->K;

  for (PetscInt j = 0; j < out; j++)
    for (PetscInt p = 0; p < P; p++) grad[layer->bias + j] += s->z[j * V * P + p];
  TzTranspose(in, V * P, b->a, s->t);
  (*op->ops->adjoint)(op, V * P, b->a, s->t, b->y, s->z, b->bar, l ? s->a : NULL, s->work);
  if (!l) {
    for (PetscInt h = 0; h < out && !c->units; h++)
      for (PetscInt x = 0; x < P * K; x++) b->bar[h * K + x % K] += s->Z[h * P * K + x];
  } else if (l == 1 && c->units) { /* Z_jpk = W_jk slope_pk */
    const PetscReal *W = TzOperatorGetMatrix(op);

    (void)PetscArrayzero(s->slope, P * K);
    for (PetscInt j = 0; j < out; j++)
      for (PetscInt p = 0; p < P; p++) {
        (*k->multiplyadd)(K, s->Z + (j * P + p) * K, c->slope + p * K, b->bar + j * K);
        (*k->multiplyadd)(K, s->Z + (j * P + p) * K, W + j * K, s->slope + p * K);
      }
  } else if (l == eval->net->nhidden) { /* one unit: products of rows */
    for (PetscInt i = 0; i < in; i++) (*k->dots)(1, P * K, b->A + i * P * K, s->Z, b->bar + i);
    (*k->product)(in, P * K, 1, (TzStrided){TzOperatorGetMatrix(op), 1, 1}, s->Z, P * K, s->A, P * K, PETSC_FALSE);
  } else {
    TzTranspose(in, P * K, b->A, s->t);
    (*op->ops->adjoint)(op, P * K, b->A, s->t, b->Y, s->Z, b->bar, s->A, s->work);
  }
}

/* Of layer l < hidden: the bars of its activations (s->a, s->A, or s->slope) -> those of z, Z and M */
static void Activated(TzNetEval eval, TzChannels *c, PetscInt l, PetscInt P, Bars *s)
{
  const TzKernels      *k   = eval->kernels;
  const TzChannelLayer *b   = &c->layer[l];
  const PetscInt        out = eval->net->layer[l].out, V = c->V, K = c->K, n = out * P;
  const PetscBool       unit = (PetscBool)(c->units && !l);
  PetscReal            *dot = s->rows[0], *twice = s->rows[1];

  if (unit) TzTranspose(P, out, s->slope, dot);
  else {
    (void)PetscArrayzero(dot, n);
    (*k->dots)(n, K, s->A, b->Z, dot);
    (*k->rows)(n, K, b->act[1], s->A, NULL, NULL, s->Z);
  }
  for (PetscInt h = 0; h < out; h++)
    for (PetscInt p = 0, x = h * P; p < P; p++, x++) {
      PetscReal sum = b->act[1][x] * s->a[h * V * P + p], second = dot[x];

      for (PetscInt q = 0; q < V - 1; q++) {
        const PetscReal bar = s->a[(h * V + 1 + q) * P + p];

        second += bar * b->z[(h * V + 1 + q) * P + p];
        sum += b->act[3][x] * b->Q[q * out * c->P + x] * bar;
        s->z[(h * V + 1 + q) * P + p] = b->act[1][x] * bar;
      }
      s->z[h * V * P + p] = sum + b->act[2][x] * second;
    }
  for (PetscInt q = 0; q < V - 1; q++) {
    const PetscReal *T = b->T + q * out * c->P * K;
    PetscReal       *M = s->M + (c->units ? (size_t)q * MetricSize(eval, c) : 0);

    for (PetscInt x = 0; x < n; x++) twice[x] = 2 * b->act[2][x] * s->a[(x / P * V + 1 + q) * P + x % P];
    if (unit && c->shape->form[q].field) {
      TzFormAt S;

      TzJetFormAt(c->shape, q, s->F, &S);
      (*k->product)(out, S.d, P, (TzStrided){twice, P, 1}, S.w, TzJetFieldSize(c->shape), M, eval->net->in, PETSC_TRUE);
      continue;
    }
    if (unit) {
      for (PetscInt x = 0; x < n; x++) M[x / P * (K + 1)] += twice[x];
      continue;
    }
    (*k->rows)(n, K, NULL, s->Z, twice, T, s->Z);
    if (!c->units) continue;
    (*k->rows)(n, K, twice, b->Z, NULL, NULL, s->A);
    (*k->product)(K, K, n, (TzStrided){b->Z, 1, K}, s->A, K, M, K, PETSC_TRUE);
  }
}

static PetscErrorCode Collect(TzNetEval eval, TzChannels *c, PetscReal grad[], Bars *s)
{
  TzNet          net = eval->net;
  const PetscInt in = net->in, K = c->K;

  PetscFunctionBegin;
  for (PetscInt q = 0; q < c->V - 1 && c->units; q++) { /* s->M holds 2 Mbar */
    const PetscReal *M = s->M + (size_t)q * MetricSize(eval, c);

    if (c->shape->form[q].field) (*eval->kernels->multiplyadd)(K * in, M, TzOperatorGetMatrix(&c->op[0]), c->layer[0].bar);
    else (*eval->kernels->product)(K, in, K, (TzStrided){M, K, 1}, c->SW + q * K * in, in, c->layer[0].bar, in, PETSC_TRUE);
  }
  for (PetscInt l = 0; l < net->nlayers; l++) {
    if (c->op[l].direct) continue; /* it is in grad already */
    PetscCall((*c->op[l].ops->collect)(&c->op[l], eval->theta, c->layer[l].bar, grad));
    PetscCall(PetscFree(c->layer[l].bar));
  }
  PetscCall(PetscFree5(s->a, s->z, s->A, s->Z, s->t));
  PetscCall(PetscFree4(s->work, s->rows[0], s->rows[1], s->slope));
  PetscCall(PetscFree(s->M));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJetBackward_Channels(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal F[],
                                             const PetscReal jetbar[], PetscReal grad[])
{
  const PetscInt in = eval->net->in, nf = TzJetFieldSize(shape);
  TzChannels    *c;
  Bars           s;

  PetscFunctionBegin;
  PetscCall(TzChannelsGet(eval, shape, PETSC_FALSE, &c));
  PetscCall(Create(eval, c, grad, &s));
  for (PetscInt p = 0, P; p < n; p += P) {
    P = PetscMin(c->P, n - p);
    TzChannelsForward(eval, c, P, X + p * in, F + p * nf);
    s.F = F + p * nf;
    Output(eval, c, P, jetbar + p * c->J, &s);
    for (PetscInt l = eval->net->nhidden; l >= 0; l--) {
      Multiplied(eval, c, l, P, &s, grad);
      if (l) Activated(eval, c, l - 1, P, &s);
    }
  }
  PetscCall(Collect(eval, c, grad, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

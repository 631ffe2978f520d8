/*
  The adjoint of forward propagation through bonds (jet_bonds.c): from d(loss)/d(jet) to d(loss)/d(theta).

  A layer's sums are sum_s[row] = sum_h coeff_s[row, h] act_s(z_h), so backwards, with the bars of the sums at hand,
      zbar_h = sum_s act_{s+1}(z_h) F_s[h],  F_s[h] = sum_row coeff_s[row, h] sumbar_s[row]   (act_{s+1} = act_s'),
      coeffbar_s[row, h] += sum_points act_s(z_h) sumbar_s[row],
  all of them products with a panel. The coefficients' bars are gathered over all points and then handed on to the factors of the
  bonds, and these to the cores. For plain values only the first q rows of stream 0 have bars (`values`).
*/
#include "formpanel.h"
#include "jet.h"

#define LANE        for (PetscInt i = 0; i < TZ_PANEL; i++)
#define PAD(rows)   (((rows) + TZ_GEMM - 1) / TZ_GEMM * TZ_GEMM)
#define MAX_STREAMS 3

/* What is gathered over the points for one layer; rows padded to PAD() */
typedef struct {
  PetscInt   rows[MAX_STREAMS];  /* of each stream that have bars */
  PetscReal *coeff[MAX_STREAMS]; /* [out][PAD(rows)] */
  PetscReal *z;                  /* [out][PAD(r + 1)]: sums of zbar y_k and of zbar */
  PetscReal *left, *right;       /* bars of the layer's factors, left [in][q], right [q][out] */
} Gathered;

struct _TzJetAdjoint {
  TzNetEval  eval;
  PetscBool  values;
  PetscReal *M, *ML;               /* bars of the metrics M_p: [nforms][r_1][r_1]; of the fields' at the points of a panel, with [PANEL] */
  PetscReal *third[TZ_MAX_LAYERS]; /* [out][PANEL] of each layer: act''', where it is needed */
  PetscReal *F, *flip;             /* [out][PANEL] for MAX_STREAMS streams; [PANEL][most rows] */
  PetscReal *bars;                 /* [most rows][PANEL] */
  Gathered   layer[TZ_MAX_LAYERS + 1];
  TzJetState state[TZ_MAX_LAYERS + 1], bar[2]; /* of one panel: before each layer, and after the last hidden one */
  TzJetTrace work[TZ_MAX_LAYERS];
  PetscInt   gathered; /* numbers at the front of the memory that start from zero */
};

/* [rows][PANEL] -> [PANEL][PAD(rows)], filled up with zeros */
static void Flip(PetscInt rows, const PetscReal *X, PetscReal *flip)
{
  const PetscInt ld = PAD(rows);

  for (PetscInt row = 0; row < ld; row++)
    for (PetscInt i = 0; i < TZ_PANEL; i++) flip[i * ld + row] = row < rows ? X[row * TZ_PANEL + i] : 0;
}

/* F [out][PANEL] = coeff^T bars, a block of rows at a time; bars [PAD(rows)][PANEL] */
static void Factor(TzJetAdjoint a, PetscInt l, int s, const PetscReal *bars, PetscReal *F)
{
  const PetscInt n = a->eval->net->layer[l].out, rows = a->layer[l].rows[s];

  for (PetscInt i = 0; i < rows; i += TZ_GEMM)
    TzKernelsGet()->product(n, TZ_PANEL, TZ_GEMM, (TzStrided){TzJetsGet(a->eval)->layer[l].coeff[s] + i * n, TZ_GEMM, 1}, bars + i * TZ_PANEL, TZ_PANEL, F,
                            TZ_PANEL, (PetscBool)(i > 0));
}

/* zbar over F_0, from F_s and the activations; act[2] is not set where act'' = -act */
static void PreActivation(TzActivation act, PetscInt n, PetscBool values, const TzJetTrace *w, PetscReal *F)
{
  const PetscReal *restrict v = w->act[0], *restrict d1 = w->act[1], *restrict d2 = w->act[2], *restrict d3 = w->third;
  PetscReal *restrict F0 = F, *restrict F1 = F + n, *restrict F2 = F + 2 * n;

  if (values) {
    for (PetscInt j = 0; j < n; j++) F0[j] *= d1[j];
  } else if (act->ops.harmonic) {
    for (PetscInt j = 0; j < n; j++) F0[j] = d1[j] * F0[j] - v[j] * F1[j];
  } else {
    for (PetscInt j = 0; j < n; j++) F0[j] = d1[j] * F0[j] + d2[j] * F1[j] + d3[j] * F2[j];
  }
}

/* bars of the streams (a->bars, one after the other, padded) through the units of layer l: gathers, and ybar [r][PANEL] = B^T zbar */
static void Units(TzJetAdjoint a, PetscInt l, const PetscReal *y, const TzJetTrace *w, PetscReal *ybar)
{
  const TzKernels *p = TzKernelsGet();
  Gathered        *g = &a->layer[l];
  const TzBound   *b = &a->eval->layer[l];
  const PetscInt   n = a->eval->net->layer[l].out, r = b->q, ld = PAD(r + 1), width = 1 + r + a->eval->layer[l + 1].q;
  const PetscReal *bars = a->bars;

  for (int s = 0; s < MAX_STREAMS; s++) {
    if (!g->rows[s]) {
      for (PetscInt j = 0; j < n * TZ_PANEL && !a->values; j++) a->F[s * n * TZ_PANEL + j] = 0;
      continue;
    }
    Factor(a, l, s, bars, a->F + s * n * TZ_PANEL);
    Flip(g->rows[s], bars, a->flip);
    p->product(n, PAD(g->rows[s]), TZ_PANEL, (TzStrided){w->act[s], TZ_PANEL, 1}, a->flip, PAD(g->rows[s]), g->coeff[s], PAD(g->rows[s]), PETSC_TRUE);
    bars += PAD(g->rows[s]) * TZ_PANEL;
  }
  PreActivation(a->eval->net->act[l], n * TZ_PANEL, a->values, w, a->F);
  for (PetscInt i = 0; i < TZ_PANEL; i++)
    for (PetscInt k = 0; k < ld; k++) a->flip[i * ld + k] = k < r ? y[k * TZ_PANEL + i] : k == r;
  p->product(n, ld, TZ_PANEL, (TzStrided){a->F, TZ_PANEL, 1}, a->flip, ld, g->z, ld, PETSC_TRUE);
  p->product(r, TZ_PANEL, n, (TzStrided){b->table + 1, 1, width}, a->F, TZ_PANEL, ybar, TZ_PANEL, PETSC_FALSE);
}

/* J_bar of layer l (rows c r + k) from the bars of the state above it */
static void JacobianBars(const TzJetPlaces *places, PetscInt l, PetscInt r1, PetscInt nforms, const TzJetState *from, const TzJetState *bar, PetscReal *J)
{
  for (PetscInt c = 0; c < places->q; c++)
    for (PetscInt k = 0; k < places->r; k++) {
      PetscReal *restrict j = J + (c * places->r + k) * TZ_PANEL;

      if (!l) {
        LANE j[i] = bar->G[(c * r1 + k) * TZ_PANEL + i];
        continue;
      }
      LANE j[i] = nforms ? bar->form[c * TZ_PANEL + i] * from->form[k * TZ_PANEL + i] : 0;
      for (PetscInt p = 1; p < nforms; p++) LANE j[i] += bar->form[(p * TZ_MAX_BOND + c) * TZ_PANEL + i] * from->form[(p * TZ_MAX_BOND + k) * TZ_PANEL + i];
      for (PetscInt k0 = 0; k0 < r1; k0++) LANE j[i] += bar->G[(c * r1 + k0) * TZ_PANEL + i] * from->G[(k * r1 + k0) * TZ_PANEL + i];
    }
}

/* a->bars of layer l: those of the sums, from the bars of the state above it */
static void SumBars(TzJetAdjoint a, const TzJetPlaces *places, PetscInt l, const TzJetState *from, const TzJetTrace *w, const TzJetState *bar)
{
  const TzJets   *jets = TzJetsGet(a->eval);
  const PetscInt *rows = a->layer[l].rows;
  PetscReal      *stream[MAX_STREAMS], *second;

  stream[0] = a->bars;
  stream[1] = stream[0] + PAD(rows[0]) * TZ_PANEL;
  stream[2] = stream[1] + PAD(rows[1]) * TZ_PANEL;
  for (PetscInt j = 0; j < (PAD(rows[0]) + PAD(rows[1]) + PAD(rows[2])) * TZ_PANEL; j++) a->bars[j] = 0;
  for (PetscInt j = 0; j < places->q * TZ_PANEL; j++) stream[0][j] = bar->y[j];
  if (a->values) return;
  JacobianBars(places, l, a->eval->layer[0].q, jets->nforms, from, bar, stream[1]);
  second = stream[places->stream] + places->second * TZ_PANEL;
  for (PetscInt p = 0; p < jets->nforms; p++)
    for (PetscInt c = 0; c < places->q; c++)
      for (PetscInt kl = 0; kl < places->nn; kl++) {
        const PetscReal *restrict form = bar->form + (p * TZ_MAX_BOND + c) * TZ_PANEL, *restrict N = w->N + (p * places->nn + kl) * TZ_PANEL;
        PetscReal *restrict to = second + (c * places->nn + kl) * TZ_PANEL;

        if (!l && jets->single) LANE to[i] = form[i];
        else LANE to[i] += form[i] * N[i];
      }
}

/* The bars of G below layer l >= 1, but for what the forms add */
static void ChainBars(const TzJetPlaces *places, PetscInt r1, const PetscReal *J, const TzJetState *bar, TzJetState *below)
{
  for (PetscInt j = 0; j < places->r * r1 * TZ_PANEL; j++) below->G[j] = 0;
  for (PetscInt c = 0; c < places->q; c++)
    for (PetscInt k = 0; k < places->r; k++)
      for (PetscInt k0 = 0; k0 < r1; k0++)
        LANE below->G[(k * r1 + k0) * TZ_PANEL + i] += J[(c * places->r + k) * TZ_PANEL + i] * bar->G[(c * r1 + k0) * TZ_PANEL + i];
}

/* nbar of N_kl (number kl) of form p */
static void InnerBar(const TzJetPlaces *places, PetscInt kl, const PetscReal *second, const PetscReal *bar, PetscReal *nbar)
{
  LANE nbar[i] = 0;
  for (PetscInt c = 0; c < places->q; c++) LANE nbar[i] += second[(c * places->nn + kl) * TZ_PANEL + i] * bar[c * TZ_PANEL + i];
}

/* Mbar_kl += sum of v over the points, or of a field each at its point */
static void AddMetricBar(TzJetAdjoint a, PetscInt p, PetscInt kl, PetscBool field, const PetscReal *v)
{
  const PetscInt r1  = a->eval->layer[0].q;
  PetscReal      sum = 0;

  if (field) LANE a->ML[(p * r1 * r1 + kl) * TZ_PANEL + i] += v[i];
  else {
    LANE sum += v[i];
    a->M[p * r1 * r1 + kl] += sum;
  }
}

/* The bars of form p and, by it, of G below layer l >= 1, and of M_p: the adjoint of ChainForm() and InnerProducts() */
static void FormBars(TzJetAdjoint a, const TzJetPlaces *places, PetscInt p, const TzJetState *from, const TzJetTrace *w, const PetscReal *bar,
                     TzJetState *below)
{
  const PetscInt   r = places->r, r1 = a->eval->layer[0].q;
  const PetscReal *second = w->sum[places->stream] + places->second * TZ_PANEL, *J = w->sum[1], *T = w->T + p * r * r1 * TZ_PANEL, *M;
  const PetscBool  field = TzJetsMetric(TzJetsGet(a->eval), p, r1, &M);
  PetscReal       *form  = below->form + p * TZ_MAX_BOND * TZ_PANEL, nbar[TZ_PANEL], v[TZ_PANEL];

  for (PetscInt j = 0; j < r * TZ_PANEL; j++) form[j] = 0;
  for (PetscInt c = 0; c < places->q; c++)
    for (PetscInt k = 0; k < r; k++) LANE form[k * TZ_PANEL + i] += J[(c * r + k) * TZ_PANEL + i] * bar[c * TZ_PANEL + i];
  for (PetscInt k = 0, kl = 0; k < r; k++)
    for (PetscInt m = k; m < r; m++, kl++) {
      InnerBar(places, kl, second, bar, nbar);
      for (PetscInt k0 = 0; k0 < r1; k0++) {
        LANE below->G[(k * r1 + k0) * TZ_PANEL + i] += nbar[i] * T[(m * r1 + k0) * TZ_PANEL + i];
        LANE below->G[(m * r1 + k0) * TZ_PANEL + i] += nbar[i] * T[(k * r1 + k0) * TZ_PANEL + i];
        for (PetscInt l0 = 0; l0 < r1; l0++) {
          LANE v[i] = nbar[i] * from->G[(k * r1 + k0) * TZ_PANEL + i] * from->G[(m * r1 + l0) * TZ_PANEL + i];
          AddMetricBar(a, p, k0 * r1 + l0, field, v);
        }
      }
    }
}

/* The same for layer 1, whose N is M itself; a single form's is in the coefficients, see UnitBars() */
static void FirstFormBars(TzJetAdjoint a, const TzJetPlaces *places, PetscInt p, const TzJetTrace *w, const PetscReal *bar)
{
  const PetscInt   r1 = places->r;
  const PetscReal *M;
  const PetscBool  field = TzJetsMetric(TzJetsGet(a->eval), p, r1, &M);
  PetscReal        nbar[TZ_PANEL];

  for (PetscInt k = 0, kl = 0; k < r1; k++)
    for (PetscInt m = k; m < r1; m++, kl++) {
      InnerBar(places, kl, w->sum[places->stream] + places->second * TZ_PANEL, bar, nbar);
      AddMetricBar(a, p, k * r1 + m, field, nbar);
    }
}

/* From the coefficients of one unit to its rows of the factors: bars of B [r] and of L [q], which is row h of the next layer's left */
static void UnitBars(TzJetAdjoint a, const TzJetPlaces *places, PetscInt l, PetscInt h, PetscReal *B, PetscReal *L)
{
  const TzJets    *jets = TzJetsGet(a->eval);
  const Gathered  *g    = &a->layer[l];
  const PetscInt   r = places->r, q = places->q;
  const PetscReal *b = a->eval->layer[l].table + h * (1 + r + q) + 1, *left = b + r, *M = jets->M;
  const PetscReal *first = g->coeff[0] + h * PAD(g->rows[0]), *J = g->coeff[1] + h * PAD(g->rows[1]), *second;
  PetscReal        x = 0, xbar = 0;

  for (PetscInt c = 0; c < q; c++) L[c] += first[c];
  if (a->values) return;
  for (PetscInt c = 0; c < q; c++)
    for (PetscInt k = 0; k < r; k++) {
      L[c] += J[c * r + k] * b[k];
      B[k] += J[c * r + k] * left[c];
    }
  if (!jets->nforms) return;
  second = g->coeff[places->stream] + h * PAD(g->rows[places->stream]) + places->second;
  if (l || !jets->single) {
    for (PetscInt c = 0; c < q; c++)
      for (PetscInt k = 0, kl = 0; k < r; k++)
        for (PetscInt m = k; m < r; m++, kl++) {
          const PetscReal s = places->sign * (k == m ? 1 : 2) * second[c * places->nn + kl];

          L[c] += s * b[k] * b[m];
          B[k] += s * left[c] * b[m];
          B[m] += s * left[c] * b[k];
        }
    return;
  }
  for (PetscInt k = 0; k < r; k++)
    for (PetscInt m = 0; m < r; m++) x += b[k] * b[m] * M[k * r + m];
  for (PetscInt c = 0; c < q; c++) {
    L[c] += places->sign * second[c] * x;
    xbar += places->sign * second[c] * left[c];
  }
  for (PetscInt k = 0; k < r; k++)
    for (PetscInt m = 0; m < r; m++) {
      B[k] += 2 * xbar * M[k * r + m] * b[m];
      a->M[k * r + m] += xbar * b[k] * b[m];
    }
}

/* From the bars of a layer's factors to the parameters: grad += */
static PetscErrorCode FactorBars(TzNetEval eval, PetscInt l, const PetscReal left[], const PetscReal right[], PetscReal flip[], PetscReal grad[])
{
  const TzLayer *layer = &eval->net->layer[l];

  PetscFunctionBegin;
  if (right) {
    PetscCall((*layer->ops->bondgradient)(layer, eval->theta, left, right, grad));
  } else {
    TzTranspose(layer->in, layer->out, left, flip);
    PetscCall((*layer->ops->gradient)(layer, eval->theta, flip, grad));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What was gathered over the points -> grad */
static PetscErrorCode Scatter(TzJetAdjoint a, PetscReal grad[])
{
  TzNetEval      eval = a->eval;
  TzNet          net  = eval->net;
  const TzJets  *jets = TzJetsGet(eval);
  const PetscInt r1   = eval->layer[0].q;
  PetscReal      B[TZ_MAX_BOND];

  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nhidden; l++) {
    const TzJetPlaces places = TzJetsPlaces(eval, l);
    const Gathered   *g      = &a->layer[l];
    const PetscInt    n = net->layer[l].out, ld = PAD(places.r + 1);

    for (PetscInt h = 0; h < n; h++) {
      for (PetscInt k = 0; k < places.r; k++) B[k] = g->z[h * ld + k];
      UnitBars(a, &places, l, h, B, a->layer[l + 1].left + h * places.q);
      for (PetscInt k = 0; k < places.r; k++) g->right[k * n + h] = B[k];
      grad[net->layer[l].bias + h] += g->z[h * ld + places.r];
    }
  }
  for (PetscInt p = 0; p < jets->nforms && !a->values; p++) {
    TzFormPanel form;

    if (jets->shape->form[p].field) continue;
    TzFormPanelGet(jets->shape, p, NULL, &form);
    TzFormPanelMetricAdjoint(&form, r1, eval->layer[0].left, a->M + p * r1 * r1, a->layer[0].left);
  }
  for (PetscInt l = 0; l < net->nlayers; l++) PetscCall(FactorBars(eval, l, a->layer[l].left, a->layer[l].right, a->F, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------- memory, panels, drivers --------------------------------------------------- */

/* Places of everything in one block of memory, or, with memory NULL, its size alone */
static PetscInt Place(TzJetAdjoint a, PetscReal *memory)
{
  TzNetEval      eval = a->eval;
  TzNet          net  = eval->net;
  const PetscInt r1 = eval->layer[0].q, nforms = TzJetsGet(eval)->nforms, states = TzJetsStateSize(eval);
  PetscInt       size = 0, out = 1, rows = PAD(TZ_MAX_BOND + 1);

#define TAKE(pointer, n) (pointer = memory ? memory + size : NULL, size += (n))
  TAKE(a->M, nforms * r1 * r1);
  for (PetscInt l = 0; l < net->nlayers; l++) {
    Gathered *g = &a->layer[l];

    TAKE(g->left, net->layer[l].in * eval->layer[l].q);
    g->right = NULL;
    if (eval->layer[l].right) TAKE(g->right, eval->layer[l].q * net->layer[l].out);
    if (l == net->nhidden) continue;
    for (int s = 0, sum = 0; s < MAX_STREAMS; s++) {
      g->rows[s] = a->values ? (s ? 0 : eval->layer[l + 1].q) : TzJetsGet(eval)->layer[l].rows[s];
      TAKE(g->coeff[s], net->layer[l].out * PAD(g->rows[s]));
      rows = PetscMax(rows, sum += PAD(g->rows[s]));
    }
    TAKE(g->z, net->layer[l].out * PAD(eval->layer[l].q + 1));
    out = PetscMax(out, net->layer[l].out);
  }
  a->gathered = size;
  for (PetscInt l = 0; l < net->nhidden; l++) {
    TAKE(a->work[l].act[0], TzJetsTraceSize(eval, l));
    a->third[l] = NULL;
    if (!a->values && !net->act[l]->ops.harmonic) TAKE(a->third[l], net->layer[l].out * TZ_PANEL);
  }
  for (PetscInt l = 0; l <= net->nhidden; l++) TAKE(a->state[l].y, states);
  for (int i = 0; i < 2; i++) TAKE(a->bar[i].y, states);
  TAKE(a->ML, TzJetsGet(eval)->fields ? nforms * r1 * r1 * TZ_PANEL : 0);
  TAKE(a->F, PetscMax(MAX_STREAMS * out * TZ_PANEL, net->layer[net->nhidden].in * net->layer[net->nhidden].out));
  TAKE(a->flip, rows * TZ_PANEL);
  TAKE(a->bars, rows * TZ_PANEL);
#undef TAKE
  return size;
}

PetscErrorCode TzJetAdjointBegin(TzNetEval eval, const TzJetShape *shape, TzJetAdjoint *adjoint)
{
  TzJetAdjoint a;
  PetscReal   *memory;

  PetscFunctionBegin;
  PetscCall(TzJetsPrepare(eval, shape));
  PetscCall(PetscNew(&a));
  a->eval   = eval;
  a->values = (PetscBool)!shape;
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_ADJOINT, Place(a, NULL), &memory));
  (void)Place(a, memory);
  PetscCall(PetscArrayzero(memory, a->gathered));
  for (PetscInt l = 0; l < eval->net->nhidden; l++) {
    a->work[l]       = TzJetsTrace(eval, l, a->work[l].act[0]);
    a->work[l].third = a->third[l];
  }
  for (PetscInt l = 0; l <= eval->net->nhidden; l++) a->state[l] = TzJetsState(eval, a->state[l].y);
  for (int i = 0; i < 2; i++) a->bar[i] = TzJetsState(eval, a->bar[i].y);
  *adjoint = a;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzJetAdjointEnd(TzJetAdjoint *adjoint, PetscReal grad[])
{
  PetscFunctionBegin;
  PetscCall(Scatter(*adjoint, grad));
  PetscCall(PetscFree(*adjoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal *TzJetAdjointLeft(TzJetAdjoint a)
{
  return a->layer[0].left;
}

/* y' of layer l alone */
static void ValueLayer(TzNetEval eval, PetscInt l, const TzJetState *from, TzJetState *to, const TzJetTrace *w)
{
  const PetscInt n = eval->net->layer[l].out, r = eval->layer[l].q, q = eval->layer[l + 1].q;

  (*eval->kernels->expand)(TZ_PANEL, eval->net->act[l], n, r, eval->layer[l].table, 1 + r + q, from->y, w->act[0], w->act[1], w->act[2], NULL,
                           TzEvalIsBig(eval, l, TZ_PANEL, from->y));
  TzGemm(eval->kernels, TZ_PANEL, 1, q, n, TzJetsGet(eval)->layer[l].coeff[0], w->act[0], to->y);
}

/* Through the forms of layer l, and the metrics of fields to the first factor at the end */
static void Forms(TzJetAdjoint a, const TzJetPlaces *places, PetscInt l, const TzJetState *bar, TzJetState *below)
{
  const TzJets  *jets = TzJetsGet(a->eval);
  const PetscInt r1   = a->eval->layer[0].q;
  TzFormPanel    form;

  for (PetscInt p = 0; p < jets->nforms; p++) {
    const PetscReal *bars = bar->form + p * TZ_MAX_BOND * TZ_PANEL;

    if (l) FormBars(a, places, p, &a->state[l], &a->work[l], bars, below);
    else if (!jets->single) FirstFormBars(a, places, p, &a->work[l], bars);
    if (l || !jets->shape->form[p].field) continue;
    TzFormPanelGet(jets->shape, p, jets->lanes, &form);
    TzFormPanelMetricAdjoint(&form, r1, a->eval->layer[0].left, a->ML + p * r1 * r1 * TZ_PANEL, a->layer[0].left);
  }
}

/*
  One panel, from y_0 in TzJetAdjointInput(): forward with everything kept, then backward from the bars of the network's value, of
  its derivatives in y_0 [r_1][PANEL] and of its forms [nforms][PANEL] (both NULL for values). ybar [r_1][PANEL]: the bars of y_0.
*/
PetscErrorCode TzJetAdjointPanel(TzJetAdjoint a, const PetscReal fbar[], const PetscReal gbar[], const PetscReal formbar[], const PetscReal **df,
                                 const PetscReal **ybar)
{
  TzNetEval      eval   = a->eval;
  const TzJets  *jets   = TzJetsGet(eval);
  const PetscInt hidden = eval->net->nhidden, r1 = eval->layer[0].q;
  TzJetState    *bar = &a->bar[0], *below = &a->bar[1], *swap;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < hidden; l++) {
    if (a->values) ValueLayer(eval, l, &a->state[l], &a->state[l + 1], &a->work[l]);
    else PetscCall(TzJetsLayer(eval, TZ_PANEL, l, 0, jets->nforms, &a->state[l], &a->state[l + 1], &a->work[l]));
  }
  PetscCall(PetscArraycpy(bar->y, fbar, TZ_PANEL));
  if (!a->values) {
    for (PetscInt p = 0; p < jets->nforms; p++) PetscCall(PetscArraycpy(bar->form + p * TZ_MAX_BOND * TZ_PANEL, formbar + p * TZ_PANEL, TZ_PANEL));
    PetscCall(PetscArraycpy(bar->G, gbar, r1 * TZ_PANEL));
    if (jets->fields) PetscCall(PetscArrayzero(a->ML, jets->nforms * r1 * r1 * TZ_PANEL));
  }
  for (PetscInt l = hidden - 1; l >= 0; l--) {
    const TzJetPlaces places = TzJetsPlaces(eval, l);

    SumBars(a, &places, l, &a->state[l], &a->work[l], bar);
    Units(a, l, a->state[l].y, &a->work[l], below->y);
    if (l && !a->values) ChainBars(&places, r1, a->work[l].sum[1], bar, below);
    if (!a->values) Forms(a, &places, l, bar, below);
    swap  = bar;
    bar   = below;
    below = swap;
  }
  if (df) *df = a->state[hidden].G;
  *ybar = bar->y;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal *TzJetAdjointInput(TzJetAdjoint a)
{
  return a->state[0].y;
}

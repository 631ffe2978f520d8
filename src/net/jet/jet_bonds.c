/*
  Exact forward propagation of value, gradient and second-order forms through a network of bonds.

  A layer maps the bond vector y in R^r to y' = L^T act(B^T y + b) in R^q. With x -> y_0 = A^T x linear, the network is
  a function of y_0 alone, so that only r_1 derivatives are carried, not one for each coordinate. For a map g after y(x):
      grad (g o y) = J_g grad y,   S : Hess (g o y) = J_g (S : Hess y) + sum_kl H_g,kl N_kl,   N_kl = (grad y_k)' S grad y_l (space coordinates).
  J_g and H_g are sums over the units of products of the factors, the same for all points: J_ck = sum_h L_hc B_hk act'(z_h),
  H_c,kl = sum_h L_hc B_hk B_hl act''(z_h). Their coefficients are packed once per parameter vector and the sums are matrix
  products. N = G M G' with G = dy/dy_0 and M = A' S A, which for a constant S is the same for all points: a single such form enters the
  coefficients of layer 1. All other forms share J and H; each costs a few operations of the size of the bonds.
*/
#include "formpanel.h"
#include "jet.h"

#define LANES 8 /* points whose gradients are finished at a time: a block of the loss has 5 */

static PetscErrorCode Destroy(PETSC_UNUSED TzNetEval eval, void *what)
{
  TzJets *jets = (TzJets *)what;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < TZ_MAX_LAYERS; l++)
    for (int s = 0; s < 3; s++) PetscCall(PetscFree(jets->layer[l].coeff[s]));
  PetscCall(PetscFree3(jets->M, jets->lanes, jets->ML));
  PetscCall(PetscFree(jets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

TzJets *TzJetsGet(TzNetEval eval)
{
  return (TzJets *)TzEvalAttached(eval, Destroy);
}

TzJetPlaces TzJetsPlaces(TzNetEval eval, PetscInt l)
{
  const TzJets   *jets   = TzJetsGet(eval);
  const PetscBool minus  = eval->net->act[l]->ops.harmonic;
  TzJetPlaces     places = {.r = eval->layer[l].q, .q = eval->layer[l + 1].q};

  places.nn     = !jets->nforms ? 0 : l || !jets->single ? places.r * (places.r + 1) / 2 : 1;
  places.second = minus ? places.q : 0;
  places.stream = minus ? 0 : 2;
  places.sign   = minus ? -1 : 1;
  return places;
}

static PetscErrorCode Allocate(TzNetEval eval)
{
  TzJets *jets;

  PetscFunctionBegin;
  PetscCall(PetscNew(&jets));
  for (PetscInt l = 0; l < eval->net->nhidden; l++) { /* room for whatever shape: rows in use are set by Coefficients() */
    const PetscInt  r = eval->layer[l].q, q = eval->layer[l + 1].q, second = q * r * (r + 1) / 2, n = eval->net->layer[l].out;
    const PetscBool minus   = eval->net->act[l]->ops.harmonic;
    const PetscInt  rows[3] = {q + (minus ? second : 0), q * r, minus ? 0 : second};

    for (int s = 0; s < 3; s++)
      if (rows[s]) PetscCall(PetscCalloc1((rows[s] + TZ_GEMM - 1) / TZ_GEMM * TZ_GEMM * n, &jets->layer[l].coeff[s]));
  }
  PetscCall(TzEvalAttach(eval, Destroy, jets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The metrics of the constant forms; memory for those of the fields */
static PetscErrorCode Metrics(TzNetEval eval, TzJets *jets, const TzJetShape *shape)
{
  const PetscInt r = eval->layer[0].q, fields = TzJetFieldSize(shape);

  PetscFunctionBegin;
  if (!jets->M || jets->nforms != shape->nforms || jets->fields != fields) {
    PetscCall(PetscFree3(jets->M, jets->lanes, jets->ML));
    PetscCall(
      PetscMalloc3(PetscMax(shape->nforms, 1) * r * r, &jets->M, fields * TZ_PANEL, &jets->lanes, fields ? shape->nforms * r * r * TZ_PANEL : 0, &jets->ML));
  }
  for (PetscInt p = 0; p < shape->nforms; p++) {
    TzFormPanel form;

    if (shape->form[p].field) continue;
    TzFormPanelGet(shape, p, NULL, &form);
    TzFormPanelMetric(&form, r, eval->layer[0].left, jets->M + p * r * r);
  }
  jets->nforms = shape->nforms;
  jets->fields = fields;
  jets->single = (PetscBool)(shape->nforms == 1 && !fields);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M and the coefficients, when the binding or the shape has changed */
PetscErrorCode TzJetsPrepare(TzNetEval eval, const TzJetShape *shape)
{
  static const TzJetShape values = {.d = 0};
  TzJets                 *jets;

  PetscFunctionBegin;
  if (!TzJetsGet(eval)) PetscCall(Allocate(eval));
  jets = TzJetsGet(eval);
  if (jets->serial == eval->serial && (!shape || (jets->id == shape->id && (shape->id || (!shape->nforms && !jets->nforms))))) {
    jets->shape = shape;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!shape) shape = &values;
  PetscCall(Metrics(eval, jets, shape));
  jets->serial = eval->serial;
  jets->id     = shape->id;
  jets->shape  = shape;
  for (PetscInt l = 0; l < eval->net->nhidden; l++) {
    const TzJetPlaces places = TzJetsPlaces(eval, l);
    TzJetLayer       *jl     = &jets->layer[l];

    jl->rows[0]             = places.q;
    jl->rows[1]             = places.q * places.r;
    jl->rows[2]             = 0;
    jl->rows[places.stream] = places.second + places.q * places.nn;
    (*eval->kernels->jet)(eval->net->act[l], eval->net->layer[l].out, places.r, places.q, eval->layer[l].table, l || !jets->single ? NULL : jets->M, jl->coeff);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TzJetsMetric(const TzJets *jets, PetscInt p, PetscInt r1, const PetscReal **M)
{
  const PetscBool field = (PetscBool)(jets->shape->form[p].field != NULL);

  *M = field ? jets->ML + p * r1 * r1 * TZ_PANEL : jets->M + p * r1 * r1;
  return field;
}

void TzJetsPanel(TzNetEval eval, PetscInt m, const PetscReal F[])
{
  TzJets        *jets = TzJetsGet(eval);
  const PetscInt r    = eval->layer[0].q;

  TzFormPanelFill(jets->shape, m, F, jets->lanes);
  for (PetscInt p = 0; p < jets->nforms; p++) {
    TzFormPanel form;

    if (!jets->shape->form[p].field) continue;
    TzFormPanelGet(jets->shape, p, jets->lanes, &form);
    TzFormPanelMetric(&form, r, eval->layer[0].left, jets->ML + p * r * r * TZ_PANEL);
  }
}

#define LANE for (PetscInt i = 0; i < TZ_PANEL; i++)

/* to (+)= a b, on a panel */
static inline void MultiplyAdd(PetscBool add, const PetscReal *restrict a, const PetscReal *restrict b, PetscReal *restrict to)
{
  if (add) LANE to[i] += a[i] * b[i];
  else LANE to[i] = a[i] * b[i];
}

/* N [r(r+1)/2] = G M G^T, upper triangle; M [r1][r1], or of a field with [PANEL] */
static void InnerProducts(const TzKernels *kernels, PetscInt r, PetscInt r1, PetscBool field, const PetscReal *M, const PetscReal *G, PetscReal *T,
                          PetscReal *N)
{
  for (PetscInt c = 0; c < r && !field; c++) (*kernels->combine)(TZ_PANEL, r1, r1, M, r1, 1, G + c * r1 * TZ_PANEL, TZ_PANEL, T + c * r1 * TZ_PANEL, TZ_PANEL);
  for (PetscInt c = 0; c < r && field; c++)
    for (PetscInt k = 0; k < r1; k++)
      for (PetscInt l = 0; l < r1; l++) MultiplyAdd((PetscBool)(l > 0), M + (k * r1 + l) * TZ_PANEL, G + (c * r1 + l) * TZ_PANEL, T + (c * r1 + k) * TZ_PANEL);
  for (PetscInt c = 0, cd = 0; c < r; c++)
    for (PetscInt d = c; d < r; d++, cd++)
      for (PetscInt k = 0; k < r1; k++) MultiplyAdd((PetscBool)(k > 0), T + (c * r1 + k) * TZ_PANEL, G + (d * r1 + k) * TZ_PANEL, N + cd * TZ_PANEL);
}

/* N of layer 1, where G is the unit matrix */
static void FirstInnerProducts(PetscInt r1, PetscBool field, const PetscReal *M, PetscReal *N)
{
  for (PetscInt k = 0, kl = 0; k < r1; k++)
    for (PetscInt l = k; l < r1; l++, kl++) LANE N[kl * TZ_PANEL + i] = field ? M[(k * r1 + l) * TZ_PANEL + i] : M[k * r1 + l];
}

/* The derivatives of the next state, from the sums of a layer */
static void Chain(PetscInt l, const TzJetPlaces *places, PetscInt r1, const PetscReal *J, const TzJetState *from, TzJetState *to)
{
  const PetscInt r = places->r;

  for (PetscInt c = 0; c < places->q; c++) {
    PetscReal *G = to->G + c * r1 * TZ_PANEL;

    for (PetscInt k = 0; k < r1 * TZ_PANEL && !l; k++) G[k] = J[c * r1 * TZ_PANEL + k]; /* y_0 is linear in x */
    for (PetscInt k = 0; k < r && l; k++)
      for (PetscInt k0 = 0; k0 < r1; k0++) MultiplyAdd((PetscBool)(k > 0), J + (c * r + k) * TZ_PANEL, from->G + (k * r1 + k0) * TZ_PANEL, G + k0 * TZ_PANEL);
  }
}

/* Its form p; the second sums are the form itself in layer 1 of a single form */
static void ChainForm(PetscInt l, const TzJetPlaces *places, PetscBool single, const PetscReal *second, const PetscReal *J, const PetscReal *N,
                      const PetscReal *from, PetscReal *to)
{
  const PetscInt r = places->r;

  for (PetscInt c = 0; c < places->q; c++) {
    PetscReal *form = to + c * TZ_PANEL;

    if (!l && single) {
      LANE form[i] = second[c * TZ_PANEL + i];
      continue;
    }
    for (PetscInt kl = 0; kl < places->nn; kl++) MultiplyAdd((PetscBool)(kl > 0), second + (c * places->nn + kl) * TZ_PANEL, N + kl * TZ_PANEL, form);
    for (PetscInt k = 0; k < r && l; k++) MultiplyAdd(PETSC_TRUE, J + (c * r + k) * TZ_PANEL, from + k * TZ_PANEL, form);
  }
}

PetscInt TzJetsStateSize(TzNetEval eval)
{
  return TZ_MAX_BOND * (1 + TzJetsGet(eval)->nforms + eval->layer[0].q) * TZ_PANEL;
}

TzJetState TzJetsState(TzNetEval eval, PetscReal *memory)
{
  TzJetState state = {.y = memory};

  state.form = state.y + TZ_MAX_BOND * TZ_PANEL;
  state.G    = state.form + TzJetsGet(eval)->nforms * TZ_MAX_BOND * TZ_PANEL;
  return state;
}

PetscInt TzJetsTraceSize(TzNetEval eval, PetscInt l)
{
  const TzJetLayer *jl = &TzJetsGet(eval)->layer[l];
  const PetscInt    r  = eval->layer[l].q;

  return (3 * eval->net->layer[l].out + jl->rows[0] + jl->rows[1] + jl->rows[2] + TzJetsGet(eval)->nforms * (r * (r + 1) / 2 + r * eval->layer[0].q)) *
         TZ_PANEL;
}

TzJetTrace TzJetsTrace(TzNetEval eval, PetscInt l, PetscReal *work)
{
  const TzJetLayer *jl = &TzJetsGet(eval)->layer[l];
  const PetscInt    n = eval->net->layer[l].out, r = eval->layer[l].q;
  TzJetTrace        w;

  for (int s = 0; s < 3; s++) w.act[s] = work + s * n * TZ_PANEL;
  w.sum[0] = w.act[2] + n * TZ_PANEL;
  w.sum[1] = w.sum[0] + jl->rows[0] * TZ_PANEL;
  w.sum[2] = w.sum[1] + jl->rows[1] * TZ_PANEL;
  w.third  = NULL;
  w.N      = w.sum[2] + jl->rows[2] * TZ_PANEL;
  w.T      = w.N + TzJetsGet(eval)->nforms * r * (r + 1) / 2 * TZ_PANEL;
  return w;
}

PetscErrorCode TzJetsLayer(TzNetEval eval, PetscInt m, PetscInt l, PetscInt first, PetscInt nforms, const TzJetState *from, TzJetState *to, const TzJetTrace *w)
{
  const TzJetPlaces places = TzJetsPlaces(eval, l);
  const TzJetLayer *jl     = &TzJetsGet(eval)->layer[l];
  const PetscInt    n = eval->net->layer[l].out, r1 = eval->layer[0].q, width = 1 + places.r + places.q;
  const PetscBool   big = TzEvalIsBig(eval, l, m, from->y), single = TzJetsGet(eval)->single;

  PetscFunctionBegin;
  for (PetscInt h = 0; h < n; h += TZ_CHUNK) { /* so many stay in the first-level cache between their activation and the products */
    const PetscInt units = PetscMin(TZ_CHUNK, n - h), at = h * TZ_PANEL;

    (*eval->kernels->expand)(m, eval->net->act[l], units, places.r, eval->layer[l].table + h * width, width, from->y, w->act[0] + at, w->act[1] + at,
                             w->act[2] + at, w->third ? w->third + at : NULL, big);
    for (int s = 0; s < 3; s++)
      for (PetscInt i = 0; i < jl->rows[s]; i += TZ_GEMM)
        (*eval->kernels->gemm)(m, PetscMin(TZ_GEMM, jl->rows[s] - i), units, jl->coeff[s] + i * n + h * TZ_GEMM, w->act[s] + at, w->sum[s] + i * TZ_PANEL,
                               (PetscBool)(h > 0));
  }
  PetscCall(PetscArraycpy(to->y, w->sum[0], places.q * TZ_PANEL));
  Chain(l, &places, r1, w->sum[1], from, to);
  for (PetscInt p = 0; p < nforms; p++) {
    const PetscReal *M;
    const PetscBool  field = TzJetsMetric(TzJetsGet(eval), first + p, r1, &M);
    const PetscInt   at    = p * TZ_MAX_BOND * TZ_PANEL;
    PetscReal       *N = w->N + p * places.r * (places.r + 1) / 2 * TZ_PANEL, *T = w->T + p * places.r * r1 * TZ_PANEL;

    if (l) InnerProducts(eval->kernels, places.r, r1, field, M, from->G, T, N);
    else if (!single) FirstInnerProducts(r1, field, M, N);
    ChainForm(l, &places, single, w->sum[places.stream] + places.second * TZ_PANEL, w->sum[1], N, from->form + at, to->form + at);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* jet [m][J] from the last state: y' = f - bias, G = df/dy_0 */
static void Finish(TzNetEval eval, PetscInt m, const TzJetState *state, PetscReal *jet)
{
  const PetscInt   in = eval->net->in, r1 = eval->layer[0].q, nforms = TzJetsGet(eval)->nforms, J = 1 + in + nforms;
  const PetscReal *A    = eval->layer[0].left;
  const PetscReal  bias = eval->theta[eval->net->layer[eval->net->nhidden].bias];

  for (PetscInt p = 0; p < m; p++) {
    jet[p * J] = state->y[p] + bias;
    for (PetscInt q = 0; q < nforms; q++) jet[p * J + in + 1 + q] = state->form[q * TZ_MAX_BOND * TZ_PANEL + p];
  }
  for (PetscInt p0 = 0; p0 < m; p0 += LANES)
    for (PetscInt i = 0; i < in; i++) {
      PetscReal g[LANES] = {0};

      for (PetscInt k = 0; k < r1; k++)
        for (PetscInt p = 0; p < LANES; p++) g[p] += A[i * r1 + k] * state->G[k * TZ_PANEL + p0 + p];
      for (PetscInt p = 0; p < PetscMin(LANES, m - p0); p++) jet[(p0 + p) * J + 1 + i] = g[p];
    }
}

static PetscErrorCode Jet_Bonds(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal F[], PetscReal jet[])
{
  TzNet          net = eval->net;
  const PetscInt in = net->in, nf = TzJetFieldSize(shape);
  PetscInt       work = 0, size;
  PetscReal     *buffer;
  TzJetState     state[2];

  PetscFunctionBegin;
  PetscCall(TzJetsPrepare(eval, shape));
  size = TzJetsStateSize(eval);
  for (PetscInt l = 0; l < net->nhidden; l++) work = PetscMax(work, TzJetsTraceSize(eval, l));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_JET, 2 * size + work, &buffer));
  for (int i = 0; i < 2; i++) state[i] = TzJetsState(eval, buffer + i * size);
  for (PetscInt p0 = 0; p0 < n; p0 += TZ_PANEL) {
    const PetscInt m = PetscMin(TZ_PANEL, n - p0);

    PetscCall(TzEvalContractPoints(eval, m, X + p0 * in, state[0].y));
    if (nf) TzJetsPanel(eval, m, F + p0 * nf);
    for (PetscInt l = 0; l < net->nhidden; l++) {
      const TzJetTrace w = TzJetsTrace(eval, l, buffer + 2 * size);

      PetscCall(TzJetsLayer(eval, m, l, 0, shape->nforms, &state[l % 2], &state[(l + 1) % 2], &w));
    }
    Finish(eval, m, &state[net->nhidden % 2], jet + p0 * TzJetSize(shape));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TzJetsThroughBonds(TzNetEval eval)
{
  PetscBool bonds = (PetscBool)(eval->layer[0].right && eval->layer[0].q <= TZ_MAX_BOND);

  for (PetscInt l = 0; l < eval->net->nhidden; l++) bonds = (PetscBool)(bonds && eval->layer[l].table);
  return bonds;
}

/* Through the bonds where every hidden layer has a narrow one; otherwise backwards where that gives all, or all channels through all layers */
PetscErrorCode TzNetEvalJet_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal F[], PetscReal jet[])
{
  PetscBool backwards;

  PetscFunctionBegin;
  if (TzJetsThroughBonds(eval)) {
    PetscCall(Jet_Bonds(eval, n, X, shape, F, jet));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzJetsBackwards(eval, shape, &backwards));
  if (backwards) PetscCall(TzNetEvalJet_Backwards(eval, n, X, jet));
  else PetscCall(TzNetEvalJet_Channels(eval, n, X, shape, F, jet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJetBackward_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal F[],
                                         const PetscReal jetbar[], PetscReal grad[])
{
  PetscFunctionBegin;
  if (TzJetsThroughBonds(eval)) PetscCall(TzNetEvalJetBackward_Bonds(eval, n, X, shape, F, jetbar, grad));
  else PetscCall(TzNetEvalJetBackward_Channels(eval, n, X, shape, F, jetbar, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Exact forward propagation of value, gradient and Laplacian through a network of bonds.

  A layer maps the bond vector y in R^r to y' = L^T act(B^T y + b) in R^q. With x -> y_0 = A^T x linear, the network is
  a function of y_0 alone, so that only r_1 derivatives are carried, not one for each coordinate. For a map g after y(x):
      grad (g o y) = J_g grad y,   Lap (g o y) = J_g Lap y + sum_kl H_g,kl N_kl,   N = grad y . grad y (space coordinates).
  J_g and H_g are sums over the units of products of the factors, the same for all points: J_ck = sum_h L_hc B_hk act'(z_h),
  H_c,kl = sum_h L_hc B_hk B_hl act''(z_h). Their coefficients are packed once per parameter vector and the sums are matrix
  products. In layer 1, N is the same for all points and enters the coefficients.
*/
#include "../jet/jet.h"

static PetscErrorCode Destroy(PETSC_UNUSED TzNetEval eval, void *what)
{
  TzJets *jets = (TzJets *)what;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < TZ_MAX_LAYERS; l++)
    for (int s = 0; s < 3; s++) PetscCall(PetscFree(jets->layer[l].coeff[s]));
  PetscCall(PetscFree(jets->M));
  PetscCall(PetscFree(jets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

TzJets *TzJetsGet(TzNetEval eval)
{
  return (TzJets *)TzEvalAttached(eval, Destroy);
}

TzJetPlan TzJetsPlan(TzNetEval eval, PetscInt l)
{
  const PetscBool minus = eval->net->act->ops.harmonic;
  TzJetPlan       plan  = {.r = eval->layer[l].q, .q = eval->layer[l + 1].q};

  plan.nn     = l ? plan.r * (plan.r + 1) / 2 : 1;
  plan.second = minus ? plan.q : 0;
  plan.stream = minus ? 0 : 2;
  plan.sign   = minus ? -1 : 1;
  return plan;
}

static PetscErrorCode Allocate(TzNetEval eval)
{
  TzJets *jets;

  PetscFunctionBegin;
  PetscCall(PetscNew(&jets));
  PetscCall(PetscMalloc1(eval->layer[0].q * eval->layer[0].q, &jets->M));
  for (PetscInt l = 0; l < eval->net->nhidden; l++) {
    const TzJetPlan plan = TzJetsPlan(eval, l);
    TzJetLayer     *jl   = &jets->layer[l];

    jl->rows[0]           = plan.q;
    jl->rows[1]           = plan.q * plan.r;
    jl->rows[plan.stream] = plan.second + plan.q * plan.nn;
    for (int s = 0; s < 3; s++)
      if (jl->rows[s]) PetscCall(PetscCalloc1((jl->rows[s] + TZ_GEMM - 1) / TZ_GEMM * TZ_GEMM * eval->net->layer[l].out, &jl->coeff[s]));
  }
  PetscCall(TzEvalAttach(eval, Destroy, jets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M and the coefficients, when the binding or nlap has changed */
PetscErrorCode TzJetsPrepare(TzNetEval eval, PetscInt nlap)
{
  const PetscInt r = eval->layer[0].q;
  TzJets        *jets;

  PetscFunctionBegin;
  if (!TzJetsGet(eval)) PetscCall(Allocate(eval));
  jets = TzJetsGet(eval);
  if (jets->serial == eval->serial && jets->nlap == nlap) PetscFunctionReturn(PETSC_SUCCESS);
  jets->serial = eval->serial;
  jets->nlap   = nlap;
  for (PetscInt k = 0; k < r; k++)
    for (PetscInt l = 0; l < r; l++) {
      jets->M[k * r + l] = 0;
      for (PetscInt i = 0; i < nlap; i++) jets->M[k * r + l] += eval->layer[0].left[i * r + k] * eval->layer[0].left[i * r + l];
    }
  for (PetscInt l = 0; l < eval->net->nhidden; l++) {
    const TzJetPlan plan = TzJetsPlan(eval, l);

    (*eval->kernels->jet)(eval->net->act, eval->net->layer[l].out, plan.r, plan.q, eval->layer[l].table, l ? NULL : jets->M, jets->layer[l].coeff);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define LANE for (PetscInt i = 0; i < TZ_PANEL; i++)

/* to (+)= a b, on a panel */
static inline void MultiplyAdd(PetscBool add, const PetscReal *restrict a, const PetscReal *restrict b, PetscReal *restrict to)
{
  if (add) LANE to[i] += a[i] * b[i];
  else LANE to[i] = a[i] * b[i];
}

/* N [r(r+1)/2] = G M G^T, upper triangle */
static void InnerProducts(const TzKernels *kernels, PetscInt r, PetscInt r1, const PetscReal *M, const PetscReal *G, PetscReal *T, PetscReal *N)
{
  for (PetscInt c = 0; c < r; c++) (*kernels->combine)(TZ_PANEL, r1, r1, M, r1, 1, G + c * r1 * TZ_PANEL, TZ_PANEL, T + c * r1 * TZ_PANEL, TZ_PANEL);
  for (PetscInt c = 0, cd = 0; c < r; c++)
    for (PetscInt d = c; d < r; d++, cd++)
      for (PetscInt k = 0; k < r1; k++) MultiplyAdd((PetscBool)(k > 0), T + (c * r1 + k) * TZ_PANEL, G + (d * r1 + k) * TZ_PANEL, N + cd * TZ_PANEL);
}

/* From the sums of a layer to the next state, by the chain rule */
static void Chain(PetscInt l, const TzJetPlan *plan, PetscInt r1, const PetscReal *second, const PetscReal *J, const PetscReal *N, const TzJetState *from,
                  TzJetState *to)
{
  const PetscInt r = plan->r;

  for (PetscInt c = 0; c < plan->q; c++) {
    PetscReal *lap = to->lap + c * TZ_PANEL, *G = to->G + c * r1 * TZ_PANEL;

    if (!l) { /* y_0 is linear in x: J is the derivative, the second sums are the Laplacian */
      LANE lap[i] = second[c * TZ_PANEL + i];
      for (PetscInt k = 0; k < r1 * TZ_PANEL; k++) G[k] = J[c * r1 * TZ_PANEL + k];
      continue;
    }
    for (PetscInt kl = 0; kl < plan->nn; kl++) MultiplyAdd((PetscBool)(kl > 0), second + (c * plan->nn + kl) * TZ_PANEL, N + kl * TZ_PANEL, lap);
    for (PetscInt k = 0; k < r; k++) {
      const PetscReal *Jk = J + (c * r + k) * TZ_PANEL;

      MultiplyAdd(PETSC_TRUE, Jk, from->lap + k * TZ_PANEL, lap);
      for (PetscInt k0 = 0; k0 < r1; k0++) MultiplyAdd((PetscBool)(k > 0), Jk, from->G + (k * r1 + k0) * TZ_PANEL, G + k0 * TZ_PANEL);
    }
  }
}

PetscInt TzJetsWorkSize(TzNetEval eval, PetscInt l)
{
  const TzJetLayer *jl = &TzJetsGet(eval)->layer[l];
  const PetscInt    r  = eval->layer[l].q;

  return (3 * eval->net->layer[l].out + jl->rows[0] + jl->rows[1] + jl->rows[2] + r * (r + 1) / 2 + r * eval->layer[0].q) * TZ_PANEL;
}

TzJetWork TzJetsWork(TzNetEval eval, PetscInt l, PetscReal *work)
{
  const TzJetLayer *jl = &TzJetsGet(eval)->layer[l];
  const PetscInt    n = eval->net->layer[l].out, r = eval->layer[l].q;
  TzJetWork         w;

  for (int s = 0; s < 3; s++) w.act[s] = work + s * n * TZ_PANEL;
  w.sum[0] = w.act[2] + n * TZ_PANEL;
  w.sum[1] = w.sum[0] + jl->rows[0] * TZ_PANEL;
  w.sum[2] = w.sum[1] + jl->rows[1] * TZ_PANEL;
  w.third  = NULL;
  w.N      = w.sum[2] + jl->rows[2] * TZ_PANEL;
  w.T      = w.N + r * (r + 1) / 2 * TZ_PANEL;
  return w;
}

/* A panel of m points through one layer */
PetscErrorCode TzJetsLayer(TzNetEval eval, PetscInt m, PetscInt l, const TzJetState *from, TzJetState *to, const TzJetWork *w)
{
  const TzJetPlan   plan = TzJetsPlan(eval, l);
  const TzJetLayer *jl   = &TzJetsGet(eval)->layer[l];
  const PetscInt    n = eval->net->layer[l].out, r1 = eval->layer[0].q, width = 1 + plan.r + plan.q;
  const PetscBool   big = TzEvalIsBig(eval, l, m, from->y);

  PetscFunctionBegin;
  for (PetscInt h = 0; h < n; h += TZ_CHUNK) { /* so many stay in the first-level cache between their activation and the products */
    const PetscInt units = PetscMin(TZ_CHUNK, n - h), at = h * TZ_PANEL;

    (*eval->kernels->expand)(m, eval->net->act, units, plan.r, eval->layer[l].table + h * width, width, from->y, w->act[0] + at, w->act[1] + at, w->act[2] + at,
                             w->third ? w->third + at : NULL, big);
    for (int s = 0; s < 3; s++)
      for (PetscInt i = 0; i < jl->rows[s]; i += TZ_GEMM)
        (*eval->kernels->gemm)(m, PetscMin(TZ_GEMM, jl->rows[s] - i), units, jl->coeff[s] + i * n + h * TZ_GEMM, w->act[s] + at, w->sum[s] + i * TZ_PANEL,
                               (PetscBool)(h > 0));
  }
  if (l) InnerProducts(eval->kernels, plan.r, r1, TzJetsGet(eval)->M, from->G, w->T, w->N);
  PetscCall(PetscArraycpy(to->y, w->sum[0], plan.q * TZ_PANEL));
  Chain(l, &plan, r1, w->sum[plan.stream] + plan.second * TZ_PANEL, w->sum[1], w->N, from, to);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* jet [m][in + 2] from the last state: y' = f - bias, G = df/dy_0 */
static void Finish(TzNetEval eval, PetscInt m, const TzJetState *state, PetscReal *jet)
{
  const PetscInt   in = eval->net->in, r1 = eval->layer[0].q;
  const PetscReal *A    = eval->layer[0].left;
  const PetscReal  bias = eval->theta[eval->net->layer[eval->net->nhidden].bias];

  for (PetscInt p = 0; p < m; p++) {
    jet[p * (in + 2)]          = state->y[p] + bias;
    jet[p * (in + 2) + in + 1] = state->lap[p];
  }
  for (PetscInt i = 0; i < in; i++) {
    PetscReal g[TZ_PANEL] = {0};

    for (PetscInt k = 0; k < r1; k++)
      for (PetscInt p = 0; p < TZ_PANEL; p++) g[p] += A[i * r1 + k] * state->G[k * TZ_PANEL + p];
    for (PetscInt p = 0; p < m; p++) jet[p * (in + 2) + 1 + i] = g[p];
  }
}

static PetscErrorCode Jet_Bonds(TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt nlap, PetscReal jet[])
{
  TzNet          net = eval->net;
  const PetscInt in = net->in, r1 = eval->layer[0].q, size = TZ_MAX_BOND * (2 + r1) * TZ_PANEL;
  PetscInt       work = 0;
  PetscReal     *H, *buffer;
  TzJetState     state[2];

  PetscFunctionBegin;
  PetscCall(TzJetsPrepare(eval, nlap));
  for (PetscInt l = 0; l < net->nhidden; l++) work = PetscMax(work, TzJetsWorkSize(eval, l));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_IN, in * TZ_PANEL, &H));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_JET, 2 * size + work, &buffer));
  for (int i = 0; i < 2; i++) {
    state[i].y   = buffer + i * size;
    state[i].lap = state[i].y + TZ_MAX_BOND * TZ_PANEL;
    state[i].G   = state[i].lap + TZ_MAX_BOND * TZ_PANEL;
  }
  for (PetscInt p0 = 0; p0 < n; p0 += TZ_PANEL) {
    const PetscInt m = PetscMin(TZ_PANEL, n - p0);

    if (m < TZ_PANEL) PetscCall(PetscArrayzero(H, in * TZ_PANEL));
    for (PetscInt p = 0; p < m; p++)
      for (PetscInt i = 0; i < in; i++) H[i * TZ_PANEL + p] = X[(p0 + p) * in + i];
    PetscCall(TzEvalContract(eval, 0, 1, H, state[0].y));
    for (PetscInt l = 0; l < net->nhidden; l++) {
      const TzJetWork w = TzJetsWork(eval, l, buffer + 2 * size);

      PetscCall(TzJetsLayer(eval, m, l, &state[l % 2], &state[(l + 1) % 2], &w));
    }
    Finish(eval, m, &state[net->nhidden % 2], jet + p0 * (in + 2));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TzJetsThroughBonds(TzNetEval eval)
{
  PetscBool bonds = (PetscBool)(eval->layer[0].right && eval->layer[0].q <= TZ_MAX_BOND);

  for (PetscInt l = 0; l < eval->net->nhidden; l++) bonds = (PetscBool)(bonds && eval->layer[l].table);
  return bonds;
}

/* Through the bonds where every hidden layer has a narrow one; otherwise all channels through all layers */
PetscErrorCode TzNetEvalJet_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt nlap, PetscReal jet[])
{
  PetscFunctionBegin;
  if (TzJetsThroughBonds(eval)) PetscCall(Jet_Bonds(eval, n, X, nlap, jet));
  else PetscCall(TzNetEvalJet_Channels(eval, n, X, nlap, jet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJetBackward_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt nlap, const PetscReal jetbar[], PetscReal grad[])
{
  PetscFunctionBegin;
  if (TzJetsThroughBonds(eval)) PetscCall(TzNetEvalJetBackward_Bonds(eval, n, X, nlap, jetbar, grad));
  else PetscCall(TzNetEvalJetBackward_Channels(eval, n, X, nlap, jetbar, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Coordinate queries: the change of a network of bonds when one parameter moves by mu, for all parameters behind the first bond.

  A layer maps the state of its bond (value y, derivatives in y_0, one form: jet_bonds.c) to sum_h L_h u_h, u_h = the jet of act(b_h + B_h . y). A parameter
  of one core is one entry of one factor of a product of cores, so with the products of the cores on its left and right
    - a core of the input side moves L_h on a slice of the units by a rank-one term: the state behind moves by mu times a sum over the slice of unit jets,
      and all these sums for all entries of the core come from one pass over the units;
    - a core of the output side moves B_h on a slice of the units: only these are evaluated again;
    - a bias moves one unit.
  What a moved state does to the output is TzReach(). The finite change is exact to rounding, not a derivative.
*/
#include "coordinate_bonds.h"

static PetscErrorCode Destroy(PETSC_UNUSED TzNetEval eval, void *what)
{
  TzBondQueries *co = (TzBondQueries *)what;

  PetscFunctionBegin;
  PetscCall(TzCutsDestroy(co));
  PetscCall(TzReachDestroy(co));
  for (PetscInt l = 0; l < co->hidden; l++) PetscCall(PetscFree3(co->S[l], co->F[l], co->U[l]));
  PetscCall(PetscFree6(co->shift, co->R, co->T, co->jets, co->M, co->S[co->hidden]));
  PetscCall(PetscFree(co));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest */
static PetscInt Rank(const TzTrain *train)
{
  PetscInt r = 1;

  for (PetscInt k = 0; k < train->ncores; k++) r = PetscMax(r, train->core[k].r1);
  return r;
}

/* Parameters behind the first bond */
PetscBool TzCoordinateFits_Bonds(TzNet net, PetscInt *first)
{
  if (net->out > 1 || net->reference) return PETSC_FALSE;
  for (PetscInt l = 0; l <= net->nhidden; l++) {
    const TzLayer *layer = &net->layer[l];
    const TzCut    cut   = TzLayerGetCut(layer);

    if (l == net->nhidden) return (PetscBool)(cut.entries && !cut.place);
    if (layer->contraction != TZ_CONTRACT_BOND || layer->bond > TZ_MAX_BOND || !cut.train || !cut.train->bond) return PETSC_FALSE;
    /* the largest array of a panel, see Allocate() */
    if ((PetscReal)PetscMax(layer->in, layer->out) * Rank(cut.train) * layer->bond * (net->layer[0].bond + 4) * TZ_PANEL > PETSC_MAX_INT) return PETSC_FALSE;
    if (!l) *first = cut.train->core[cut.train->bond].offset;
  }
  return PETSC_FALSE;
}

/* The memory of a pass with c channels */
static PetscErrorCode Allocate(TzNetEval eval, TzBondQueries *co, PetscInt c)
{
  const PetscInt H = eval->net->nhidden, ns = TZ_SHIFT_FIELDS(c), nf = TZ_UNIT_FIELDS(c), nforms = c > 1 ? TzJetsGet(eval)->nforms : 0, r1 = eval->layer[0].q;
  PetscInt       shift = 0, R = 0, T = 0, jets = 0;

  PetscFunctionBegin;
  if (co->channels == c && co->nforms == nforms) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt l = 0; l < H; l++) {
    const TzLayer *layer = &eval->net->layer[l];
    const TzTrain *train = co->train[l];

    PetscCall(PetscFree3(co->S[l], co->F[l], co->U[l]));
    PetscCall(PetscCalloc3(eval->layer[l].q * ns * TZ_PANEL, &co->S[l], layer->out * nf * TZ_PANEL, &co->F[l], layer->out * c * TZ_PANEL, &co->U[l]));
    for (PetscInt k = 0; k < train->ncores; k++) {
      const TzCoreCut *cut  = &co->cut[l][k];
      const PetscInt   wide = cut->mode * cut->r1 * eval->layer[l].q * c;

      shift = PetscMax(shift, cut->nlo * cut->r0);
      R     = PetscMax(R, cut->nlo * wide);
      T     = PetscMax(T, cut->r0 * wide);
    }
    if (c > 1) jets = PetscMax(jets, TzJetsTraceSize(eval, l) + 2 * TzJetsStateSize(eval));
  }
  PetscCall(PetscFree6(co->shift, co->R, co->T, co->jets, co->M, co->S[H]));
  PetscCall(PetscCalloc6(shift * ns * TZ_PANEL, &co->shift, R * TZ_PANEL, &co->R, T * TZ_PANEL, &co->T, jets, &co->jets, c > 1 ? r1 * r1 * TZ_PANEL : 0, &co->M,
                         ns * TZ_PANEL, &co->S[H]));
  co->channels = c;
  co->nforms   = nforms;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------- the network at theta itself --------------------------------------------------- */

/* M of the pass's form at the rows of the panel; 0 where there is no form */
static void SetForm(TzPass *pass)
{
  const PetscInt   r1 = pass->c - 2;
  const PetscReal *M;
  PetscBool        field;

  if (!pass->shape || !pass->shape->nforms) return;
  field = TzJetsMetric(TzJetsGet(pass->eval), pass->form, r1, &M);
  for (PetscInt kl = 0; kl < r1 * r1; kl++)
    for (PetscInt i = 0; i < TZ_PANEL; i++) pass->co->M[kl * TZ_PANEL + i] = field ? M[kl * TZ_PANEL + i] : M[kl];
}

/* Fields 2 M G of the state in front of layer l */
static void Metric(TzPass *pass, PetscInt l)
{
  const PetscInt   r1 = pass->c - 2;
  const PetscReal *M  = pass->co->M;

  for (PetscInt j = 0; j < pass->eval->layer[l].q; j++)
    for (PetscInt k = 0; k < r1; k++) {
      PetscReal *restrict S = pass->co->S[l] + j * pass->ns * TZ_PANEL, *restrict to = S + (pass->c + k) * TZ_PANEL;

      for (PetscInt i = 0; i < TZ_PANEL; i++) to[i] = 0;
      for (PetscInt n = 0; n < r1; n++)
        for (PetscInt i = 0; i < TZ_PANEL; i++) to[i] += 2 * M[(k * r1 + n) * TZ_PANEL + i] * S[(1 + n) * TZ_PANEL + i];
    }
}

/* X [m][in] -> states, fields and jets of all units */
static PetscErrorCode Base(TzPass *pass, const PetscReal X[])
{
  TzNetEval        eval = pass->eval;
  TzBondQueries   *co   = pass->co;
  const PetscInt   c = pass->c, ns = pass->ns, r1 = eval->layer[0].q;
  const TzKernels *k = eval->kernels;
  PetscReal        Y[TZ_MAX_BOND * TZ_PANEL];

  PetscFunctionBegin;
  PetscCall(TzEvalContractPoints(eval, pass->m, X, Y));
  for (PetscInt j = 0; j < r1; j++) {
    PetscCall(PetscArraycpy(co->S[0] + j * ns * TZ_PANEL, Y + j * TZ_PANEL, TZ_PANEL));
    for (PetscInt i = 0; c > 1 && i < TZ_PANEL; i++) co->S[0][(j * ns + 1 + j) * TZ_PANEL + i] = 1;
  }
  for (PetscInt l = 0; l < eval->net->nhidden; l++) {
    const PetscInt n = eval->net->layer[l].out, r = eval->layer[l].q, q = eval->layer[l + 1].q, width = 1 + r + q;

    if (c > 1) Metric(pass, l);
    for (PetscInt j = 0; j < r; j++) PetscCall(PetscArraycpy(Y + j * TZ_PANEL, co->S[l] + j * ns * TZ_PANEL, TZ_PANEL));
    (*k->units)(pass->m, eval->net->act[l], n, r, c, eval->layer[l].table, width, co->S[l], co->F[l], co->U[l], TzEvalIsBig(eval, l, pass->m, Y));
    for (PetscInt ch = 0; ch < c; ch++)
      (*k->combine)(pass->m, q, n, eval->layer[l].table + 1 + r, 1, width, co->U[l] + ch * TZ_PANEL, c * TZ_PANEL, co->S[l + 1] + ch * TZ_PANEL, ns * TZ_PANEL);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------- one coordinate -------------------------------------------------------- */

static inline PetscBool Wanted(const TzPass *pass, PetscInt i0, PetscInt i1)
{
  PetscInt k0, k1;

  return TzCoordinateOverlap(pass->q, i0, i1 - i0, &k0, &k1);
}

/* The step that the parameter really takes */
static inline PetscReal Step(const TzPass *pass, PetscInt i, PetscInt s)
{
  return (pass->eval->theta[i] + TzCoordinateMove(pass->q, TzCoordinateFind(pass->q, i), s)) - pass->eval->theta[i];
}

static PetscErrorCode Tell(TzPass *pass, PetscInt k, PetscInt s, PetscInt size, const PetscReal Y[])
{
  const TzNetMoved moved = {.s = s, .n = 1, .which = &k, .p0 = pass->p0, .m = pass->m, .Y = Y, .pstep = size, .ostep = 1};

  PetscFunctionBegin;
  PetscCall((*pass->q->sink)(pass->q->ctx, &moved));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  f [c][PANEL]: change of the output's state -> the value or the jet, or its change, to the sink; kept before the last form's pass. The output's state at
  theta, for whole values and jets, has no bias.
*/
static PetscErrorCode Emit(TzPass *pass, PetscInt i, PetscInt s, const PetscReal change[])
{
  TzNetEval        eval = pass->eval;
  const PetscInt   in = eval->net->in, r1 = pass->c - 2, nforms = pass->shape ? pass->shape->nforms : 0, J = 1 + in + nforms;
  const PetscInt   k = TzCoordinateFind(pass->q, i);
  const PetscReal *f = change, *form;
  PetscReal        whole[(TZ_MAX_BOND + 2) * TZ_PANEL], *g, *jet, *kept = pass->kept + (k * pass->q->nmu + s) * PetscMax(nforms - 1, 0) * TZ_PANEL;

  PetscFunctionBegin;
  if (pass->q->whole) {
    const PetscReal bias = eval->theta[eval->net->layer[eval->net->nhidden].bias];

    for (PetscInt x = 0; x < pass->c * TZ_PANEL; x++) whole[x] = pass->co->S[eval->net->nhidden][x] + change[x] + (x < TZ_PANEL ? bias : 0);
    f = whole;
  }
  if (pass->c == 1) {
    PetscCall(Tell(pass, k, s, 1, f));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  form = f + (1 + r1) * TZ_PANEL;
  if (pass->form < nforms - 1) {
    PetscCall(PetscArraycpy(kept + pass->form * TZ_PANEL, form, TZ_PANEL));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_OUT, (PetscInt64)(in + J) * TZ_PANEL, &g));
  jet = g + in * TZ_PANEL;
  (*eval->kernels->combine)(pass->m, in, r1, eval->layer[0].left, r1, 1, f + TZ_PANEL, TZ_PANEL, g, TZ_PANEL);
  for (PetscInt p = 0; p < pass->m; p++) {
    PetscReal *to = jet + p * J;

    to[0] = f[p];
    for (PetscInt j = 0; j < in; j++) to[1 + j] = g[j * TZ_PANEL + p];
    for (PetscInt q = 0; q < nforms; q++) to[1 + in + q] = q == nforms - 1 ? form[p] : kept[q * TZ_PANEL + p];
  }
  PetscCall(Tell(pass, k, s, J, jet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coordinate i moves the state in front of layer l by delta [q_l][c][PANEL] */
static PetscErrorCode Moved(TzPass *pass, PetscInt l, PetscInt i, PetscInt s, const PetscReal delta[])
{
  PetscReal f[(TZ_MAX_BOND + 2) * TZ_PANEL];

  PetscFunctionBegin;
  if (l == pass->eval->net->nhidden) PetscCall(Emit(pass, i, s, delta));
  else {
    PetscCall(TzReach(pass, l, delta, f));
    PetscCall(Emit(pass, i, s, f));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ slices ------------------------------------------------------------ */

/* The shifts of the state in front of layer l that core k's entries cause: shift [nlo][r0][SHIFT_FIELDS][PANEL] */
static void Shifts(TzPass *pass, PetscInt l, const TzCoreCut *cut)
{
  const PetscInt c = pass->c, ns = pass->ns, rows = cut->nlo * cut->r0;
  PetscReal     *shift = pass->co->shift;

  for (PetscInt ch = 0; ch < PetscMax(ns - 1, 1); ch++)
    (*pass->eval->kernels->combine)(pass->m, rows, pass->eval->layer[l].q, cut->P, 1, rows, pass->co->S[l] + ch * TZ_PANEL, ns * TZ_PANEL,
                                    shift + ch * TZ_PANEL, ns * TZ_PANEL);
  if (c == 1) return;
  for (PetscInt x = 0; x < rows; x++) {
    PetscReal *restrict p = shift + x * ns * TZ_PANEL, *restrict square = p + (2 * c - 2) * TZ_PANEL;

    for (PetscInt i = 0; i < TZ_PANEL; i++) square[i] = 0;
    for (PetscInt k = 0; k < c - 2; k++)
      for (PetscInt i = 0; i < TZ_PANEL; i++) square[i] += 0.5 * p[(1 + k) * TZ_PANEL + i] * p[(c + k) * TZ_PANEL + i];
  }
}

static PetscErrorCode Slice(TzPass *pass, PetscInt l, PetscInt i, TzSlice *slice, PetscReal most)
{
  const PetscInt q = pass->eval->layer[l + 1].q;
  PetscReal      delta[TZ_MAX_BOND * (TZ_MAX_BOND + 2) * TZ_PANEL];

  PetscFunctionBegin;
  for (PetscInt s = 0; s < pass->q->nmu; s++) {
    slice->mu    = Step(pass, i, s);
    slice->reach = PetscAbsReal(slice->mu) * most;
    (*pass->eval->kernels->slice)(pass->m, pass->eval->net->act[l], pass->c, q, slice, delta);
    PetscCall(Moved(pass, l + 1, i, s, delta));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OutputCore(TzPass *pass, PetscInt l, const TzCoreCut *cut)
{
  const PetscInt r = pass->eval->layer[l].q, width = 1 + r + pass->eval->layer[l + 1].q, row = cut->mode * cut->r1;

  PetscFunctionBegin;
  if (!Wanted(pass, cut->offset, cut->offset + cut->r0 * row)) PetscFunctionReturn(PETSC_SUCCESS);
  Shifts(pass, l, cut);
  for (PetscInt a = 0; a < cut->r0; a++)
    for (PetscInt j = 0; j < cut->mode; j++)
      for (PetscInt b = 0; b < cut->r1; b++) {
        const PetscInt i     = cut->offset + a * row + j * cut->r1 + b;
        PetscReal      most  = 0;
        TzSlice        slice = {.nlo = cut->nlo, .nhi = cut->nhi, .step = cut->mode * cut->nhi, .shiftstep = cut->r0 * pass->ns * TZ_PANEL, .width = width};

        if (!Wanted(pass, i, i + 1)) continue;
        slice.units = pass->co->F[l] + j * cut->nhi * pass->nf * TZ_PANEL;
        slice.left  = pass->eval->layer[l].table + j * cut->nhi * width + 1 + r;
        slice.eps   = cut->Q + b * cut->nhi;
        slice.shift = pass->co->shift + a * pass->ns * TZ_PANEL;
        for (PetscInt h = 0; h < cut->nhi; h++) most = PetscMax(most, PetscAbsReal(slice.eps[h]));
        PetscCall(Slice(pass, l, i, &slice, most));
      }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z_h moves by mu */
static PetscErrorCode Biases(TzPass *pass, PetscInt l)
{
  const PetscInt r = pass->eval->layer[l].q, width = 1 + r + pass->eval->layer[l + 1].q, bias = pass->eval->net->layer[l].bias,
                 n      = pass->eval->net->layer[l].out;
  const PetscReal one   = 1;
  PetscReal      *shift = pass->co->shift;
  PetscInt        k0, k1;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(shift, pass->ns * TZ_PANEL));
  for (PetscInt i = 0; i < TZ_PANEL; i++) shift[i] = 1;
  (void)TzCoordinateOverlap(pass->q, bias, n, &k0, &k1);
  for (PetscInt k = k0; k < k1; k++) {
    const PetscInt h     = TzCoordinateAt(pass->q, k) - bias;
    TzSlice        slice = {.nlo = 1, .nhi = 1, .width = width, .eps = &one, .shift = shift};

    slice.units = pass->co->F[l] + h * pass->nf * TZ_PANEL;
    slice.left  = pass->eval->layer[l].table + h * width + 1 + r;
    PetscCall(Slice(pass, l, bias + h, &slice, 1));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------ linear coordinates ------------------------------------------------------ */

/*
  Sums over the units of layer l - 1 for an input core of layer l: T [r0][mode][c][b c'][PANEL] = sum_lo P (sum_hi Q U). For the last core, whose Q is the
  unit matrix, b = c' is left out.
*/
static PetscInt InputSums(TzPass *pass, PetscInt l, const TzCoreCut *cut)
{
  TzBondQueries   *co = pass->co;
  const TzKernels *k  = pass->eval->kernels;
  const PetscInt   c = pass->c, wide = cut->last ? 1 : cut->r1 * pass->eval->layer[l].q, row = cut->mode * c * wide;
  const PetscReal *R = co->U[l - 1];

  if (!cut->last) {
    R = co->R;
    for (PetscInt x = 0; x < cut->nlo * cut->mode; x++)
      for (PetscInt ch = 0; ch < c; ch++)
        (*k->combine)(pass->m, wide, cut->nhi, cut->Q, 1, wide, co->U[l - 1] + (x * cut->nhi * c + ch) * TZ_PANEL, c * TZ_PANEL,
                      co->R + (x * c + ch) * wide * TZ_PANEL, TZ_PANEL);
  }
  for (PetscInt y = 0; y < row; y++)
    (*k->combine)(pass->m, cut->r0, cut->nlo, cut->P, 1, cut->r0, R + y * TZ_PANEL, row * TZ_PANEL, co->T + y * TZ_PANEL, row * TZ_PANEL);
  return wide;
}

static PetscErrorCode InputCore(TzPass *pass, PetscInt l, const TzCoreCut *cut)
{
  const PetscInt c = pass->c, q = pass->eval->layer[l].q;
  PetscReal      delta[TZ_MAX_BOND * (TZ_MAX_BOND + 2) * TZ_PANEL];
  PetscInt       wide;

  PetscFunctionBegin;
  if (!Wanted(pass, cut->offset, cut->offset + cut->r0 * cut->mode * cut->r1)) PetscFunctionReturn(PETSC_SUCCESS);
  wide = InputSums(pass, l, cut);
  for (PetscInt aj = 0, i = cut->offset; aj < cut->r0 * cut->mode; aj++)
    for (PetscInt b = 0; b < cut->r1; b++, i++) {
      if (!Wanted(pass, i, i + 1)) continue;
      for (PetscInt s = 0; s < pass->q->nmu; s++) {
        const PetscReal mu = Step(pass, i, s);

        for (PetscInt j = 0; j < q; j++)
          for (PetscInt ch = 0; ch < c; ch++) {
            const PetscReal *from = pass->co->T + ((aj * c + ch) * wide + (cut->last ? 0 : b * q + j)) * TZ_PANEL, f = !cut->last || j == b ? mu : 0;
            PetscReal       *to = delta + (j * c + ch) * TZ_PANEL;

            for (PetscInt x = 0; x < TZ_PANEL; x++) to[x] = f * from[x];
          }
        PetscCall(Moved(pass, l, i, s, delta));
      }
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The dense last layer: its weights take the units' jets, its bias the value 1 */
static PetscErrorCode LastLayer(TzPass *pass)
{
  const TzLayer *layer = &pass->eval->net->layer[pass->eval->net->nhidden];
  const PetscInt c     = pass->c;
  PetscReal      f[(TZ_MAX_BOND + 2) * TZ_PANEL];
  PetscInt       k0, k1;

  PetscFunctionBegin;
  (void)TzCoordinateOverlap(pass->q, layer->weights, layer->in, &k0, &k1);
  for (PetscInt k = k0; k < k1; k++)
    for (PetscInt s = 0; s < pass->q->nmu; s++) {
      const PetscInt  h  = TzCoordinateAt(pass->q, k) - layer->weights;
      const PetscReal mu = Step(pass, layer->weights + h, s), *U = pass->co->U[pass->eval->net->nhidden - 1] + h * c * TZ_PANEL;

      for (PetscInt x = 0; x < c * TZ_PANEL; x++) f[x] = mu * U[x];
      PetscCall(Emit(pass, layer->weights + h, s, f));
    }
  if (!Wanted(pass, layer->bias, layer->bias + 1)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArrayzero(f, c * TZ_PANEL));
  for (PetscInt s = 0; s < pass->q->nmu; s++) {
    for (PetscInt x = 0; x < TZ_PANEL; x++) f[x] = Step(pass, layer->bias, s);
    PetscCall(Emit(pass, layer->bias, s, f));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------------------------- */

/* All coordinates on the panel X [m][in], with one form */
static PetscErrorCode Panel(TzPass *pass, const PetscReal X[])
{
  TzNetEval eval = pass->eval;

  PetscFunctionBegin;
  SetForm(pass);
  PetscCall(Base(pass, X));
  PetscCall(TzReachPrepare(pass));
  for (PetscInt l = 0; l < eval->net->nhidden; l++) {
    const TzTrain *train = pass->co->train[l];

    for (PetscInt k = l ? 0 : train->bond; k < train->ncores; k++) {
      if (k < train->bond) PetscCall(InputCore(pass, l, &pass->co->cut[l][k]));
      else PetscCall(OutputCore(pass, l, &pass->co->cut[l][k]));
    }
    PetscCall(Biases(pass, l));
  }
  PetscCall(LastLayer(pass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalCoordinates_Bonds(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *q)
{
  const TzJetShape *shape = q->shape;
  const PetscInt    c = shape ? 2 + eval->layer[0].q : 1, nf = shape ? TzJetFieldSize(shape) : 0, passes = shape ? PetscMax(1, shape->nforms) : 1;
  TzPass            pass = {.eval = eval, .shape = shape, .c = c, .ns = TZ_SHIFT_FIELDS(c), .nf = TZ_UNIT_FIELDS(c), .q = q};

  PetscFunctionBegin;
  pass.co = (TzBondQueries *)TzEvalAttached(eval, Destroy);
  if (!pass.co) {
    PetscCall(PetscNew(&pass.co));
    pass.co->hidden = eval->net->nhidden;
    PetscCall(TzEvalAttach(eval, Destroy, pass.co));
    PetscCall(TzReachCreate(eval, pass.co));
  }
  PetscCall(TzCutsPrepare(eval, pass.co));
  if (shape) PetscCall(TzJetsPrepare(eval, shape));
  PetscCall(Allocate(eval, pass.co, c));
  PetscCall(PetscMalloc1((size_t)q->count * q->nmu * (passes - 1) * TZ_PANEL, &pass.kept));
  for (pass.p0 = 0; pass.p0 < n; pass.p0 += TZ_PANEL) {
    pass.m = PetscMin(TZ_PANEL, n - pass.p0);
    if (nf) TzJetsPanel(eval, pass.m, F + pass.p0 * nf);
    for (pass.form = 0; pass.form < passes; pass.form++) PetscCall(Panel(&pass, X + pass.p0 * eval->net->in));
  }
  PetscCall(PetscFree(pass.kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

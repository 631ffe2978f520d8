/*
  The network at the nodes x + s z_j, x - s z_j of a symmetric stencil around many points.

  A node moves the pre-activations a = W_1 x + b_1 of the first layer by c_j = s W_1 z_j, which does not depend on the
  point. With sines (any harmonic activation), sin(a +- c) = sin a cos c +- cos a sin c, so the contracted input of the second layer is a matrix product
      Y(+-)[(p,k), j] = E +- O,  E = sum_h (sin a_ph L_hk) cos c_jh,  O = sum_h (cos a_ph L_hk) sin c_jh,
  and no sine is evaluated in layer 1 per node. Other activations take a +- c directly. The columns of E and O are computed
  on panels of TZ_PANEL pairs, and each panel goes through the remaining layers at once.

  -net_precision single takes E and O, where they are power series (series_first.c), in float and ends all series at remainders of that size.
*/
#include "../stencil/series_last.h"
#include "../stencil/series_first.h"

#define TZ_POINTS 128 /* points prepared at a time */

/* What does not depend on the nodes; kept while the binding and the points stay, for the next block of nodes */
typedef struct {
  PetscInt       serial, n;
  PetscReal     *X;       /* [n][in] */
  PetscReal     *a;       /* [panels of points][n_1][PANEL]: pre-activations of layer 1; harmonic: act(a) */
  PetscReal     *ca;      /* the same: act'(a) (harmonic only) */
  PetscReal     *S, *C;   /* [ceil(n q/GEMM)][n_1][GEMM]: act(a_ph) L_hk and act'(a_ph) L_hk, row (p, k) = p q + k */
  PetscReal     *f0;      /* [n] */
  PetscInt       version; /* counts the preparations */
  TzSeriesFirst *shift;   /* the first hidden layer at the nodes, as a power series, or NULL */
  TzSeriesLast  *series;  /* the last hidden layer around the points, or NULL */
} TzPoints;

static PetscErrorCode Destroy(PETSC_UNUSED TzNetEval eval, void *what)
{
  TzPoints *points = (TzPoints *)what;

  PetscFunctionBegin;
  PetscCall(PetscFree4(points->X, points->f0, points->a, points->ca));
  PetscCall(PetscFree2(points->S, points->C));
  PetscCall(TzSeriesLastDestroy(&points->series));
  PetscCall(TzSeriesFirstDestroy(&points->shift));
  PetscCall(PetscFree(points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline TzPoints *Points(TzNetEval eval)
{
  return (TzPoints *)TzEvalAttached(eval, Destroy);
}

/* The matrix product replaces the forming of activations where the second layer's bond is narrow */
static PetscBool UsesProduct(TzNetEval eval)
{
  return (PetscBool)(eval->net->act[0]->ops.harmonic && eval->layer[1].packed && eval->net->layer[1].contraction != TZ_CONTRACT_OPERATOR &&
                     eval->layer[1].q <= TZ_MAX_BOND);
}

static PetscErrorCode Allocate(TzNetEval eval)
{
  const PetscInt in = eval->net->in, n1 = eval->net->layer[0].out, lanes = (TZ_POINTS + TZ_PANEL - 1) / TZ_PANEL * TZ_PANEL;
  TzPoints      *pts;

  PetscFunctionBegin;
  PetscCall(PetscNew(&pts));
  PetscCall(PetscMalloc4((size_t)TZ_POINTS * in, &pts->X, TZ_POINTS, &pts->f0, (size_t)lanes * n1, &pts->a, (size_t)lanes * n1, &pts->ca));
  if (UsesProduct(eval)) {
    const PetscInt size = TZ_POINTS * eval->layer[1].q * n1; /* TZ_POINTS is a multiple of TZ_GEMM */
    PetscCall(PetscCalloc2(size, &pts->S, size, &pts->C));
    if (eval->net->series) {
      PetscCall(TzSeriesFirstCreate(eval, TZ_POINTS * eval->layer[1].q, &pts->shift));
      PetscCall(TzSeriesLastCreate(eval, 1, &pts->series));
    }
  }
  PetscCall(TzEvalAttach(eval, Destroy, pts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z [n_1][PANEL] = W_1 H, H [in][PANEL] */
static PetscErrorCode FirstLayer(TzNetEval eval, const PetscReal H[], PetscReal z[])
{
  PetscReal *y;

  PetscFunctionBegin;
  if (!eval->layer[0].right) { /* by the matrix, also where the layer is contracted core by core */
    const PetscInt   in = eval->net->in, q = eval->layer[0].q;
    const PetscReal *packed = TzEvalPacked(eval, 0);

    TzGemm(eval->kernels, TZ_PANEL, 1, q, in, packed, H, z);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_Y, (PetscInt64)eval->layer[0].q * TZ_PANEL, &y));
  PetscCall(TzEvalContract(eval, 0, 1, H, y));
  PetscCall(TzEvalExpand(eval, 0, 1, y, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void PackProducts(TzNetEval eval, TzPoints *pts)
{
  const PetscInt   q = eval->layer[1].q, n1 = eval->net->layer[0].out;
  const PetscReal *L = eval->layer[1].left;

  for (PetscInt row0 = 0; row0 < pts->n * q; row0 += TZ_GEMM) {
    const PetscInt rows = PetscMin(TZ_GEMM, pts->n * q - row0);
    PetscInt       at[TZ_GEMM], k[TZ_GEMM];

    for (PetscInt i = 0; i < rows; i++) {
      const PetscInt p = (row0 + i) / q;

      at[i] = p / TZ_PANEL * n1 * TZ_PANEL + p % TZ_PANEL;
      k[i]  = (row0 + i) % q;
    }
    for (PetscInt h = 0; h < n1; h++) {
      PetscReal *restrict S = pts->S + (row0 * n1 + h * TZ_GEMM), *restrict C = pts->C + (row0 * n1 + h * TZ_GEMM);

      for (PetscInt i = 0; i < rows; i++) {
        S[i] = pts->a[at[i] + h * TZ_PANEL] * L[h * q + k[i]];
        C[i] = pts->ca[at[i] + h * TZ_PANEL] * L[h * q + k[i]];
      }
    }
  }
}

/* Panel p of the points: pre-activations, or, where harmonic, the activations and their derivatives */
static PetscErrorCode PreparePanel(TzNetEval eval, TzPoints *pts, PetscInt p)
{
  const PetscInt   in = eval->net->in, n1 = eval->net->layer[0].out, m = PetscMin(TZ_PANEL, pts->n - p * TZ_PANEL);
  const PetscReal *bias = eval->theta + eval->net->layer[0].bias;
  PetscReal       *H, *unused, *a = pts->a + p * n1 * TZ_PANEL;

  PetscFunctionBegin;
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_IN, (PetscInt64)in * TZ_PANEL, &H));
  PetscCall(PetscArrayzero(H, in * TZ_PANEL));
  for (PetscInt i = 0; i < m; i++)
    for (PetscInt c = 0; c < in; c++) H[c * TZ_PANEL + i] = pts->X[(p * TZ_PANEL + i) * in + c];
  PetscCall(FirstLayer(eval, H, a));
  if (eval->net->act[0]->ops.harmonic) {
    PetscCall(TzEvalScratch(eval, TZ_SCRATCH_TABLE, (PetscInt64)n1 * TZ_PANEL, &unused));
    (*eval->kernels->activate)(eval->net->act[0], n1, bias, a, pts->ca + p * n1 * TZ_PANEL, unused);
  } else
    for (PetscInt h = 0; h < n1; h++)
      for (PetscInt i = 0; i < TZ_PANEL; i++) a[h * TZ_PANEL + i] += bias[h];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(TzNetEval eval, PetscInt n, const PetscReal X[])
{
  const PetscInt in = eval->net->in, np = (n + TZ_PANEL - 1) / TZ_PANEL;
  PetscReal     *Y;
  TzPoints      *pts;

  PetscFunctionBegin;
  if (!Points(eval)) PetscCall(Allocate(eval));
  pts = Points(eval);
  if (pts->serial == eval->serial && pts->n == n && !memcmp(pts->X, X, n * in * sizeof(*X))) PetscFunctionReturn(PETSC_SUCCESS);
  pts->serial = eval->serial;
  pts->n      = n;
  pts->version++;
  PetscCall(PetscArraycpy(pts->X, X, n * in));
  for (PetscInt p = 0; p < np; p++) PetscCall(PreparePanel(eval, pts, p));
  if (UsesProduct(eval)) PackProducts(eval, pts);
  if (pts->series) { /* the bond vectors of layer 2 at the points themselves */
    PetscCall(TzEvalScratch(eval, TZ_SCRATCH_Y, (PetscInt64)np * eval->layer[1].q * TZ_PANEL, &Y));
    PetscCall(TzEvalContract(eval, 1, np, pts->a, Y));
    PetscCall(TzSeriesLastSetPoints(pts->series, eval, n, Y));
  }
  PetscCall(TzNetEvalForward_Fast(eval, n, X, pts->f0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tables of pairs j0 <= j < j0 + m on one panel: S, C [n_1][PANEL] = sin c, cos c, or S = c; lanes from m on are the origin */
static PetscErrorCode Tables(TzNetEval eval, const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt m, PetscReal *C, PetscReal *S)
{
  const PetscInt in = eval->net->in, n1 = eval->net->layer[0].out;
  PetscReal     *H;

  PetscFunctionBegin;
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_IN, (PetscInt64)in * TZ_PANEL, &H));
  PetscCall(PetscArrayzero(H, in * TZ_PANEL));
  for (PetscInt j = 0; j < m; j++)
    for (PetscInt k = pairs->ptr[j0 + j]; k < pairs->ptr[j0 + j + 1]; k++) H[pairs->idx[k] * TZ_PANEL + j] = s * pairs->val[k];
  PetscCall(FirstLayer(eval, H, S));
  if (eval->net->act[0]->ops.harmonic) (*eval->kernels->sincos)(n1 * TZ_PANEL, S, S, C);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* f [2][PANEL]: values at the nodes + and - of one panel, f0 in the centre; even, odd [m] */
static void Differences(PetscInt m, PetscReal f0, const PetscReal f[], PetscReal even[], PetscReal odd[])
{
  for (PetscInt j = 0; j < m; j++) {
    even[j] = (f[j] - f0) + (f[TZ_PANEL + j] - f0);
    odd[j]  = f[j] - f[TZ_PANEL + j];
  }
}

/* Y [2][q][PANEL]: bond vectors E +- O at the nodes + and -, in single y_0 + (E +- O); E, O [q][PANEL] at number `at` of float or double arrays */
static void PlusMinus(TzNetEval eval, const TzPoints *pts, PetscBool single, PetscInt p, PetscInt at, TzNumbers E, TzNumbers O, PetscReal *Y)
{
  const PetscInt   q = eval->layer[1].q;
  const PetscReal *y0;

  if (!single) {
    (*eval->kernels->plusminus)(q * TZ_PANEL, E.d + at, O.d + at, Y, Y + q * TZ_PANEL);
    return;
  }
  y0 = TzSeriesLastGetCentre(pts->series, p);
  for (PetscInt k = 0; k < q; k++)
    for (PetscInt i = k * TZ_PANEL; i < (k + 1) * TZ_PANEL; i++) {
      const PetscReal e = E.f[at + i], o = O.f[at + i];

      Y[i]                = y0[k * TZ_PANEL] + (e + o);
      Y[q * TZ_PANEL + i] = y0[k * TZ_PANEL] + (e - o);
    }
}

/* C [rows][PANEL] = A_e^T X_e or A_o^T X_o, rows row0.. */
static void Half(const TzKernels *k, PetscBool single, PetscInt row0, PetscInt rows, PetscInt n, TzNumbers A, TzNumbers X, TzNumbers C)
{
  if (single) TzGemmSingle(k, rows, n, A.f + row0 * n, X.f, C.f);
  else TzGemm(k, TZ_PANEL, 1, rows, n, A.d + row0 * n, X.d, C.d);
}

/* One panel of nodes, all points, by the matrix product */
static PetscErrorCode PanelProduct(TzNetEval eval, const TzEvenOdd *eo, PetscInt m, PetscInt ld, PetscReal even[], PetscReal odd[])
{
  const TzPoints *pts = Points(eval);
  const PetscInt  q = eval->layer[1].q, most = 4 * TZ_GEMM; /* points at a time: most q rows */
  PetscReal      *Y, f[2 * TZ_PANEL];
  TzNumbers       E, O;
  PetscBool       series = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_Y, (PetscInt64)(2 * most + 2) * q * TZ_PANEL, &E.d)); /* the floats, half as long, in the same places */
  O.d = E.d + most * q * TZ_PANEL;
  Y   = O.d + most * q * TZ_PANEL;
  for (PetscInt p0 = 0; p0 < pts->n; p0 += most) {
    const PetscInt points = PetscMin(most, pts->n - p0);

    Half(eval->kernels, eo->single, p0 * q, points * q, eo->ke, eo->Ae, eo->Xe, E);
    Half(eval->kernels, eo->single, p0 * q, points * q, eo->ko, eo->Ao, eo->Xo, O);
    for (PetscInt p = 0; p < points; p++) {
      PlusMinus(eval, pts, eo->single, p0 + p, p * q * TZ_PANEL, E, O, Y);
      if (pts->series) PetscCall(TzSeriesLastEvaluate(pts->series, eval, p0 + p, Y, f, &series));
      if (!series) PetscCall(TzEvalTail(eval, 1, 2, Y, f));
      Differences(m, series ? 0 : pts->f0[p0 + p], f, even + (p0 + p) * ld, odd + (p0 + p) * ld);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One panel of nodes, all points, forming the activations of layer 1; several points at a time share the next matrix */
static PetscErrorCode PanelForm(TzNetEval eval, const PetscReal C[], const PetscReal S[], PetscInt m, PetscInt ld, PetscReal even[], PetscReal odd[])
{
  const TzPoints *pts = Points(eval);
  const PetscInt  n1 = eval->net->layer[0].out, q = eval->layer[1].q, most = 4;
  PetscReal      *H, *Y, f[2 * 4 * TZ_PANEL];

  PetscFunctionBegin;
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_OUT, (PetscInt64)2 * most * n1 * TZ_PANEL, &H));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_Y, (PetscInt64)2 * most * q * TZ_PANEL, &Y));
  for (PetscInt p0 = 0; p0 < pts->n; p0 += most) {
    const PetscInt points = PetscMin(most, pts->n - p0);

    for (PetscInt p = 0; p < points; p++) {
      const PetscInt at   = (p0 + p) / TZ_PANEL * n1 * TZ_PANEL + (p0 + p) % TZ_PANEL;
      PetscReal     *plus = H + 2 * p * n1 * TZ_PANEL;

      (*eval->kernels->shift)(eval->net->act[0], n1, pts->a + at, pts->ca + at, C, S, plus, plus + n1 * TZ_PANEL);
    }
    PetscCall(TzEvalContract(eval, 1, 2 * points, H, Y));
    PetscCall(TzEvalTail(eval, 1, 2 * points, Y, f));
    for (PetscInt p = 0; p < points; p++) Differences(m, pts->f0[p0 + p], f + 2 * p * TZ_PANEL, even + (p0 + p) * ld, odd + (p0 + p) * ld);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalStencil_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt j1,
                                     PetscReal f0[], PetscReal even[], PetscReal odd[])
{
  const PetscInt  ld = j1 - j0, n1 = eval->net->layer[0].out, in = eval->net->in;
  const PetscBool product = UsesProduct(eval);

  PetscFunctionBegin;
  for (PetscInt p0 = 0; p0 < n; p0 += TZ_POINTS) {
    const PetscInt points = PetscMin(TZ_POINTS, n - p0);
    PetscBool      series = PETSC_FALSE;
    TzPoints      *pts;
    TzEvenOdd      eo;

    PetscCall(Prepare(eval, points, X + p0 * in));
    pts = Points(eval);
    eo  = (TzEvenOdd){.ke = n1, .ko = n1, .Ae.d = pts->S, .Ao.d = pts->C};
    PetscCall(PetscArraycpy(f0 + p0, pts->f0, points));
    if (pts->shift) PetscCall(TzSeriesFirstSetPairs(pts->shift, eval, pairs, s, &series));
    if (series) PetscCall(TzSeriesFirstSetRows(pts->shift, eval, pts->version, points * eval->layer[1].q, pts->S, pts->C, &eo));
    for (PetscInt j = j0; j < j1; j += TZ_PANEL) {
      const PetscInt m = PetscMin(TZ_PANEL, j1 - j);
      PetscReal     *C, *e = even + p0 * ld + j - j0, *o = odd + p0 * ld + j - j0;

      if (series) PetscCall(TzSeriesFirstPanel(pts->shift, eval, pairs, s, j, m, &eo));
      else {
        PetscCall(TzEvalScratch(eval, TZ_SCRATCH_TABLE, (PetscInt64)2 * n1 * TZ_PANEL, &C));
        PetscCall(Tables(eval, pairs, s, j, m, C, C + n1 * TZ_PANEL));
        eo.Xe.d = C;
        eo.Xo.d = C + n1 * TZ_PANEL;
      }
      if (product) PetscCall(PanelProduct(eval, &eo, m, ld, e, o));
      else PetscCall(PanelForm(eval, eo.Xe.d, eo.Xo.d, m, ld, e, o));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

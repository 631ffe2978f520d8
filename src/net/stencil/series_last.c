/*
  The last hidden layer of a sine network over a stencil, as a power series.

  Seen from its bond, the last hidden layer is F(y) = sum_h w_h sin(b_h + B_h . y), y in R^r, and the nodes of a stencil move y only
  a little from the value y_0 at its centre. With z_h = b_h + B_h . y_0 and d = y - y_0,
      F(y) - F(y_0) = sum_{1 <= |alpha| <= m} c_alpha d^alpha + R,   c_alpha = sum_h (w_h B_h^alpha / alpha!) sin^(|alpha|)(z_h),
      |R| <= sum_h |w_h| |B_h . d|^(m+1)/(m+1)! <= M_(m+1) |d|^(m+1) sum_h |w_h|,   M_q = sum_h |w_h| |B_h|^q / (q! sum_h |w_h|).
  The order m is chosen for each point and panel of nodes so that M_(m+1) |d|^(m+1) is below the rounding unit, the error of a sine: the sum
  is exact in the sense in which the sines themselves are. All coefficients of all points are one matrix product per
  parameter vector, and a node costs C(m + r, r) multiply-adds instead of one sine for each of the layer's units. Where
  the bond is too wide or a step too long for that to pay, the caller evaluates the sines.
*/
#include "../stencil/series_last.h"
#include <private/tzcosts.h>

struct _TzSeriesLast {
  PetscInt     l, r, n; /* layer, its bond, its units */
  PetscBool    single;  /* -net_precision single */
  TzMultiIndex multiindex;
  PetscInt    *horner[TZ_MULTIINDEX_ORDER + 1];   /* for each order m: the terms in the order in which Horner's scheme takes them */
  PetscInt     serial, built;                     /* binding, highest order whose tables are built for it */
  PetscReal   *table;                             /* [terms][n]: w_h B_h^alpha / alpha! */
  PetscReal   *packed[TZ_MULTIINDEX_ORDER + 1];   /* [ceil(count/GEMM)][n][GEMM], with the sign of sin^(order) */
  PetscReal    norm;                              /* max_h |B_h| */
  PetscReal    moment[TZ_MULTIINDEX_ORDER + 2];   /* M_q */
  PetscInt     points, npmax;                     /* points; panels that there is room for */
  PetscInt    *order;                             /* [np]: highest order whose coefficients are known */
  PetscReal   *Y0, *S, *C;                        /* [np][r][PANEL], [np][n][PANEL] twice: bond vectors, sin z, cos z at the centres */
  PetscReal   *coeff;                             /* [np][terms][PANEL] */
  PetscBool   *have[TZ_MULTIINDEX_ORDER + 1];     /* for each order m, [np]: whether a panel's coefficients are gathered: */
  PetscReal   *gathered[TZ_MULTIINDEX_ORDER + 1]; /* [np PANEL][terms up to m] in Horner's order */
};

/* terms of order o */
static inline PetscInt Count(const TzSeriesLast *s, PetscInt o)
{
  return s->multiindex.first[o + 1] - s->multiindex.first[o];
}

PetscErrorCode TzSeriesLastCreate(TzNetEval eval, PetscInt l, TzSeriesLast **series)
{
  const PetscInt r = eval->layer[l].q, n = eval->net->layer[l].out;
  PetscReal      terms = 1;
  PetscInt       most  = 0;
  TzSeriesLast  *s;

  PetscFunctionBegin;
  *series = NULL;
  if (!eval->net->act[l]->ops.harmonic || !eval->layer[l].table || eval->layer[l + 1].q != 1 || l + 1 != eval->net->nhidden) PetscFunctionReturn(PETSC_SUCCESS);
  /* a unit costs r multiply-adds and its activation */
  while (most < TZ_MULTIINDEX_ORDER && r <= TZ_SERIES_MAX_BOND) {
    terms = terms * (r + most + 1) / (most + 1);
    if (terms > TZ_SERIES_TERMS || TZ_COST_SERIES_TERM * terms > (PetscReal)n * (r + TZ_COST_SINE)) break;
    most++;
  }
  if (most < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&s));
  s->l      = l;
  s->r      = r;
  s->n      = n;
  s->single = (PetscBool)(eval->net->precision == TZ_PRECISION_SINGLE);
  PetscCall(TzMultiIndexCreate(r, most, &s->multiindex));
  PetscCall(PetscMalloc1((size_t)s->multiindex.first[most + 1] * n, &s->table));
  for (PetscInt m = 1; m <= most; m++) {
    PetscCall(PetscMalloc1(s->multiindex.first[m + 1], &s->horner[m]));
    TzMultiIndexHorner(&s->multiindex, m, s->horner[m]);
    PetscCall(PetscCalloc1((Count(s, m) + TZ_GEMM - 1) / TZ_GEMM * n * TZ_GEMM, &s->packed[m]));
  }
  *series = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSeriesLastDestroy(TzSeriesLast **series)
{
  TzSeriesLast *s = *series;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt o = 0; o <= TZ_MULTIINDEX_ORDER; o++) {
    PetscCall(PetscFree(s->horner[o]));
    PetscCall(PetscFree(s->packed[o]));
    PetscCall(PetscFree2(s->have[o], s->gathered[o]));
  }
  PetscCall(TzMultiIndexDestroy(&s->multiindex));
  PetscCall(PetscFree(s->table));
  PetscCall(PetscFree5(s->order, s->Y0, s->S, s->C, s->coeff));
  PetscCall(PetscFree(*series));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tables up to order m for the present binding */
static void Build(TzSeriesLast *s, TzNetEval eval, PetscInt m)
{
  const PetscInt n = s->n;

  for (PetscInt h = 0; h < n && !s->built; h++) s->table[h] = eval->layer[s->l + 1].left[h];
  if (s->built < m) TzMultiIndexTable(&s->multiindex, eval->kernels, n, eval->layer[s->l].right, s->built + 1, m, s->table);
  for (PetscInt o = s->built + 1; o <= m; o++) {
    const PetscReal sign = o / 2 % 2 ? -1 : 1; /* sin, cos, -sin, -cos */

    for (PetscInt i = 0; i < Count(s, o); i += TZ_GEMM)
      (*eval->kernels->pack)(PetscMin(TZ_GEMM, Count(s, o) - i), n, sign, s->table + (s->multiindex.first[o] + i) * n, s->packed[o] + i * n);
  }
  s->built = PetscMax(s->built, m);
}

static void Moments(TzSeriesLast *s, TzNetEval eval)
{
  const PetscReal *B = eval->layer[s->l].right, *w = eval->layer[s->l + 1].left;
  PetscReal        sum = 0, factorial = 1;

  for (PetscInt q = 0; q < TZ_MULTIINDEX_ORDER + 2; q++) s->moment[q] = 0;
  for (PetscInt h = 0; h < s->n; h++) {
    PetscReal b2 = 0, term = PetscAbsReal(w[h]), b;

    for (PetscInt k = 0; k < s->r; k++) b2 += B[k * s->n + h] * B[k * s->n + h];
    b = PetscSqrtReal(b2);
    sum += term;
    for (PetscInt q = 1; q <= s->multiindex.most + 1; q++) s->moment[q] += term *= b;
  }
  for (PetscInt q = 1; q <= s->multiindex.most + 1; q++) {
    factorial *= q;
    s->moment[q] = sum == 0 ? 0 : s->moment[q] / (factorial * sum);
  }
}

/* The lowest order whose remainder is below the unit at a distance |d|; most + 1 if none is, or for a NaN */
static PetscInt Order(const TzSeriesLast *s, PetscReal distance)
{
  const PetscReal unit  = s->single ? TZ_UNIT_SINGLE * s->moment[2] * distance * distance : TZ_UNIT_DOUBLE;
  PetscReal       power = distance;

  for (PetscInt m = 1; m <= s->multiindex.most; m++) {
    power *= distance;
    if (s->moment[m + 1] * power <= unit) return m;
  }
  return s->multiindex.most + 1;
}

/* Points of panel p */
static inline PetscInt Lanes(const TzSeriesLast *s, PetscInt p)
{
  return PetscMin(TZ_PANEL, s->points - p * TZ_PANEL);
}

/* Y0 [ceil(n/PANEL)][r][PANEL]: bond vectors at n centres (copied), for the present binding */
PetscErrorCode TzSeriesLastSetPoints(TzSeriesLast *s, TzNetEval eval, PetscInt n, const PetscReal Y0[])
{
  const PetscInt terms = s->multiindex.first[s->multiindex.most + 1], np = (n + TZ_PANEL - 1) / TZ_PANEL;
  PetscReal     *unused;

  PetscFunctionBegin;
  if (np > s->npmax) {
    PetscCall(PetscFree5(s->order, s->Y0, s->S, s->C, s->coeff));
    PetscCall(
      PetscMalloc5(np, &s->order, np * s->r * TZ_PANEL, &s->Y0, np * s->n * TZ_PANEL, &s->S, np * s->n * TZ_PANEL, &s->C, np * terms * TZ_PANEL, &s->coeff));
    for (PetscInt m = 0; m <= TZ_MULTIINDEX_ORDER; m++) PetscCall(PetscFree2(s->have[m], s->gathered[m]));
    s->npmax = np;
  }
  if (s->serial != eval->serial) {
    s->serial = eval->serial;
    s->built  = 0;
    s->norm   = TzMultiIndexNorm(s->r, s->n, eval->layer[s->l].right);
    Moments(s, eval);
  }
  s->points = n;
  for (PetscInt m = 0; m <= TZ_MULTIINDEX_ORDER; m++)
    if (s->have[m]) PetscCall(PetscArrayzero(s->have[m], s->npmax));
  PetscCall(PetscArraycpy(s->Y0, Y0, np * s->r * TZ_PANEL));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_H, (PetscInt64)s->n * TZ_PANEL, &unused));
  for (PetscInt p = 0; p < np; p++) {
    const PetscReal *y = s->Y0 + p * s->r * TZ_PANEL;

    s->order[p] = 0;
    (*eval->kernels->expand)(Lanes(s, p), eval->net->act[s->l], s->n, s->r, eval->layer[s->l].table, 2 + s->r, y, s->S + p * s->n * TZ_PANEL,
                             s->C + p * s->n * TZ_PANEL, unused, NULL, TzEvalIsBig(eval, s->l, TZ_PANEL, y));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coefficients of all points of panel p up to order m */
static void Coefficients(TzSeriesLast *s, TzNetEval eval, PetscInt p, PetscInt m)
{
  Build(s, eval, m);
  for (PetscInt o = s->order[p] + 1; o <= m; o++) {
    const PetscReal *X = (o % 2 ? s->C : s->S) + p * s->n * TZ_PANEL;
    PetscReal       *c = s->coeff + (p * s->multiindex.first[s->multiindex.most + 1] + s->multiindex.first[o]) * TZ_PANEL;

    TzGemm(eval->kernels, Lanes(s, p), 1, Count(s, o), s->n, s->packed[o], X, c);
  }
  s->order[p] = PetscMax(s->order[p], m);
}

/* Each point's coefficients up to order m one after the other, in the order in which Horner's scheme takes them: for all points of panel p */
static PetscErrorCode Gather(TzSeriesLast *s, TzNetEval eval, PetscInt p, PetscInt m)
{
  const PetscInt   n = s->multiindex.first[m + 1];
  const PetscReal *c;
  PetscReal       *to;

  PetscFunctionBegin;
  if (!s->have[m]) PetscCall(PetscCalloc2(s->npmax, &s->have[m], s->npmax * TZ_PANEL * n, &s->gathered[m]));
  if (s->have[m][p]) PetscFunctionReturn(PETSC_SUCCESS);
  s->have[m][p] = PETSC_TRUE;
  PetscCall(TzSeriesLastGetCoefficients(s, eval, p, m, &c));
  to = s->gathered[m] + p * TZ_PANEL * n;
  for (PetscInt i0 = 0; i0 < n; i0 += TZ_GEMM) /* a cache line of each point at a time */
    for (PetscInt l = 0; l < Lanes(s, p); l++)
      for (PetscInt i = i0; i < PetscMin(i0 + TZ_GEMM, n); i++) to[l * n + i] = s->horner[m][i] ? c[s->horner[m][i] * TZ_PANEL + l] : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Y [2][r][PANEL]: bond vectors at the nodes + and - of a panel around point p; df [2][PANEL] = F(Y) - F(y_0).
  *done false: the series does not reach that far (df is not set). The result depends on the point and the panel alone.
*/
PetscErrorCode TzSeriesLastEvaluate(TzSeriesLast *s, TzNetEval eval, PetscInt p, const PetscReal Y[], PetscReal df[], PetscBool *done)
{
  const PetscInt   panel = p / TZ_PANEL, r = s->r;
  const PetscReal *y0 = TzSeriesLastGetCentre(s, p);
  const PetscReal *coeff;
  PetscReal        delta[2 * TZ_SERIES_MAX_BOND * TZ_PANEL], norm[TZ_PANEL], longest = 0;
  PetscInt         m;

  PetscFunctionBegin;
  for (PetscInt side = 0; side < 2; side++) {
    for (PetscInt i = 0; i < TZ_PANEL; i++) norm[i] = 0;
    for (PetscInt k = 0; k < r; k++)
      for (PetscInt i = 0; i < TZ_PANEL; i++) {
        const PetscReal d = Y[(side * r + k) * TZ_PANEL + i] - y0[k * TZ_PANEL];

        delta[(side * r + k) * TZ_PANEL + i] = d;
        norm[i] += d * d;
      }
    for (PetscInt i = 0; i < TZ_PANEL; i++) longest = norm[i] > longest ? norm[i] : longest;
  }
  m     = Order(s, PetscSqrtReal(longest));
  *done = (PetscBool)(m <= s->multiindex.most);
  if (!*done) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Gather(s, eval, panel, m));
  coeff = s->gathered[m] + p * s->multiindex.first[m + 1];
  for (PetscInt side = 0; side < 2; side++) (*eval->kernels->horner)(r, m, coeff, delta + side * r * TZ_PANEL, df + side * TZ_PANEL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The bond vector y_0 of point p, PANEL apart */
const PetscReal *TzSeriesLastGetCentre(const TzSeriesLast *s, PetscInt p)
{
  return s->Y0 + p / TZ_PANEL * s->r * TZ_PANEL + p % TZ_PANEL;
}

/* The multi-indices, and max_h |B_h| of the present binding */
void TzSeriesLastGetMultiIndex(const TzSeriesLast *s, const TzMultiIndex **multiindex, PetscReal *norm)
{
  *multiindex = &s->multiindex;
  *norm       = s->norm;
}

/* coeff [first[m+1]][PANEL] of panel p, valid for the orders 1..m until the next call for higher ones */
PetscErrorCode TzSeriesLastGetCoefficients(TzSeriesLast *s, TzNetEval eval, PetscInt p, PetscInt m, const PetscReal *coeff[])
{
  PetscFunctionBegin;
  if (s->order[p] < m) Coefficients(s, eval, p, m);
  *coeff = s->coeff + p * s->multiindex.first[s->multiindex.most + 1] * TZ_PANEL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

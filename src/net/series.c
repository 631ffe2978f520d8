/*
  The last hidden layer of a sine network over a stencil, as a power series.

  Seen from its bond, the last hidden layer is F(y) = sum_h w_h sin(b_h + B_h . y), y in R^r, and the nodes of a stencil move y only
  a little from the value y_0 at its centre. With z_h = b_h + B_h . y_0 and d = y - y_0,
      F(y) - F(y_0) = sum_{1 <= |alpha| <= m} c_alpha d^alpha + R,   c_alpha = sum_h (w_h B_h^alpha / alpha!) sin^(|alpha|)(z_h),
      |R| <= sum_h |w_h| delta^(m+1)/(m+1)!,   delta = max_h |B_h . d| <= max_h |B_h| |d|.
  The order m is chosen for each point and panel of nodes so that delta^(m+1)/(m+1)! is below the rounding unit: the sum
  is exact in the sense in which the sines themselves are. All coefficients of all points are one matrix product per
  parameter vector, and a node costs C(m + r, r) multiply-adds instead of one sine for each of the layer's units. Where
  the bond is too wide or a step too long for that to pay, the caller evaluates the sines.
*/
#include "series.h"

struct _TzSeries {
  PetscInt   l, r, n; /* layer, its bond, its units */
  TzTaylor   taylor;
  PetscInt  *horner[TZ_TAYLOR_ORDER + 1]; /* for each order m: the terms in the order in which Horner's scheme takes them */
  PetscInt   serial, built;               /* binding, highest order whose tables are built for it */
  PetscReal *table;                       /* [terms][n]: w_h B_h^alpha / alpha! */
  PetscReal *packed[TZ_TAYLOR_ORDER + 1]; /* [ceil(count/GEMM)][n][GEMM], with the sign of sin^(order) */
  PetscReal  norm;                        /* max_h |B_h| */
  PetscInt   points, npmax;               /* points; panels that there is room for */
  PetscInt  *order;                       /* [np]: highest order whose coefficients are known */
  PetscReal *Y0, *S, *C;                  /* [np][r][PANEL], [np][n][PANEL] twice: bond vectors, sin z, cos z at the centres */
  PetscReal *coeff;                       /* [np][terms][PANEL] */
  PetscInt  *gatheredorder;               /* [np PANEL]: the order for which a point's coefficients are gathered, or 0 */
  PetscReal *gathered;                    /* [np PANEL][terms] in Horner's order */
};

/* terms of order o */
static inline PetscInt Count(const TzSeries *s, PetscInt o)
{
  return s->taylor.first[o + 1] - s->taylor.first[o];
}

PetscErrorCode TzSeriesCreate(TzNetEval eval, PetscInt l, TzSeries **series)
{
  const PetscInt r = eval->layer[l].q, n = eval->net->layer[l].out;
  PetscReal      terms = 1;
  PetscInt       most  = 0;
  TzSeries      *s;

  PetscFunctionBegin;
  *series = NULL;
  if (eval->net->act != TZ_ACT_SINE || !eval->layer[l].table || eval->layer[l + 1].q != 1 || l + 1 != eval->net->nhidden) PetscFunctionReturn(PETSC_SUCCESS);
  /* a unit costs r multiply-adds, a sine (17 operations) and the dot product; a term one multiply-add and its share of the coefficients' product */
  while (most < TZ_TAYLOR_ORDER && r <= TZ_SERIES_MAX_BOND) {
    terms = terms * (r + most + 1) / (most + 1);
    if (terms > TZ_SERIES_TERMS || 2.5 * terms > (PetscReal)n * (r + 18)) break;
    most++;
  }
  if (most < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&s));
  s->l = l;
  s->r = r;
  s->n = n;
  PetscCall(TzTaylorCreate(r, most, &s->taylor));
  PetscCall(PetscMalloc1(s->taylor.first[most + 1] * n, &s->table));
  for (PetscInt m = 1; m <= most; m++) {
    PetscCall(PetscMalloc1(s->taylor.first[m + 1], &s->horner[m]));
    TzTaylorHorner(&s->taylor, m, s->horner[m]);
    PetscCall(PetscCalloc1((Count(s, m) + TZ_GEMM - 1) / TZ_GEMM * n * TZ_GEMM, &s->packed[m]));
  }
  *series = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSeriesDestroy(TzSeries **series)
{
  TzSeries *s = *series;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt o = 0; o <= TZ_TAYLOR_ORDER; o++) {
    PetscCall(PetscFree(s->horner[o]));
    PetscCall(PetscFree(s->packed[o]));
  }
  PetscCall(TzTaylorDestroy(&s->taylor));
  PetscCall(PetscFree(s->table));
  PetscCall(PetscFree7(s->order, s->Y0, s->S, s->C, s->coeff, s->gatheredorder, s->gathered));
  PetscCall(PetscFree(*series));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tables up to order m for the present binding */
static void Build(TzSeries *s, TzNetEval eval, PetscInt m)
{
  const PetscInt n = s->n;

  for (PetscInt h = 0; h < n && !s->built; h++) s->table[h] = eval->layer[s->l + 1].left[h];
  if (s->built < m) TzTaylorTable(&s->taylor, eval->kernels, n, eval->layer[s->l].right, s->built + 1, m, s->table);
  for (PetscInt o = s->built + 1; o <= m; o++) {
    const PetscReal sign = o / 2 % 2 ? -1 : 1; /* sin, cos, -sin, -cos */

    for (PetscInt i = 0; i < Count(s, o); i += TZ_GEMM)
      (*eval->kernels->pack)(PetscMin(TZ_GEMM, Count(s, o) - i), n, sign, s->table + (s->taylor.first[o] + i) * n, s->packed[o] + i * n);
  }
  s->built = PetscMax(s->built, m);
}

/* Points of panel p */
static inline PetscInt Lanes(const TzSeries *s, PetscInt p)
{
  return PetscMin(TZ_PANEL, s->points - p * TZ_PANEL);
}

/* Y0 [ceil(n/PANEL)][r][PANEL]: bond vectors at n centres (copied), for the present binding */
PetscErrorCode TzSeriesSetPoints(TzSeries *s, TzNetEval eval, PetscInt n, const PetscReal Y0[])
{
  const PetscInt terms = s->taylor.first[s->taylor.most + 1], np = (n + TZ_PANEL - 1) / TZ_PANEL;
  PetscReal     *unused;

  PetscFunctionBegin;
  if (np > s->npmax) {
    PetscCall(PetscFree7(s->order, s->Y0, s->S, s->C, s->coeff, s->gatheredorder, s->gathered));
    PetscCall(PetscMalloc7(np, &s->order, np * s->r * TZ_PANEL, &s->Y0, np * s->n * TZ_PANEL, &s->S, np * s->n * TZ_PANEL, &s->C, np * terms * TZ_PANEL,
                           &s->coeff, np * TZ_PANEL, &s->gatheredorder, np * TZ_PANEL * terms, &s->gathered));
    s->npmax = np;
  }
  if (s->serial != eval->serial) {
    s->serial = eval->serial;
    s->built  = 0;
    s->norm   = TzTaylorNorm(s->r, s->n, eval->layer[s->l].right);
  }
  s->points = n;
  PetscCall(PetscArrayzero(s->gatheredorder, np * TZ_PANEL));
  PetscCall(PetscArraycpy(s->Y0, Y0, np * s->r * TZ_PANEL));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_H, s->n * TZ_PANEL, &unused));
  for (PetscInt p = 0; p < np; p++) {
    const PetscReal *y = s->Y0 + p * s->r * TZ_PANEL;

    s->order[p] = 0;
    (*eval->kernels->expand)(Lanes(s, p), TZ_ACT_SINE, s->n, s->r, eval->layer[s->l].table, 2 + s->r, y, s->S + p * s->n * TZ_PANEL, s->C + p * s->n * TZ_PANEL,
                             unused, TzEvalIsBig(eval, s->l, TZ_PANEL, y));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coefficients of all points of panel p up to order m */
static void Coefficients(TzSeries *s, TzNetEval eval, PetscInt p, PetscInt m)
{
  Build(s, eval, m);
  for (PetscInt o = s->order[p] + 1; o <= m; o++) {
    const PetscReal *X = (o % 2 ? s->C : s->S) + p * s->n * TZ_PANEL;
    PetscReal       *c = s->coeff + (p * s->taylor.first[s->taylor.most + 1] + s->taylor.first[o]) * TZ_PANEL;

    for (PetscInt i = 0; i < Count(s, o); i += TZ_GEMM)
      (*eval->kernels->gemm)(Lanes(s, p), PetscMin(TZ_GEMM, Count(s, o) - i), s->n, s->packed[o] + i * s->n, X, c + i * TZ_PANEL, PETSC_FALSE);
  }
  s->order[p] = PetscMax(s->order[p], m);
}

/*
  Y [2][r][PANEL]: bond vectors at the nodes + and - of a panel around point p; df [2][PANEL] = F(Y) - F(y_0).
  *done false: the series does not reach that far (df is not set). The result depends on the point and the panel alone.
*/
PetscErrorCode TzSeriesEvaluate(TzSeries *s, TzNetEval eval, PetscInt p, const PetscReal Y[], PetscReal df[], PetscBool *done)
{
  const PetscInt   panel = p / TZ_PANEL, lane = p % TZ_PANEL, r = s->r;
  const PetscReal *y0 = s->Y0 + panel * r * TZ_PANEL + lane;
  PetscReal       *gathered;
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
  m     = TzTaylorOrder(s->norm * PetscSqrtReal(longest), s->taylor.most);
  *done = (PetscBool)(m <= s->taylor.most);
  if (!*done) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->order[panel] < m) Coefficients(s, eval, panel, m);
  gathered = s->gathered + p * s->taylor.first[s->taylor.most + 1];
  if (s->gatheredorder[p] != m) {
    const PetscReal *c = s->coeff + panel * s->taylor.first[s->taylor.most + 1] * TZ_PANEL + lane;

    for (PetscInt i = 0; i < s->taylor.first[m + 1]; i++) gathered[i] = s->horner[m][i] ? c[s->horner[m][i] * TZ_PANEL] : 0;
    s->gatheredorder[p] = m;
  }
  for (PetscInt side = 0; side < 2; side++) (*eval->kernels->horner)(r, m, gathered, delta + side * r * TZ_PANEL, df + side * TZ_PANEL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The multi-indices, and max_h |B_h| of the present binding */
void TzSeriesGetTaylor(const TzSeries *s, const TzTaylor **taylor, PetscReal *norm)
{
  *taylor = &s->taylor;
  *norm   = s->norm;
}

/* coeff [first[m+1]][PANEL] of panel p, valid for the orders 1..m until the next call for higher ones */
PetscErrorCode TzSeriesGetCoefficients(TzSeries *s, TzNetEval eval, PetscInt p, PetscInt m, const PetscReal *coeff[])
{
  PetscFunctionBegin;
  if (s->order[p] < m) Coefficients(s, eval, p, m);
  *coeff = s->coeff + p * s->taylor.first[s->taylor.most + 1] * TZ_PANEL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

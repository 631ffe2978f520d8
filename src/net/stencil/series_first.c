/*
  The first hidden layer of a sine network over a stencil, as a power series.

  Through a bond of rank r, a node moves the pre-activations by c_h = B_h . d with d = s A^T z_j in R^r, the same d for all
  points. The products of stencil.c,
      E = sum_h S_h cos c_h,   O = sum_h C_h sin c_h   (a row of S, C for each point and column of the next layer),
  are then sums over the monomials of d,
      E = sum_{|alpha| even} [sum_h S_h (-1)^(|alpha|/2) B_h^alpha/alpha!] d^alpha,   O likewise with odd |alpha| and C,
  up to an order m whose remainder max_h |c_h|^(m+1)/(m+1)! is below the rounding unit. The brackets are one matrix product for all
  rows, and then a node costs C(m + r, r) multiply-adds a row instead of two for each unit.

  -net_precision single: tables, brackets and monomials are float, the term of order 0 is left out, so that E is its difference from the
  centre, and m is the order whose remainder is below the rounding of the next term, c^2/2. What is off is then relative to the differences.
*/
#include "../stencil/series_first.h"
#include <private/tzcosts.h>
#include "../stencil/multiindex.h"

#define TZ_SHIFT_TERMS 1024 /* most terms */

struct _TzSeriesFirst {
  PetscInt       r, n, most;
  TzMultiIndex   multiindex;
  PetscInt       m;             /* order for the present stencil */
  PetscInt       terms[2];      /* even and odd terms up to it */
  PetscInt       serial, built; /* binding and order of the tables */
  PetscReal      norm;          /* max_h |B_h| */
  PetscReal     *table;         /* [terms][n]: B_h^alpha / alpha! */
  PetscBool      single;        /* -net_precision single: X, A, mono, S are float, otherwise double */
  TzNumbers      X[2];          /* [ceil(terms/PANEL)][n][PANEL]: even and odd rows of the table with their signs */
  float         *S;             /* single: [ceil(rows/GEMM)][n][GEMM], rows of S or C rounded */
  PetscInt       pairsserial;   /* binding and stencil that `longest` belongs to */
  const TzPairs *pairs;
  PetscReal      key[4], longest;
  PetscInt       version, rows, done; /* what the factors belong to: contents, number of rows, order */
  TzNumbers      A[2];                /* [ceil(rows/GEMM)][terms][GEMM] */
  TzNumbers      mono[2];             /* [terms][PANEL]: monomials of a panel of nodes, even and odd */
  PetscReal     *all;                 /* the same in graded order */
};

static inline void Put(const TzSeriesFirst *t, TzNumbers array, PetscInt i, PetscReal value)
{
  if (t->single) array.f[i] = (float)value;
  else array.d[i] = value;
}

static PetscErrorCode Allocate(const TzSeriesFirst *t, PetscInt n, TzNumbers *array)
{
  PetscFunctionBegin;
  if (t->single) PetscCall(PetscMalloc1(n, &array->f));
  else PetscCall(PetscMalloc1(n, &array->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Free(const TzSeriesFirst *t, TzNumbers *array)
{
  PetscFunctionBegin;
  if (t->single) PetscCall(PetscFree(array->f));
  else PetscCall(PetscFree(array->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSeriesFirstCreate(TzNetEval eval, PetscInt rows, TzSeriesFirst **shift)
{
  const TzBound *b     = &eval->layer[0];
  PetscReal      terms = 1;
  PetscInt       most  = 0, size;
  TzSeriesFirst *s;

  PetscFunctionBegin;
  *shift = NULL;
  if (!b->right) PetscFunctionReturn(PETSC_SUCCESS);
  while (most < TZ_MULTIINDEX_ORDER) {
    terms = terms * (b->q + most + 1) / (most + 1);
    if (terms > TZ_SHIFT_TERMS) break;
    most++;
  }
  if (most < 3) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&s));
  s->r      = b->q;
  s->n      = eval->net->layer[0].out;
  s->most   = most;
  s->single = (PetscBool)(eval->net->precision == TZ_PRECISION_SINGLE);
  PetscCall(TzMultiIndexCreate(s->r, most, &s->multiindex));
  size = s->multiindex.first[most + 1];
  rows = (rows + TZ_GEMM - 1) / TZ_GEMM * TZ_GEMM;
  PetscCall(PetscMalloc1((size_t)size * s->n, &s->table));
  PetscCall(PetscMalloc1(size * TZ_PANEL, &s->all));
  for (int o = 0; o < 2; o++) { /* each parity has less than the whole */
    PetscCall(Allocate(s, (size + TZ_PANEL) * s->n, &s->X[o]));
    PetscCall(Allocate(s, size * rows, &s->A[o]));
    PetscCall(Allocate(s, size * TZ_PANEL, &s->mono[o]));
  }
  if (s->single) PetscCall(PetscMalloc1((size_t)rows * s->n, &s->S));
  for (PetscInt h = 0; h < s->n; h++) s->table[h] = 1;
  *shift = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSeriesFirstDestroy(TzSeriesFirst **shift)
{
  TzSeriesFirst *s = *shift;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzMultiIndexDestroy(&s->multiindex));
  PetscCall(PetscFree(s->table));
  PetscCall(PetscFree(s->all));
  PetscCall(PetscFree(s->S));
  for (int o = 0; o < 2; o++) {
    PetscCall(Free(s, &s->X[o]));
    PetscCall(Free(s, &s->A[o]));
    PetscCall(Free(s, &s->mono[o]));
  }
  PetscCall(PetscFree(*shift));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d [r] = s A^T z_j */
static inline void Displacement(const TzSeriesFirst *t, TzNetEval eval, const TzPairs *pairs, PetscReal s, PetscInt j, PetscReal d[])
{
  const PetscReal *A = eval->layer[0].left;

  for (PetscInt k = 0; k < t->r; k++) d[k] = 0;
  for (PetscInt l = pairs->ptr[j]; l < pairs->ptr[j + 1]; l++)
    for (PetscInt k = 0; k < t->r; k++) d[k] += s * pairs->val[l] * A[pairs->idx[l] * t->r + k];
}

/* The longest displacement of all pairs: the order must not depend on which nodes a rank has. Kept for the blocks of one stencil. */
static PetscReal Longest(TzSeriesFirst *t, TzNetEval eval, const TzPairs *pairs, PetscReal s)
{
  const PetscInt  last   = pairs->ptr[pairs->npairs] - 1;
  const PetscReal key[4] = {s, (PetscReal)pairs->npairs, last < 0 ? 0 : pairs->val[0], last < 0 ? 0 : pairs->val[last]};
  PetscReal d[TZ_SHIFT_TERMS];

  if (t->pairsserial == eval->serial && t->pairs == pairs && !memcmp(key, t->key, sizeof(key))) return t->longest;
  t->pairsserial = eval->serial;
  t->pairs       = pairs;
  t->longest     = 0;
  memcpy(t->key, key, sizeof(key));
  for (PetscInt j = 0; j < pairs->npairs; j++) {
    PetscReal d2 = 0;

    Displacement(t, eval, pairs, s, j, d);
    for (PetscInt k = 0; k < t->r; k++) d2 += d[k] * d[k];
    t->longest = PetscMax(t->longest, d2);
  }
  return t->longest = PetscSqrtReal(t->longest);
}

PetscErrorCode TzSeriesFirstSetPairs(TzSeriesFirst *t, TzNetEval eval, const TzPairs *pairs, PetscReal s, PetscBool *use)
{
  PetscReal terms, delta;

  PetscFunctionBegin;
  if (t->serial != eval->serial) {
    t->serial = eval->serial;
    t->built  = 0;
    t->done   = 0;
    t->norm   = TzMultiIndexNorm(t->r, t->n, eval->layer[0].right);
  }
  delta = t->norm * Longest(t, eval, pairs, s);
  t->m  = TzMultiIndexOrder(delta, t->single ? TZ_UNIT_SINGLE * delta * delta : TZ_UNIT_DOUBLE, t->most);
  *use  = PETSC_FALSE;
  if (t->m > t->most) PetscFunctionReturn(PETSC_SUCCESS);
  t->terms[0] = t->terms[1] = 0;
  for (PetscInt o = 0; o <= t->m; o++) t->terms[o % 2] += t->multiindex.first[o + 1] - t->multiindex.first[o];
  /* a row costs terms n for the brackets and terms for each pair, against 2 n for each pair */
  terms = t->terms[0] + t->terms[1];
  *use  = (PetscBool)(TZ_COST_SERIES_TABLES * terms * ((PetscReal)t->n + pairs->npairs) < 2 * (PetscReal)t->n * pairs->npairs);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tables of the binding as panels: rows of the orders 0, 2, .. and 1, 3, .. one after the other, with the signs of cosine and sine */
static void Build(TzSeriesFirst *t, TzNetEval eval)
{
  const PetscInt n     = t->n;
  PetscInt       at[2] = {0, 0};

  if (t->built >= t->m) return;
  TzMultiIndexTable(&t->multiindex, eval->kernels, n, eval->layer[0].right, t->built + 1, t->m, t->table);
  t->built = t->m;
  for (PetscInt o = 0; o <= t->m; o++) {
    const PetscReal sign = o / 2 % 2 ? -1 : 1;

    for (PetscInt i = t->multiindex.first[o]; i < t->multiindex.first[o + 1]; i++) {
      const PetscInt   row = at[o % 2]++, to = row / TZ_PANEL * n * TZ_PANEL + row % TZ_PANEL;
      const PetscReal *from = t->table + i * n;

      for (PetscInt h = 0; h < n; h++) Put(t, t->X[o % 2], to + h * TZ_PANEL, sign * from[h]);
    }
  }
}

/* T [rows][PANEL] = row^T X: the brackets of `lanes` terms from c on, for a multiple of GEMM rows; float or double as X is */
static void Brackets(TzSeriesFirst *t, TzNetEval eval, int parity, PetscInt c, PetscInt lanes, PetscInt rows, const PetscReal row[], TzNumbers T)
{
  if (t->single) TzGemmSingle(eval->kernels, rows, t->n, t->S, t->X[parity].f + c * t->n, T.f);
  else TzGemm(eval->kernels, lanes, 1, rows, t->n, row, t->X[parity].d + c * t->n, T.d);
}

PetscErrorCode TzSeriesFirstSetRows(TzSeriesFirst *t, TzNetEval eval, PetscInt version, PetscInt rows, const PetscReal S[], const PetscReal C[], TzEvenOdd *eo)
{
  const PetscInt padded = (rows + TZ_GEMM - 1) / TZ_GEMM * TZ_GEMM;
  TzNumbers      T;

  PetscFunctionBegin;
  Build(t, eval);
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_Y, (PetscInt64)padded * TZ_PANEL, &T.d)); /* the floats, half as long, in the same place */
  for (int o = 0; o < 2 && !(t->version == version && t->rows == rows && t->done == t->m); o++) {
    const PetscInt   k   = t->terms[o];
    const PetscReal *row = o ? C : S;

    for (PetscInt i = 0; t->single && i < padded * t->n; i++) t->S[i] = (float)row[i];
    for (PetscInt c = 0; c < k; c += TZ_PANEL) {
      const PetscInt lanes = PetscMin(TZ_PANEL, k - c);

      Brackets(t, eval, o, c, lanes, padded, row, T);
      for (PetscInt i = 0; i < padded; i += TZ_GEMM)
        for (PetscInt l = 0; l < lanes; l++)
          for (PetscInt j = 0; j < TZ_GEMM; j++) {
            const PetscInt from = (i + j) * TZ_PANEL + l;

            Put(t, t->A[o], i * k + (c + l) * TZ_GEMM + j, t->single ? T.f[from] : T.d[from]);
          }
    }
  }
  t->version = version;
  t->rows    = rows;
  t->done    = t->m;
  eo->single = t->single;
  eo->ke     = t->terms[0];
  eo->ko     = t->terms[1];
  eo->Ae     = t->A[0];
  eo->Ao     = t->A[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSeriesFirstPanel(TzSeriesFirst *t, TzNetEval eval, const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt m, TzEvenOdd *eo)
{
  const TzMultiIndex *y = &t->multiindex;
  PetscReal           d[TZ_SHIFT_TERMS], delta[TZ_SHIFT_TERMS * TZ_PANEL];
  PetscInt            at[2] = {0, 0};

  PetscFunctionBegin;
  for (PetscInt j = 0; j < TZ_PANEL; j++) {
    if (j < m) Displacement(t, eval, pairs, s, j0 + j, d);
    for (PetscInt k = 0; k < t->r; k++) delta[k * TZ_PANEL + j] = j < m ? d[k] : 0;
  }
  for (PetscInt o = 0; o <= t->m; o++)
    for (PetscInt i = y->first[o]; i < y->first[o + 1]; i++) {
      const PetscInt mono    = at[o % 2]++ * TZ_PANEL;
      PetscReal *restrict to = t->all + i * TZ_PANEL;

      for (PetscInt j = 0; j < TZ_PANEL; j++) to[j] = o ? t->all[y->parent[i] * TZ_PANEL + j] * delta[y->variable[i] * TZ_PANEL + j] : 1;
      for (PetscInt j = 0; j < TZ_PANEL; j++) Put(t, t->mono[o % 2], mono + j, t->single && !o ? 0 : to[j]);
    }
  eo->Xe = t->mono[0];
  eo->Xo = t->mono[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  "smolyak": the sparse grid of level k in D dimensions from V_l = the l-point Gauss-Hermite rule for N(0,1), l = 1, 2, ...

      A = sum over l >= 1, max(D,k) <= |l| <= k+D-1, of (-1)^(k+D-1-|l|) C(D-1, k+D-1-|l|) V_l1 x ... x V_lD,   equal nodes merged.

  Which nodes are equal: the Hermite polynomials (without the factor x) are irreducible over the rationals (Schur 1931), so two rules V_l
  share no node but 0. A node with the entries x_1..x_m (x_i != 0 from V_l_i, with weight w_i there) on m axes, 0 on all others, comes from
  those tensor products that have l_i on these axes and any odd l on the others. With W(s) = sum over odd l of w_l(0) s^(l-1) its weights sum up to

      w_1 ... w_m (-1)^q  [coefficient of s^q in (1+s)^(D-1) W(s)^(D-m)],   q = k-1 - sum_i (l_i - 1) >= 0:

  a sum of positive numbers, without cancellation, that depends on m and q only. So the multi-indices are never enumerated, only
  the nodes: sequences (x_1..x_m), times the choices of m axes, times the signs. Cost: one visit a node.
*/
#include <private/tzruleimpl.h>
#include <math.h>

#define MAXLEVEL 64

typedef struct {
  PetscReal x, w; /* node x > 0 of V_l and its weight */
  PetscInt  cost; /* l - 1 */
} Value;

typedef struct {
  PetscInt    D, k;
  PetscInt    maxaxes;                         /* min(D, k-1): a node has at most so many entries */
  Value       values[MAXLEVEL * MAXLEVEL / 4]; /* by ascending cost */
  PetscInt    nvalues;
  long double zero[MAXLEVEL];                /* coefficients of W: w_l(0) at l - 1 */
  PetscReal   factor[MAXLEVEL][MAXLEVEL];    /* [m][q]: the coefficient above, with its sign */
  PetscInt    seq[MAXLEVEL], axis[MAXLEVEL]; /* of the nodes being written: indices into values, axes */
} Grid;

/* Orthonormal Hermite polynomials h_n(x), and h_{n-1} */
static long double Hermite(PetscInt n, long double x, long double *previous)
{
  long double h = 1, old = 0;

  for (PetscInt j = 0; j < n; j++) {
    const long double next = (x * h - sqrtl((long double)j) * old) / sqrtl((long double)(j + 1));

    old = h;
    h   = next;
  }
  *previous = old;
  return h;
}

/* The positive roots of h_n, ascending, by bisection between those of h_{n-1}, which root holds on entry; they interlace */
static void HermiteRoots(PetscInt n, long double root[])
{
  long double left = n % 2 ? root[0] : 0, old;

  for (PetscInt i = 0; i < n / 2; i++) {
    const PetscInt    r     = i + n % 2; /* of h_{n-1} */
    const long double right = r < (n - 1) / 2 ? root[r] : sqrtl(4 * (long double)n + 2);
    long double       lo = left, hi = right, sign = Hermite(n, lo, &old);

    for (long double mid = (lo + hi) / 2; mid > lo && mid < hi; mid = (lo + hi) / 2) {
      if (Hermite(n, mid, &old) * sign > 0) lo = mid;
      else hi = mid;
    }
    root[i] = hi;
    left    = right;
  }
}

/* V_1 .. V_k: weights w = 1 / (n h_{n-1}(x)^2) */
static void OneDimensionalRules(Grid *g)
{
  long double root[MAXLEVEL / 2 + 1] = {0}, h;

  for (PetscInt n = 1; n <= g->k; n++) {
    HermiteRoots(n, root);
    for (PetscInt i = 0; i < n / 2; i++) {
      Value *v = &g->values[g->nvalues++];

      Hermite(n, root[i], &h);
      v->x    = (PetscReal)root[i];
      v->w    = (PetscReal)(1 / ((long double)n * h * h));
      v->cost = n - 1;
    }
    if (n % 2) {
      Hermite(n, 0, &h);
      g->zero[n - 1] = 1 / ((long double)n * h * h);
    }
  }
}

/* p <- p r up to s^(k-1) */
static void Multiply(PetscInt k, long double p[], const long double r[])
{
  for (PetscInt q = k - 1; q >= 0; q--) {
    long double sum = 0;

    for (PetscInt j = 0; j <= q; j++) sum += r[j] * p[q - j];
    p[q] = sum;
  }
}

static void Factors(Grid *g)
{
  long double p[MAXLEVEL] = {1}, power[MAXLEVEL], square[MAXLEVEL]; /* long, to give the weights their last bit */

  for (PetscInt q = 1; q < g->k; q++) p[q] = p[q - 1] * (long double)(g->D - q) / (long double)q; /* binomial; 0 from q = D on */
  memcpy(power, g->zero, sizeof(power));
  for (PetscInt n = g->D - g->maxaxes; n; n /= 2) { /* W^n, by squares */
    if (n % 2) Multiply(g->k, p, power);
    memcpy(square, power, sizeof(square));
    Multiply(g->k, power, square);
  }
  for (PetscInt m = g->maxaxes; m >= 0; m--) {
    for (PetscInt q = 0; q < g->k; q++) g->factor[m][q] = (PetscReal)(q % 2 ? -p[q] : p[q]);
    Multiply(g->k, p, g->zero);
  }
}

/* Numbers of pairs and of entries, by the number of sequences of each length and cost; in real numbers, which do not overflow */
static void Count(const Grid *g, PetscReal *npairs, PetscReal *nentries)
{
  PetscReal count[MAXLEVEL] = {1}, places = 0.5; /* C(D,m) 2^(m-1) */

  *npairs = *nentries = 0;
  for (PetscInt m = 1; m <= g->maxaxes; m++) {
    places *= 2 * (PetscReal)(g->D - m + 1) / (PetscReal)m;
    for (PetscInt c = g->k - 1; c >= 0; c--) {
      count[c] = 0; /* += (number of values of cost j) * (sequences of cost c - j) */
      for (PetscInt j = 1; j <= c; j++) count[c] += (PetscReal)((j + 1) / 2) * count[c - j];
      if (count[c] == 0 || g->factor[m][g->k - 1 - c] == 0) continue;
      *npairs += places * count[c];
      *nentries += places * count[c] * (PetscReal)m;
    }
  }
}

/* The nodes of seq[m] on all choices of axes, ascending, with all signs but that of the first entry */
static void WriteSequence(Grid *g, PetscInt m, PetscReal weight, TzPairs *p)
{
  PetscInt last;

  for (PetscInt i = 0; i < m; i++) g->axis[i] = i;
  do {
    for (PetscInt signs = 0; signs < (PetscInt)1 << (m - 1); signs++) {
      PetscInt entry = p->ptr[p->npairs];

      for (PetscInt i = 0; i < m; i++, entry++) {
        const PetscReal x = g->values[g->seq[i]].x;

        p->idx[entry] = g->axis[i];
        p->val[entry] = i && (signs >> (i - 1) & 1) ? -x : x;
      }
      p->w[p->npairs++] = weight;
      p->ptr[p->npairs] = entry;
    }
    for (last = m - 1; last >= 0 && g->axis[last] == g->D - m + last;) last--;
    if (last >= 0) {
      g->axis[last]++;
      for (PetscInt i = last + 1; i < m; i++) g->axis[i] = g->axis[i - 1] + 1;
    }
  } while (last >= 0);
}

/* All sequences of m values that begin with the n in seq; q: what their cost leaves of k-1, product: of their weights */
static void WriteSequences(Grid *g, PetscInt m, PetscInt n, PetscInt q, PetscReal product, TzPairs *p)
{
  if (n == m) {
    if (g->factor[m][q] != 0) WriteSequence(g, m, g->factor[m][q] * product, p);
    return;
  }
  for (PetscInt v = 0; v < g->nvalues && g->values[v].cost <= q - (m - n - 1); v++) {
    g->seq[n] = v;
    WriteSequences(g, m, n + 1, q - g->values[v].cost, product * g->values[v].w, p);
  }
}

static PetscErrorCode TzRuleSetUp_Smolyak(TzRule rule)
{
  const PetscInt k = rule->level;
  TzPairs       *p = &rule->pairs;
  PetscReal      npairs, nentries;
  Grid          *g;

  PetscFunctionBegin;
  PetscCheck(k >= 1 && k <= MAXLEVEL, PetscObjectComm((PetscObject)rule), PETSC_ERR_USER_INPUT, "-rule_level %" PetscInt_FMT ": must be between 1 and %d", k,
             MAXLEVEL);
  PetscCall(PetscNew(&g));
  g->D       = rule->dim;
  g->k       = k;
  g->maxaxes = PetscMin(rule->dim, k - 1);
  OneDimensionalRules(g);
  Factors(g);
  Count(g, &npairs, &nentries);
  PetscCall(TzRuleAllocate(rule, npairs, nentries, "-rule_level", k));
  p->npairs    = 0;
  p->hascentre = (PetscBool)(g->factor[0][k - 1] != 0);
  p->w0        = p->hascentre ? g->factor[0][k - 1] : 0;
  for (PetscInt m = 1; m <= g->maxaxes; m++) WriteSequences(g, m, 0, k - 1, 1, p);
  PetscCall(PetscFree(g));
  rule->degree = 2 * k - 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzRuleCreate_Smolyak(TzRule rule)
{
  PetscFunctionBegin;
  rule->ops->setup = TzRuleSetUp_Smolyak;
  PetscFunctionReturn(PETSC_SUCCESS);
}

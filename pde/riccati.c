/*
  With H = [[A, -K], [-Q, -A']] and [[X11, X12], [X21, X22]] = exp(-H h) the flow is P(tau + h) = (X21 + X22 P) (X11 + X12 P)^-1. Its entries grow like
  exp(|H| h), so for all but small h it is kept as three matrices that stay bounded,

      E = X11^-1,  F = X21 E,  W = E X12:      P(tau + h) = F + E'P (I + W P)^-1 E,

  which compose as two waves through two layers do (Redheffer's product; the doubling algorithm of Anderson 1978, Chu, Fan, Lin, Wang 2004). exp(-H h) is
  taken for |H| h <= 1/2 by its power series, everything else is doubling.

  Table: P and c at Chebyshev points of panels [0, w], [w, 2 w], [2 w, 4 w] .. that double in length as long as the polynomial of the longer panel is exact
  to rounding: layers near tau = 0 that stiff A make are resolved, and what is smooth takes few panels.
*/
#include "riccati.h"
#include "chebyshev.h"
#include "dense.h"
#include <petscdt.h>

#define NODES 18

struct _n_TzRiccati {
  PetscInt   d, npanels, size;
  PetscReal *start, *width; /* [npanels] */
  PetscReal *P;             /* [npanels][NODES][d][d] */
  PetscReal *c;             /* [npanels][NODES] */
  PetscReal  x[NODES];      /* Chebyshev points */
  PetscReal  tau, ctau;     /* asked for last, and c there; tau < 0: nothing yet */
  PetscReal *Ptau;          /* [d][d] */
};

/* The maps of n steps: E, F, W [n][d][d] each */
typedef struct {
  PetscInt   d, n;
  PetscReal *E, *F, *W;
  PetscReal *a, *b, *c; /* scratch [d][d] */
} Maps;

static PetscErrorCode MapsCreate(PetscInt d, PetscInt n, Maps *m)
{
  PetscFunctionBegin;
  *m = (Maps){.d = d, .n = n};
  PetscCall(PetscMalloc6(n * d * d, &m->E, n * d * d, &m->F, n * d * d, &m->W, d * d, &m->a, d * d, &m->b, d * d, &m->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MapsDestroy(Maps *m)
{
  PetscFunctionBegin;
  PetscCall(PetscFree6(m->E, m->F, m->W, m->a, m->b, m->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Multiply(PetscInt n, const PetscReal A[], const PetscReal B[], PetscReal C[])
{
  PetscFunctionBegin;
  PetscCall(TzDenseMultiply(PETSC_FALSE, PETSC_FALSE, n, n, n, 1, A, B, 0, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X [2d][2d] = exp(-H h) -> map k */
static PetscErrorCode FromExponential(Maps *m, PetscInt k, const PetscReal X[])
{
  const PetscInt d = m->d;
  PetscReal     *E = m->E + k * d * d;
  PetscBool      singular;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = 0; j < d; j++) {
      m->a[i * d + j] = X[i * 2 * d + j];
      m->b[i * d + j] = X[i * 2 * d + d + j];
      m->c[i * d + j] = X[(d + i) * 2 * d + j];
      E[i * d + j]    = i == j;
    }
  PetscCall(TzDenseSolve(d, d, m->a, E, &singular)); /* it is not: |X11 - I| < 1 */
  PetscCall(Multiply(d, m->c, E, m->F + k * d * d));
  PetscCall(Multiply(d, E, m->b, m->W + k * d * d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Maps of the steps h[k], k < n, |H| h <= 1/2: sums of the same powers of -H */
static PetscErrorCode Small(const PetscReal H[], const PetscReal h[], Maps *m)
{
  const PetscInt d = m->d, size = 4 * d * d, terms = 17;
  PetscReal     *powers, *X;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(terms * size, &powers, size, &X));
  for (PetscInt i = 0; i < size; i++) powers[i] = i % (2 * d + 1) == 0;
  for (PetscInt q = 1; q < terms; q++)
    PetscCall(TzDenseMultiply(PETSC_FALSE, PETSC_FALSE, 2 * d, 2 * d, 2 * d, -1 / (PetscReal)q, H, powers + (q - 1) * size, 0, powers + q * size));
  for (PetscInt k = 0; k < m->n; k++) {
    for (PetscInt i = 0; i < size; i++) {
      X[i] = 0;
      for (PetscInt q = terms - 1; q >= 0; q--) X[i] = X[i] * h[k] + powers[q * size + i];
    }
    PetscCall(FromExponential(m, k, X));
  }
  PetscCall(PetscFree2(powers, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Symmetrize(PetscInt d, PetscReal P[])
{
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = 0; j < i; j++) P[i * d + j] = P[j * d + i] = (P[i * d + j] + P[j * d + i]) / 2;
}

/* a [d][d] := I + W P */
static PetscErrorCode Inner(const Maps *m, const PetscReal W[], const PetscReal P[])
{
  PetscFunctionBegin;
  PetscCall(Multiply(m->d, W, P, m->a));
  for (PetscInt i = 0; i < m->d; i++) m->a[i * (m->d + 1)] += 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out [d][d] = F + E'P (I + W P)^-1 E of map k */
static PetscErrorCode Apply(const Maps *m, PetscInt k, const PetscReal P[], PetscReal out[], PetscBool *good)
{
  const PetscInt   d = m->d;
  const PetscReal *E = m->E + k * d * d;
  PetscBool        singular;

  PetscFunctionBegin;
  PetscCall(Inner(m, m->W + k * d * d, P));
  PetscCall(PetscArraycpy(m->b, E, d * d));
  PetscCall(TzDenseSolve(d, d, m->a, m->b, &singular));
  PetscCall(Multiply(d, P, m->b, m->c));
  PetscCall(PetscArraycpy(out, m->F + k * d * d, d * d));
  PetscCall(TzDenseMultiply(PETSC_TRUE, PETSC_FALSE, d, d, d, 1, E, m->c, 1, out));
  Symmetrize(d, out);
  *good = (PetscBool)(*good && !singular);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  `to` := every map of `from` twice:  E := E (I + W F)^-1 E,  F := F + E'F (I + W F)^-1 E,  W := W + E (I + W F)^-1 W E'
*/
static PetscErrorCode Double(const Maps *from, Maps *to, PetscBool *good)
{
  const PetscInt d = from->d, size = d * d;
  PetscReal     *solved;
  PetscBool      singular;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(2 * size, &solved));
  for (PetscInt k = 0; k < from->n; k++) {
    const PetscReal *E = from->E + k * size, *F = from->F + k * size, *W = from->W + k * size;

    PetscCall(Inner(from, W, F));
    for (PetscInt i = 0; i < d; i++) { /* (I + W F)^-1 [E, W] */
      PetscCall(PetscArraycpy(solved + i * 2 * d, E + i * d, d));
      PetscCall(PetscArraycpy(solved + i * 2 * d + d, W + i * d, d));
    }
    PetscCall(TzDenseSolve(d, 2 * d, from->a, solved, &singular));
    *good = (PetscBool)(*good && !singular);
    for (PetscInt i = 0; i < d; i++) {
      PetscCall(PetscArraycpy(from->a + i * d, solved + i * 2 * d, d));
      PetscCall(PetscArraycpy(from->b + i * d, solved + i * 2 * d + d, d));
    }
    PetscCall(TzDenseMultiply(PETSC_FALSE, PETSC_TRUE, d, d, d, 1, from->b, E, 0, from->c));
    PetscCall(PetscArraycpy(to->W + k * size, W, size));
    PetscCall(TzDenseMultiply(PETSC_FALSE, PETSC_FALSE, d, d, d, 1, E, from->c, 1, to->W + k * size));
    PetscCall(Multiply(d, F, from->a, from->c));
    PetscCall(PetscArraycpy(to->F + k * size, F, size));
    PetscCall(TzDenseMultiply(PETSC_TRUE, PETSC_FALSE, d, d, d, 1, E, from->c, 1, to->F + k * size));
    PetscCall(PetscArraycpy(solved, E, size));
    PetscCall(Multiply(d, solved, from->a, to->E + k * size));
    Symmetrize(d, to->F + k * size);
    Symmetrize(d, to->W + k * size);
  }
  PetscCall(PetscFree(solved));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H and its norm (largest sum of a row) */
static PetscReal Hamiltonian(PetscInt d, const PetscReal A[], const PetscReal K[], const PetscReal Q[], PetscReal H[])
{
  PetscReal norm = 0;

  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = 0; j < d; j++) {
      H[i * 2 * d + j]           = A[i * d + j];
      H[i * 2 * d + d + j]       = -K[i * d + j];
      H[(d + i) * 2 * d + j]     = -Q[i * d + j];
      H[(d + i) * 2 * d + d + j] = -A[j * d + i];
    }
  for (PetscInt i = 0; i < 2 * d; i++) {
    PetscReal sum = 0;

    for (PetscInt j = 0; j < 2 * d; j++) sum += PetscAbsReal(H[i * 2 * d + j]);
    norm = PetscMax(norm, sum);
  }
  return norm;
}

/* --------------------------------------------------------------- the table --------------------------------------------------------------- */

/* The last two Chebyshev coefficients of entries P [NODES][size] by the largest of all entries: what a polynomial on these nodes leaves out */
static PetscReal Tail(PetscInt size, const PetscReal P[])
{
  PetscReal tail = 0, largest = 0;

  for (PetscInt e = 0; e < size; e++)
    for (PetscInt q = NODES - 2; q < NODES; q++) {
      PetscReal sum = 0;

      for (PetscInt j = 0; j < NODES; j++) {
        const PetscReal angle = PETSC_PI * (PetscReal)((NODES - 1 - j) * q) / (NODES - 1), f = P[j * size + e];

        sum += (j == 0 || j == NODES - 1 ? 0.5 : 1) * f * PetscCosReal(angle);
        largest = PetscMax(largest, PetscAbsReal(f));
      }
      tail = PetscMax(tail, PetscAbsReal(sum) * 2 / (NODES - 1));
    }
  return largest > 0 ? tail / largest : 0;
}

/* Room for one more panel */
static PetscErrorCode Grow(TzRiccati r)
{
  const PetscInt size = r->d * r->d;

  PetscFunctionBegin;
  if (r->npanels < r->size) PetscFunctionReturn(PETSC_SUCCESS);
  r->size = 2 * r->size + 16;
  PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)r->size, &r->start));
  PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)r->size, &r->width));
  PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)(r->size * NODES * size), &r->P));
  PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)(r->size * NODES), &r->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c at the nodes of panel p, whose P are there: the polynomial through tr(N P) by Gauss-Legendre between each two nodes */
static PetscErrorCode Integrate(TzRiccati r, PetscInt p, const PetscReal N[])
{
  const PetscInt size = r->d * r->d;
  PetscReal      trace[NODES], w[NODES], x[NODES / 2 + 1], weight[NODES / 2 + 1], *c = r->c + p * NODES;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < NODES; j++) {
    trace[j] = 0;
    for (PetscInt e = 0; e < size; e++) trace[j] += N[e] * r->P[(p * NODES + j) * size + e];
  }
  c[0] = p ? c[-1] : 0;
  for (PetscInt j = 1; j < NODES; j++) {
    PetscCall(PetscDTGaussQuadrature(NODES / 2 + 1, r->x[j - 1], r->x[j], x, weight));
    c[j] = c[j - 1];
    for (PetscInt q = 0; q < NODES / 2 + 1; q++) {
      TzChebyshevWeights(NODES, r->x, x[q], w);
      for (PetscInt k = 0; k < NODES; k++) c[j] += r->width[p] / 2 * weight[q] * w[k] * trace[k];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A panel from `start` on, with the maps of its nodes 1 .. NODES - 1; P is where it begins */
static PetscErrorCode Panel(TzRiccati r, const Maps *m, PetscReal start, PetscReal width, const PetscReal P[], PetscBool *good)
{
  const PetscInt size = r->d * r->d;
  PetscReal     *out;

  PetscFunctionBegin;
  PetscCall(Grow(r));
  out                  = r->P + r->npanels * NODES * size;
  r->start[r->npanels] = start;
  r->width[r->npanels] = width;
  PetscCall(PetscArraycpy(out, P, size));
  for (PetscInt j = 1; j < NODES; j++) PetscCall(Apply(m, j - 1, P, out + j * size, good));
  for (PetscInt e = 0; e < NODES * size; e++) *good = (PetscBool)(*good && !PetscIsInfOrNanReal(out[e]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From panels of length w to T = w 2^levels: they begin at 0, w, 2 w, 4 w .. */
static PetscErrorCode Panels(TzRiccati r, Maps *m, PetscReal w, PetscReal T, const PetscReal G[], const PetscReal N[], PetscBool *good)
{
  const PetscInt size = r->d * r->d;
  PetscReal      tau = 0, width = w, *P;
  PetscBool      doubling = PETSC_TRUE;
  Maps           longer;

  PetscFunctionBegin;
  PetscCall(MapsCreate(r->d, m->n, &longer));
  PetscCall(PetscMalloc1(size, &P));
  PetscCall(PetscArraycpy(P, G, size));
  while (*good && tau < T * (1 - 1e-9)) {
    PetscBool built = (PetscBool)(doubling && tau > 1.5 * width), fits = PETSC_TRUE;

    if (built) { /* try twice the length */
      PetscCall(Double(m, &longer, &fits));
      PetscCall(Panel(r, &longer, tau, 2 * width, P, &fits));
      built = doubling = (PetscBool)(fits && Tail(size, r->P + r->npanels * NODES * size) < 1e-14);
    }
    if (built) {
      Maps swap = *m;

      *m     = longer;
      longer = swap;
      width *= 2;
    } else PetscCall(Panel(r, m, tau, width, P, good));
    PetscCall(Integrate(r, r->npanels, N));
    PetscCall(PetscArraycpy(P, r->P + (r->npanels * NODES + NODES - 1) * size, size));
    tau += width;
    r->npanels++;
  }
  PetscCall(PetscFree(P));
  PetscCall(MapsDestroy(&longer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRiccatiCreate(PetscInt d, const PetscReal A[], const PetscReal K[], const PetscReal Q[], const PetscReal G[], const PetscReal N[], PetscReal T,
                               TzRiccati *riccati, PetscBool *good)
{
  TzRiccati  r;
  PetscReal *H, norm, w = T, h[NODES - 1];
  Maps       m;

  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  *riccati = r;
  *good    = PETSC_TRUE;
  r->d     = d;
  r->tau   = -1;
  PetscCall(PetscMalloc1(d * d, &r->Ptau));
  TzChebyshevPoints(NODES, r->x);
  PetscCall(PetscMalloc1(4 * d * d, &H));
  norm = Hamiltonian(d, A, K, Q, H);
  while (w * norm > 0.5) w /= 2;
  for (PetscInt j = 1; j < NODES; j++) h[j - 1] = w * (1 + r->x[j]) / 2;
  PetscCall(MapsCreate(d, NODES - 1, &m));
  PetscCall(Small(H, h, &m));
  PetscCall(Panels(r, &m, w, T, G, N, good));
  PetscCall(MapsDestroy(&m));
  PetscCall(PetscFree(H));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRiccatiDestroy(TzRiccati *riccati)
{
  TzRiccati r = *riccati;

  PetscFunctionBegin;
  if (!r) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(r->start));
  PetscCall(PetscFree(r->width));
  PetscCall(PetscFree(r->P));
  PetscCall(PetscFree(r->c));
  PetscCall(PetscFree(r->Ptau));
  PetscCall(PetscFree(*riccati));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Many states are asked for at one time, one after the other: the last P is kept */
PetscErrorCode TzRiccatiGet(TzRiccati r, PetscReal tau, PetscReal P[], PetscReal *c)
{
  const PetscInt size = r->d * r->d;
  PetscInt       p    = r->npanels - 1;
  PetscReal      w[NODES];

  PetscFunctionBegin;
  if (tau != r->tau) {
    while (p > 0 && tau < r->start[p]) p--;
    TzChebyshevWeights(NODES, r->x, 2 * (tau - r->start[p]) / r->width[p] - 1, w);
    PetscCall(PetscArrayzero(r->Ptau, size));
    r->ctau = 0;
    for (PetscInt j = 0; j < NODES; j++) {
      const PetscReal *at = r->P + (p * NODES + j) * size;

      for (PetscInt e = 0; e < size; e++) r->Ptau[e] += w[j] * at[e];
      r->ctau += w[j] * r->c[p * NODES + j];
    }
    r->tau = tau;
  }
  PetscCall(PetscArraycpy(P, r->Ptau, size));
  *c = r->ctau;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P(tau) from P(0) = 0 tends to the stabilising solution, and E, the closed loop's flow, to 0, quadratically under doubling */
PetscErrorCode TzRiccatiStationary(PetscInt d, const PetscReal A[], const PetscReal K[], const PetscReal Q[], PetscReal P[], PetscBool *good)
{
  const PetscInt size = d * d;
  PetscReal     *H, h, change = PETSC_MAX_REAL, last;
  Maps           m[2];

  PetscFunctionBegin;
  *good = PETSC_TRUE;
  PetscCall(PetscMalloc1(4 * size, &H));
  h = 0.5 / Hamiltonian(d, A, K, Q, H);
  PetscCall(MapsCreate(d, 1, &m[0]));
  PetscCall(MapsCreate(d, 1, &m[1]));
  PetscCall(Small(H, &h, &m[0]));
  for (int k = 0; k < 60 && *good; k++) {
    const Maps *from = &m[k % 2], *to = &m[1 - k % 2];
    PetscReal   largest = 0;

    PetscCall(Double(from, (Maps *)to, good));
    last   = change;
    change = 0;
    for (PetscInt e = 0; e < size; e++) {
      change  = PetscMax(change, PetscAbsReal(to->F[e] - from->F[e]));
      largest = PetscMax(largest, PetscAbsReal(to->F[e]));
      *good   = (PetscBool)(*good && !PetscIsInfOrNanReal(to->F[e]));
    }
    PetscCall(PetscArraycpy(P, to->F, size));
    if (change <= 1e-15 * largest || (change <= 1e-12 * largest && change >= last)) break; /* or rounding is all that changes */
    *good = (PetscBool)(*good && k < 59);
  }
  PetscCall(MapsDestroy(&m[0]));
  PetscCall(MapsDestroy(&m[1]));
  PetscCall(PetscFree(H));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Radial semilinear equations. With s = |x|^2 and tau = T - t the solution is v(tau, s) of

      v_tau = 4 s v_ss + 2 d v_s + f(v),    v(0, s) = g(s),    s >= 0.

  Reference: collocation at Chebyshev points of y in s = scale (1 + y)/(1 - y), which takes all of s >= 0 in, so that no boundary condition is needed: at s = 0
  what is transported leaves, at s = infinity, where v' = f(v), all coefficients vanish. The scale grows along the mean characteristic, scale = POLE + 2 d tau =
  POLE exp(eta): g(s + 2 d tau) = 5/4 (1 - y)/scale is linear in y at all times, and what is left is smooth in any dimension. With p = 1 + y, q = 1 - y

      v_eta = p q^3/(2 d) v_yy + (q - p q^2/d) v_y + scale/(2 d) f(v).

  In eta the classical Runge-Kutta method, with steps that its stability limits to far below what the accuracy needs. Table: values at Chebyshev points of eta.
*/
#include "radial.h"
#include "chebyshev.h"
#include <math.h>

#define POLE 5. /* g(s) = 2.5/(s + POLE) */

typedef struct {
  PetscReal *L;     /* [n][n]: p q^3/(2 d) d^2/dy^2 + (q - p q^2/d) d/dy */
  PetscReal  delay; /* scale/(2 d) at eta = 0 */
  PetscReal *k, *stage, *sum;
  TzReaction f;
} Flow;

/* k [n] = L v + scale/(2 d) f(v) */
static void Rate(const Flow *w, PetscReal eta, const PetscReal v[], PetscReal k[])
{
  const PetscInt  n     = TZ_RADIAL_POINTS;
  const PetscReal speed = w->delay * PetscExpReal(eta);

  for (PetscInt i = 0; i < n; i++) {
    PetscReal dot = speed * w->f(v[i]);

    for (PetscInt j = 0; j < n; j++) dot += w->L[i * n + j] * v[j];
    k[i] = dot;
  }
}

/* v [n] from eta to eta + length by equal steps of at most h */
static void Advance(const Flow *w, PetscReal eta, PetscReal length, PetscReal h, PetscReal v[])
{
  static const PetscReal node[] = {0, 0.5, 0.5, 1}, weight[] = {1. / 6, 1. / 3, 1. / 3, 1. / 6};
  const PetscInt         n = TZ_RADIAL_POINTS, steps = (PetscInt)PetscCeilReal(length / h);
  const PetscReal        step = length / (PetscReal)steps;

  for (PetscInt k = 0; k < steps; k++) {
    for (PetscInt i = 0; i < n; i++) w->sum[i] = 0;
    for (int q = 0; q < 4; q++) {
      for (PetscInt i = 0; i < n; i++) w->stage[i] = v[i] + (q ? step * node[q] * w->k[i] : 0);
      Rate(w, eta + ((PetscReal)k + node[q]) * step, w->stage, w->k);
      for (PetscInt i = 0; i < n; i++) w->sum[i] += weight[q] * w->k[i];
    }
    for (PetscInt i = 0; i < n; i++) v[i] += step * w->sum[i];
  }
}

/* L, and a bound of its eigenvalues */
static void Operator(PetscReal d, const PetscReal y[], const PetscReal D[], PetscReal L[], PetscReal *bound)
{
  const PetscInt n = TZ_RADIAL_POINTS;

  *bound = 0;
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal q = 1 - y[i], p = 1 + y[i], second = p * q * q * q / (2 * d), first = q - p * q * q / d;
    PetscReal       norm = 0;

    for (PetscInt j = 0; j < n; j++) {
      PetscReal square = 0;

      for (PetscInt k = 0; k < n; k++) square += D[i * n + k] * D[k * n + j];
      L[i * n + j] = second * square + first * D[i * n + j];
      norm += PetscAbsReal(L[i * n + j]);
    }
    *bound = PetscMax(*bound, norm);
  }
}

PetscErrorCode TzRadialSetUp(TzPDE pde)
{
  TzRadial      *r = (TzRadial *)pde->data;
  const PetscInt n = TZ_RADIAL_POINTS, M = TZ_RADIAL_TIMES;
  PetscReal      bound, eta              = 0, *D, *v;
  Flow           w = {.f = r->f, .delay = POLE / (2 * (PetscReal)pde->d)};

  PetscFunctionBegin;
  r->span = log1p(pde->T / w.delay);
  TzChebyshevPoints(n, r->y);
  TzChebyshevPoints(M, r->eta);
  PetscCall(PetscFree2(r->v, r->vy));
  PetscCall(PetscMalloc2(M * n, &r->v, M * n, &r->vy));
  PetscCall(PetscMalloc6(n * n, &D, n * n, &w.L, n, &w.k, n, &w.stage, n, &w.sum, n, &v));
  TzChebyshevDerivative(n, r->y, D);
  Operator((PetscReal)pde->d, r->y, D, w.L, &bound);
  for (PetscInt j = 0; j < n; j++) v[j] = 2.5 * (1 - r->y[j]) / (2 * POLE);
  for (PetscInt m = 0; m < M; m++) {
    const PetscReal next = r->span * (1 + r->eta[m]) / 2;

    if (m) Advance(&w, eta, next - eta, 2.5 / bound, v);
    eta = next;
    for (PetscInt i = 0; i < n; i++) {
      PetscReal dot = 0;

      for (PetscInt j = 0; j < n; j++) dot += D[i * n + j] * v[j];
      r->v[m * n + i]  = v[i];
      r->vy[m * n + i] = dot;
    }
  }
  PetscCall(PetscFree6(D, w.L, w.k, w.stage, w.sum, v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Square(PetscInt d, const PetscReal x[])
{
  PetscReal s = 0;

  for (PetscInt i = 0; i < d; i++) s += x[i] * x[i];
  return s;
}

PetscErrorCode TzPDEExact_Radial(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const TzRadial *r = (TzRadial *)pde->data;
  const PetscInt  d = pde->d, n = TZ_RADIAL_POINTS, M = TZ_RADIAL_TIMES;
  const PetscReal s = Square(d, z), drift = 2 * (PetscReal)d * (pde->T - z[d]), scale = POLE + drift;
  const PetscReal y = (s - scale) / (s + scale), slope = 2 * scale / PetscSqr(s + scale), eta = log1p(drift / POLE);
  PetscReal       wt[TZ_RADIAL_TIMES], wy[TZ_RADIAL_POINTS], v = 0, vy = 0;

  PetscFunctionBegin;
  TzChebyshevWeights(M, r->eta, 2 * eta / r->span - 1, wt);
  TzChebyshevWeights(n, r->y, y, wy);
  for (PetscInt m = 0; m < M; m++) {
    PetscReal value = 0, derivative = 0;

    for (PetscInt j = 0; j < n; j++) {
      value += wy[j] * r->v[m * n + j];
      derivative += wy[j] * r->vy[m * n + j];
    }
    v += wt[m] * value;
    vy += wt[m] * derivative;
  }
  *u = v;
  for (PetscInt i = 0; grad && i < d; i++) grad[i] = 2 * z[i] * slope * vy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  u = (T - t) f + b. -..._extension
    constant  b = g(s)
    heat      b = g(s + 2 d (T - t)): constant along the mean characteristic, what is left to the network is small
    reaction  and grown on the way by v' = f(v), which leaves only what the second derivative in s does
*/
PetscErrorCode TzPDETransform_Radial(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const TzRadial *r = (TzRadial *)pde->data;
  const PetscInt  d = pde->d;
  const PetscReal s = Square(d, z), q = s + POLE + (r->extension ? 2 * (PetscReal)d * (pde->T - z[d]) : 0), g = 2.5 / q;

  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[d];
  TzJetTime(a)  = -1;
  TzJetValue(b) = g;
  for (PetscInt i = 0; i < d; i++) TzJetGrad(b)[i] = -2 * z[i] * g / q;
  if (r->extension) TzJetTime(b) = 2 * (PetscReal)d * g / q;
  TzJetForm(b, 0) = 8 * s * g / (q * q) - 2 * (PetscReal)d * g / q;
  if (r->extension == 2) {
    PetscReal phi[3];

    (*r->flow)(pde->T - z[d], g, phi);
    TzJetValue(b)   = phi[0];
    TzJetForm(b, 0) = phi[1] * TzJetForm(b, 0) + phi[2] * 4 * s * PetscSqr(g / q);
    TzJetTime(b)    = phi[1] * TzJetTime(b) - r->f(phi[0]);
    for (PetscInt i = 0; i < d; i++) TzJetGrad(b)[i] *= phi[1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDETransformCode_Radial(TzPDE pde, TzCode code)
{
  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  TzCodeReal(code, "drift", ((TzRadial *)pde->data)->extension ? 2 * (PetscReal)pde->d : 0);
  TzCodeReal(code, "pole", POLE);
  TzCodePrintf(code, "  real q = pole + drift * (T - z[d]);\n"
                     "  for (int i = 0; i < d; i++) q += z[i] * z[i];\n"
                     "  *b = K(2.5) / q;\n"
                     "  for (int i = 0; i < d; i++) db[i] = -2 * z[i] * *b / q;\n"
                     "  db[d] = drift * *b / q;\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_Radial(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const TzRadial *radial = (TzRadial *)pde->data;

  PetscFunctionBegin;
  *r = TzJetTime(u) + TzJetForm(u, 0) + radial->f(TzJetValue(u));
  if (dr) {
    TzJetTime(dr) = TzJetForm(dr, 0) = 1;
    TzJetValue(dr)                   = radial->df(TzJetValue(u));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRadialSetFromOptions(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  TzRadial   *r           = (TzRadial *)pde->data;
  const char *extension[] = {"constant", "heat", "reaction"}, *type;
  char        option[64];

  PetscFunctionBegin;
  PetscCall(TzPDEGetType(pde, &type));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_extension", type));
  PetscCall(TzOptionsEList(option, "How the terminal value is continued to t < T in u = (T - t) f + b", "TzPDETransform", extension, r->flow ? 3 : 2,
                           extension[r->extension], &r->extension, NULL));
  pde->ops->transformcode = r->extension == 2 ? NULL : TzPDETransformCode_Radial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDestroy_Radial(TzPDE pde)
{
  TzRadial *r = (TzRadial *)pde->data;

  PetscFunctionBegin;
  PetscCall(PetscFree2(r->v, r->vy));
  PetscCall(PetscFree(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDECreateRadial(TzPDE pde, TzReaction f, TzReaction df)
{
  TzRadial *r;

  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  r->f                     = f;
  r->df                    = df;
  pde->data                = r;
  pde->T                   = 0.3;
  pde->domain.wholespace   = PETSC_TRUE;
  pde->reference           = "13 digits: table, collocation in |x|^2";
  pde->ops->transform      = TzPDETransform_Radial;
  pde->ops->transformcode  = TzPDETransformCode_Radial;
  pde->ops->residual       = TzPDEResidual_Radial;
  pde->ops->exact          = TzPDEExact_Radial;
  pde->ops->setfromoptions = TzRadialSetFromOptions;
  pde->ops->setup          = TzRadialSetUp;
  pde->ops->destroy        = TzPDEDestroy_Radial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

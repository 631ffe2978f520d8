/*
  The linear-quadratic regulator at the target of a control problem: a baseline, and with -control_extension linear the offset of the transform, so that a
  network learns what it lacks. In y = (x - target, 1) affine dynamics and costs with linear parts are dy = (A y + B a) dt + .., y'Q y, y'G y:

      V = y'P y + c,  P' = A'P + PA - PKP + Q - rho P,  P(0) = G,  c' = tr(N P) in T - t  (riccati.h).

  With -control_extension path P is that of along.c instead, tabulated.
*/
#include "control.h"
#include "dense.h"

#define STEP1 1e-2 /* of first derivatives, of order 6 */
#define STEP2 1e-3 /* of second derivatives, of order 2: exact where they are constant */

PetscErrorCode TzLinearDestroy(TzLinear **linear)
{
  TzLinear *l = *linear;

  PetscFunctionBegin;
  if (!l) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree5(l->A, l->K, l->Q, l->G, l->N));
  PetscCall(PetscFree3(l->P, l->y, l->Py));
  PetscCall(PetscFree(l->table));
  PetscCall(TzRiccatiDestroy(&l->riccati));
  PetscCall(PetscFree(*linear));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* f + B trim [d] at z, of a constant B f alone: the difference is constant */
static PetscErrorCode DriftAt(TzPDE pde, const TzControlParts *u, const PetscReal z[], PetscReal f[])
{
  const PetscInt   d = pde->d, m = u->m;
  const PetscReal *B;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(f, d));
  if (u->drift) PetscCall((*u->drift)(pde, z, f));
  if (!u->trim || !u->Bfield) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzControlMatrix(pde, z, &B));
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = 0; j < m; j++) f[i] += B[i * m + j] * u->trim[j];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A [n][n]: f and the Jacobian of f + B trim at z, the target (moved and put back) */
static PetscErrorCode Dynamics(TzPDE pde, const TzControlParts *u, PetscReal z[], PetscReal A[])
{
  static const PetscReal weight[] = {3. / 4, -3. / 20, 1. / 60};
  const PetscInt         d = pde->d, n = d + 1;
  PetscReal             *f;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(d, &f));
  if (u->drift) PetscCall((*u->drift)(pde, z, f));
  for (PetscInt i = 0; i < d; i++) A[i * n + d] = f[i];
  for (PetscInt j = 0; j < d; j++) {
    const PetscReal at = z[j], h = STEP1 * PetscMax(1, PetscAbsReal(at));

    for (int k = -3; k <= 3; k++) {
      if (!k) continue;
      z[j] = at + k * h;
      PetscCall(DriftAt(pde, u, z, f));
      for (PetscInt i = 0; i < d; i++) A[i * n + j] += (k < 0 ? -weight[-k - 1] : weight[k - 1]) * f[i] / h;
    }
    z[j] = at;
  }
  PetscCall(PetscFree(f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CostAt(TzPDE pde, TzPDECost cost, PetscReal z[], PetscInt i, PetscReal hi, PetscInt j, PetscReal hj, PetscReal *value)
{
  const PetscReal zi = z[i], zj = z[j];

  PetscFunctionBegin;
  z[i] += hi;
  z[j] += hj;
  *value = 0;
  PetscCall((*cost)(pde, z, value));
  z[i] = zi;
  if (i != j) z[j] = zj;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Q [n][n] += the cost to second order at z: y'Q y */
static PetscErrorCode Quadratic(TzPDE pde, TzPDECost cost, PetscReal z[], PetscReal Q[])
{
  const PetscInt d = pde->d, n = d + 1;
  PetscReal      c0 = 0, pp, pm, mp, mm;

  PetscFunctionBegin;
  if (!cost) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*cost)(pde, z, &c0));
  Q[n * n - 1] += c0;
  for (PetscInt i = 0; i < d; i++) {
    const PetscReal h = STEP2 * PetscMax(1, PetscAbsReal(z[i]));

    PetscCall(CostAt(pde, cost, z, i, h, i, 0, &pp));
    PetscCall(CostAt(pde, cost, z, i, -h, i, 0, &mm));
    Q[i * (n + 1)] += (pp - 2 * c0 + mm) / (2 * h * h);
    Q[i * n + d] += (pp - mm) / (4 * h);
    Q[d * n + i] += (pp - mm) / (4 * h);
    for (PetscInt j = 0; j < i; j++) {
      const PetscReal k = STEP2 * PetscMax(1, PetscAbsReal(z[j]));

      PetscCall(CostAt(pde, cost, z, i, h, j, k, &pp));
      PetscCall(CostAt(pde, cost, z, i, h, j, -k, &pm));
      PetscCall(CostAt(pde, cost, z, i, -h, j, k, &mp));
      PetscCall(CostAt(pde, cost, z, i, -h, j, -k, &mm));
      Q[i * n + j] += (pp - pm - mp + mm) / (8 * h * k);
      Q[j * n + i] += (pp - pm - mp + mm) / (8 * h * k);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K [n][n] = B R^-1 B' at z, without bounds and |a| */
static PetscErrorCode Control(TzPDE pde, const TzControlParts *u, const char option[], const PetscReal z[], PetscReal K[])
{
  const PetscInt   d = pde->d, m = u->m;
  const PetscReal *B;

  PetscFunctionBegin;
  for (PetscInt j = 0; u->r && j < m; j++)
    PetscCheck(u->r[j] > 0, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT,
               "%s: equation %s has no linear regulator: control %" PetscInt_FMT " costs no a^2", option, ((PetscObject)pde)->type_name, j + 1);
  PetscCall(TzControlMatrix(pde, z, &B));
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt k = 0; k < d; k++)
      for (PetscInt j = 0; j < m; j++)
        for (PetscInt l = u->r ? j : 0; l < (u->r ? j + 1 : m); l++)
          K[i * (d + 1) + k] += (B ? B[i * m + j] * B[k * m + l] : i == j && k == l) * (u->r ? 1 / u->r[j] : 2 * u->Rhalf[j * m + l]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLinearNoise(TzPDE pde, const PetscReal z[], PetscReal N[])
{
  const PetscInt d = pde->d;
  TzFormAt       S;

  PetscFunctionBegin;
  if (!pde->shape.nforms) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzFormEvaluate(&pde->shape.form[0], d, z, pde->field, &S));
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = 0; j < d; j++) N[i * (d + 1) + j] = 2 * pde->diffusion * TzFormEntry(&S, i, j);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Matrices(TzPDE pde, TzControlProblem *c, TzLinear *l, const char option[])
{
  const PetscInt d = pde->d, n = l->n;
  PetscReal     *z;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(d + 1, &z));
  PetscCall(PetscArraycpy(z, c->parts.target, d));
  PetscCall(Dynamics(pde, &c->parts, z, l->A));
  PetscCall(Quadratic(pde, c->parts.running, z, l->Q));
  z[d] = pde->T;
  PetscCall(Quadratic(pde, c->parts.terminal, z, l->G));
  z[d] = 0;
  for (PetscInt i = 0; c->parts.terminalweight && i < d; i++) l->G[i * (n + 1)] += c->parts.terminalweight[i];
  PetscCall(Control(pde, &c->parts, option, z, l->K));
  PetscCall(TzLinearNoise(pde, z, l->N));
  for (PetscInt i = 0; i < n; i++) l->A[i * (n + 1)] -= c->parts.discount / 2;
  PetscCall(PetscFree(z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLinearSolve(TzPDE pde, const char option[])
{
  const PetscInt    n = pde->d + 1;
  TzControlProblem *c;
  TzLinear         *l;
  PetscReal        *field = pde->field;
  PetscInt          size  = 0;
  PetscBool         good;

  PetscFunctionBegin;
  PetscCall(TzControlGet(pde, &c));
  if (c->linear) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!pde->stationary, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT, "%s: equation %s has no time", option, ((PetscObject)pde)->type_name);
  PetscCall(PetscNew(&l));
  l->n = n;
  PetscCall(PetscCalloc5(n * n, &l->A, n * n, &l->K, n * n, &l->Q, n * n, &l->G, n * n, &l->N));
  PetscCall(PetscMalloc3(n * n, &l->P, n, &l->y, n, &l->Py));
  for (PetscInt p = 0; p < pde->shape.nforms; p++) size = PetscMax(size, TzFormWorkSize(&pde->shape.form[p], pde->d));
  if (!field) PetscCall(PetscMalloc1(size, &pde->field)); /* within setup() */
  PetscCall(Matrices(pde, c, l, option));
  if (!field) PetscCall(PetscFree(pde->field));
  pde->field = field;
  PetscCall(TzRiccatiCreate(n, l->A, l->K, l->Q, l->G, l->N, pde->T, &l->riccati, &good));
  if (!good) PetscCall(TzLinearDestroy(&l));
  PetscCheck(good, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT, "%s: the linear regulator of equation %s has no finite cost up to -pde_T %g",
             option, ((PetscObject)pde)->type_name, (double)pde->T);
  c->linear = l;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y'P y, and Py [n] */
static PetscReal Square(const TzLinear *l, const PetscReal P[], PetscReal Py[])
{
  PetscReal value = 0;

  for (PetscInt i = 0; i < l->n; i++) {
    Py[i] = 0;
    for (PetscInt j = 0; j < l->n; j++) Py[i] += P[i * l->n + j] * l->y[j];
    value += l->y[i] * Py[i];
  }
  return value;
}

/* The offset of -control_extension path, at its first use: TzPDESetUp() is over */
static PetscErrorCode Along(TzPDE pde, TzControlProblem *c)
{
  const PetscInt n = pde->d + 1, size = n * n, steps = c->steps;
  TzLinear      *l;

  PetscFunctionBegin;
  if (c->along) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzMemoryCheck(PetscObjectComm((PetscObject)pde), ((PetscReal)steps + 1) * size, "-control_extension_steps %" PetscInt_FMT, steps));
  PetscCall(PetscNew(&l));
  c->along = l;
  l->n     = n;
  l->steps = steps;
  PetscCall(PetscCalloc5(size, &l->A, size, &l->K, size, &l->Q, size, &l->G, size, &l->N));
  PetscCall(PetscMalloc3(size, &l->P, n, &l->y, n, &l->Py));
  PetscCall(PetscCalloc1((steps + 1) * size, &l->table));
  PetscCall(TzAlongSolve(pde, steps, l->table));
  PetscCall(PetscArraycpy(l->G, l->table + steps * size, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLinearOffset(TzPDE pde, TzLinear **l)
{
  TzControlProblem *c = (TzControlProblem *)pde->control;

  PetscFunctionBegin;
  if (c->extension == TZ_EXTENSION_PATH) PetscCall(Along(pde, c));
  else PetscCall(TzLinearSolve(pde, "-control_extension linear"));
  *l = c->extension == TZ_EXTENSION_PATH ? c->along : c->linear;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLinearGet(TzPDE pde, TzLinear *l, PetscReal t, PetscReal P[], PetscReal *cost)
{
  const PetscReal  at   = t / pde->T * (PetscReal)l->steps;
  const PetscInt   size = l->n * l->n, k = PetscMax(0, PetscMin((PetscInt)at, l->steps - 1));
  const PetscReal *from = l->table ? l->table + k * size : NULL, w = at - (PetscReal)k;

  PetscFunctionBegin;
  *cost = 0;
  if (!from) PetscCall(TzRiccatiGet(l->riccati, pde->T - t, P, cost));
  for (PetscInt e = 0; from && e < size; e++) {
    P[e]    = from[e] + w * (from[size + e] - from[e]);
    l->A[e] = (from[e] - from[size + e]) * (PetscReal)l->steps / pde->T;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y and P at z; the value, Py */
static PetscErrorCode At(TzPDE pde, const TzControlProblem *c, TzLinear *l, const PetscReal z[], PetscReal *value)
{
  const PetscInt d = pde->d;
  PetscReal      cost;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) l->y[i] = z[i] - c->parts.target[i];
  l->y[d] = 1;
  PetscCall(TzLinearGet(pde, l, z[d], l->P, &cost));
  *value = cost + Square(l, l->P, l->Py);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEControlLinear(TzPDE pde, const char option[], PetscInt n, const PetscReal X[], PetscReal value[], PetscReal grad[])
{
  const PetscInt    d = pde->d;
  TzControlProblem *c;
  PetscReal         v;

  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  PetscCall(TzControlGet(pde, &c));
  PetscCall(TzLinearSolve(pde, option));
  for (PetscInt p = 0; p < n; p++) {
    PetscCall(At(pde, c, c->linear, X + p * (d + 1), &v));
    if (value) value[p] = v;
    for (PetscInt i = 0; grad && i < d; i++) grad[p * d + i] = 2 * c->linear->Py[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* jet += sign times that of y'M y: value, gradient, forms; leaves My in Py */
static PetscErrorCode AddSquare(TzPDE pde, const PetscReal z[], const TzLinear *l, PetscReal sign, const PetscReal M[], TzJet *b)
{
  const PetscInt d = pde->d;
  TzFormAt       S;

  PetscFunctionBegin;
  TzJetValue(b) += sign * Square(l, M, l->Py);
  for (PetscInt i = 0; i < d; i++) TzJetGrad(b)[i] += sign * 2 * l->Py[i];
  for (PetscInt p = 0; p < pde->shape.nforms; p++) {
    PetscCall(TzFormEvaluate(&pde->shape.form[p], d, z, pde->field, &S));
    for (PetscInt i = 0; i < d; i++) {
      if (!S.S) TzJetForm(b, p) += sign * 2 * (S.w ? S.w[i] : 1) * M[i * l->n + i];
      for (PetscInt j = 0; S.S && j < d; j++) TzJetForm(b, p) += sign * 2 * TzFormEntry(&S, i, j) * M[i * l->n + j];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d/d(T - t) of y'P y + c, with y, P and Py in l; of a table that of P is in A */
static PetscReal Rate(const TzLinear *l)
{
  const PetscInt n    = l->n;
  PetscReal      rate = 0;

  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) {
      const PetscInt e = i * n + j;

      if (l->table) rate += l->y[i] * l->A[e] * l->y[j];
      else rate += 2 * l->Py[i] * l->A[e] * l->y[j] - l->Py[i] * l->K[e] * l->Py[j] + l->y[i] * l->Q[e] * l->y[j] + l->N[e] * l->P[e];
    }
  return rate;
}

/* b = g + the regulator's value less what that is at T; where g is quadratic these are the same */
PetscErrorCode TzLinearTransform(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  TzControlProblem *c = (TzControlProblem *)pde->control;
  TzLinear         *l;
  PetscReal         value;

  PetscFunctionBegin;
  PetscCall(TzLinearOffset(pde, &l));
  TzJetValue(a) = pde->T - z[pde->d];
  TzJetTime(a)  = -1;
  if (c->parts.terminal) PetscCall(TzPDETerminalJet(pde, z, b));
  PetscCall(At(pde, c, l, z, &value));
  if (c->parts.terminal) PetscCall(AddSquare(pde, z, l, -1, l->G, b));
  PetscCall(AddSquare(pde, z, l, 1, l->P, b));
  TzJetValue(b) += value - Square(l, l->P, l->Py); /* c */
  TzJetTime(b) -= Rate(l);
  PetscFunctionReturn(PETSC_SUCCESS);
}

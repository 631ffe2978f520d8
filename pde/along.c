/*
  The value of a control problem to second order along a direct optimum without noise, from the middle of the box: with -control_extension path the
  offset of the transform. So a network learns what that lacks where the regulator at the target says little, far from it.

  With H = dt L + lambda'.dt F, ' for the step after this one and its discount, f the Euler step, A = dt 2 R:

      S = H_xx + f_x'S'f_x - M (A + f_a'S'f_a)^-1 M',   M = H_xa + f_x'S'f_a,   S_N = Hess g,   c = c' + dt/2 tr(sigma sigma' S'),

  V = v + c + lambda.(x - X) + 1/2 (x - X)'S(x - X), v the cost from there on, lambda the costate; controls at a bound do not move (the second-order
  sweep of differential dynamic programming, Jacobson and Mayne 1970, at the optimum). Between steps P of y'P y is linear in t, y = (x - target, 1).
*/
#include "control.h"
#include "dense.h"

#define STEP 1e-3 /* of second derivatives, times max(1, |x_i|): an error of 1e-6 f'''' / 6, and rounding of 1e-10 f */

typedef struct {
  TzPDE      pde;
  PetscInt   d, m, N;
  PetscReal  dt, discount;           /* of one step */
  PetscReal *X, *a, *u, *lambda;     /* [N+1][d+1], [N][m], [N+1], [N+1][d] */
  PetscReal *S, *next, *fx, *fa, *M; /* [d][d] x 3, [d][m] x 2 */
  PetscReal *Sf, *Quu, *solved;      /* [d][d], [m][m], [m][d] */
  PetscReal *Z, *A, *F, *L;          /* points [4 d][d+1], their controls, rates and costs */
} Sweep;

static PetscErrorCode Create(TzPDE pde, PetscInt steps, Sweep *s)
{
  const PetscInt d = pde->d, m = ((TzControlProblem *)pde->control)->parts.m;

  PetscFunctionBegin;
  *s          = (Sweep){.pde = pde, .d = d, .m = m, .N = steps, .dt = pde->T / (PetscReal)steps};
  s->discount = PetscExpReal(-((TzControlProblem *)pde->control)->parts.discount * s->dt);
  PetscCall(PetscCalloc4((steps + 1) * (d + 1), &s->X, steps * m, &s->a, steps + 1, &s->u, (steps + 1) * d, &s->lambda));
  PetscCall(PetscCalloc5(d * d, &s->S, d * d, &s->next, d * d, &s->fx, d * m, &s->fa, d * m, &s->M));
  PetscCall(PetscCalloc3(d * d, &s->Sf, m * m, &s->Quu, m * d, &s->solved));
  PetscCall(PetscCalloc4(4 * d * (d + 1), &s->Z, 4 * d * m, &s->A, 4 * d * d, &s->F, 4 * d, &s->L));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Sweep *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(s->X, s->a, s->u, s->lambda));
  PetscCall(PetscFree5(s->S, s->next, s->fx, s->fa, s->M));
  PetscCall(PetscFree3(s->Sf, s->Quu, s->solved));
  PetscCall(PetscFree4(s->Z, s->A, s->F, s->L));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The optimum, sought from the regulator's controls from a random point of the box: where all is symmetric to the middle these are not */
static PetscErrorCode Optimum(Sweep *s)
{
  const PetscInt  d = s->d, D = d + 1;
  const TzDomain *domain;
  PetscReal      *x = s->Z, *x0 = s->Z + D, cost;

  PetscFunctionBegin;
  PetscCall(TzPDEGetDomain(s->pde, &domain));
  PetscCall(TzRandomUniform(0, TZ_STREAM_EQUATION, 0, 0, 0, d, x));
  for (PetscInt i = 0; i < d; i++) {
    x0[i] = (domain->lo[i] + domain->hi[i]) / 2;
    x[i]  = domain->lo[i] + (domain->hi[i] - domain->lo[i]) * x[i];
  }
  for (PetscInt k = 0; k < s->N; k++) {
    x[d] = (PetscReal)k * s->dt;
    PetscCall(TzPDEControlLinear(s->pde, "-control_extension path", 1, x, NULL, s->F));
    PetscCall(TzPDEControlMinimize(s->pde, 1, x, s->F, s->a + k * s->m));
    PetscCall(TzPDEControlRate(s->pde, 1, x, s->a + k * s->m, s->F));
    for (PetscInt i = 0; i < d; i++) x[i] += s->dt * s->F[i];
  }
  PetscCall(TzPDEControlDirect(s->pde, "-control_extension path", s->N, x0, NULL, s->a, &cost, s->X, s->u, s->lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal StepOf(const PetscReal x[], PetscInt i)
{
  return STEP * PetscMax(1, PetscAbsReal(x[i]));
}

/* Point number e of s->Z: that of step k, x_i and x_j moved, with the controls of the step */
static PetscReal *Move(Sweep *s, PetscInt k, PetscInt e, PetscInt i, PetscReal hi, PetscInt j, PetscReal hj)
{
  PetscReal *z = s->Z + e * (s->d + 1);

  (void)PetscArraycpy(z, s->X + k * (s->d + 1), s->d + 1);
  z[i] += hi;
  z[j] += hj;
  for (PetscInt l = 0; k < s->N && l < s->m; l++) s->A[e * s->m + l] = s->a[k * s->m + l];
  return z;
}

/* S [d][d] = H_xx at step k; at N, of the terminal cost */
static PetscErrorCode Second(Sweep *s, PetscInt k, PetscReal S[])
{
  const PetscInt   d = s->d;
  const PetscReal *x = s->X + k * (d + 1), *lambda = s->lambda + (k + 1) * d;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) {
    const PetscReal hi = StepOf(x, i);
    const PetscInt  n  = 4 * (i + 1);

    for (PetscInt e = 0; e < n; e++) (void)Move(s, k, e, i, e & 2 ? -hi : hi, e / 4, (e & 1 ? -1 : 1) * StepOf(x, e / 4));
    if (k == s->N) PetscCall(TzPDEControlTerminal(s->pde, n, s->Z, s->L));
    else {
      PetscCall(TzPDEControlRunning(s->pde, n, s->Z, s->A, s->L));
      PetscCall(TzPDEControlRate(s->pde, n, s->Z, s->A, s->F));
      for (PetscInt e = 0; e < n; e++) {
        for (PetscInt l = 0; l < d; l++) s->L[e] += s->discount * lambda[l] * s->F[e * d + l];
        s->L[e] *= s->dt;
      }
    }
    for (PetscInt j = 0; j <= i; j++) {
      const PetscReal *h = s->L + 4 * j;

      S[i * d + j] = S[j * d + i] = (h[0] - h[1] - h[2] + h[3]) / (4 * hi * StepOf(x, j));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* fx, fa, and M = H_xa of step k */
static PetscErrorCode First(Sweep *s, PetscInt k)
{
  const TzControlParts *u = &((TzControlProblem *)s->pde->control)->parts;
  const PetscInt        d = s->d, m = s->m;
  const PetscReal      *x = s->X + k * (d + 1), *lambda = s->lambda + (k + 1) * d, *B;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(s->M, d * m));
  for (PetscInt i = 0; i < d; i++) {
    const PetscReal h = StepOf(x, i);

    for (int e = 0; e < 2; e++) {
      const PetscReal *z = Move(s, k, e, i, e ? -h : h, i, 0);

      if (!u->Bfield) continue;
      PetscCall(TzControlMatrix(s->pde, z, &B));
      for (PetscInt l = 0; l < d; l++)
        for (PetscInt j = 0; j < m; j++) s->M[i * m + j] += (e ? -1 : 1) * s->dt * s->discount * lambda[l] * B[l * m + j] / (2 * h);
    }
    PetscCall(TzPDEControlRate(s->pde, 2, s->Z, s->A, s->F));
    for (PetscInt l = 0; l < d; l++) s->fx[l * d + i] = (l == i ? 1 : 0) + s->dt * (s->F[l] - s->F[d + l]) / (2 * h);
  }
  PetscCall(TzControlMatrix(s->pde, x, &B));
  for (PetscInt e = 0; e < d * m; e++) s->fa[e] = s->dt * (B ? B[e] : e / m == e % m ? 1 : 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* s->S from that of the step after k, in s->next; *good is FALSE where H has no minimum in a */
static PetscErrorCode Back(Sweep *s, PetscInt k, PetscBool *good)
{
  const TzControlParts *u = &((TzControlProblem *)s->pde->control)->parts;
  const PetscInt        d = s->d, m = s->m;
  const PetscReal      *a      = s->a + k * m;
  PetscReal            *factor = s->A;
  PetscBool             singular;

  PetscFunctionBegin;
  PetscCall(First(s, k));
  PetscCall(Second(s, k, s->S));
  for (PetscInt e = 0; e < d * d; e++) s->next[e] *= s->discount;
  PetscCall(TzDenseMultiply(PETSC_FALSE, PETSC_FALSE, d, d, d, 1, s->next, s->fx, 0, s->Sf));
  PetscCall(TzDenseMultiply(PETSC_TRUE, PETSC_FALSE, d, d, d, 1, s->fx, s->Sf, 1, s->S));
  PetscCall(TzDenseMultiply(PETSC_TRUE, PETSC_FALSE, d, m, d, 1, s->Sf, s->fa, 1, s->M));
  PetscCall(TzDenseMultiply(PETSC_FALSE, PETSC_FALSE, d, m, d, 1, s->next, s->fa, 0, s->Sf));
  for (PetscInt i = 0; i < m; i++)
    for (PetscInt j = 0; j < m; j++) s->Quu[i * m + j] = 2 * s->dt * (u->R ? u->R[i * m + j] : i == j ? u->r[i] : 0);
  PetscCall(TzDenseMultiply(PETSC_TRUE, PETSC_FALSE, m, m, d, 1, s->fa, s->Sf, 1, s->Quu));
  for (PetscInt j = 0; j < m; j++) {
    if (!(u->lo && a[j] <= u->lo[j]) && !(u->hi && a[j] >= u->hi[j])) continue;
    for (PetscInt i = 0; i < m; i++) s->Quu[i * m + j] = s->Quu[j * m + i] = i == j ? 1 : 0;
    for (PetscInt i = 0; i < d; i++) s->M[i * m + j] = 0;
  }
  PetscCall(TzDenseCholesky(m, s->Quu, factor, good));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = 0; j < m; j++) s->solved[j * d + i] = s->M[i * m + j];
  PetscCall(TzDenseSolve(m, d, s->Quu, s->solved, &singular));
  PetscCall(TzDenseMultiply(PETSC_FALSE, PETSC_FALSE, d, d, m, -1, s->M, s->solved, 1, s->S));
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = 0; j < i; j++) s->S[i * d + j] = s->S[j * d + i] = (s->S[i * d + j] + s->S[j * d + i]) / 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P [n][n] of y'P y from S, lambda and value at step k */
static void Homogeneous(const Sweep *s, PetscInt k, PetscReal value, PetscReal P[])
{
  const PetscReal *target = ((TzControlProblem *)s->pde->control)->parts.target, *x = s->X + k * (s->d + 1), *lambda = s->lambda + k * s->d;
  const PetscInt   d = s->d, n = d + 1;

  P[n * n - 1] = value;
  for (PetscInt i = 0; i < d; i++) {
    PetscReal Se = 0;

    for (PetscInt j = 0; j < d; j++) {
      Se += s->S[i * d + j] * (x[j] - target[j]);
      P[i * n + j] = s->S[i * d + j] / 2;
    }
    P[i * n + d] = P[d * n + i] = (lambda[i] - Se) / 2;
    P[n * n - 1] += (Se / 2 - lambda[i]) * (x[i] - target[i]);
  }
}

PetscErrorCode TzAlongSolve(TzPDE pde, PetscInt steps, PetscReal P[])
{
  const PetscInt d = pde->d, size = (d + 1) * (d + 1);
  PetscReal      c    = 0, *noise;
  PetscBool      good = PETSC_TRUE;
  Sweep          s;

  PetscFunctionBegin;
  PetscCall(Create(pde, steps, &s));
  PetscCall(PetscCalloc1(size, &noise));
  PetscCall(Optimum(&s));
  PetscCall(Second(&s, steps, s.S));
  Homogeneous(&s, steps, s.u[steps], P + steps * size);
  for (PetscInt k = steps - 1; k >= 0 && good; k--) {
    PetscReal trace = 0;

    PetscCall(PetscArraycpy(s.next, s.S, d * d));
    PetscCall(TzLinearNoise(pde, s.X + k * (d + 1), noise));
    for (PetscInt i = 0; i < d; i++)
      for (PetscInt j = 0; j < d; j++) trace += noise[i * (d + 1) + j] * s.next[i * d + j];
    c = s.discount * (c + s.dt / 2 * trace);
    PetscCall(Back(&s, k, &good));
    Homogeneous(&s, k, s.u[k] + c, P + k * size);
  }
  for (PetscInt e = 0; e < (steps + 1) * size; e++) good = (PetscBool)(good && !PetscIsInfOrNanReal(P[e]));
  PetscCall(PetscFree(noise));
  PetscCall(Destroy(&s));
  PetscCheck(good, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT,
             "-control_extension path: the direct optimum of equation %s is no strict minimum, or its %" PetscInt_FMT
             " Euler steps are too long (-control_extension_steps)",
             ((PetscObject)pde)->type_name, steps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

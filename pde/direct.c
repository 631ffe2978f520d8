/*
  The direct optimum of a control problem along one path without noise: the controls of N Euler steps that cost least, by TAO.

      X_{k+1} = X_k + dt F(X_k, a_k),   J = sum_k e^(-rho t_k) dt L(X_k, a_k) + e^(-rho T) g(X_N),   F = f + B a,  L = q + a'R a.

  Its gradient is that of the adjoint of the same scheme, with H_k(x, a) = dt (e^(-rho t_k) L + lambda_{k+1}.F):

      lambda_N = e^(-rho T) grad g(X_N),   dJ/da_k = grad_a H_k,   lambda_k = lambda_{k+1} + grad_x H_k.

  Where the controls are optimal, e^(rho t_k) lambda_k is the gradient of the value at X_k, and what the path costs from there on is the value.

  H is quadratic in a, so central differences are exact there; in x they are of order 2.
*/
#include <tzcontrol.h>
#include <petsctao.h>

#define STEP      1e-4 /* of differences in x, times max(1, |x_i|): an error of 1e-8 f''' / 6, and rounding of 1e-12 f */
#define HUGE_COST 1e100

typedef struct {
  TzPDE      pde;
  PetscInt   d, m, steps;
  PetscReal  dt, rho;
  PetscReal *X;                /* [steps + 1][d + 1] */
  PetscReal *lambda, *H;       /* [d], [2 (d + m)] */
  PetscReal *Z, *A, *F, *grad; /* points [2 (d + m)][d + 1], their controls [..][m] and rates [..][d]; [d + m] */
} Direct;

static PetscErrorCode Create(TzPDE pde, PetscInt steps, const PetscReal x0[], Direct *s)
{
  const TzControlParts *parts;
  const TzDomain       *domain;
  PetscInt              n;

  PetscFunctionBegin;
  PetscCall(TzPDEGetControl(pde, &parts));
  PetscCall(TzPDEGetDomain(pde, &domain));
  *s = (Direct){.pde = pde, .d = domain->d, .m = parts->m, .steps = steps, .dt = domain->T / (PetscReal)steps, .rho = parts->discount};
  n  = 2 * (s->d + s->m);
  PetscCall(PetscMalloc3((steps + 1) * (s->d + 1), &s->X, s->d, &s->lambda, n, &s->H));
  PetscCall(PetscMalloc4(n * (s->d + 1), &s->Z, n * s->m, &s->A, n * s->d, &s->F, s->d + s->m, &s->grad));
  PetscCall(PetscArraycpy(s->X, x0, s->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Direct *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(s->X, s->lambda, s->H));
  PetscCall(PetscFree4(s->Z, s->A, s->F, s->grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Discount(const Direct *s, PetscInt k)
{
  return PetscExpReal(-s->rho * (PetscReal)k * s->dt);
}

/* The path of the controls a [steps][m], and its cost */
static PetscErrorCode Forward(Direct *s, const PetscReal a[], PetscReal *J)
{
  const PetscInt d = s->d, D = d + 1;
  PetscReal      cost;

  PetscFunctionBegin;
  *J = 0;
  for (PetscInt k = 0; k <= s->steps; k++) {
    PetscReal *x = s->X + k * D;

    x[d] = (PetscReal)k * s->dt;
    if (k == s->steps) PetscCall(TzPDEControlTerminal(s->pde, 1, x, &cost));
    else PetscCall(TzPDEControlRunning(s->pde, 1, x, a + k * s->m, &cost));
    *J += Discount(s, k) * (k < s->steps ? s->dt : 1) * cost;
    if (k == s->steps) break;
    PetscCall(TzPDEControlRate(s->pde, 1, x, a + k * s->m, s->F));
    for (PetscInt i = 0; i < d; i++) x[D + i] = x[i] + s->dt * s->F[i];
  }
  if (!(*J < HUGE_COST)) *J = HUGE_COST; /* NaN too: a line search comes back from there */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* s->grad: of H_k in x [d] and in a [m]; a NULL: of the terminal cost */
static PetscErrorCode Hamiltonian(Direct *s, PetscInt k, const PetscReal a[])
{
  const PetscInt   d = s->d, D = d + 1, n = 2 * (d + (a ? s->m : 0));
  const PetscReal *x = s->X + k * D;

  PetscFunctionBegin;
  for (PetscInt e = 0; e < n; e++) {
    const PetscInt  i = e / 2;
    const PetscReal h = (e % 2 ? -1 : 1) * (i < d ? STEP * PetscMax(1, PetscAbsReal(x[i])) : 1);

    PetscCall(PetscArraycpy(s->Z + e * D, x, D));
    if (a) PetscCall(PetscArraycpy(s->A + e * s->m, a, s->m));
    if (i < d) s->Z[e * D + i] += h;
    else s->A[e * s->m + i - d] += h;
  }
  if (a) {
    PetscCall(TzPDEControlRunning(s->pde, n, s->Z, s->A, s->H));
    PetscCall(TzPDEControlRate(s->pde, n, s->Z, s->A, s->F));
  } else PetscCall(TzPDEControlTerminal(s->pde, n, s->Z, s->H));
  for (PetscInt e = 0; e < n; e++) {
    s->H[e] *= Discount(s, k) * (a ? s->dt : 1);
    for (PetscInt i = 0; a && i < d; i++) s->H[e] += s->dt * s->lambda[i] * s->F[e * d + i];
  }
  for (PetscInt i = 0; i < n / 2; i++) s->grad[i] = (s->H[2 * i] - s->H[2 * i + 1]) / (2 * (i < d ? STEP * PetscMax(1, PetscAbsReal(x[i])) : 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After Forward(s, a): dJ/da g [steps][m] and, unless NULL, the gradients e^(rho t_k) lambda_k [steps + 1][d] */
static PetscErrorCode Backward(Direct *s, const PetscReal a[], PetscReal g[], PetscReal costate[])
{
  PetscFunctionBegin;
  for (PetscInt k = s->steps; k >= 0; k--) {
    PetscCall(Hamiltonian(s, k, k < s->steps ? a + k * s->m : NULL));
    for (PetscInt i = 0; i < s->d; i++) s->lambda[i] = (k < s->steps ? s->lambda[i] : 0) + s->grad[i];
    if (k < s->steps) PetscCall(PetscArraycpy(g + k * s->m, s->grad + s->d, s->m));
    for (PetscInt i = 0; costate && i < s->d; i++) costate[k * s->d + i] = s->lambda[i] / Discount(s, k);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveGradient(PETSC_UNUSED Tao tao, Vec v, PetscReal *J, Vec gradient, void *ctx)
{
  Direct          *s = (Direct *)ctx;
  const PetscReal *a;
  PetscReal       *g;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(v, &a));
  PetscCall(VecGetArray(gradient, &g));
  PetscCall(Forward(s, a, J));
  if (*J < HUGE_COST) PetscCall(Backward(s, a, g, NULL));
  else PetscCall(PetscArrayzero(g, s->steps * s->m));
  PetscCall(VecRestoreArray(gradient, &g));
  PetscCall(VecRestoreArrayRead(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a [steps][m]: `other`, unless that is NULL, or none, where that costs less */
static PetscErrorCode Begin(Direct *s, const TzControlParts *parts, const PetscReal other[], PetscReal a[])
{
  const PetscInt n = s->steps * s->m;
  PetscReal     *none, least, cost;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &none));
  for (PetscInt i = 0; i < n; i++) none[i] = PetscMin(PetscMax(0, parts->lo ? parts->lo[i % s->m] : 0), parts->hi ? parts->hi[i % s->m] : PETSC_INFINITY);
  PetscCall(Forward(s, a, &least));
  for (int k = 0; k < 2; k++) {
    const PetscReal *from = k ? none : other;

    if (!from) continue;
    PetscCall(Forward(s, from, &cost));
    if (cost < least) PetscCall(PetscArraycpy(a, from, n));
    least = PetscMin(least, cost);
  }
  PetscCall(PetscFree(none));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The bounds of all steps, where there are */
static PetscErrorCode SetBounds(Tao tao, const TzControlParts *parts, Vec a)
{
  PetscReal *x[2];
  PetscInt   n;
  Vec        bound[2];

  PetscFunctionBegin;
  if (!parts->lo && !parts->hi) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetSize(a, &n));
  for (int k = 0; k < 2; k++) {
    const PetscReal *limit = k ? parts->hi : parts->lo;

    PetscCall(VecDuplicate(a, &bound[k]));
    PetscCall(VecGetArray(bound[k], &x[k]));
    for (PetscInt i = 0; i < n; i++) x[k][i] = limit ? limit[i % parts->m] : k ? PETSC_INFINITY : PETSC_NINFINITY;
    PetscCall(VecRestoreArray(bound[k], &x[k]));
  }
  PetscCall(TaoSetVariableBounds(tao, bound[0], bound[1]));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&bound[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The path of a, what it costs from each of its points on, and the gradient of that */
static PetscErrorCode PutPath(Direct *s, const PetscReal a[], PetscReal X[], PetscReal u[], PetscReal grad[])
{
  const PetscInt D = s->d + 1, N = s->steps;
  PetscReal     *unused;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(N * s->m, &unused));
  PetscCall(Backward(s, a, unused, grad));
  PetscCall(PetscFree(unused));
  PetscCall(PetscArraycpy(X, s->X, (N + 1) * D));
  PetscCall(TzPDEControlTerminal(s->pde, 1, X + N * D, &u[N]));
  for (PetscInt k = N - 1; k >= 0; k--) {
    PetscCall(TzPDEControlRunning(s->pde, 1, X + k * D, a + k * s->m, &u[k]));
    u[k] = s->dt * u[k] + Discount(s, 1) * u[k + 1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEControlDirect(TzPDE pde, const char option[], PetscInt steps, const PetscReal x0[], const PetscReal other[], PetscReal a[], PetscReal *cost,
                                  PetscReal X[], PetscReal u[], PetscReal grad[])
{
  const TzControlParts *parts;
  Direct                s;
  Vec                   controls;
  Tao                   tao;

  PetscFunctionBegin;
  PetscCall(TzPDEGetControl(pde, &parts));
  PetscCheck(!parts->absolute, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT,
             "%s: controls have a cost of |a|, which has no gradient; must be another", option);
  if (!steps) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Create(pde, steps, x0, &s));
  PetscCall(Begin(&s, parts, other, a));
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, steps * s.m, a, &controls));
  PetscCall(TaoCreate(PETSC_COMM_SELF, &tao));
  PetscCall(TaoSetType(tao, parts->lo || parts->hi ? TAOBLMVM : TAOLMVM));
  PetscCall(TaoSetObjectiveAndGradient(tao, NULL, ObjectiveGradient, &s));
  PetscCall(TaoSetSolution(tao, controls));
  PetscCall(SetBounds(tao, parts, controls));
  PetscCall(TaoSetTolerances(tao, 0, 0, 1e-7));
  PetscCall(TaoSetMaximumIterations(tao, 2000));
  PetscCall(TaoSetMaximumFunctionEvaluations(tao, 10000));
  PetscCall(TaoSolve(tao)); /* a line search that finds nothing better is at the end, too */
  PetscCall(TaoDestroy(&tao));
  PetscCall(VecDestroy(&controls));
  PetscCall(Forward(&s, a, cost));
  if (X) PetscCall(PutPath(&s, a, X, u, grad));
  PetscCall(Destroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

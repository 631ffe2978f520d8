#include <private/tzzoimpl.h>

#define TRIALS 8 /* dampings tried in a step */

/* x <- A^-1 x for a symmetric positive definite A [n][n], overwritten by its factor; whether it is one */
static PetscBool CholeskySolve(PetscInt n, PetscReal A[], PetscReal x[])
{
  for (PetscInt j = 0; j < n; j++) {
    PetscReal *row = A + j * n;

    for (PetscInt i = 0; i <= j; i++) {
      PetscReal s = row[i];

      for (PetscInt k = 0; k < i; k++) s -= row[k] * A[i * n + k];
      if (i == j && !(s > 0)) return PETSC_FALSE;
      row[i] = i == j ? PetscSqrtReal(s) : s / A[i * n + i];
    }
    for (PetscInt k = 0; k < j; k++) x[j] -= row[k] * x[k];
    x[j] /= row[j];
  }
  for (PetscInt j = n - 1; j >= 0; j--) {
    for (PetscInt k = j + 1; k < n; k++) x[j] -= A[k * n + j] * x[k];
    x[j] /= A[j * n + j];
  }
  return PETSC_TRUE;
}

/*
  From the residual vectors R (in the order of TzLossResidualVectors) the normal equations of min |r_0 + sum_q c_q J xi_q|^2 / samples:
  G [n][n] and b [n]. Rows of R beyond the first are overwritten with J xi_q. Returns |r_0|^2 / samples.
*/
static PetscReal NormalEquations(const TzQueries *q, PetscInt samples, PetscReal R[], PetscReal G[], PetscReal b[])
{
  const PetscInt n = q->n;
  PetscReal     *A = R + samples, loss = 0;

  for (PetscInt p = 0; p < n; p++)
    for (PetscInt i = 0; i < samples; i++) {
      const PetscReal *plus = R + (1 + p * (q->twosided ? 2 : 1)) * samples;

      A[p * samples + i] = q->twosided ? (plus[i] - plus[samples + i]) / (2 * q->mu) : (plus[i] - R[i]) / q->mu;
    }
  for (PetscInt p = 0; p < n; p++) {
    b[p] = 0;
    for (PetscInt i = 0; i < samples; i++) b[p] += A[p * samples + i] * R[i] / samples;
    for (PetscInt k = 0; k <= p; k++) {
      PetscReal s = 0;

      for (PetscInt i = 0; i < samples; i++) s += A[p * samples + i] * A[k * samples + i];
      G[p * n + k] = G[k * n + p] = s / samples;
    }
  }
  for (PetscInt i = 0; i < samples; i++) loss += R[i] * R[i];
  return loss / samples;
}

/* solution = previous + rate sum_q c_q xi_q, and theta */
static PetscErrorCode Move(Tao tao, const TzQueries *q, const PetscReal c[])
{
  TAO_ZO    *zo = (TAO_ZO *)tao->data;
  PetscReal *x;
  PetscInt   i0, i1;

  PetscFunctionBegin;
  PetscCall(VecCopy(zo->previous, tao->solution));
  PetscCall(VecGetOwnershipRange(tao->solution, &i0, &i1));
  PetscCall(VecGetArray(tao->solution, &x));
  for (PetscInt p = 0; p < q->n; p++) {
    PetscCall(TzLossDirection(zo->loss, q, p, i0, i1, zo->xi));
    for (PetscInt i = 0; i < i1 - i0; i++) x[i] += zo->rate * c[p] * zo->xi[i];
  }
  PetscCall(VecRestoreArray(tao->solution, &x));
  PetscCall(TzZOGatherSolution(tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzZOGaussNewton(Tao tao, const TzZOPhase *phase, const TzQueries *q, PetscReal *l0, PetscReal *norm)
{
  TAO_ZO        *zo = (TAO_ZO *)tao->data;
  const PetscInt n  = q->n;
  PetscInt       samples;
  PetscReal     *G, *F, *b, *c, trace = 0, l;
  PetscBool      accepted = PETSC_FALSE;

  PetscFunctionBegin;
  (void)phase;
  PetscCall(PetscMalloc4(n * n, &G, n * n, &F, n, &b, n, &c));
  PetscCall(TzLossGetNumSamples(zo->loss, &samples));
  PetscCall(TzLossResidualVectors(zo->loss, zo->theta, q, zo->full));
  *l0   = NormalEquations(q, samples, zo->full, G, b);
  *norm = 0;
  for (PetscInt p = 0; p < n; p++) {
    trace += G[p * n + p] / n;
    *norm += 4 * b[p] * b[p] / n;
  }
  *norm = PetscSqrtReal(*norm);
  PetscCall(VecCopy(tao->solution, zo->previous));
  for (PetscInt trial = 0; trial < TRIALS && !accepted && !PetscIsInfOrNanReal(*l0 + *norm); trial++) {
    PetscCall(PetscArraycpy(F, G, n * n));
    for (PetscInt p = 0; p < n; p++) {
      F[p * n + p] += zo->state.damping * trace;
      c[p] = -b[p];
    }
    if (CholeskySolve(n, F, c)) {
      PetscCall(Move(tao, q, c));
      PetscCall(TzLossObjective(zo->loss, zo->theta, &l));
      accepted = (PetscBool)(l < *l0);
    }
    zo->state.damping = accepted ? PetscMax(zo->state.damping / 3, 1e-12) : PetscMin(4 * zo->state.damping, 1e6);
  }
  if (!accepted) {
    PetscCall(VecCopy(zo->previous, tao->solution));
    PetscCall(TzZOGatherSolution(tao));
  }
  PetscCall(PetscFree4(G, F, b, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
  TAOZOGN - Gauss-Newton steps in the span of random directions, from forward evaluations alone

  For losses that are a mean of squares r_i^2. Each query yields the whole vector of residuals, so that N queries tell the derivatives of all
  residuals along N directions: the step sum_q c_q xi_q minimises |r + J sum_q c_q xi_q|^2 + damping |c|^2 (Levenberg's damping, in units of
  the mean of |J xi_q|^2). It is taken if the loss on the same samples falls, otherwise tried again with more damping.

  Options Database Keys:
+ -zo_queries N - directions of a step (default 40)
. -zo_direction, -zo_mu, -zo_two_sided - as in TAOZOSGD (default mu: 1e-4, since no noise is to be averaged)
- -zo_lr lr - part of the step that is taken (default 1)

  Level: intermediate

  Note:
  Queries a step: 1 + N (1 + 2N two-sided) and one for each damping tried.
M*/
PetscErrorCode TaoCreate_ZOGN(Tao tao)
{
  const TzZOPhase phase = {.name      = "Gauss-Newton in the span",
                           .estimate  = TZ_ZO_GAUSSNEWTON,
                           .direction = TZ_DIRECTION_GAUSSIAN,
                           .queries   = 40,
                           .mu        = 1e-4,
                           .lr        = 1,
                           .update    = TzZODescend};

  PetscFunctionBegin;
  PetscCall(TaoZOCreate(tao, 1, &phase));
  PetscFunctionReturn(PETSC_SUCCESS);
}

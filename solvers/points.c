#include <private/tzzoimpl.h>

/* A random part of the coordinates, one from each of q->n equal ranges of 0..N-1: each coordinate is as likely, none comes twice, and any
   rank draws the same */
static PetscErrorCode Draw(const TzQueries *q, PetscInt N, PetscReal u[], PetscInt which[])
{
  PetscFunctionBegin;
  PetscCall(TzRandomUniform(q->seed, TZ_STREAM_DIRECTION, q->step, 0, 0, q->n, u));
  for (PetscInt k = 0; k < q->n; k++) {
    const PetscInt lo = (PetscInt)((PetscInt64)N * k / q->n), hi = (PetscInt)((PetscInt64)N * (k + 1) / q->n);

    which[k] = PetscMin(lo + (PetscInt)(u[k] * (hi - lo)), hi - 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzZOPoints(Tao tao, const TzZOPhase *phase, const TzQueries *queries, PetscReal *l0, PetscReal *norm)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  TzQueries q  = *queries;
  PetscInt  i0, i1, N;
  PetscReal sum = 0;

  PetscFunctionBegin;
  q.mu = zo->rate;
  PetscCall(VecGetSize(tao->solution, &N));
  PetscCall(VecGetOwnershipRange(tao->solution, &i0, &i1));
  PetscCall(Draw(&q, N, zo->lp, zo->which));
  PetscCall(TzLossEvaluate(zo->loss, zo->theta, &q, l0, zo->lp, zo->lm));
  PetscCall(PetscArrayzero(zo->g, i1 - i0));
  for (PetscInt k = 0; k < q.n; k++) {
    const PetscInt  i    = q.which[k];
    const PetscReal plus = zo->lp[k], slope = (plus - *l0) / q.mu;
    PetscReal       down;

    sum += slope * slope;
    if (phase->twosided) down = plus < *l0 && plus <= zo->lm[k] ? -1 : zo->lm[k] < *l0 ? 1 : 0;
    else down = plus < *l0 ? -1 : 1;
    if (i >= i0 && i < i1) zo->g[i - i0] = down;
  }
  *norm = PetscSqrtReal(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

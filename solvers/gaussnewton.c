/*
  Estimate: a Gauss-Newton step in the span of the directions, from forward evaluations of residual vectors alone, with its acceptance.

  Each query yields the whole vector r of residuals, so that N queries tell the derivatives A = (J xi_q) of all residuals along N directions. The step
  sum_q c_q xi_q minimises |r + A' c|^2 / samples + damping |c|^2 (Levenberg's damping, in units of the mean of |J xi_q|^2 / samples). It is taken if the
  loss on the same samples falls, otherwise tried again with more damping.
*/
#include <private/tzzoimpl.h>
#include "linear.h"

#define TRIALS 8 /* dampings tried in a step */

typedef struct {
  PetscInt   samples;
  PetscReal *r; /* [1 + queries (1 + twosided)][samples]: residual vectors; rows from 1 on are overwritten with J xi_q */
  PetscReal *G, *F, *b, *c;
} GaussNewton;

static PetscErrorCode SetFromOptions(Tao tao, TzZOPhase *phase, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzZOQueriesFromOptions(tao, phase, TZ_DIRECTION_HADAMARD, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(Tao tao, TzZOPhase *phase)
{
  TAO_ZO        *zo = (TAO_ZO *)tao->data;
  const PetscInt n  = phase->queries;
  GaussNewton   *s;
  TzQueries      q;
  PetscInt       grid[2];
  PetscBool      residuals;

  PetscFunctionBegin;
  PetscCall(TzLossHasResiduals(zo->loss, &residuals));
  PetscCheck(residuals, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT,
             "-tao_type %s: least squares need residuals, which a loss of type %s has not: it is no mean of squares", ((PetscObject)tao)->type_name,
             ((PetscObject)zo->loss)->type_name);
  PetscCall(TzZOQueries(tao, phase, &q));
  PetscCall(TzLossGetPartition(zo->loss, &q, grid));
  PetscCall(PetscNew(&s));
  PetscCall(TzLossGetNumSamples(zo->loss, &s->samples));
  PetscCall(PetscMalloc1((size_t)(1 + n * (q.twosided ? 2 : 1)) * (size_t)s->samples, &s->r));
  PetscCall(PetscMalloc4((size_t)n * n, &s->G, (size_t)n * n, &s->F, n, &s->b, n, &s->c));
  phase->data = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows J xi_q from the residual vectors, in place */
static void Differences(const TzQueries *q, GaussNewton *s)
{
  const PetscReal *r = s->r;
  PetscReal       *A = s->r + s->samples;

  for (PetscInt p = 0; p < q->n; p++)
    for (PetscInt i = 0; i < s->samples; i++) {
      const PetscReal *plus = r + (1 + p * (q->twosided ? 2 : 1)) * s->samples;

      A[p * s->samples + i] = q->twosided ? (plus[i] - plus[s->samples + i]) / (2 * q->mu) : (plus[i] - r[i]) / q->mu;
    }
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

/* Step by step more damping until the loss falls; the solution stays where it is if it never does */
static PetscErrorCode Search(Tao tao, const TzQueries *q, GaussNewton *s, PetscReal trace, PetscReal l0)
{
  TAO_ZO   *zo       = (TAO_ZO *)tao->data;
  MPI_Comm  comm     = PetscObjectComm((PetscObject)tao);
  PetscBool accepted = PETSC_FALSE, definite;
  PetscReal l;

  PetscFunctionBegin;
  PetscCall(VecCopy(tao->solution, zo->previous));
  for (PetscInt trial = 0; trial < TRIALS && !accepted; trial++) {
    PetscCall(PetscArraycpy(s->F, s->G, q->n * q->n));
    for (PetscInt p = 0; p < q->n; p++) s->c[p] = -s->b[p];
    PetscCall(TzCholeskySolve(comm, q->n, zo->state.damping * trace, s->F, s->c, &definite));
    if (definite) {
      PetscCall(Move(tao, q, s->c));
      PetscCall(TzLossObjective(zo->loss, zo->theta, &l));
      accepted = (PetscBool)(l < l0);
    }
    zo->state.damping = accepted ? PetscMax(zo->state.damping / 3, 1e-12) : PetscMin(4 * zo->state.damping, 1e6);
  }
  if (!accepted) {
    PetscCall(VecCopy(zo->previous, tao->solution));
    PetscCall(TzZOGatherSolution(tao));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Estimate(Tao tao, TzZOPhase *phase, PetscReal *l0, PetscReal *norm)
{
  TAO_ZO      *zo    = (TAO_ZO *)tao->data;
  GaussNewton *s     = (GaussNewton *)phase->data;
  TzMatrix     A     = {.n = phase->queries, .m = s->samples, .rows = s->samples, .cols = 1, .x = s->r + s->samples};
  PetscReal    trace = 0;
  TzQueries    q;

  PetscFunctionBegin;
  PetscCall(TzZOQueries(tao, phase, &q));
  PetscCall(TzLossResidualVectors(zo->loss, zo->theta, &q, s->r));
  Differences(&q, s);
  PetscCall(TzMatrixGram(PetscObjectComm((PetscObject)tao), &A, s->G));
  PetscCall(TzMatrixMultiply(&A, s->r, s->b));
  *l0 = *norm = 0;
  for (PetscInt i = 0; i < s->samples; i++) *l0 += s->r[i] * s->r[i] / s->samples;
  for (PetscInt i = 0; i < q.n * q.n; i++) s->G[i] /= s->samples;
  for (PetscInt p = 0; p < q.n; p++) {
    s->b[p] /= s->samples;
    trace += s->G[p * q.n + p] / q.n;
    *norm += 4 * s->b[p] * s->b[p] / q.n;
  }
  *norm = PetscSqrtReal(*norm);
  if (!PetscIsInfOrNanReal(*l0 + *norm)) PetscCall(Search(tao, &q, s, trace, *l0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzZOPhase *phase)
{
  GaussNewton *s = (GaussNewton *)phase->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(s->r));
  PetscCall(PetscFree4(s->G, s->F, s->b, s->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzZOEstimate TzZOGaussNewton = {.setfromoptions = SetFromOptions, .setup = SetUp, .estimate = Estimate, .view = TzZOQueriesView, .destroy = Destroy};

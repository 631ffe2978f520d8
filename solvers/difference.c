/*
  Estimate: the gradient by differences of losses, along random directions (RGE) or along every coordinate (CGE). Each rank sums its own part over the
  queries in ascending order, from losses that all ranks have and directions that any rank regenerates.
*/
#include <private/tzzoimpl.h>

typedef struct {
  PetscReal *lp, *lm, *sum; /* [queries], [queries]; [2][queries] where means are taken */
  PetscBool  warned;        /* that all differences of a step were 0 */
} Losses;

void TzZOCoefficients(const TzQueries *q, PetscReal l0, const PetscReal lp[], const PetscReal lm[], PetscReal c[])
{
  for (PetscInt p = 0; p < q->n; p++) c[p] = q->twosided ? (lp[p] - lm[p]) / (2 * q->mu) : (lp[p] - l0) / q->mu;
}

PetscErrorCode TzZOGradient(TzLoss loss, const TzQueries *q, const PetscReal c[], PetscInt i0, PetscInt i1, PetscReal xi[], PetscReal g[])
{
  const PetscInt n = i1 - i0;

  PetscFunctionBegin;
  if (q->direction == TZ_DIRECTION_COORDINATE) {
    PetscCall(PetscArraycpy(g, c + i0 - q->first, n));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscArrayzero(g, n));
  for (PetscInt p = 0; p < q->n; p++) {
    const PetscReal weight = c[p] / q->n;

    PetscCall(TzLossDirection(loss, q, p, i0, i1, xi));
    for (PetscInt i = 0; i < n; i++) g[i] += weight * xi[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The norm of the gradient, from the derivatives along all directions: the same on every rank (a norm of the distributed estimate would not be) */
static PetscReal GradientNorm(const TzQueries *q, const PetscReal c[])
{
  PetscReal sum = 0;

  for (PetscInt p = 0; p < q->n; p++) sum += c[p] * c[p];
  return PetscSqrtReal(q->direction == TZ_DIRECTION_COORDINATE ? sum : sum / q->n);
}

static PetscErrorCode SetFromOptions(Tao tao, TzZOPhase *phase, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzZOQueriesFromOptions(tao, phase, TZ_DIRECTION_HADAMARD, PetscOptionsObject));
  phase->repeats = PetscMax(1, phase->repeats);
  PetscCall(TzOptionsInt(TzZOOption(phase, "repeats"), "Evaluations of each query of a step, of which the mean is taken: of networks that are noisy (>= 1)",
                         "TaoZOSetLoss", phase->repeats, &phase->repeats, NULL));
  PetscCheck(phase->repeats >= 1, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT, "%s %" PetscInt_FMT ": must be at least 1",
             TzZOOption(phase, "repeats"), phase->repeats);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(Tao tao, TzZOPhase *phase)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  Losses   *l;
  TzQueries q;
  PetscInt  grid[2], sums;

  PetscFunctionBegin;
  if (phase->direction == TZ_DIRECTION_COORDINATE) PetscCall(TzLossGetNumParameters(zo->loss, &phase->queries));
  sums = phase->repeats > 1 ? 2 : 0;
  PetscCall(TzZOQueries(tao, phase, &q));
  PetscCall(TzLossGetPartition(zo->loss, &q, grid)); /* a partition that does not fit is an error now, not after hours */
  PetscCall(TzMemoryCheck(PetscObjectComm((PetscObject)tao), (2. + sums) * phase->queries, "%s %" PetscInt_FMT, TzZOOption(phase, "queries"), phase->queries));
  PetscCall(PetscNew(&l));
  PetscCall(PetscMalloc3(phase->queries, &l->lp, phase->queries, &l->lm, sums * phase->queries, &l->sum));
  phase->data = l;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step that tells nothing would otherwise look like one that has arrived */
static PetscErrorCode WarnOfZeros(Tao tao, TzZOPhase *phase, const TzQueries *q, Losses *l, PetscReal l0)
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)tao);
  PetscBool zero = PETSC_TRUE;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < q->n && zero; p++) zero = (PetscBool)(l->lp[p] == 0);
  if (!zero || l->warned) PetscFunctionReturn(PETSC_SUCCESS);
  l->warned = PETSC_TRUE;
  PetscCall(PetscFPrintf(comm, stderr,
                         "tenzo: warning: step %" PetscInt_FMT ": all %" PetscInt_FMT
                         " differences are exactly 0: the loss, %g, does not change within %s %g; a "
                         "larger one may show its slope\n",
                         q->step + 1, q->n, (double)l0, TzZOOption(phase, "mu"), (double)phase->mu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The losses of the queries: of each the mean of so many evaluations */
static PetscErrorCode Evaluate(TAO_ZO *zo, PetscInt repeats, TzQueries *q, Losses *l, PetscReal *l0)
{
  PetscReal sum = 0;

  PetscFunctionBegin;
  if (repeats > 1) PetscCall(PetscArrayzero(l->sum, 2 * q->n));
  for (q->repeat = 0; q->repeat < PetscMax(1, repeats); q->repeat++) {
    PetscCall(TzLossEvaluate(zo->loss, zo->theta, q, l0, l->lp, l->lm));
    sum += *l0;
    for (PetscInt p = 0; p < q->n && repeats > 1; p++) {
      l->sum[p] += l->lp[p];
      if (q->twosided) l->sum[q->n + p] += l->lm[p];
    }
  }
  if (repeats <= 1) PetscFunctionReturn(PETSC_SUCCESS);
  *l0 = sum / repeats;
  for (PetscInt p = 0; p < q->n; p++) {
    l->lp[p] = l->sum[p] / repeats;
    l->lm[p] = l->sum[q->n + p] / repeats;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Estimate(Tao tao, TzZOPhase *phase, PetscReal *l0, PetscReal *norm)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  Losses   *l  = (Losses *)phase->data;
  TzQueries q;
  PetscInt  i0, i1;

  PetscFunctionBegin;
  PetscCall(TzZOQueries(tao, phase, &q));
  PetscCall(VecGetOwnershipRange(tao->solution, &i0, &i1));
  PetscCall(Evaluate(zo, phase->repeats, &q, l, l0));
  TzZOCoefficients(&q, *l0, l->lp, l->lm, l->lp);
  *norm = GradientNorm(&q, l->lp);
  PetscCall(WarnOfZeros(tao, phase, &q, l, *l0));
  PetscCall(TzZOGradient(zo->loss, &q, l->lp, i0, i1, zo->xi, zo->g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzZOPhase *phase)
{
  Losses *l = (Losses *)phase->data;

  PetscFunctionBegin;
  PetscCall(PetscFree3(l->lp, l->lm, l->sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzZOEstimate TzZODifference = {.setfromoptions = SetFromOptions, .setup = SetUp, .estimate = Estimate, .view = TzZOQueriesView, .destroy = Destroy};

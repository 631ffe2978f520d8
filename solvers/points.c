/*
  Estimate: a random part of the coordinates is drawn in every step; each of them moves by lr to the best of three points, theta and theta +- lr e_i
  (two-sided), or of two, all at once. The gradient is the moves times -1.
*/
#include <private/tzzoimpl.h>

typedef struct {
  PetscReal *lp, *lm; /* [queries] */
  PetscInt  *which;   /* [queries]: the coordinates of the step */
} Points;

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

static PetscErrorCode SetFromOptions(Tao tao, TzZOPhase *p, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(
    TzOptionsReal(TzZOOption(p, "sparsity"), "Part of the coordinates that a step moves (0 < p <= 1)", "TaoZOSetLoss", p->sparsity, &p->sparsity, NULL));
  PetscCheck(p->sparsity > 0 && p->sparsity <= 1, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT, "%s %g: must be above 0 and at most 1",
             TzZOOption(p, "sparsity"), (double)p->sparsity);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(Tao tao, TzZOPhase *phase)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  PetscInt  N, grid[2];
  Points   *p;
  TzQueries q;

  PetscFunctionBegin;
  PetscCall(TzLossGetNumParameters(zo->loss, &N));
  phase->queries = PetscMax(1, (PetscInt)(phase->sparsity * N));
  PetscCall(PetscNew(&p));
  PetscCall(PetscMalloc3(phase->queries, &p->lp, phase->queries, &p->lm, phase->queries, &p->which));
  phase->data = p;
  for (PetscInt k = 0; k < phase->queries; k++) p->which[k] = k;
  PetscCall(TzZOQueries(tao, phase, &q));
  q.which = p->which;
  PetscCall(TzLossGetPartition(zo->loss, &q, grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Estimate(Tao tao, TzZOPhase *phase, PetscReal *l0, PetscReal *norm)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  Points   *p  = (Points *)phase->data;
  PetscInt  i0, i1, N;
  PetscReal sum = 0;
  TzQueries q;

  PetscFunctionBegin;
  PetscCall(TzZOQueries(tao, phase, &q));
  q.which = p->which;
  q.mu    = zo->rate;
  PetscCall(VecGetSize(tao->solution, &N));
  PetscCall(VecGetOwnershipRange(tao->solution, &i0, &i1));
  PetscCall(Draw(&q, N, p->lp, p->which));
  PetscCall(TzLossEvaluate(zo->loss, zo->theta, &q, l0, p->lp, p->lm));
  PetscCall(PetscArrayzero(zo->g, i1 - i0));
  for (PetscInt k = 0; k < q.n; k++) {
    const PetscInt  i    = p->which[k];
    const PetscReal plus = p->lp[k], slope = (plus - *l0) / q.mu;
    PetscReal       down;

    sum += slope * slope;
    if (phase->twosided) down = plus < *l0 && plus <= p->lm[k] ? -1 : p->lm[k] < *l0 ? 1 : 0;
    else down = plus < *l0 ? -1 : 1;
    if (i >= i0 && i < i1) zo->g[i - i0] = down;
  }
  *norm = PetscSqrtReal(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View(Tao tao, const TzZOPhase *phase, PetscViewer viewer)
{
  PetscFunctionBegin;
  (void)tao;
  PetscCall(PetscViewerASCIIPrintf(viewer, "%" PetscInt_FMT " coordinates, ", phase->queries));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzZOPhase *phase)
{
  Points *p = (Points *)phase->data;

  PetscFunctionBegin;
  PetscCall(PetscFree3(p->lp, p->lm, p->which));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzZOEstimate TzZOPoints = {.setfromoptions = SetFromOptions, .setup = SetUp, .estimate = Estimate, .view = View, .destroy = Destroy};

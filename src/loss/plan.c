/*
  The partition of a call, chosen once for each shape of call, and the buffers of an evaluation.
*/
#include "plan.h"
#include <private/tzcosts.h>

PetscErrorCode TzBufferReserve(TzBuffer *b, PetscInt64 n, PetscReal **x)
{
  PetscFunctionBegin;
  if ((size_t)n > b->n || !b->x) {
    PetscCall(PetscFree(b->x));
    PetscCall(PetscMalloc1((size_t)n, &b->x));
    b->n = (size_t)n;
  }
  *x = b->x;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A parameter vector costs what forming, binding and the tables of its nodes take, whatever the number of samples (private/tzcosts.h). Where all
  coordinates are evaluated at once, the passes that they share over a block of samples cost about as much as the coordinates themselves.
*/
static TzWork Shape(TzLoss loss, const TzQueries *q, PetscBool structured)
{
  const PetscInt values = TzQueriesCount(q), blocks = (loss->nsamples + loss->blocksize - 1) / loss->blocksize;
  TzWork         work = {.outer = values, .inner = blocks, .nodeblocks = loss->nodeblocks, .partials = loss->blocksize * loss->partialsize};

  work.evaluation = (PetscReal)loss->blocksize * loss->forwards / loss->nodeblocks;
  work.shared     = TZ_COST_BIND_PARAMETER * loss->nparams + TZ_COST_BIND_NODE * (PetscReal)loss->forwards;
  if (structured) {
    work.outer      = blocks;
    work.inner      = q->n;
    work.nodeblocks = 1;
    work.evaluation = (PetscReal)loss->blocksize * (values / q->n);
    work.shared     = (PetscReal)loss->blocksize * values;
  }
  return work;
}

/* -tz_partition l,n holds for all calls but those for all coordinates at once, which have no blocks of nodes. Ranks beyond the work idle */
static PetscErrorCode ChooseGrid(TzLoss loss, const TzWork *work, PetscBool structured, PetscInt grid[2])
{
  MPI_Comm        comm = PetscObjectComm((PetscObject)loss);
  const PetscInt *g    = loss->grid;
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (g[0] && !structured) {
    PetscCall(PetscArraycpy(grid, g, 2));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TzPartitionChoose(work, size, grid);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of a finished item: the residuals of its block, the sides of its coordinate, or the sum of its terms */
static PetscInt Width(TzLoss loss, const TzQueries *q, PetscBool residuals, PetscBool structured)
{
  return (residuals ? loss->blocksize : 1) * (structured && q->twosided ? 2 : 1);
}

/* What a call of this shape allocates on every rank: a row of every item and, on several ranks, its sorted copy. Before anything is computed in PetscInt */
static PetscErrorCode CheckSize(TzLoss loss, const TzQueries *q, PetscBool residuals, PetscBool structured)
{
  MPI_Comm        comm   = PetscObjectComm((PetscObject)loss);
  const PetscReal values = (q->base ? 1. : 0.) + (PetscReal)q->n * (q->twosided ? 2 : 1), blocks = (loss->nsamples - 1) / loss->blocksize + 1.;
  const PetscReal numbers = values * blocks * (residuals ? loss->blocksize : 1);
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCheck(values * blocks < PETSC_MAX_INT && numbers < (size > 1 || residuals ? (PetscReal)PETSC_MPI_INT_MAX : PETSC_MAX_INT), comm, PETSC_ERR_USER_INPUT,
             "a step of %.0f queries%s of %" PetscInt_FMT " points (-zo_queries, -loss_points, -loss_batch): %.3g numbers; allowed: 2^31", (double)values,
             structured ? " (all coordinates)" : "", loss->nsamples, (double)numbers);
  PetscCall(TzMemoryCheck(comm, numbers * (size > 1 ? 3 : 1), "a step of %.0f queries of %" PetscInt_FMT " points (-zo_queries, -loss_points, -loss_batch)",
                          (double)values, loss->nsamples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PlanCreate(TzLoss loss, const TzQueries *q, PetscBool residuals, TzPlan *newplan)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);
  TzPlan      plan;
  PetscMPIInt rank, size, displ = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(CheckSize(loss, q, residuals, TzLossIsStructured(loss, q, residuals)));
  PetscCall(PetscNew(&plan));
  plan->structured = TzLossIsStructured(loss, q, residuals);
  plan->residuals  = residuals;
  plan->values     = TzQueriesCount(q);
  plan->width      = Width(loss, q, residuals, plan->structured);
  plan->work       = Shape(loss, q, plan->structured);
  PetscCall(ChooseGrid(loss, &plan->work, plan->structured, plan->grid));
  TzPartitionShare(&plan->work, plan->grid, rank, &plan->share);
  plan->round = TzPartitionRound(&plan->work, plan->grid);
  PetscCall(PetscMalloc3(size, &plan->count, size, &plan->displ, 4 * plan->grid[1], &plan->exchange));
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(PetscMPIIntCast((PetscInt64)TzPartitionCount(&plan->work, plan->grid, r) * plan->width, &plan->count[r]));
    plan->displ[r] = displ;
    PetscCall(PetscMPIIntCast((PetscInt64)displ + plan->count[r], &displ));
  }
  plan->nodes = MPI_COMM_NULL;
  if (plan->grid[1] > 1) {
    PetscBool idle = (PetscBool)(rank >= plan->grid[0] * plan->grid[1]);

    PetscCallMPI(MPI_Comm_split(comm, idle ? MPI_UNDEFINED : rank / (PetscMPIInt)plan->grid[1], rank, &plan->nodes));
  }
  *newplan = plan;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetPlan(TzLoss loss, const TzQueries *q, PetscBool residuals, TzPlan *plan)
{
  TzLossWork     *work       = (TzLossWork *)loss->work;
  const PetscBool structured = TzLossIsStructured(loss, q, residuals);

  PetscFunctionBegin;
  if (!work) {
    PetscCall(PetscNew(&work));
    loss->work = work;
  }
  for (TzPlan p = work->plans; p; p = p->next) {
    if (p->values == TzQueriesCount(q) && p->residuals == residuals && p->structured == structured && p->width == Width(loss, q, residuals, structured)) {
      *plan = p;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  PetscCall(PlanCreate(loss, q, residuals, plan));
  (*plan)->next = work->plans;
  work->plans   = *plan;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetPartition(TzLoss loss, const TzQueries *q, PetscInt grid[2])
{
  TzQueries sub = *q;
  TzPlan    plan;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  if (TzLossIsStructured(loss, q, PETSC_FALSE)) sub.base = PETSC_FALSE; /* evaluated apart */
  PetscCall(TzLossGetPlan(loss, &sub, PETSC_FALSE, &plan));
  PetscCall(PetscArraycpy(grid, plan->grid, 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossWorkView(TzLoss loss, PetscViewer viewer)
{
  TzLossWork *work = (TzLossWork *)loss->work;

  PetscFunctionBegin;
  for (TzPlan p = work ? work->plans : NULL; p; p = p->next) {
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "  a call of %" PetscInt_FMT " values%s: ranks over the line of %" PetscInt_FMT " items x blocks of nodes %" PetscInt_FMT
                                     " x %" PetscInt_FMT "\n",
                                     p->values, p->structured ? " (all coordinates at once)" : "", p->work.outer * p->work.inner, p->grid[0], p->grid[1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossWorkDestroy(TzLoss loss)
{
  TzLossWork *work = (TzLossWork *)loss->work;

  PetscFunctionBegin;
  if (!work) PetscFunctionReturn(PETSC_SUCCESS);
  for (TzPlan p = work->plans, next; p; p = next) {
    next = p->next;
    if (p->nodes != MPI_COMM_NULL) PetscCallMPI(MPI_Comm_free(&p->nodes));
    PetscCall(PetscFree3(p->count, p->displ, p->exchange));
    PetscCall(PetscFree(p));
  }
  TzBuffer *buffers[] = {&work->theta, &work->partial, &work->sum, &work->term, &work->send, &work->recv, &work->own, &work->all, &work->table};
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(buffers); i++) PetscCall(PetscFree(buffers[i]->x));
  PetscCall(PetscFree(loss->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The partition of a call, chosen once for each shape of call, and the buffers of an evaluation.
*/
#include "plan.h"

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

static TzWork Shape(TzLoss loss, const TzQueries *q, PetscBool structured)
{
  TzWork work =
    {.values = TzQueriesCount(q), .group = 1, .samples = loss->nsamples, .blocksize = loss->blocksize, .nodeblocks = 1, .partialsize = loss->partialsize};

  if (structured) { /* passes that all coordinates share cost about as much as the coordinates themselves */
    work.group      = q->twosided ? 2 : 1;
    work.evaluation = 1;
    work.shared     = (PetscReal)work.values;
  } else { /* forming and binding theta + mu xi: some operations a parameter, against a network evaluation of some 100 times as many */
    work.nodeblocks = loss->nodeblocks;
    work.evaluation = (PetscReal)loss->forwards / loss->nodeblocks;
    work.bind       = loss->nparams / 128.;
  }
  return work;
}

/* -tz_partition q,p,n holds for calls with queries whose values it does not exceed; a single loss value goes over the samples as best fits. */
static PetscErrorCode ChooseGrid(TzLoss loss, const TzQueries *q, const TzWork *work, PetscBool structured, PetscInt grid[3])
{
  MPI_Comm         comm = PetscObjectComm((PetscObject)loss);
  const PetscInt  *g    = loss->grid;
  const PetscInt64 most = (PetscInt64)(work->values / work->group) * TzPartitionBlocks(work) * work->nodeblocks;
  PetscMPIInt      size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (g[0] && q->n) {
    PetscCheck(g[0] <= work->values / work->group, comm, PETSC_ERR_USER_INPUT,
               "-tz_partition %" PetscInt_FMT ",%" PetscInt_FMT ",%" PetscInt_FMT ": a step has only %" PetscInt_FMT
               " loss values to share out; the first number must not be larger",
               g[0], g[1], g[2], work->values / work->group);
    if (!structured || g[2] == 1) {
      PetscCall(PetscArraycpy(grid, g, 3));
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  PetscCheck(!q->n || size <= most, comm, PETSC_ERR_USER_INPUT,
             "-tz_partition auto: %d ranks, but a step has only %" PetscInt64_FMT " pieces of work (%" PetscInt_FMT " loss values x %" PetscInt_FMT
             " blocks of samples x %" PetscInt_FMT " blocks of nodes); use at most that many ranks",
             size, most, work->values / work->group, TzPartitionBlocks(work), work->nodeblocks);
  TzPartitionChoose(work, size, grid);
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
  PetscCall(PetscNew(&plan));
  plan->structured = (PetscBool)(!residuals && TzLossIsStructured(loss, q));
  plan->residuals  = residuals;
  plan->width      = residuals ? loss->blocksize : 1;
  plan->work       = Shape(loss, q, plan->structured);
  PetscCall(ChooseGrid(loss, q, &plan->work, plan->structured, plan->grid));
  TzPartitionShare(&plan->work, plan->grid, rank, &plan->share);
  plan->round = TzPartitionRound(&plan->work, plan->grid);
  PetscCall(PetscMalloc3(size, &plan->count, size, &plan->displ, 4 * plan->grid[2], &plan->exchange));
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(PetscMPIIntCast((PetscInt64)TzPartitionCount(&plan->work, plan->grid, r) * plan->width, &plan->count[r]));
    plan->displ[r] = displ;
    PetscCall(PetscMPIIntCast((PetscInt64)displ + plan->count[r], &displ));
  }
  plan->nodes = MPI_COMM_NULL;
  if (plan->grid[2] > 1) {
    PetscBool idle = (PetscBool)(rank >= plan->grid[0] * plan->grid[1] * plan->grid[2]);

    PetscCallMPI(MPI_Comm_split(comm, idle ? MPI_UNDEFINED : rank / (PetscMPIInt)plan->grid[2], rank, &plan->nodes));
  }
  *newplan = plan;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetPlan(TzLoss loss, const TzQueries *q, PetscBool residuals, TzPlan *plan)
{
  TzLossWork     *work       = (TzLossWork *)loss->work;
  const PetscBool structured = (PetscBool)(!residuals && TzLossIsStructured(loss, q));

  PetscFunctionBegin;
  if (!work) {
    PetscCall(PetscNew(&work));
    loss->work = work;
  }
  for (TzPlan p = work->plans; p; p = p->next) {
    if (p->work.values == TzQueriesCount(q) && p->residuals == residuals && p->structured == structured) {
      *plan = p;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  PetscCall(PlanCreate(loss, q, residuals, plan));
  (*plan)->next = work->plans;
  work->plans   = *plan;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetPartition(TzLoss loss, const TzQueries *q, PetscInt grid[3])
{
  TzQueries sub = *q;
  TzPlan    plan;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  if (TzLossIsStructured(loss, q)) sub.base = PETSC_FALSE; /* evaluated apart */
  PetscCall(TzLossGetPlan(loss, &sub, PETSC_FALSE, &plan));
  PetscCall(PetscArraycpy(grid, plan->grid, 3));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossWorkView(TzLoss loss, PetscViewer viewer)
{
  TzLossWork *work = (TzLossWork *)loss->work;

  PetscFunctionBegin;
  for (TzPlan p = work ? work->plans : NULL; p; p = p->next) {
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "  a call of %" PetscInt_FMT " values%s: ranks over queries x samples x nodes %" PetscInt_FMT " x %" PetscInt_FMT
                                     " x %" PetscInt_FMT "\n",
                                     p->work.values, p->structured ? " (all coordinates at once)" : "", p->grid[0], p->grid[1], p->grid[2]));
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

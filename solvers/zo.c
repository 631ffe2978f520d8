/*
  What the zeroth-order TAO types share: options, set-up, view, state. Their phases: zosgd.c, zosign.c, zocge.c, zohybrid.c; the step: zostep.c.

  Steps are numbered from 0. The monitors run after each step: the iteration number is then the number of steps done, the solution that after
  the step, the objective that before it. TaoSolve() continues from the last step of the one before; TaoZOSetStep(tao, 0) starts anew.
*/
#include <private/tzzoimpl.h>

/* all types: a new one is one file and one row */
static const struct {
  const char *name;
  PetscErrorCode (*create)(Tao);
} TaoZOTable[] = {
  {TAOZOSGD, TaoCreate_ZOSGD},   {TAOZOSIGN, TaoCreate_ZOSign}, {TAOZOCGE, TaoCreate_ZOCGE}, {TAOZOHYBRID, TaoCreate_ZOHybrid},
  {TAOZOADAM, TaoCreate_ZOAdam}, {TAOZOGN, TaoCreate_ZOGN},     {TAOFLOPS, TaoCreate_FLOPS}, {TAOSTP, TaoCreate_STP},
  {TAOSZOSCD, TaoCreate_SZOSCD}, {TAOFGW, TaoCreate_FGW},       {TAOSGD, TaoCreate_SGD},     {TAOADAM, TaoCreate_Adam},
};

PetscErrorCode TaoZORegisterAll(void)
{
  PetscFunctionBegin;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(TaoZOTable); i++) PetscCall(TaoRegister(TaoZOTable[i].name, TaoZOTable[i].create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckPhase(MPI_Comm comm, const char prefix[], const TzZOPhase *p)
{
  PetscFunctionBegin;
  PetscCheck(p->estimate == TZ_ZO_EXACT || p->estimate == TZ_ZO_POINTS || (p->mu > 0 && p->mu <= PETSC_MAX_REAL), comm, PETSC_ERR_USER_INPUT,
             "%smu %g: must be positive", prefix, (double)p->mu);
  PetscCheck(p->lr > 0 && p->lr <= PETSC_MAX_REAL, comm, PETSC_ERR_USER_INPUT, "%slr %g: must be positive", prefix, (double)p->lr);
  PetscCheck(p->momentum >= 0 && p->momentum < 1, comm, PETSC_ERR_USER_INPUT, "%smomentum %g: must be at least 0 and below 1", prefix, (double)p->momentum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FirstPhaseFromOptions(TzZOPhase *p, MPI_Comm comm, TzOptionItems PetscOptionsObject)
{
  PetscInt direction = (PetscInt)p->direction;

  PetscFunctionBegin;
  if (p->estimate == TZ_ZO_POINTS) {
    PetscCall(TzOptionsReal("-zo_sparsity", "Part of the coordinates that a step moves (0 < p <= 1)", "TaoZOSetLoss", p->sparsity, &p->sparsity, NULL));
    PetscCheck(p->sparsity > 0 && p->sparsity <= 1, comm, PETSC_ERR_USER_INPUT, "-zo_sparsity %g: must be above 0 and at most 1", (double)p->sparsity);
  } else if (p->estimate != TZ_ZO_EXACT) {
    if (p->direction != TZ_DIRECTION_COORDINATE) {
      PetscCall(TzOptionsInt("-zo_queries", "Directions of a step (>= 1)", "TaoZOSetLoss", p->queries, &p->queries, NULL));
      PetscCheck(p->queries >= 1, comm, PETSC_ERR_USER_INPUT, "-zo_queries %" PetscInt_FMT ": must be at least 1", p->queries);
      PetscCall(TzOptionsEList("-zo_direction", "Distribution of the directions", "TzQueriesDirection", TzDirections, TZ_DIRECTION_COORDINATE,
                               TzDirections[p->direction], &direction, NULL));
      p->direction = (TzDirection)direction;
    }
    PetscCall(TzOptionsReal("-zo_mu", "Length of the differences, in units of the parameters (> 0)", "TaoZOSetLoss", p->mu, &p->mu, NULL));
    PetscCall(TzOptionsBool("-zo_two_sided", "Differences of theta + mu xi and theta - mu xi", "TaoZOSetLoss", p->twosided, &p->twosided, NULL));
  }
  PetscCall(TzOptionsReal("-zo_lr", "Learning rate (> 0)", "TaoZOSetLoss", p->lr, &p->lr, NULL));
  if (p->estimate != TZ_ZO_GAUSSNEWTON)
    PetscCall(TzOptionsReal("-zo_momentum", "Momentum of the gradient (0 <= beta < 1)", "TaoZOSetLoss", p->momentum, &p->momentum, NULL));
  if (p->beta2 > 0) {
    PetscCall(TzOptionsReal("-zo_beta2", "Adam: decay of the second moment (0 < beta2 < 1)", "TaoZOSetLoss", p->beta2, &p->beta2, NULL));
    PetscCheck(p->beta2 > 0 && p->beta2 < 1, comm, PETSC_ERR_USER_INPUT, "-zo_beta2 %g: must be above 0 and below 1", (double)p->beta2);
    PetscCall(TzOptionsReal("-zo_epsilon", "Adam: added to the root of the second moment (> 0)", "TaoZOSetLoss", p->epsilon, &p->epsilon, NULL));
    PetscCheck(p->epsilon > 0, comm, PETSC_ERR_USER_INPUT, "-zo_epsilon %g: must be positive", (double)p->epsilon);
  }
  PetscCall(CheckPhase(comm, "-zo_", p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SecondPhaseFromOptions(TAO_ZO *zo, MPI_Comm comm, TzOptionItems PetscOptionsObject)
{
  TzZOPhase *p = &zo->phase[1];

  PetscFunctionBegin;
  PetscCall(
    TzOptionsInt("-zo_patience", "Steps without improvement of the loss after which CGE begins (>= 1)", "TaoZOSetLoss", zo->patience, &zo->patience, NULL));
  PetscCheck(zo->patience >= 1, comm, PETSC_ERR_USER_INPUT, "-zo_patience %" PetscInt_FMT ": must be at least 1", zo->patience);
  PetscCall(
    TzOptionsInt("-zo_patience_window", "Steps over which the loss is averaged before it is compared (>= 1)", "TaoZOSetLoss", zo->window, &zo->window, NULL));
  PetscCheck(zo->window >= 1, comm, PETSC_ERR_USER_INPUT, "-zo_patience_window %" PetscInt_FMT ": must be at least 1", zo->window);
  PetscCall(
    TzOptionsReal("-zo_patience_tol", "Relative improvement of the loss that counts (0 <= e < 1)", "TaoZOSetLoss", zo->tolerance, &zo->tolerance, NULL));
  PetscCheck(zo->tolerance >= 0 && zo->tolerance < 1, comm, PETSC_ERR_USER_INPUT, "-zo_patience_tol %g: must be at least 0 and below 1", (double)zo->tolerance);
  p->mu       = zo->phase[0].mu;
  p->twosided = zo->phase[0].twosided;
  PetscCall(TzOptionsReal("-zo_cge_mu", "CGE: length of the differences (default -zo_mu)", "TaoZOSetLoss", p->mu, &p->mu, NULL));
  PetscCall(TzOptionsBool("-zo_cge_two_sided", "CGE: two-sided differences (default -zo_two_sided)", "TaoZOSetLoss", p->twosided, &p->twosided, NULL));
  PetscCall(TzOptionsReal("-zo_cge_lr", "CGE: learning rate (> 0)", "TaoZOSetLoss", p->lr, &p->lr, NULL));
  PetscCall(TzOptionsReal("-zo_cge_momentum", "CGE: momentum (0 <= beta < 1)", "TaoZOSetLoss", p->momentum, &p->momentum, NULL));
  PetscCall(CheckPhase(comm, "-zo_cge_", p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoSetFromOptions_ZO(Tao tao, TzOptionItems PetscOptionsObject)
{
  TAO_ZO  *zo   = (TAO_ZO *)tao->data;
  MPI_Comm comm = PetscObjectComm((PetscObject)tao);

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Zeroth-order optimisation");
  PetscCall(FirstPhaseFromOptions(&zo->phase[0], comm, PetscOptionsObject));
  zo->schedule.lr = zo->phase[0].lr;
  PetscCall(TzScheduleSetFromOptions(&zo->schedule, comm, PetscOptionsObject));
  if (zo->nphases > 1) PetscCall(SecondPhaseFromOptions(zo, comm, PetscOptionsObject));
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoSetUp_ZO(Tao tao)
{
  TAO_ZO         *zo   = (TAO_ZO *)tao->data;
  MPI_Comm        comm = PetscObjectComm((PetscObject)tao);
  const PetscInt *range;
  PetscInt        n, N, queries = 0, full = 0, grid[2];
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCall(PetscObjectQuery((PetscObject)tao, "TzLoss", (PetscObject *)&zo->loss));
  PetscCheck(zo->loss, comm, PETSC_ERR_ORDER, "TaoZOSetLoss() first");
  PetscCall(TzLossGetNumParameters(zo->loss, &n));
  PetscCall(VecGetSize(tao->solution, &N));
  PetscCheck(n == N, comm, PETSC_ERR_ARG_SIZ, "the solution has %" PetscInt_FMT " entries, the loss %" PetscInt_FMT " parameters", N, n);
  for (PetscInt p = 0; p < zo->nphases; p++) {
    TzQueries q;
    PetscInt  samples;

    PetscCall(TzLossGetNumSamples(zo->loss, &samples));
    if (zo->phase[p].estimate == TZ_ZO_EXACT) {
      full = PetscMax(full, N);
      continue;
    }
    if (zo->phase[p].estimate == TZ_ZO_POINTS) {
      zo->phase[p].queries = PetscMax(1, (PetscInt)(zo->phase[p].sparsity * n));
      PetscCall(PetscMalloc1(zo->phase[p].queries, &zo->which));
      for (PetscInt k = 0; k < zo->phase[p].queries; k++) zo->which[k] = k;
    } else if (zo->phase[p].direction == TZ_DIRECTION_COORDINATE) zo->phase[p].queries = n;
    q       = TzZOQueries(zo, &zo->phase[p]);
    queries = PetscMax(queries, q.n);
    if (zo->phase[p].estimate == TZ_ZO_GAUSSNEWTON) full = PetscMax(full, (1 + 2 * q.n) * samples);
    PetscCall(TzLossGetPartition(zo->loss, &q, grid)); /* a partition that does not fit is an error now, not after hours */
  }
  PetscCall(VecDuplicate(tao->solution, &zo->momentum));
  PetscCall(VecSet(zo->momentum, 0));
  if (zo->phase[0].beta2 > 0) {
    PetscCall(VecDuplicate(tao->solution, &zo->second));
    PetscCall(VecSet(zo->second, 0));
  }
  PetscCall(PetscMalloc1(full, &zo->full));
  PetscCall(VecDuplicate(tao->solution, &zo->previous));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(VecGetLocalSize(tao->solution, &n));
  PetscCall(VecGetOwnershipRanges(tao->solution, &range));
  PetscCall(PetscMalloc7(N, &zo->theta, queries, &zo->lp, queries, &zo->lm, n, &zo->g, n, &zo->xi, size, &zo->count, size, &zo->displ));
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(PetscMPIIntCast(range[r], &zo->displ[r]));
    PetscCall(PetscMPIIntCast(range[r + 1] - range[r], &zo->count[r]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoView_ZO(Tao tao, PetscViewer viewer)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  PetscBool ascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < zo->nphases; i++) {
    const TzZOPhase *p = &zo->phase[i];

    PetscCall(PetscViewerASCIIPrintf(viewer, "%s: ", p->name));
    PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
    if (p->estimate == TZ_ZO_POINTS) {
      PetscCall(PetscViewerASCIIPrintf(viewer, "%" PetscInt_FMT " coordinates, ", p->queries));
    } else if (p->estimate != TZ_ZO_EXACT) {
      if (p->direction != TZ_DIRECTION_COORDINATE)
        PetscCall(PetscViewerASCIIPrintf(viewer, "%" PetscInt_FMT " %s directions, ", p->queries, TzDirections[p->direction]));
      PetscCall(PetscViewerASCIIPrintf(viewer, "%s-sided differences of mu = %g, ", p->twosided ? "two" : "one", (double)p->mu));
    }
    PetscCall(PetscViewerASCIIPrintf(viewer, "learning rate %g, momentum %g\n", (double)p->lr, (double)p->momentum));
    PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  }
  if (zo->nphases > 1)
    PetscCall(PetscViewerASCIIPrintf(viewer, "patience %" PetscInt_FMT " steps, relative improvement %g\n", zo->patience, (double)zo->tolerance));
  PetscCall(PetscViewerASCIIPrintf(viewer, "learning rate schedule: %s; of the last step: %g\n", TzScheduleTypes[zo->schedule.type], (double)zo->rate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoDestroy_ZO(Tao tao)
{
  TAO_ZO *zo = (TAO_ZO *)tao->data;

  PetscFunctionBegin;
  PetscCall(VecDestroy(&zo->momentum));
  PetscCall(VecDestroy(&zo->second));
  PetscCall(PetscFree(zo->full));
  PetscCall(PetscFree(zo->which));
  PetscCall(VecDestroy(&zo->previous));
  PetscCall(PetscFree7(zo->theta, zo->lp, zo->lm, zo->g, zo->xi, zo->count, zo->displ));
  PetscCall(PetscFree(tao->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void ResetState(TAO_ZO *zo)
{
  zo->state.step = zo->state.phase = zo->state.stalled = zo->state.sum = zo->state.summed = 0;
  zo->state.best                                                                          = PETSC_MAX_REAL;
  zo->state.damping                                                                       = 1e-3;
}

PetscErrorCode TaoZOCreate(Tao tao, PetscInt nphases, const TzZOPhase phase[])
{
  TAO_ZO *zo = NULL;

  PetscFunctionBegin;
  PetscCall(PetscNew(&zo));
  tao->data   = zo;
  zo->nphases = nphases;
  for (PetscInt i = 0; i < nphases; i++) zo->phase[i] = phase[i];
  zo->patience  = 200;
  zo->window    = 1;
  zo->tolerance = 1e-3;
  zo->schedule  = (TzSchedule){.type = TZ_LR_CONSTANT, .lr = phase[0].lr, .factor = 0.5, .every = 1000};
  ResetState(zo);
  tao->ops->setup          = TaoSetUp_ZO;
  tao->ops->solve          = TaoSolve_ZO;
  tao->ops->view           = TaoView_ZO;
  tao->ops->setfromoptions = TaoSetFromOptions_ZO;
  tao->ops->destroy        = TaoDestroy_ZO;
  /* off, unless the user sets them: the norm of an estimate may be small, or 0, by chance */
  TzTaoTolerancesOff(tao);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetZO(Tao tao, TAO_ZO **zo)
{
  PetscFunctionBegin;
  PetscCheck(tao->ops->solve == TaoSolve_ZO, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_WRONG, "%s is not a zeroth-order solver",
             ((PetscObject)tao)->type_name ? ((PetscObject)tao)->type_name : "a Tao without type");
  *zo = (TAO_ZO *)tao->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TaoZOIs(Tao tao, PetscBool *is)
{
  PetscFunctionBegin;
  *is = (PetscBool)(tao->ops->solve == TaoSolve_ZO);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For TAO's own solvers: loss and exact gradient on the samples of step 0 */
static PetscErrorCode ObjectiveAndGradient(Tao tao, Vec x, PetscReal *f, Vec g, void *ctx)
{
  TzLoss           loss = (TzLoss)ctx;
  VecScatter       all;
  Vec              theta;
  PetscReal       *grad, *own;
  const PetscReal *array;
  PetscInt         N, i0, i1;

  PetscFunctionBegin;
  (void)tao;
  PetscCall(VecScatterCreateToAll(x, &all, &theta));
  PetscCall(VecScatterBegin(all, x, theta, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(all, x, theta, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetSize(x, &N));
  PetscCall(PetscMalloc1(N, &grad));
  PetscCall(VecGetArrayRead(theta, &array));
  PetscCall(TzLossSample(loss, 0));
  PetscCall(TzLossGradient(loss, array, f, grad));
  PetscCall(VecRestoreArrayRead(theta, &array));
  PetscCall(VecGetOwnershipRange(g, &i0, &i1));
  PetscCall(VecGetArrayWrite(g, &own));
  PetscCall(PetscArraycpy(own, grad + i0, i1 - i0));
  PetscCall(VecRestoreArrayWrite(g, &own));
  PetscCall(PetscFree(grad));
  PetscCall(VecScatterDestroy(&all));
  PetscCall(VecDestroy(&theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The loss stays with the Tao whatever type it has or gets */
PetscErrorCode TaoZOSetLoss(Tao tao, TzLoss loss)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectCompose((PetscObject)tao, "TzLoss", (PetscObject)loss));
  PetscCall(TaoSetObjectiveAndGradient(tao, NULL, ObjectiveAndGradient, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TaoZOGetState(Tao tao, TzZOState *state)
{
  TAO_ZO *zo = NULL;

  PetscFunctionBegin;
  PetscCall(GetZO(tao, &zo));
  PetscCall(TaoSetUp(tao));
  *state = (TzZOState){.nvec       = 1,
                       .vecname    = {"momentum"},
                       .vec        = {zo->momentum},
                       .nscalar    = 7,
                       .scalarname = {"step", "phase", "best_loss", "stalled", "window_sum", "window_steps", "damping"},
                       .scalar     = {&zo->state.step, &zo->state.phase, &zo->state.best, &zo->state.stalled, &zo->state.sum, &zo->state.summed,
                                      &zo->state.damping}};
  if (zo->second) {
    state->vecname[state->nvec] = "second_moment";
    state->vec[state->nvec++]   = zo->second;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the step done last, or, before the first, of the next */
PetscErrorCode TaoZOGetLearningRate(Tao tao, PetscReal *lr)
{
  TAO_ZO *zo = NULL;

  PetscFunctionBegin;
  PetscCall(GetZO(tao, &zo));
  *lr = zo->rate > 0 ? zo->rate : TzScheduleRate(&zo->schedule, zo->phase[(PetscInt)zo->state.phase].lr, (PetscInt)zo->state.step, tao->max_it);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Step 0 starts anew: without momentum, in the first phase */
PetscErrorCode TaoZOSetStep(Tao tao, PetscInt step)
{
  TAO_ZO *zo = NULL;

  PetscFunctionBegin;
  PetscCall(GetZO(tao, &zo));
  PetscCheck(step >= 0, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_OUTOFRANGE, "step %" PetscInt_FMT, step);
  if (!step) {
    ResetState(zo);
    if (zo->momentum) PetscCall(VecSet(zo->momentum, 0));
    if (zo->second) PetscCall(VecSet(zo->second, 0));
  }
  zo->state.step = step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

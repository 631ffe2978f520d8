/*
  The steps of a training run: what happens at every one (history, validation, progress, checkpoint) and at the end. What ends it: stop.c.
*/
#include "runimpl.h"
#include <petsctime.h>
#include <sys/resource.h>

#define TZ_SHORT 5 /* seconds: a validation that a run may still do after a signal */

static PetscErrorCode Seconds(TzRun run, PetscReal *seconds)
{
  PetscLogDouble t;

  PetscFunctionBegin;
  PetscCall(PetscTime(&t));
  *seconds = run->seconds0 + t - run->t0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the devices of all ranks have cost, over all runs: the columns of the history behind its first six; collective. *has: there are devices */
static const char *const CostNames[] = {"binds", "writes", "evaluations", "moved"};

static PetscErrorCode Costs(TzRun run, PetscBool *has, PetscReal costs[4])
{
  TzNetCosts here;

  PetscFunctionBegin;
  PetscCall(TzNetGetCosts(run->net, has, &here));
  if (!*has) PetscFunctionReturn(PETSC_SUCCESS);
  costs[0] = (PetscReal)here.binds;
  costs[1] = (PetscReal)here.writes;
  costs[2] = (PetscReal)here.forwards;
  costs[3] = (PetscReal)here.bytes;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, costs, 4, MPIU_REAL, MPI_SUM, PetscObjectComm((PetscObject)run)));
  for (int i = 0; i < 4; i++) costs[i] += run->costs0[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -log_view: what comes before the first step is in PETSc's main stage. As the class's events: again when PETSc begins again */
static PetscLogStage Training, Validation;

PetscErrorCode TzRunRegisterStages(void)
{
  PetscFunctionBegin;
  PetscCall(PetscLogStageRegister("Training", &Training));
  PetscCall(PetscLogStageRegister("Validation", &Validation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the regular validations, which do not depend on where a run was cut, the best one's parameters */
static PetscErrorCode KeepBest(TzRun run)
{
  const PetscReal figure = run->valid.value[0];
  const PetscBool more   = (PetscBool)(run->valid.n && !strcmp(run->valid.name[0], "accuracy")); /* is better */

  PetscFunctionBegin;
  if (!run->c.best.solution || run->c.step % run->o.validate || PetscIsInfOrNanReal(figure)) PetscFunctionReturn(PETSC_SUCCESS);
  if (run->c.best.step >= 0 && !(more ? figure > run->c.best.figure : figure < run->c.best.figure)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(run->x, run->c.best.solution));
  run->c.best.step   = run->c.step;
  run->c.best.figure = figure;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row of the table of validations, whose columns are step and the loss's own figures; none where a signal has cut it off */
static PetscErrorCode RecordValidation(TzRun run)
{
  TzTable       *table              = &run->c.validation;
  TzMetrics     *m                  = &run->valid, figures;
  const char    *name[TZ_TABLE_MAX] = {"step"};
  PetscReal      row[TZ_TABLE_MAX]  = {0};
  PetscBool      again              = PETSC_FALSE, givenup;
  PetscLogDouble t0, t1;

  PetscFunctionBegin;
  PetscCall(PetscTime(&t0));
  PetscCall(PetscLogStagePush(Validation));
  PetscCall(TzRunValidate(run, &figures));
  PetscCall(PetscLogStagePop());
  PetscCall(TzInterruptAgree(PetscObjectComm((PetscObject)run), &givenup));
  if (givenup) run->validtime = TZ_SHORT;
  if (givenup) PetscFunctionReturn(PETSC_SUCCESS);
  *m = figures;
  PetscCall(PetscTime(&t1));
  run->validtime = t1 - t0;
  run->validstep = run->c.step;
  PetscCall(KeepBest(run));
  for (PetscInt i = 0; i < m->n; i++) name[1 + i] = m->name[i];
  if (!table->ncol) PetscCall(TzTableCreate(m->n + 1, name, table));
  for (PetscInt c = 0; c < table->ncol; c++) {
    if (!strcmp(table->name[c], "step")) {
      row[c] = run->c.step;
      again  = (PetscBool)(table->n > 0 && table->col[c][table->n - 1] == row[c]);
    }
    for (PetscInt i = 0; i < m->n; i++) {
      if (!strcmp(table->name[c], m->name[i])) row[c] = m->value[i];
    }
  }
  /* a run that was over already is validated again for its last line, but has its row */
  if (!again) PetscCall(TzTableAppend(table, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Progress(TzRun run, PetscReal lr, PetscReal seconds)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)run);
  const PetscInt done = run->c.step - run->step0;
  PetscInt       max;
  PetscLogDouble now;

  PetscFunctionBegin;
  PetscCall(PetscTime(&now));
  if (run->o.quiet || now - run->tprint < run->o.progress) PetscFunctionReturn(PETSC_SUCCESS);
  run->tprint = now;
  PetscCall(TaoGetMaximumIterations(run->tao, &max));
  PetscCall(PetscPrintf(comm, "step %" PetscInt_FMT "/%" PetscInt_FMT "  loss %.4e", run->c.step, max, (double)run->f));
  if (run->valid.n) PetscCall(PetscPrintf(comm, "  %s %.4e", run->valid.name[0], (double)run->valid.value[0]));
  if (run->valid.n && run->validstep < run->c.step) PetscCall(PetscPrintf(comm, " (step %" PetscInt_FMT ")", run->validstep));
  PetscCall(PetscPrintf(comm, "  lr %.3e  queries %" PetscInt64_FMT "  forwards %.4g  elapsed %.0f s  left %.0f s\n", (double)lr, run->c.counts.queries,
                        (double)run->c.counts.forwards, (double)seconds, (now - run->t0) / PetscMax(done, 1) * PetscMax(max - run->c.step, 0)));
  fflush(stdout);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Writes the file; before the first time, a file of that name that is not of this run is kept. run->trouble: why that failed, or "" */
static PetscErrorCode Write(TzRun run)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)run);
  char     kept[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  if (!run->owns && !run->o.overwrite) {
    PetscCall(TzFileKeep(comm, "-tz_output", run->o.output, kept));
    if (kept[0]) PetscCall(PetscPrintf(comm, "%s was there already: kept as %s\n", run->o.output, kept));
  }
  PetscCall(TzCheckpointTryWrite(&run->c, run->o.output, sizeof(run->trouble), run->trouble));
  if (run->trouble[0]) PetscFunctionReturn(PETSC_SUCCESS);
  run->owns = PETSC_TRUE;
  run->kept = run->c.step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A checkpoint, but the file stays as it is where the parameters have become useless: the loss that is known is that of the step's
  start, so it is asked once more (not counted: the history must not depend on checkpoints; where a signal leaves no time, not at all).
  A disk may be full for a while: the first and the last checkpoint have to be written (`must`), others are tried again at the next.
*/
static PetscErrorCode Checkpoint(TzRun run, PetscBool must)
{
  MPI_Comm         comm = PetscObjectComm((PetscObject)run);
  const PetscReal *theta;
  PetscInt         n;
  PetscReal        l;
  PetscBool        givenup;

  PetscFunctionBegin;
  if (!strcmp(run->o.output, "none") || run->kept == run->c.step) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(TzLossFollow(run->loss, theta));
  PetscCall(TzLossSample(run->loss, run->c.step));
  PetscCall(TzLossObjective(run->loss, theta, &l));
  PetscCall(TzLossSetCounts(run->loss, &run->c.counts));
  PetscCall(TzInterruptAgree(comm, &givenup));
  if (PetscIsInfOrNanReal(l) && !givenup) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Write(run));
  PetscCheck(!run->trouble[0] || !must, comm, PETSC_ERR_FILE_WRITE, "-tz_output %s: %s", run->o.output, run->trouble);
  if (run->trouble[0])
    PetscCall(PetscFPrintf(comm, stderr, "tenzo: warning: step %" PetscInt_FMT ": -tz_output %s: %s; it is tried again at the next checkpoint\n", run->c.step,
                           run->o.output, run->trouble));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called by the solver after every step, while the solution is locked (PETSc 3.20 and later) */
static PetscErrorCode Monitor(Tao tao, void *ctx)
{
  TzRun     run = (TzRun)ctx;
  PetscReal lr  = 0, seconds, row[10];
  PetscInt  step;
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(TaoGetSolutionStatus(tao, &step, &run->f, NULL, NULL, NULL, NULL));
  if (step <= run->c.step) PetscFunctionReturn(PETSC_SUCCESS); /* solvers with a line search report step 0 first */
  run->c.step = step;
  run->moved  = PETSC_TRUE;
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  if (run->ours) PetscCall(TaoZOGetLearningRate(tao, &lr));
  PetscCall(Seconds(run, &seconds));
  PetscCall(PetscArraycpy(row, ((PetscReal[]){step, run->f, lr, (PetscReal)run->c.counts.queries, (PetscReal)run->c.counts.forwards, seconds}), 6));
  PetscCall(Costs(run, &has, row + 6));
  PetscCall(TzTableAppend(&run->c.history, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What follows a step: that of the ranks' prior, the validation of what is then there */
static PetscErrorCode AfterStep(TzRun run)
{
  PetscReal *const *col = run->c.history.col;
  const PetscInt    i   = run->c.history.n - 1;

  PetscFunctionBegin;
  if (!run->moved) PetscFunctionReturn(PETSC_SUCCESS);
  run->moved = PETSC_FALSE;
  PetscCall(TzRunShrink(run, col[2][i]));
  if (run->o.validate && run->c.step % run->o.validate == 0) PetscCall(RecordValidation(run));
  PetscCall(TzRunMonitorsShow(run));
  PetscCall(Progress(run, col[2][i], col[5][i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called by the solver after the monitors: whether to go on */
static PetscErrorCode Converged(Tao tao, void *ctx)
{
  TzRun              run = (TzRun)ctx;
  TaoConvergedReason reason;

  PetscFunctionBegin;
  PetscCall(AfterStep(run));
  PetscCall(TzRunStops(run, &run->stop));
  if (run->stop) PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  else PetscCall(TaoDefaultConvergenceTest(tao, NULL));
  PetscCall(TzRunPlanResize(run));
  if (run->bonds) { /* then the checkpoint comes after it: SolveOn() */
    PetscCall(TaoGetConvergedReason(tao, &reason));
    run->more = (PetscBool)(reason == TAO_CONTINUE_ITERATING);
    if (run->more) PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (run->o.checkpoint && run->c.step > run->step0 && run->c.step % run->o.checkpoint == 0) PetscCall(Checkpoint(run, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last run ended with a validation that the whole run would not have had: k + k steps are 2k steps */
static void DropLastValidation(TzRun run)
{
  TzTable *v = &run->c.validation;

  for (PetscInt c = 0; c < v->ncol && v->n; c++) {
    if (strcmp(v->name[c], "step")) continue;
    if (!run->o.validate || (PetscInt)v->col[c][v->n - 1] % run->o.validate) v->n--;
    break;
  }
}

PetscErrorCode TzRunAttachSolver(TzRun run)
{
  PetscFunctionBegin;
  PetscCall(VecScatterCreateToAll(run->x, &run->all, &run->theta));
  run->c.solution = run->x;
  run->c.loss     = run->loss;
  PetscCall(TaoSetUp(run->tao));
  PetscCall(TaoZOIs(run->tao, &run->ours));
  if (run->ours) PetscCall(TaoZOGetState(run->tao, &run->c.solver));
  PetscCall(TaoMonitorSet(run->tao, Monitor, run, NULL));
  PetscCall(TaoSetConvergenceTest(run->tao, Converged, run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The options that are not those of the file: a new segment of the run, told and kept. With another solver the state of the old one means nothing */
static PetscErrorCode BeginSegment(TzRun run)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)run);
  char    *save = NULL, name[256], before[512], after[512];
  size_t   size;

  PetscFunctionBegin;
  for (char *line = strtok_r(run->changes, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
    char *old = run->c.segments;

    if (sscanf(line, "%255s %511s %511s", name, before, after) != 3) continue;
    PetscCall(PetscPrintf(comm, "from step %" PetscInt_FMT " on: %s %s (%s before)\n", run->c.step, name, after, before));
    size = (old ? strlen(old) : 0) + strlen(line) + 32;
    PetscCall(PetscMalloc1(size, &run->c.segments));
    PetscCall(PetscSNPrintf(run->c.segments, size, "%s%" PetscInt_FMT " %s\n", old ? old : "", run->c.step, line));
    PetscCall(PetscFree(old));
  }
  if (run->c.anew) PetscCall(PetscPrintf(comm, "another solver: its state (momentum, phase) starts anew\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunSetUpSolve(TzRun run)
{
  const char *history[10] = {"step", "loss", "lr", "queries", "forwards", "seconds"};
  const char *impossible;
  TzNetCosts  costs;
  PetscBool   has;

  PetscFunctionBegin;
  PetscCall(TzNetGetCosts(run->net, &has, &costs));
  PetscCall(PetscArraycpy(history + 6, CostNames, 4));
  PetscCall(TzTableCreate(has ? 10 : 6, history, &run->c.history));
  run->c.problem = ((PetscObject)run)->type_name;
  run->c.seed    = run->seed;
  run->c.network = run->net;
  PetscCall(TzRunAttachSolver(run));
  if (strcmp(run->o.output, "none") && !TzOptionsHelpWanted()) PetscCall(TzLossGetRegion(run->loss, &run->c.region));
  PetscCheck(run->ours || !run->adaptive.on, PetscObjectComm((PetscObject)run), PETSC_ERR_USER_INPUT,
             "-net_tt_rank auto: a solver of TAO's own cannot lose parameters; use one of Tenzo's");
  PetscCheck(run->o.keep == TZ_KEEP_LAST || !run->adaptive.on, PetscObjectComm((PetscObject)run), PETSC_ERR_USER_INPUT,
             "-tz_keep and -net_tt_rank auto: parameters of several sizes cannot be kept; give only one of them");
  if (run->o.keep != TZ_KEEP_LAST) PetscCall(VecDuplicate(run->x, &run->c.best.solution));
  run->c.best.step = -1;
  if (!run->from) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(run->ours, PetscObjectComm((PetscObject)run), PETSC_ERR_USER_INPUT,
             "-tz_resume %s: a solver of TAO's own keeps no state to go on from; use one of Tenzo's", run->file);
  run->c.anew = (PetscBool)(run->changes && (strstr(run->changes, "-tao_type ") || strstr(run->changes, "-zo_phase1 ") || strstr(run->changes, "-zo_phase2 ")));
  PetscCall(TzCheckpointRestore(&run->c, run->from, run->file));
  PetscCall(TaoZOCheckState(run->tao, &impossible));
  PetscCheck(!impossible, PetscObjectComm((PetscObject)run), PETSC_ERR_FILE_UNEXPECTED, "-tz_resume %s: /solver/%s is out of its range", run->file, impossible);
  PetscCall(TzLossSetCounts(run->loss, &run->c.counts));
  if (run->c.anew) PetscCall(TaoZOStartAt(run->tao, run->c.step));
  else PetscCall(TaoZOSetStep(run->tao, run->c.step));
  if (run->changes) PetscCall(BeginSegment(run));
  run->step0 = run->c.step;
  DropLastValidation(run);
  run->owns = (PetscBool)!strcmp(run->file, run->o.output);
  if (run->owns) run->kept = run->c.step;
  if (run->c.history.n) run->seconds0 = run->c.history.col[5][run->c.history.n - 1];
  for (int i = 0; i < 4 && has && run->c.history.n; i++) run->costs0[i] = run->c.history.col[6 + i][run->c.history.n - 1];
  if (run->c.history.n) run->f = run->c.history.col[1][run->c.history.n - 1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -tao_test_gradient: TAO's own solvers test the exact gradient whenever they ask for it; for those of Tenzo it is tested once, at the start. */
static PetscErrorCode TestGradient(TzRun run)
{
  PetscBool wanted;
  Vec       g;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tao_test_gradient", &wanted));
  if (!wanted || !run->ours) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  PetscCall(VecDuplicate(run->x, &g));
  PetscCall(TaoComputeGradient(run->tao, run->x, g));
  PetscCall(VecDestroy(&g));
  PetscCall(TzLossSetCounts(run->loss, &run->c.counts)); /* the history must not depend on the test */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintResult(TzRun run)
{
  const MPI_Comm   comm = PetscObjectComm((PetscObject)run);
  const PetscReal *theta;
  PetscReal        seconds;
  PetscInt         n;
  PetscMPIInt      size;
  struct rusage    usage;
  double           rss;
  PetscReal        costs[4];
  PetscBool        has;
  char             sum[32];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  getrusage(RUSAGE_SELF, &usage);
  rss = (double)usage.ru_maxrss / 1024;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &rss, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscCall(Seconds(run, &seconds));
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(Costs(run, &has, costs));
  PetscCall(PetscSNPrintf(sum, sizeof(sum), "%016llx", (unsigned long long)TzChecksum(n, theta)));
  PetscCall(PetscPrintf(comm, "RESULT"));
  for (PetscInt i = 0; i < run->valid.n && run->validstep == run->c.step; i++)
    PetscCall(PetscPrintf(comm, " %s=%.9g", run->valid.name[i], (double)run->valid.value[i]));
  PetscCall(PetscPrintf(comm, " loss=%.9g steps=%" PetscInt_FMT " queries=%" PetscInt64_FMT " forwards=%" PetscInt64_FMT " reason=%s", (double)run->f,
                        run->c.step, run->c.counts.queries, run->c.counts.forwards, TzRunReason(run)));
  for (int i = 0; i < 4 && has; i++) PetscCall(PetscPrintf(comm, " %s=%.0f", CostNames[i], (double)costs[i]));
  PetscCall(PetscPrintf(comm, " seconds=%.3f rss_mib=%.1f ranks=%d theta=%s\n", (double)seconds, rss, size, sum));
  PetscCall(TzRunSummary(run, seconds, rss, sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FinishDiverged(TzRun run)
{
  char kept[64] = "no file";

  PetscFunctionBegin;
  if (run->kept >= 0) PetscCall(PetscSNPrintf(kept, sizeof(kept), "the file keeps step %" PetscInt_FMT, run->kept));
  PetscCall(PetscFPrintf(PetscObjectComm((PetscObject)run), stderr,
                         "tenzo: error: step %" PetscInt_FMT ": the loss is not finite any more (a smaller -zo_lr may help); %s\n", run->c.step + 1, kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SayHowToGoOn(TzRun run)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)run);

  PetscFunctionBegin;
  PetscCall(PetscPrintf(comm, "stopped by %s after step %" PetscInt_FMT "; ", run->stop == TZ_STOP_SIGNAL ? "a signal" : "the time limit", run->c.step));
  if (!strcmp(run->o.output, "none")) PetscCall(PetscPrintf(comm, "with -tz_output none nothing is kept\n"));
  else PetscCall(PetscPrintf(comm, "go on with -tz_resume %s\n", run->o.output));
  fflush(stdout);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The end: last checkpoint, last validation, last line, exit code. The checkpoint comes first: whoever sent a signal may not wait for a validation. If it
  cannot be written, the result is told, and then the error.
*/
static PetscErrorCode Finish(TzRun run, int *code)
{
  const PetscBool early = (PetscBool)(run->stop == TZ_STOP_SIGNAL || run->stop == TZ_STOP_TIME);
  const PetscInt  n     = run->c.validation.n;

  PetscFunctionBegin;
  run->c.reason = TzRunReason(run);
  if (!strcmp(run->c.reason, "nan")) {
    PetscCall(FinishDiverged(run));
    *code = TZ_EXIT_DIVERGED;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (run->kept == run->c.step && run->c.step > run->step0) run->kept = -1; /* once more, with the reason */
  PetscCall(Checkpoint(run, PETSC_FALSE));
  if (early && !run->trouble[0]) PetscCall(SayHowToGoOn(run));
  PetscCall(TzInterruptPatience(run->validtime > 0 ? TZ_SHORT : 1));
  if (run->validstep != run->c.step && (!early || run->validtime < TZ_SHORT)) PetscCall(RecordValidation(run));
  if (run->c.validation.n > n && run->kept == run->c.step) PetscCall(Write(run));
  PetscCall(PrintResult(run));
  PetscCheck(!run->trouble[0], PetscObjectComm((PetscObject)run), PETSC_ERR_FILE_WRITE, "-tz_output %s: %s", run->o.output, run->trouble);
  *code = early ? TZ_EXIT_STOPPED : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All steps: one call of the solver, and one more whenever the network has lost parameters */
static PetscErrorCode SolveOn(TzRun run)
{
  TaoConvergedReason reason;

  PetscFunctionBegin;
  do {
    run->more = PETSC_FALSE;
    PetscCall(PetscLogStagePush(Training));
    PetscCall(TaoSolve(run->tao));
    PetscCall(PetscLogStagePop());
    PetscCall(TaoGetConvergedReason(run->tao, &reason));
    if (reason == TAO_CONVERGED_USER && !run->stop && !run->bonds) PetscCall(TzRunStops(run, &run->stop)); /* a signal within a step, which was given up */
    if (!run->bonds) break;
    PetscCall(TzRunResize(run));
    if (run->o.checkpoint && run->c.step % run->o.checkpoint == 0) PetscCall(Checkpoint(run, PETSC_FALSE));
  } while (run->more);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunSolve(TzRun run, int *code)
{
  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzRunSetUp(run));
  if (TzOptionsHelpWanted()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzRunMonitorsCreate(run));
  PetscCall(PetscTime(&run->t0));
  run->tprint = run->t0;
  if (!run->step0 && !run->c.validation.n && run->o.validate) PetscCall(RecordValidation(run));
  if (run->o.checkpoint) PetscCall(Checkpoint(run, PETSC_TRUE)); /* so that a file that cannot be written is noticed now */
  PetscCall(TestGradient(run));
  PetscCall(TzRunStops(run, &run->stop)); /* a signal during set-up */
  if (!run->stop) PetscCall(SolveOn(run));
  PetscCall(Finish(run, code));
  PetscCall(TzRunMonitorsEnd(run));
  PetscCall(TzInterruptListenEnd());
  PetscFunctionReturn(PETSC_SUCCESS);
}
